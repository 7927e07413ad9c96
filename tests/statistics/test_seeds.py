"""Two samples at once, seeds and documents: errors worked out by hand, coverage by simulation, what few seeds say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthcpt.errors import ConfigError
from synthcpt.statistics import mean_estimate, paired_difference, seeds_difference, seeds_estimate

NAMES = np.repeat(np.arange(40), 4).tolist()


def made(rng: np.random.Generator, seeds: int, spread: float, documents: np.ndarray) -> np.ndarray:
    """``[seeds, 160]``: seeds scatter by ``spread``, documents as given, and every answer by 0.2 besides."""
    shared = documents.repeat(4)
    return 0.5 + rng.normal(0, spread, (seeds, 1)) + shared + rng.normal(0, 0.2, (seeds, 160))


def test_where_seeds_alone_differ_the_interval_is_students_over_seeds() -> None:
    found = seeds_estimate(np.array([[2.0], [5.0], [8.0]]) + np.zeros((1, 4)))
    half = 4.303 * 3 / math.sqrt(3)  # t of 2 degrees of freedom; a standard deviation of 3
    assert (found.low, found.high) == pytest.approx((5 - half, 5 + half), abs=1e-2)


def test_documents_that_are_hard_for_both_do_not_widen_a_difference() -> None:
    hard = np.linspace(0, 0.9, 40).repeat(4) + np.zeros((3, 1))
    found = seeds_difference(hard, hard + np.tile([0.05, 0.07], 80), NAMES)
    assert found.value == pytest.approx(0.06)
    assert found.high - found.low < 1e-6


def test_where_documents_alone_differ_the_interval_is_students_over_documents() -> None:
    documents = np.array([0.1, 0.2, 0.3, 0.4, 0.9])
    found = seeds_estimate(np.tile(documents, (4, 1)))
    half = 2.776 * documents.std(ddof=1) / math.sqrt(5)
    assert found.high == pytest.approx(documents.mean() + half, abs=1e-3)
    assert found.low == pytest.approx(max(0, documents.mean() - half), abs=1e-3)


def test_a_difference_of_seeds_alone_is_tested_as_welch_has_it() -> None:
    from scipy import stats

    first, second = [0.1, 0.2, 0.4], [0.5, 0.8]
    found = seeds_difference(np.outer(first, np.ones(300)), np.outer(second, np.ones(300)))
    welch = stats.ttest_ind(second, first, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue, abs=1e-3)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval()), abs=5e-3)


def test_answers_that_change_at_random_are_not_taken_for_seeds_that_differ() -> None:
    """Noise moves the seeds' means too, but more seeds and more questions average it out alike."""
    rng = np.random.default_rng(0)
    widths = []
    for _ in range(40):
        found = seeds_estimate(rng.normal(0.5, 0.3, (3, 400)))
        widths.append(found.high - found.low)
    assert np.median(widths) == pytest.approx(2 * 1.96 * 0.3 / math.sqrt(1200), rel=0.15)


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_and_tests_are_right_as_often_as_they_say(seeds: int, spread: float) -> None:
    rng = np.random.default_rng(17)
    covered, alarms, rounds = 0, 0, 300
    for _ in range(rounds):
        documents = rng.normal(0, 0.1, 40)
        one, other = made(rng, seeds, spread, documents), made(rng, seeds, spread, documents)
        found = seeds_estimate(one, NAMES, resamples=400)
        covered += found.low <= 0.5 <= found.high
        alarms += seeds_difference(one, other, NAMES, resamples=400).p_value < 0.05
    assert 0.90 <= covered / rounds <= 0.985
    assert alarms / rounds <= 0.085


def test_two_seeds_are_marked_and_three_are_not() -> None:
    rng = np.random.default_rng(1)
    three = made(rng, 3, 0.1, np.zeros(40))
    assert not seeds_estimate(three, NAMES).few_seeds
    assert seeds_estimate(three[:2], NAMES).few_seeds
    assert seeds_estimate(three[:1], NAMES).few_seeds
    assert not seeds_difference(three, three[::-1], NAMES).few_seeds
    assert seeds_difference(three[:2], three, NAMES).few_seeds
    assert not mean_estimate(three[0], NAMES).few_seeds


def test_a_model_without_seeds_is_one_row_or_many_alike() -> None:
    rng = np.random.default_rng(4)
    base, trained = made(rng, 1, 0.0, np.zeros(40)), made(rng, 3, 0.1, np.zeros(40))
    one, many = (seeds_difference(rows, trained, NAMES) for rows in (base, np.tile(base, (3, 1))))
    assert (one.low, one.high, one.p_value) == pytest.approx((many.low, many.high, many.p_value))
    assert one.few_seeds
    assert not many.few_seeds


def test_one_seed_is_the_estimate_of_its_questions() -> None:
    rng = np.random.default_rng(2)
    one, other = (made(rng, 1, 0.0, np.zeros(40)) for _ in range(2))
    alone, paired = mean_estimate(one[0], NAMES), paired_difference(one[0], other[0], NAMES)
    found, apart = seeds_estimate(one, NAMES), seeds_difference(one, other, NAMES)
    assert (found.low, found.high) == (alone.low, alone.high)
    assert (apart.low, apart.high, apart.p_value) == (paired.low, paired.high, paired.p_value)


def test_seeds_that_all_answer_alike_still_leave_a_doubt() -> None:
    for value in (0.0, 1.0):
        found = seeds_estimate(np.full((3, 20), value), [n // 2 for n in range(20)])
        assert found.value == value
        assert found.high - found.low == pytest.approx(1.96**2 / (10 + 1.96**2), abs=1e-3)  # Wilson's, ten documents
    apart = seeds_difference(np.zeros((3, 20)), np.ones((3, 20)))
    back = seeds_difference(np.ones((3, 20)), np.zeros((3, 20)))
    assert (apart.value, apart.high) == (1.0, 1.0)
    assert apart.low == pytest.approx(20 / (20 + 1.96**2), abs=1e-3) == -back.high
    assert apart.p_value == back.p_value < 1e-3
    same = seeds_difference(np.ones((3, 20)), np.ones((2, 20)))
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_shares_stay_shares_and_other_values_do_not() -> None:
    wild = np.array([[0.0], [1.0]]) + np.zeros((1, 30))
    found = seeds_estimate(wild)
    assert (found.low, found.high) == (0.0, 1.0)
    assert seeds_estimate(10 * wild).high > 10


def test_one_document_and_several_seeds_know_of_seeds_alone() -> None:
    found = seeds_estimate([[0.4, 0.6], [0.5, 0.7], [0.3, 0.5]], ["a", "a"])
    assert found.clusters == 1
    half = 4.303 * 0.1 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-3)


def test_rows_of_other_lengths_are_refused() -> None:
    with pytest.raises(ConfigError, match="equally long"):
        seeds_estimate([[1, 0], [1]])
    with pytest.raises(ConfigError, match="two dimensions"):
        seeds_estimate(np.ones((2, 2, 2)))
    with pytest.raises(ConfigError, match="nothing to estimate"):
        seeds_estimate(np.ones((3, 0)))
