"""Pairs and triples by number, so that a list of them is never built."""

from __future__ import annotations

import random
from math import comb, isqrt


def unrank(index: int, n: int, k: int) -> tuple[int, ...]:
    """The ``index``-th of the ``comb(n, k)`` increasing k-tuples over ``range(n)``, in lexicographic order."""
    if not 0 <= index < comb(n, k):
        raise IndexError(f"{index} is outside the {comb(n, k)} {k}-subsets of {n}")
    chosen: list[int] = []
    candidate = 0
    while k > 2:
        starting_here = comb(n - candidate - 1, k - 1)
        if index < starting_here:
            chosen.append(candidate)
            k -= 1
        else:
            index -= starting_here
        candidate += 1
    rest = _unrank_pair(index, n - candidate) if k == 2 else (index,) * k
    return (*chosen, *(candidate + item for item in rest))


def _unrank_pair(index: int, n: int) -> tuple[int, int]:
    """Without a loop: the pairs counted from the last one fill a triangle row by row."""
    from_last = comb(n, 2) - 1 - index
    row = (isqrt(8 * from_last + 1) - 1) // 2
    return n - 2 - row, n - 1 - (from_last - row * (row + 1) // 2)


class Permutation:
    """A random order of ``range(size)`` that takes no memory: item ``i`` is computed when it is asked for.

    A Feistel network on the next power of four, walked until it lands in the range. The order depends on the random
    stream alone, so taking more items later continues the same order.

    Args:
        size: how many items.
        rng: where the order comes from; six numbers are drawn.
    """

    _ROUNDS = 6  # with four, an item of a short range is up to a third likelier in one place than in another

    def __init__(self, size: int, rng: random.Random) -> None:
        self._size = size
        self._half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half_bits) - 1
        self._keys = [rng.getrandbits(64) for _ in range(self._ROUNDS)]

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self._size:
            raise IndexError(f"{index} is outside a permutation of {self._size}")
        value = self._shuffle(index)
        while value >= self._size:
            value = self._shuffle(value)
        return value

    def _shuffle(self, value: int) -> int:
        left, right = value >> self._half_bits, value & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right ^ key) & self._mask)
        return left << self._half_bits | right


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit moves every output bit."""
    value &= 0xFFFFFFFFFFFFFFFF
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)
