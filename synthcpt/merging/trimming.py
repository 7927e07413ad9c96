"""Where TIES cuts: the magnitude that a given share of a whole task vector reaches, in two readings and little memory.

The paper ranks the numbers of the whole task vector, not of each tensor, so layers that changed more keep more. A task
vector of a large model does not fit in memory; but the bits of a positive fp32 number sort as the number does, so
counting the upper 16 bits of every magnitude, and then the lower 16 of those in the one bin where the rank falls, finds
the number of any rank exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_AT_ONCE = 1 << 20
_BINS = 1 << 16

Vectors = Callable[[], Iterable[tuple[int, Tensor]]]
"""Reads the task vectors' pieces anew: which task vector, and some of its numbers (any shape; finite)."""


def thresholds(vectors: Vectors, count: int, density: float) -> list[float]:
    """For each task vector, the smallest magnitude among its largest ``density`` share of numbers.

    Args:
        vectors: called twice.
        count: how many task vectors there are.
        density: the share to keep, above 0 and at most 1.
    """
    upper = [torch.zeros(_BINS, dtype=torch.int64) for _ in range(count)]
    for which, numbers in vectors():
        for bits in _magnitude_bits(numbers):
            upper[which] += torch.bincount(bits >> 16, minlength=_BINS)
    bins, ranks = [], []
    for counted in upper:
        kept = max(1, int(density * int(counted.sum())))
        found, rank = _bin_of(counted, kept)
        bins.append(found)
        ranks.append(rank)
    lower = [torch.zeros(_BINS, dtype=torch.int64) for _ in range(count)]
    for which, numbers in vectors():
        for bits in _magnitude_bits(numbers):
            lower[which] += torch.bincount(bits[bits >> 16 == bins[which]] & 0xFFFF, minlength=_BINS)
    found_bits = [
        found << 16 | _bin_of(counted, rank)[0] for found, counted, rank in zip(bins, lower, ranks, strict=True)
    ]
    return [float(number) for number in torch.tensor(found_bits, dtype=torch.int32).view(torch.float32)]


def _bin_of(counts: Tensor, rank: int) -> tuple[int, int]:
    """The bin that holds the rank-th number from the top, and its rank within that bin."""
    from_top = counts.flip(0).cumsum(0)
    place = int(torch.searchsorted(from_top, rank))
    above = int(from_top[place - 1]) if place else 0
    return len(counts) - 1 - place, rank - above


def _magnitude_bits(numbers: Tensor) -> Iterable[Tensor]:
    """The bits of the magnitudes as fp32, as integers that sort as they do."""
    for piece in numbers.detach().reshape(-1).split(_AT_ONCE):
        yield piece.float().abs().view(torch.int32)
