"""Student's t against tables and scipy."""

from __future__ import annotations

import pytest
from scipy import stats

from synthcpt.statistics import student


@pytest.mark.parametrize(("freedom", "printed"), [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (30, 2.042)])
def test_quantiles_are_those_of_printed_tables(freedom: int, printed: float) -> None:
    assert student.quantile(0.975, freedom) == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize("freedom", [1.0, 1.7, 3.2, 25.0, 400.0, 9_999.0, 1e6])
def test_any_number_of_degrees_of_freedom_will_do(freedom: float) -> None:
    for probability in (0.6, 0.95, 0.975, 0.995):
        assert student.quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=2e-4)
    for t in (0.0, 0.3, -2.0, 5.0):
        assert student.two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), abs=1e-5)
