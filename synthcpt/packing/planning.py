"""Makes the plan: draws the mixture, cuts it into passes, packs each into windows, and keeps rewrites apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthcpt.errors import ConfigError, near_match
from synthcpt.packing.mixture import Amounts, Drawn, mix
from synthcpt.packing.plan import Packing, Plan
from synthcpt.packing.readers import Part, Reader, generator
from synthcpt.packing.spread import colliding, spread
from synthcpt.packing.store import TokenStore
from synthcpt.packing.windows import best_fit, concatenated, cut_into_pieces

Ints = npt.NDArray[np.integer[Any]]


def make_plan(parts: Sequence[Part], amounts: Amounts, packing: Packing) -> Plan:
    """Decide what every step reads.

    Raises:
        ConfigError: an empty mix, a phase or a source that does not fit; see `mixture.mix`.
    """
    grouped = packing.order == "grouped"
    _check_curriculum(parts, packing.curriculum)
    readers = [Reader(part, packing.seed, amounts.heldout, grouped=grouped, slice=amounts.slice) for part in parts]
    drawn = mix(parts, readers, amounts)
    stores = _Stores(parts)
    windows = _Windows(stores, packing)
    for phase in amounts.phases:
        windows.add(phase.name, drawn.pop(0))  # a phase's texts take memory
    columns = {name: np.concatenate([table[name] for table in windows.pieces]) for name in _PIECE.names or ()}
    window_offsets = np.concatenate(windows.offsets)
    window_tokens = np.add.reduceat(columns["length"], window_offsets[:-1], dtype=np.int64)
    step_tokens = np.cumsum(np.add.reduceat(window_tokens, np.arange(0, len(window_tokens), packing.batch_windows)))
    held = [(stores.index(i, 0), reader.heldout) for i, reader in enumerate(readers) if len(reader.heldout)]
    meta = {
        "packing": asdict(packing),
        "amounts": asdict(amounts),
        "phases": windows.phases,
        "parts": [
            {"name": part.name, "role": part.role, "tokens": part.store(0).tokens, "tokens_read": reader.tokens_taken,
             "passes": reader.tokens_taken / max(1, reader.tokens)}
            for part, reader in zip(parts, readers, strict=True)
        ],
        "stores": [{"part": part, "epoch": epoch} for part, epoch in stores.keys],
        "collision_rate": windows.collided / len(columns["text"]),
    }  # fmt: skip
    return Plan(
        meta, tuple(part for part, _ in stores.keys), tuple(stores.stores),
        columns["store"], columns["text"], columns["start"], columns["length"], window_offsets, step_tokens,
        np.concatenate([np.zeros(0, dtype=np.int16), *(np.full(len(texts), i, dtype=np.int16) for i, texts in held)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(texts for _, texts in held)]),
    )  # fmt: skip


_PIECE = np.dtype([("store", np.int16), ("text", np.int64), ("start", np.int32), ("length", np.int32)])


class _Windows:
    """The windows of all phases, as they are packed.

    Attributes:
        pieces: one table a segment, in reading order.
        offsets: where each window begins among all pieces, and the end; one array a segment.
        phases: name, first window and tokens of each.
        collided: how many pieces share a window with another of the same source document.
    """

    def __init__(self, stores: _Stores, packing: Packing) -> None:
        self.pieces: list[npt.NDArray[Any]] = []
        self.offsets: list[Ints] = [np.zeros(1, dtype=np.int64)]
        self.phases: list[dict[str, Any]] = []
        self.collided = 0
        self._stores, self._packing = stores, packing
        self._windows = 0

    def add(self, name: str, texts: Drawn) -> None:
        """Pack the texts of a phase."""
        self.phases.append({"name": name, "window": self._windows, "tokens": int(texts.length.sum(dtype=np.int64))})
        for number, segment in enumerate(_segments(texts, self._stores, self._packing.curriculum)):
            rng = generator(self._packing.seed, "windows", name, str(len(self.phases)), str(number))
            table, offsets = _pack(segment, self._stores, self._packing, rng)
            self.collided += _collisions(table, offsets, self._stores)
            self.pieces.append(table)
            self.offsets.append(offsets[1:] + self.offsets[-1][-1])
            self._windows += len(offsets) - 1


class _Stores:
    """The stores of a plan: one or more of every source, read or not, so that the audit misses none."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self.keys: list[tuple[int, int]] = []
        self.stores: list[TokenStore] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._documents: dict[int, npt.NDArray[np.int32]] = {}
        for part in range(len(parts)):
            self.index(part, 0)

    def index(self, part: int, epoch: int) -> int:
        """The number of a source's store for an epoch; stores shared by several epochs have one."""
        if (part, epoch) not in self._numbers:
            store = self._parts[part].store(epoch)
            known = [i for i, other in enumerate(self.stores) if other.path == store.path and self.keys[i][0] == part]
            self._numbers[part, epoch] = known[0] if known else len(self.stores)
            if not known:
                self.keys.append((part, epoch))
                self.stores.append(store)
        return self._numbers[part, epoch]

    def indices(self, texts: Drawn) -> npt.NDArray[np.int16]:
        """The store of each text."""
        epochs = int(texts.epoch.max(initial=0)) + 1
        numbers = np.zeros(len(self._parts) * epochs, dtype=np.int16)
        keys = texts.part.astype(np.int32) * epochs + texts.epoch
        for key in np.flatnonzero(np.bincount(keys)):
            numbers[key] = self.index(int(key) // epochs, int(key) % epochs)
        found: npt.NDArray[np.int16] = numbers[keys]
        return found

    def documents(self, store: npt.NDArray[np.int16], text: Ints) -> npt.NDArray[np.int32]:
        """The source document of each text, by the first 31 bits of its hash; -1 for none.

        Two documents of one number would be kept apart like one, which does no harm.
        """
        found = np.empty(len(text), dtype=np.int32)
        for number in map(int, np.flatnonzero(np.bincount(store))):
            if number not in self._documents:
                self._documents[number] = _document_numbers(self.stores[number])
            here = store == number
            found[here] = self._documents[number][text[here]]
        return found


def _document_numbers(store: TokenStore) -> npt.NDArray[np.int32]:
    has_one = store.group_offsets[1:] > store.group_offsets[:-1]
    numbers = np.full(store.texts, -1, dtype=np.int32)
    numbers[has_one] = store.groups[store.group_offsets[:-1][has_one]] >> np.uint64(33)
    return numbers


@dataclass(frozen=True, slots=True)
class _Segment:
    """Texts that are packed together: the store of each, its index there, its tokens."""

    store: npt.NDArray[np.int16]
    text: Ints
    length: Ints

    def of(self, which: slice | npt.NDArray[np.bool_]) -> _Segment:
        """Some of them."""
        return _Segment(self.store[which], self.text[which], self.length[which])


def _segments(texts: Drawn, stores: _Stores, curriculum: Sequence[str]) -> Iterator[_Segment]:
    """A phase cut into passes, and each pass by the curriculum; every segment is packed by itself.

    So no text is met again before all others were, and what a curriculum puts first is read first.
    """
    whole = _Segment(stores.indices(texts), texts.text, texts.length)
    cuts = np.flatnonzero(np.diff(texts.turn)) + 1
    for low, high in itertools.pairwise([0, *cuts, len(whole.text)]):
        segment = whole.of(slice(low, high))
        if not curriculum:
            yield from [segment] if high > low else []
            continue
        ranks = _ranks(segment, stores, curriculum)
        for rank in np.unique(ranks):
            yield segment.of(ranks == rank)


def _ranks(segment: _Segment, stores: _Stores, curriculum: Sequence[str]) -> Ints:
    """The place of each text's step in the curriculum; those it does not name come last."""
    ranks = np.full(len(segment.text), len(curriculum), dtype=np.int64)
    for number in np.unique(segment.store):
        store = stores.stores[number]
        names = list(store.meta["steps"])
        by_step = np.array([curriculum.index(name) if name in curriculum else len(curriculum) for name in names])
        here = segment.store == number
        ranks[here] = by_step[store.steps[segment.text[here]]]
    return ranks


def _check_curriculum(parts: Sequence[Part], curriculum: Sequence[str]) -> None:
    """Refuse a step that made no text of any source: it would order nothing.

    Raises:
        ConfigError: with the steps there are.
    """
    known = sorted({name for part in parts for name in part.store(0).meta["steps"] if name}) if curriculum else []
    for name in curriculum:
        if name not in known:
            raise ConfigError(
                f"The curriculum names {name!r}, but no text was made by such a step. {near_match(name, known)}"
            )


def _pack(
    segment: _Segment, stores: _Stores, packing: Packing, rng: np.random.Generator
) -> tuple[npt.NDArray[Any], Ints]:
    """A segment's pieces by window, and the windows' offsets."""
    lengths = segment.length
    if packing.method == "concat":
        which, start, length, offsets = concatenated(lengths, packing.window_tokens)
        order: Ints = np.arange(len(which))
        if packing.order == "shuffled":
            order, offsets = _shuffle_windows(offsets, rng)
    else:
        which, start, length = cut_into_pieces(lengths, packing.window_tokens)
        order, offsets = best_fit(length, packing.window_tokens, rng)
        documents = stores.documents(segment.store, segment.text)[which]
        order = spread(order, offsets, length, documents, rng)
    pieces = np.empty(len(order), dtype=_PIECE)
    which = which[order]
    pieces["store"], pieces["text"] = segment.store[which], segment.text[which]
    pieces["start"], pieces["length"] = start[order], length[order]
    return pieces, offsets


def _shuffle_windows(offsets: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Windows in a random order: their pieces, and the offsets."""
    shuffled = rng.permutation(len(offsets) - 1)
    sizes = np.diff(offsets)[shuffled]
    ends = np.cumsum(sizes)
    order = np.arange(int(ends[-1])) - np.repeat(ends - sizes, sizes) + np.repeat(offsets[:-1][shuffled], sizes)
    return order, np.concatenate([np.zeros(1, dtype=np.int64), ends])


def _collisions(pieces: npt.NDArray[Any], offsets: Ints, stores: _Stores) -> int:
    """How many texts share a window with another of the same source document."""
    windows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    return int(colliding(windows, stores.documents(pieces["store"], pieces["text"])).sum())
