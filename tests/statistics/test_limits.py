"""What is at the edge of the estimates: nothing that varies, options out of range, scipy's word for McNemar's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synthcpt.errors import ConfigError
from synthcpt.statistics import mcnemar, mean_estimate, needed_questions, paired_difference


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 0), (3, 9), (40, 61), (3000, 3200)])
def test_mcnemar_is_scipys_binomial_test(only_first: int, only_second: int) -> None:
    first = [1] * only_first + [0] * only_second + [1, 0]
    second = [0] * only_first + [1] * only_second + [1, 0]
    total = only_first + only_second
    expected = stats.binomtest(only_first, total).pvalue if total else 1.0
    assert mcnemar(first, second).p_value == pytest.approx(expected, rel=1e-9)


def test_a_difference_and_its_mirror_have_the_same_doubt() -> None:
    up, down = paired_difference([0] * 8, [1] * 8), paired_difference([1] * 8, [0] * 8)
    assert (up.low, up.high) == pytest.approx((-down.high, -down.low))
    assert up.low < 1.0 == up.high
    assert up.p_value == down.p_value == 2 / 2**8


def test_few_clusters_are_given_students_width() -> None:
    """Two clusters: t is 12.7, and no resample is so far out, so the interval is all that resamples reach."""
    found = mean_estimate([0.2] * 5 + [0.4] * 5, ["a"] * 5 + ["b"] * 5)
    assert (found.low, found.high) == pytest.approx((0.2, 0.4))
    values = np.random.default_rng(3).normal(0, 1, 12)
    found = mean_estimate(values)
    student = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(student, abs=0.12 * (student[1] - student[0]))


def test_a_narrower_level_is_a_narrower_interval() -> None:
    values = np.random.default_rng(1).random(50)
    wide, narrow = mean_estimate(values), mean_estimate(values, level=0.8)
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


@pytest.mark.parametrize("options", [{"resamples": 0}, {"level": 0.0}, {"level": 1.0}, {"level": 95}])
def test_options_that_make_no_interval_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        mean_estimate([1, 0, 1], **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="between 0 and 1"):
        paired_difference([1, 0, 1], [1, 1, 0], **options)  # type: ignore[arg-type]


def test_a_table_is_no_list_of_values() -> None:
    with pytest.raises(ConfigError, match="2 dimensions"):
        mean_estimate([[1, 0], [0, 1]])
    with pytest.raises(ConfigError, match="3 values have 2 clusters"):
        mean_estimate([1, 0, 1], ["a", "b"])


@pytest.mark.parametrize(
    "options", [{"power": 1.2}, {"level": 0.0}, {"questions_a_cluster": 0.5}, {"correlation": 1.5}]
)
def test_questions_needed_for_what_cannot_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        needed_questions(0.03, **options)
