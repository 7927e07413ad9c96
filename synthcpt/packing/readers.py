"""Reading one source over and over: each pass in another seeded order, some texts held out, or one slice alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthcpt.packing.store import TokenStore
from synthcpt.packing.windows import index_type
from synthcpt.randomness import stream

Ints = npt.NDArray[np.integer[Any]]

_AUTO_HELDOUT = 0.005
_AUTO_HELDOUT_TOKENS = 100_000
_AUTO_HELDOUT_TEXTS = 200
_MOST_HELDOUT = 0.5
_HALF_A_TOKEN = 0.5  # the middle of the shortest text: nothing is read for less


@dataclass(frozen=True, slots=True)
class Part:
    """One source of the mixture.

    Attributes:
        name: the user's word for it, unique.
        role: ``data`` is what is to be learnt, ``replay`` keeps what was known, ``heldout`` is only measured on.
        store: the token store for an epoch, counted from 0. Most sources have one for all.
        facts_once: each fact stands in it once (a raw corpus), so that nothing of it is held out unless asked.
    """

    name: str
    role: Literal["data", "replay", "heldout"]
    store: Callable[[int], TokenStore]
    facts_once: bool = False


class Reader:
    """Reads one source over and over, each time in another seeded order, without its held-out texts.

    Args:
        part: the source.
        seed: of the run.
        heldout: the share to hold out; see `Amounts`.
        grouped: keep the texts of a source document together, instead of shuffling.
        slice: (k, n): of a source to be learnt only the k-th of n slices.

    Attributes:
        part: the source.
        heldout: the texts that are held out.
        tokens: of those that are read, in the first epoch's store.
        tokens_taken: how many were read.
        ahead: how many more were read than asked for, or fewer (below 0): a text is read whole or not at all.
    """

    def __init__(
        self,
        part: Part,
        seed: int,
        heldout: float | None,
        *,
        grouped: bool = False,
        slice: tuple[int, int] | None = None,
    ) -> None:
        self.part, self._seed, self._grouped = part, seed, grouped
        store = part.store(0)
        self.heldout = _heldout(part, store, seed, heldout)
        self._left_out = self.heldout
        if slice is not None and part.role == "data":
            self._left_out = np.union1d(self.heldout, _other_slices(part, store, seed, *slice))
        self.tokens = int(store.lengths().sum() - store.lengths()[self._left_out].sum())
        self._epoch, self._at = 0, 0
        self._order: Ints | None = None
        self._scale = 1.0  # tokens of this epoch's store over those of the first
        self.tokens_taken, self.ahead = 0, 0.0

    def take(self, tokens: float) -> tuple[Ints, Ints, Ints]:
        """The next texts of about so many tokens: as many whole ones as come nearest to all that was ever asked for.

        The tokens asked for are those of the first epoch. Where a store varies by epoch, a pass over each counts alike,
        so that two passes are asked for and two are read, whatever the second one's tokens.

        Returns:
            Epoch, text and length of each.
        """
        self.ahead -= tokens
        taken: list[tuple[Ints, Ints, Ints]] = [(np.empty(0, dtype=np.int32),) * 3]
        while self.tokens and self.ahead < -_HALF_A_TOKEN:
            lengths = self.part.store(self._epoch).lengths()
            if self._order is None:  # made when it is needed: another epoch may be another store, still to be built
                self._order = self._shuffled(lengths)
                self._scale = int(lengths[self._order].sum()) / self.tokens
            ahead = self._order[self._at :]
            count = _nearest(lengths[ahead], -self.ahead * self._scale)
            sizes = lengths[ahead[:count]].astype(np.int32)
            taken.append((np.full(count, self._epoch, dtype=np.int32), ahead[:count], sizes))
            size = int(sizes.sum(dtype=np.int64))
            self.tokens_taken += size
            self.ahead += size / self._scale
            self._at += count
            if count < len(ahead):
                break
            self._epoch, self._at, self._order = self._epoch + 1, 0, None
        epochs, texts, sizes = (np.concatenate(column) for column in zip(*taken, strict=True))
        return epochs, texts, sizes

    def _shuffled(self, lengths: Ints) -> Ints:
        store = self.part.store(self._epoch)
        rng = generator(self._seed, "order", self.part.name, str(self._epoch))
        order: Ints = rng.permutation(np.arange(store.texts, dtype=index_type(store.texts)))
        wanted = lengths > 0
        wanted[self._left_out] = False
        order = order[wanted[order]]
        if self._grouped:
            order = order[np.argsort(primary_groups(store)[order], kind="stable")]
        return order


def _nearest(lengths: Ints, tokens: float) -> int:
    """How many texts come nearest to so many tokens: the one in which they end counts if more of it lies within."""
    ends = np.cumsum(lengths, dtype=np.int64)
    count = int(np.searchsorted(ends, tokens, side="left"))
    return count + (count < len(ends) and bool(ends[count] - lengths[count] / 2 < tokens))


def generator(seed: int, *names: str) -> np.random.Generator:
    """A numpy generator for one purpose; see `synthcpt.randomness.stream`."""
    return np.random.default_rng(stream(seed, "packing", *names).getrandbits(128))


def primary_groups(store: TokenStore) -> npt.NDArray[np.uint64]:
    """The first source document of each text; 0 where it has none."""
    has_one = np.diff(store.group_offsets) > 0
    firsts = np.zeros(store.texts, dtype=np.uint64)
    firsts[has_one] = store.groups[store.group_offsets[:-1][has_one]]
    return firsts


def _heldout(part: Part, store: TokenStore, seed: int, share: float | None) -> Ints:
    """The texts that are held out, drawn at random."""
    if part.role == "heldout":
        return np.arange(store.texts, dtype=np.int64)
    if share is None:
        few = (part.facts_once and part.role == "data") or store.texts < _AUTO_HELDOUT_TEXTS
        wanted = 0.0 if few else min(_AUTO_HELDOUT * store.tokens, _AUTO_HELDOUT_TOKENS)
    else:
        wanted = min(share, _MOST_HELDOUT) * store.tokens
    if not wanted:
        return np.empty(0, dtype=np.int64)
    drawn = generator(seed, "heldout", part.name).permutation(store.texts)
    count = int(np.searchsorted(np.cumsum(store.lengths()[drawn]), wanted)) + 1
    return np.sort(drawn[: min(count, store.texts // 2)])


def _other_slices(part: Part, store: TokenStore, seed: int, slice: int, slices: int) -> Ints:
    """The texts that are not of this slice; every text is of one, and slices have equally many."""
    drawn = generator(seed, "slices", part.name).permutation(store.texts)
    of_this = np.zeros(store.texts, dtype=bool)
    of_this[drawn[slice::slices]] = True
    return np.flatnonzero(~of_this)
