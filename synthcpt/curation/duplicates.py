"""Exact duplicates among all texts, near-duplicates among those that were asked for alike.

Near-duplicates are looked for among the texts of one source document, method and step only, and never by meaning:
rewrites of one passage are what the corpus is for. Texts with other numbers, or of which another part is learnt, tell
other things and are none. The first of several stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from synthcpt.curation.minhash import Banding, similarity
from synthcpt.curation.reading import Inputs
from synthcpt.curation.scan import Table, Tell
from synthcpt.curation.words import Hashes, WordHasher, mixed, words_of

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


def exact_duplicates(table: Table, candidates: Truths) -> Iterator[tuple[int, int]]:
    """(row, the first row of the same text) for every text but the first."""
    rows = np.flatnonzero(candidates)
    rows = rows[np.lexsort((rows, table.second[rows], table.first[rows]))]
    same = (table.first[rows[1:]] == table.first[rows[:-1]]) & (table.second[rows[1:]] == table.second[rows[:-1]])
    first = 0
    for at in (np.flatnonzero(same) + 1).tolist():
        if at < 2 or not same[at - 2]:
            first = int(rows[at - 1])
        yield int(rows[at]), first


class _Content(NamedTuple):
    """What is compared of a text: its shingles, those of the part that carries loss, and its numbers."""

    shingles: Hashes
    learnt: Hashes
    numbers: frozenset[str]

    def likeness(self, other: _Content, threshold: float) -> float | None:
        """Their Jaccard similarity, if they are near-duplicates."""
        if self.numbers != other.numbers:
            return None
        share = similarity(self.shingles, other.shingles)
        alike = share >= threshold and (
            self.learnt is other.learnt or similarity(self.learnt, other.learnt) >= threshold
        )
        return share if alike else None


_WHOLE: Hashes = np.zeros(0, dtype=np.uint64)
"""Stands for the learnt part where all of the text is learnt."""


class NearDuplicates:
    """The second reading: only texts whose signatures agree somewhere are read, and compared shingle by shingle.

    A text's shingles are held until the last text that may be like it was read. Where the texts of a document lie
    together, as in a run, that is soon.

    Args:
        table: of the first reading.
        banding: that signed it.
        threshold: the least Jaccard similarity of near-duplicates.
    """

    def __init__(self, table: Table, banding: Banding, threshold: float) -> None:
        self._table, self._banding, self._threshold = table, banding, threshold
        self._last = np.full(len(table.ids), -1, dtype=np.int64)

    def find(self, inputs: Inputs, candidates: Truths, tell: Tell) -> Iterator[tuple[int, int, float]]:
        """(row, the kept row that it repeats, their similarity), in the rows' order."""
        for band in range(self._banding.bands):
            self._look_at(band, np.flatnonzero(candidates))
            tell("comparing signatures", band + 1, self._banding.bands)
        hasher = WordHasher()
        kept: dict[int, _Content] = {}
        buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
        leaving: dict[int, list[int]] = defaultdict(list)
        closing: dict[int, list[tuple[int, int]]] = defaultdict(list)
        wanted = self._last >= 0
        total = int(wanted.sum())
        for done, (row, text, spans) in enumerate(inputs.texts_of(wanted), start=1):
            content = self._content(hasher, text, spans)
            keys = list(self._keys(row))
            earlier = sorted({other for key in keys for other in buckets.get(key, ())})
            found = next(self._alike(content, earlier, kept), None)
            if found is not None:
                yield row, *found
            elif self._last[row] > row:
                kept[row] = content
                leaving[int(self._last[row])].append(row)
                for key in keys:
                    if key not in buckets:
                        closing[int(self._last[row])].append(key)
                    buckets[key].append(row)
            for gone in leaving.pop(row, ()):
                del kept[gone]
            for key in closing.pop(row, ()):
                buckets.pop(key, None)
            tell("comparing texts", done, total)

    def _look_at(self, band: int, rows: Ints) -> None:
        """Note which rows agree with another one in this band."""
        keys = self._hashed(band, rows)
        order = np.argsort(keys, kind="stable")
        sorted_keys, sorted_rows = keys[order], rows[order]
        new = np.r_[True, sorted_keys[1:] != sorted_keys[:-1]] if len(rows) else np.zeros(0, dtype=np.bool_)
        starts = np.flatnonzero(new)
        sizes = np.diff(np.r_[starts, len(rows)])
        last = np.repeat(sorted_rows[starts + sizes - 1], sizes) if len(rows) else sorted_rows
        several = np.repeat(sizes, sizes) > 1
        chosen = sorted_rows[several]
        self._last[chosen] = np.maximum(self._last[chosen], last[several])

    def _hashed(self, band: int, rows: Ints) -> Hashes:
        return mixed(self._table.groups[rows] + self._table.bands[rows, band])

    def _keys(self, row: int) -> Iterator[tuple[int, int]]:
        group = int(self._table.groups[row])
        for band, number in enumerate(self._table.bands[row].tolist()):
            yield band, (group + number) & (2**64 - 1)

    def _content(self, hasher: WordHasher, text: str, spans: Sequence[Sequence[int]]) -> _Content:
        numbers = frozenset(word for word in words_of(text) if any(map(str.isdigit, word)))
        learnt = " ".join(text[start:end] for start, end in spans or ())
        part = self._banding.shingles(hasher.hashes(learnt)) if spans else _WHOLE
        return _Content(self._banding.shingles(hasher.hashes(text)), part, numbers)

    def _alike(
        self, content: _Content, earlier: list[int], kept: Mapping[int, _Content]
    ) -> Iterator[tuple[int, float]]:
        for other in earlier:
            share = content.likeness(kept[other], self._threshold)
            if share is not None:
                yield other, share
