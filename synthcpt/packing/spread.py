"""Keeping texts of one source document out of one window, and saying how far that went.

Rewrites of one document state the same facts; side by side in a window, the later ones can be read off the earlier ones
instead of being known. Documents isolated by attention are safe from that; the rate is told for all runs, so that runs
with and without isolation can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]

_ROUNDS = 40
_MOST_ROUNDS = 400
_CANDIDATES = 4_000_000
_PATIENCE = 4
_GAIN_WORTH_A_ROUND = 0.01


def colliding(windows: Ints, groups: Ints) -> npt.NDArray[np.bool_]:
    """Which texts share their window with another text of the same source document.

    Args:
        windows: the window of each text, shape (texts,).
        groups: the number of its source document, below 2**31; -1 for none, which never collides.
    """
    keys = _keys(windows, groups, _stride(groups))
    doubled = _doubled(np.sort(keys), _stride(groups))
    if not len(doubled):
        return np.zeros(len(keys), dtype=np.bool_)
    found: npt.NDArray[np.bool_] = doubled[np.minimum(np.searchsorted(doubled, keys), len(doubled) - 1)] == keys
    return found


def spread(order: Ints, offsets: Ints, lengths: Ints, groups: Ints, rng: np.random.Generator) -> Ints:
    """Swap pieces of equal length between windows until hardly any window holds one source document twice.

    The windows stay as full as they were. Each round looks for a partner for pieces that collide and takes the swaps
    that lessen the collisions, at most one a window.

    Args:
        order: the pieces by window, as `windows.best_fit` returns them; it is left as it is.
        offsets: where each window begins in it, and the end.
        lengths: of the pieces.
        groups: of the pieces; see `colliding`.
        rng: who is tried with whom.

    Returns:
        The pieces in a better order; the offsets hold for it, too. No more of them collide than before.
    """
    order = order.copy()
    here = lengths[order]  # of each place; swaps leave it as it is
    by_length = np.argsort(here, kind="stable").astype(order.dtype)
    begins = np.concatenate([[0], np.cumsum(np.bincount(here))])
    places = _Places(order, offsets, groups)
    without_gain = 0
    windows = len(offsets) - 1
    for _ in range(min(_MOST_ROUNDS, max(_ROUNDS, _CANDIDATES // max(1, windows)))):
        troubled = places.troubled()
        if not len(troubled):
            break
        # No window takes part in two swaps of a round, so more candidates than windows are work for nothing.
        a = rng.permutation(troubled)[:windows]
        b = by_length[rng.integers(begins[here[a]], begins[here[a] + 1])]
        candidates = len(a)
        a, b = places.that_lessen(a, b)
        places.swap(a, b)
        without_gain = without_gain + 1 if len(a) < _GAIN_WORTH_A_ROUND * candidates else 0
        if without_gain == _PATIENCE:
            break
    return order


@dataclass(slots=True, init=False)
class _Places:
    """Where each piece lies, and how often each window holds each source.

    Attributes:
        order: the piece at each place; swaps change it.
        offsets: the first place of each window, and the end.
        groups: of the pieces.
        windows: of the places.
        stride: see `_keys`.
        keys: of window and source, ascending; a window's keys are at its places, whatever their order there.
    """

    order: Ints
    offsets: Ints
    groups: Ints
    windows: Ints
    stride: int
    keys: npt.NDArray[np.int64]

    def __init__(self, order: Ints, offsets: Ints, groups: Ints) -> None:
        self.order, self.offsets, self.groups = order, offsets, groups
        self.windows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
        self.stride = _stride(groups)
        self.keys = _keys(self.windows, groups[order], self.stride)
        self.keys.sort()

    def troubled(self) -> Ints:
        """The places of all pieces that collide."""
        crowded = np.unique(_doubled(self.keys, self.stride) // self.stride)
        places = self._of_windows(crowded)
        return places[colliding(self.windows[places], self.groups[self.order[places]])]

    def that_lessen(self, a: Ints, b: Ints) -> tuple[Ints, Ints]:
        """Those swaps of the places a[i] and b[i] that lessen collisions and do not touch one another.

        A swap must part more pairs of one source than it brings together, and must not make more texts collide.
        """
        keep = (self.windows[a] != self.windows[b]) & (self.groups[self.order[a]] != self.groups[self.order[b]])
        a, b = a[keep], b[keep]
        left, joined = (self._alike(a, a), self._alike(b, b)), (self._alike(a, b), self._alike(b, a))
        pairs = sum(joined) - sum(np.maximum(count - 1, 0) for count in left)
        texts = sum((count > 0).astype(np.int64) + (count == 1) for count in joined)
        texts = texts - sum((count > 1).astype(np.int64) + (count == 2) for count in left)
        better = (pairs < 0) & (texts <= 0)
        a, b = a[better], b[better]
        # The counts hold for one swap a window: each takes part in the first that names it, or in none.
        _, claims = np.unique(np.stack([self.windows[a], self.windows[b]], axis=1).ravel(), return_index=True)
        alone = np.bincount(claims // 2, minlength=len(a)) == 2
        return a[alone], b[alone]

    def swap(self, a: Ints, b: Ints) -> None:
        """Swap the pieces at a[i] and b[i]; no window may be named twice."""
        self.order[a], self.order[b] = self.order[b], self.order[a]
        places = self._of_windows(np.sort(np.concatenate([self.windows[a], self.windows[b]])))
        self.keys[places] = np.sort(_keys(self.windows[places], self.groups[self.order[places]], self.stride))

    def _alike(self, pieces: Ints, places: Ints) -> Ints:
        """How many pieces of the same source as the one at ``pieces[i]`` the window of ``places[i]`` holds."""
        groups = self.groups[self.order[pieces]]
        keys = _keys(self.windows[places], groups, self.stride)
        low, high = np.searchsorted(self.keys, keys, side="left"), np.searchsorted(self.keys, keys, side="right")
        counts: Ints = np.where(groups >= 0, high - low, 0)
        return counts

    def _of_windows(self, windows: Ints) -> Ints:
        """All places of some windows."""
        sizes = (self.offsets[1:] - self.offsets[:-1])[windows]
        ends = np.cumsum(sizes)
        places: Ints = np.arange(sizes.sum()) + np.repeat(self.offsets[windows] - (ends - sizes), sizes)
        return places


def _stride(groups: Ints) -> int:
    """How many different groups there may be, -1 among them."""
    return int(groups.max(initial=-1)) + 2


def _keys(windows: Ints, groups: Ints, stride: int) -> npt.NDArray[np.int64]:
    """One number for a window and a source; the same source has the same number in a window everywhere."""
    keys = windows.astype(np.int64)
    keys *= stride
    keys += groups
    keys += 1
    return keys


def _doubled(keys: npt.NDArray[np.int64], stride: int) -> npt.NDArray[np.int64]:
    """Those of some ascending keys that occur more than once and are of a source, each once."""
    again = keys[1:][keys[1:] == keys[:-1]]
    return np.unique(again[again % stride != 0])
