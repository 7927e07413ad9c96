"""Which texts a page holds: all of a small run, a seeded sample of a large one.

Half of the room goes to whole documents, so that a document can be looked at in full; the rest is drawn from all rows.
Each row's rank is a hash of its place, so a sample hardly changes while a run grows.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from synthcpt.engine.reading import JournalReader, RowPlace

MOST_TEXTS = 2000
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Sample:
    """The chosen rows.

    Attributes:
        places: by part, in the order of documents and ordinals.
        whole: the documents (part, number) of which every row is chosen.
        rows, of: how many rows are chosen, of how many.
    """

    places: dict[int, list[RowPlace]]
    whole: frozenset[tuple[int, int]]
    rows: int
    of: int


def choose(
    readers: dict[int, JournalReader], seed: int, *, texts: int = MOST_TEXTS, size_bytes: int = MOST_BYTES
) -> Sample:
    """The rows to show.

    Args:
        readers: journals by part.
        seed: another seed, another sample.
        texts: the most rows.
        size_bytes: the most bytes of them.
    """
    rows: defaultdict[tuple[int, int], int] = defaultdict(int)
    sizes: defaultdict[tuple[int, int], int] = defaultdict(int)
    for part, reader in readers.items():
        for place in reader.places():
            rows[part, place.document] += 1
            sizes[part, place.document] += place.payload_bytes
    of = sum(rows.values())
    everything = of <= texts and sum(sizes.values()) <= size_bytes
    whole = set(rows) if everything else _whole(rows, sizes, seed, texts // 2, size_bytes // 2)
    drawn = [] if everything else _draw(readers, whole, seed, texts - sum(rows[one] for one in whole))
    left = size_bytes - sum(sizes[one] for one in whole)
    chosen: defaultdict[int, list[RowPlace]] = defaultdict(list)
    for part, reader in readers.items():
        if any(one[0] == part for one in whole):
            chosen[part] = [place for place in reader.places() if (part, place.document) in whole]
    for part, place in drawn:
        if place.payload_bytes <= left:
            left -= place.payload_bytes
            chosen[part].append(place)
    for places in chosen.values():
        places.sort(key=lambda place: (place.document, place.ordinal))
    return Sample(dict(chosen), frozenset(whole), sum(map(len, chosen.values())), of)


def _whole(
    rows: dict[tuple[int, int], int], sizes: dict[tuple[int, int], int], seed: int, texts: int, size_bytes: int
) -> set[tuple[int, int]]:
    """Documents by rank, each that still fits; the first that does not ends it once there is one."""
    whole: set[tuple[int, int]] = set()
    for one in sorted(rows, key=lambda one: _rank(seed, "document", *one)):
        if rows[one] <= texts and sizes[one] <= size_bytes:
            whole.add(one)
            texts, size_bytes = texts - rows[one], size_bytes - sizes[one]
        elif whole:
            break
    return whole


def _draw(
    readers: dict[int, JournalReader], without: set[tuple[int, int]], seed: int, count: int
) -> list[tuple[int, RowPlace]]:
    everything: Iterable[tuple[int, RowPlace]] = (
        (part, place)
        for part, reader in readers.items()
        for place in reader.places()
        if (part, place.document) not in without
    )
    return heapq.nsmallest(
        count, everything, key=lambda one: _rank(seed, "row", one[0], one[1].document, one[1].ordinal)
    )


def _rank(seed: int, *place: object) -> bytes:
    return blake2b("/".join(map(str, (seed, *place))).encode(), digest_size=8).digest()
