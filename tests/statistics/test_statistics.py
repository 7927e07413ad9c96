"""Intervals that cover what they say, tests against numbers worked out by hand, and input that is none."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from synthcpt.errors import ConfigError
from synthcpt.statistics import (
    holm,
    mcnemar,
    mean_estimate,
    needed_questions,
    paired_difference,
    seeds_difference,
    seeds_estimate,
)


def clustered(rng: np.random.Generator, clusters: int, size: int, mean: float = 0.6) -> np.ndarray:
    """Right and wrong answers; questions of a document share how likely they are right (beta, correlation 0.2)."""
    spread = (1 - 0.2) / 0.2
    chance = rng.beta(mean * spread, (1 - mean) * spread, size=clusters)
    return (rng.random((clusters, size)) < chance[:, None]).astype(float)


def test_the_mean_is_of_all_values_and_the_interval_holds_it() -> None:
    found = mean_estimate([1, 1, 0, 0, 1, 0], ["a", "a", "a", "b", "b", "c"])
    assert found.value == pytest.approx(0.5)
    assert (found.n, found.clusters) == (6, 3)
    assert found.low <= found.value <= found.high


def test_the_same_seed_gives_the_same_interval_and_another_nearly() -> None:
    values = clustered(np.random.default_rng(1), 40, 5)
    names = np.repeat(np.arange(40), 5).tolist()
    one, again = (mean_estimate(values.ravel(), names, seed=3) for _ in range(2))
    other = mean_estimate(values.ravel(), names, seed=4)
    assert one == again
    assert other != one
    assert other.low == pytest.approx(one.low, abs=0.01)


def test_the_interval_is_that_of_theory_for_many_single_values() -> None:
    values = np.random.default_rng(0).normal(2.0, 1.0, 2000)
    found = mean_estimate(values)
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.1 * error)


@pytest.mark.parametrize("clusters", [10, 40])
def test_the_interval_covers_the_truth_as_often_as_it_says(clusters: int) -> None:
    rng = np.random.default_rng(7)
    names = np.repeat(np.arange(clusters), 6).tolist()
    ours = naive = 0
    rounds = 300
    for _ in range(rounds):
        values = clustered(rng, clusters, 6).ravel()
        found = mean_estimate(values, names, resamples=500)
        alone = mean_estimate(values, resamples=500)
        ours += found.low <= 0.6 <= found.high
        naive += alone.low <= 0.6 <= alone.high
    assert 0.915 <= ours / rounds <= 0.98
    assert naive / rounds < 0.9  # taking questions as independent promises too much


def test_answers_that_all_agree_have_an_interval_all_the_same() -> None:
    found = mean_estimate([0.0] * 30, [n // 3 for n in range(30)])
    assert found.low == found.value == 0.0
    assert found.high == pytest.approx(1.96**2 / (10 + 1.96**2), abs=1e-3)  # Wilson's, of ten documents
    assert mean_estimate([1.0] * 10).low == pytest.approx(1 - found.high, abs=1e-6)


def test_one_cluster_says_nothing_of_how_far_it_is_off() -> None:
    found = mean_estimate([1, 0, 1], ["a"] * 3)
    assert found.low == found.value == found.high


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_values_that_are_none_are_refused(values: list[float]) -> None:
    with pytest.raises(ConfigError):
        mean_estimate(values)


def test_a_difference_is_the_second_less_the_first() -> None:
    found = paired_difference([0, 0, 1, 1], [1, 1, 1, 0], ["a", "a", "b", "b"])
    assert found.value == pytest.approx(0.25)
    # Documents differ by 2 and -1: of the four sign patterns, all sum to 1 or more, whatever the sign.
    assert found.p_value == 1.0


def test_the_randomisation_test_counts_sign_patterns() -> None:
    first, second = [0.0] * 6, [3.0, 2.0, 2.0, 1.0, 1.0, -1.0]
    seen = abs(sum(second))
    exact = np.mean([abs(sum(s * d for s, d in zip(signs, second, strict=True))) >= seen
                     for signs in product((1, -1), repeat=6)])  # fmt: skip
    assert paired_difference(first, second).p_value == pytest.approx(exact)


def test_many_clusters_are_drawn_and_come_to_the_same() -> None:
    rng = np.random.default_rng(0)
    second = (rng.random(400) < 0.55) * 2.0 - 1
    found = paired_difference(np.zeros(400), second)
    z = (abs(second.sum()) - 1) / 20  # signs of 400: normal with a deviation of 20, in steps of 2
    assert found.p_value == pytest.approx(2 * (1 - _normal(z)), abs=0.02)


def test_nothing_that_differs_is_no_difference() -> None:
    found = paired_difference([1, 0, 1], [1, 0, 1])
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_an_interval_of_a_difference_covers_it() -> None:
    rng = np.random.default_rng(11)
    names = np.repeat(np.arange(40), 4).tolist()
    covered = 0
    for _ in range(300):
        first, second = clustered(rng, 40, 4, 0.5), clustered(rng, 40, 4, 0.6)
        found = paired_difference(first.ravel(), second.ravel(), names, resamples=600)
        covered += found.low <= 0.1 <= found.high
    assert 0.915 <= covered / 300 <= 0.985


def test_mcnemar_is_the_binomial_test_of_the_disagreements() -> None:
    first = [1] * 2 + [0] * 9 + [1] * 20
    second = [0] * 2 + [1] * 9 + [1] * 20
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (2, 9)
    assert found.p_value == pytest.approx(2 * sum(comb(11, k) for k in range(3)) / 2**11)
    assert mcnemar([1, 0], [1, 0]).p_value == 1.0
    with pytest.raises(ConfigError, match="right or wrong"):
        mcnemar([0.5], [1])


def test_holm_steps_down() -> None:
    # Worked out: 0.01 x 4, then 0.02 x 3, then 0.03 x 2 (raised to what came before), then 0.5.
    found = holm({"a": 0.03, "b": 0.01, "c": 0.5, "d": 0.02})
    assert found == pytest.approx({"a": 0.06, "b": 0.04, "c": 0.5, "d": 0.06})
    assert holm({}) == {}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    with pytest.raises(ConfigError, match="no probability"):
        holm({"a": 1.5})


def test_seeds_and_documents_are_both_a_sample() -> None:
    rng = np.random.default_rng(5)
    names = np.repeat(np.arange(50), 4).tolist()
    alike = np.tile(clustered(rng, 50, 4).ravel(), (3, 1))
    apart = np.clip(alike + np.array([[-0.2], [0.0], [0.2]]), -1, 2)
    calm, wild = seeds_estimate(alike, names), seeds_estimate(apart, names)
    assert calm.value == pytest.approx(wild.value)
    assert wild.high - wild.low > 1.5 * (calm.high - calm.low)
    single = seeds_estimate(alike[:1], names)
    assert single.low == pytest.approx(calm.low, abs=0.01)


def test_an_interval_over_seeds_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    names = np.repeat(np.arange(40), 4).tolist()
    covered = 0
    for _ in range(300):
        shared = rng.normal(0, 0.1, (1, 40)).repeat(4, axis=1)
        matrix = 0.5 + rng.normal(0, 0.05, (5, 1)) + shared + rng.normal(0, 0.2, (5, 160))
        found = seeds_estimate(matrix, names, resamples=600)
        covered += found.low <= 0.5 <= found.high
    assert 0.88 <= covered / 300 <= 0.985


def test_recipes_with_different_numbers_of_seeds_are_compared() -> None:
    rng = np.random.default_rng(2)
    base = clustered(rng, 40, 3, 0.2).reshape(1, -1)
    better = np.stack([clustered(rng, 40, 3, 0.7).ravel() for _ in range(3)])
    found = seeds_difference(base, better, np.repeat(np.arange(40), 3).tolist())
    assert found.value == pytest.approx(better.mean() - base.mean())
    assert found.low > 0.2
    assert found.p_value < 0.001
    same = seeds_difference(better, better[::-1], np.repeat(np.arange(40), 3).tolist())
    assert same.p_value > 0.3
    with pytest.raises(ConfigError, match="pair them first"):
        seeds_difference(base[:, :3], better)
    with pytest.raises(ConfigError, match="two dimensions"):
        seeds_estimate([1.0, 0.0])


def test_a_difference_between_seeds_alone_is_no_difference() -> None:
    """Two seeds a side that scatter by more than the sides differ: the questions alone would call it certain."""
    names = list(range(200))
    first, second = np.zeros((2, 200)), np.zeros((2, 200))
    first[1], second[0], second[1] = 0.5, 0.2, 0.7
    assert seeds_difference(first, second, names).p_value > 0.05
    assert paired_difference(first.mean(axis=0), second.mean(axis=0), names).p_value < 0.01


def test_questions_needed_are_those_of_miller() -> None:
    # About 1,000 for 3 points at 80 % power, where a tenth of questions is answered differently.
    assert 800 < needed_questions(0.03, disagreement=0.1) < 1100
    assert needed_questions(0.03, disagreement=0.1, questions_a_cluster=5, correlation=0.5) == pytest.approx(
        3 * needed_questions(0.03, disagreement=0.1), abs=3
    )
    with pytest.raises(ConfigError):
        needed_questions(0.4, disagreement=0.3)


def test_large_evaluations_are_resampled_in_little_memory() -> None:
    found = mean_estimate(np.tile([0.0, 1.0], 20_000), list(range(20_000)) * 2, resamples=1000)
    assert found.low < 0.5 < found.high


def _normal(z: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(z)
