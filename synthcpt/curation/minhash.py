"""MinHash (Broder 1997) with banding: which texts are worth comparing.

What it proposes is compared exactly afterwards, so the signature decides only how likely a pair is overlooked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthcpt.curation.words import Hashes, mixed, run_hashes
from synthcpt.randomness import stream

_LEAST_RECALL = 0.999
_AT_ONCE = 4096


class Banding:
    """Signatures of texts, cut into bands; similar texts agree in at least one band.

    Args:
        permutations: length of the signature.
        threshold: the Jaccard similarity from which on a pair must be found, with probability 0.999.
        shingle_words: words of a shingle.

    Attributes:
        bands, rows: how the signature is cut: a pair of similarity s agrees in a band with probability s ** rows.
    """

    def __init__(self, permutations: int, threshold: float, shingle_words: int) -> None:
        self._shingle_words = shingle_words
        self.rows = _rows_of(permutations, threshold)
        self.bands = permutations // self.rows
        rng = stream(0, "minhash", str(permutations))
        odd = [rng.getrandbits(64) | 1 for _ in range(self.bands * self.rows)]
        self._multipliers = np.array(odd, dtype=np.uint64)[:, None]
        self._weights = np.array([rng.getrandbits(64) | 1 for _ in range(self.rows)], dtype=np.uint64)

    def shingles(self, words: Hashes) -> Hashes:
        """The distinct shingles, ascending; one of all words where there are fewer than a shingle has."""
        if not len(words):
            return words
        return np.unique(run_hashes(words, min(self._shingle_words, len(words))))

    def signature(self, words: Hashes) -> Hashes:
        """For each permutation the least of the permuted shingles."""
        shingles = run_hashes(words, min(self._shingle_words, len(words)))  # repeats change no minimum
        least: Hashes = (self._multipliers * shingles[:_AT_ONCE]).min(axis=1)
        for start in range(_AT_ONCE, len(shingles), _AT_ONCE):
            least = np.minimum(least, (self._multipliers * shingles[start : start + _AT_ONCE]).min(axis=1))
        return least

    def of(self, words: Hashes) -> npt.NDArray[np.uint32]:
        """A number for each band; texts that agree in a band have the same there."""
        cut = self.signature(words).reshape(self.bands, self.rows)
        return (mixed((cut * self._weights).sum(axis=1)) >> np.uint64(32)).astype(np.uint32)


def similarity(first: Hashes, second: Hashes) -> float:
    """The Jaccard similarity of two ascending arrays of distinct shingles."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def _rows_of(permutations: int, threshold: float) -> int:
    """As many rows a band as the recall allows, so that as few pairs as possible are compared in vain."""
    able = [
        rows
        for rows in range(1, permutations + 1)
        if 1 - (1 - threshold**rows) ** (permutations // rows) >= _LEAST_RECALL
    ]
    return max(able, default=1)
