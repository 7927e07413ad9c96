"""MinHash against exact Jaccard similarities."""

from __future__ import annotations

import numpy as np

from synthcpt.curation.minhash import Banding, similarity
from synthcpt.curation.words import Hashes


def banding() -> Banding:
    return Banding(permutations=128, threshold=0.9, shingle_words=1)


def pair(rng: np.random.Generator, shared: int, own: int) -> tuple[Hashes, Hashes]:
    """Two sets of words of which ``shared`` are in both."""
    words = rng.integers(0, 2**63, shared + 2 * own, dtype=np.uint64)
    return words[: shared + own], np.concatenate([words[:shared], words[shared + own :]])


def test_similarity_is_the_share_of_shingles_in_both() -> None:
    first, second = np.array([1, 2, 3, 4], dtype=np.uint64), np.array([3, 4, 5], dtype=np.uint64)
    assert similarity(first, second) == 2 / 5
    assert similarity(first, first) == 1


def test_bands_are_as_long_as_the_recall_allows() -> None:
    default = banding()
    assert (default.bands, default.rows) == (16, 8)
    assert 1 - (1 - 0.9**8) ** 16 > 0.999 > 1 - (1 - 0.9**9) ** 14
    assert Banding(128, 1.0, 5).rows == 128
    assert Banding(16, 0.1, 5).rows == 1


def test_signatures_agree_in_as_many_places_as_the_similarity_says() -> None:
    rng = np.random.default_rng(5)
    signer = banding()
    for shared, own in ((90, 5), (100, 50), (20, 90)):
        share = shared / (shared + 2 * own)
        agreed = [
            np.mean(signer.signature(first) == signer.signature(second))
            for first, second in (pair(rng, shared, own) for _ in range(60))
        ]
        assert abs(np.mean(agreed) - share) < 4 * (share * (1 - share) / (128 * 60)) ** 0.5


def test_pairs_at_the_threshold_share_a_band_and_unlike_ones_seldom_do() -> None:
    rng = np.random.default_rng(6)
    signer = banding()

    def share_a_band(shared: int, own: int) -> float:
        return float(
            np.mean([
                bool((signer.of(first) == signer.of(second)).any())
                for first, second in (pair(rng, shared, own) for _ in range(300))
            ])
        )  # fmt: skip

    assert share_a_band(180, 10) == 1  # Jaccard 0.9
    assert share_a_band(100, 50) < 0.15  # Jaccard 0.5, 6 % expected


def test_a_long_text_is_signed_as_a_whole() -> None:
    rng = np.random.default_rng(7)
    words = rng.integers(0, 2**63, 10_000, dtype=np.uint64)
    signer = banding()
    whole = signer.signature(words)
    assert np.array_equal(whole, np.minimum(signer.signature(words[:5000]), signer.signature(words[5000:])))


def test_a_text_shorter_than_a_shingle_has_one() -> None:
    signer = Banding(128, 0.9, shingle_words=5)
    words = np.arange(1, 4, dtype=np.uint64)
    assert len(signer.shingles(words)) == 1
    assert len(signer.shingles(words[:0])) == 0
    assert not np.array_equal(signer.shingles(words), signer.shingles(words[:2]))
