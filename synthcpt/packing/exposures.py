"""When a training meets what was made from a source document: the steps of a plan at which each one is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthcpt.packing.encoding import group_hash
from synthcpt.packing.plan import Plan
from synthcpt.packing.store import TokenStore

Ints = npt.NDArray[np.int64]

_PIECES_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Exposures:
    """The steps at which documents are read.

    Attributes:
        documents: hashes of their ids, ascending (see `encoding.group_hash`).
        offsets: where each one's steps begin in `steps`, and the end; shape (documents + 1,).
        steps: ascending and distinct for each, counted from 1: the model knows of step k's texts after step k.
    """

    documents: npt.NDArray[np.uint64]
    offsets: Ints
    steps: Ints

    def of(self, document: str) -> Ints:
        """The steps of the document with this id; none where it is not read."""
        wanted = np.uint64(group_hash(document))
        at = int(np.searchsorted(self.documents, wanted))
        if at == len(self.documents) or self.documents[at] != wanted:
            return np.zeros(0, dtype=np.int64)
        return self.steps[self.offsets[at] : self.offsets[at + 1]]


def exposures(plan: Plan, documents: Sequence[str] | None = None, *, at_once: int = _PIECES_AT_ONCE) -> Exposures:
    """The steps at which each source document is read: in itself, in a text made from it, or in a piece of one.

    Memory grows with what is found, and beyond that with ``at_once`` alone. Replay counts like data; what is held out
    is not read.

    Args:
        plan: of the training.
        documents: ids of those that are wanted; None for all.
        at_once: pieces that are looked at together.
    """
    if documents is None:
        wanted = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *(store.groups for store in plan.stores)]))
    else:
        wanted = np.unique(np.array([group_hash(document) for document in documents], dtype=np.uint64))
    owners = [_Owners(store, wanted, at_once) for store in plan.stores]
    found: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for document, step in _read(plan, owners, at_once):
        found.append(np.unique(document * plan.steps + step))
    keys = np.unique(np.concatenate(found))
    of_document = keys // max(1, plan.steps)
    return Exposures(
        wanted, np.searchsorted(of_document, np.arange(len(wanted) + 1)).astype(np.int64), keys % max(1, plan.steps) + 1
    )


def _read(plan: Plan, owners: Sequence[_Owners], at_once: int) -> Iterator[tuple[Ints, Ints]]:
    """Documents and the steps, from 0, that read them, some pieces at a time; a pair may come more than once."""
    for low in range(0, len(plan.text), at_once):
        pieces = np.arange(low, min(low + at_once, len(plan.text)))
        steps = (np.searchsorted(plan.window_offsets, pieces, side="right") - 1) // plan.batch_windows
        store, text = np.asarray(plan.store[pieces]), np.asarray(plan.text[pieces])
        for number in np.flatnonzero(np.bincount(store)).tolist():
            here = store == number
            documents, counts = owners[number].of(text[here])
            yield documents, np.repeat(steps[here], counts)


class _Owners:
    """Which of the wanted documents each text of a store was made from.

    Args:
        store: its texts.
        wanted: hashes of documents, ascending.
        at_once: entries that are looked at together.
    """

    def __init__(self, store: TokenStore, wanted: npt.NDArray[np.uint64], at_once: int) -> None:
        places, documents = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for low in range(0, len(store.groups) if len(wanted) else 0, at_once):
            groups = np.asarray(store.groups[low : low + at_once])
            at = np.minimum(np.searchsorted(wanted, groups), len(wanted) - 1)
            known = np.flatnonzero(wanted[at] == groups)
            places.append(known + low)
            documents.append(at[known].astype(np.int64))
        self._documents = np.concatenate(documents)
        self._offsets = np.searchsorted(np.concatenate(places), store.group_offsets)

    def of(self, texts: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
        """The documents of these texts, one after another, and how many each text has."""
        begins = self._offsets[texts]
        counts = self._offsets[texts + 1] - begins
        ends = np.cumsum(counts)
        within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
        return self._documents[np.repeat(begins, counts) + within], counts
