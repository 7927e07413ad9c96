"""Large random graphs: known constants, laws worked out by hand, and how rough the approximation is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthcpt.errors import ConfigError
from synthcpt.scaling import branching
from synthcpt.scaling.toy_model import ToyModel, random_relations


@pytest.mark.parametrize(
    ("degree", "dies", "reaches"), [(3, 0.05952, 0.88450), (2, 0.20319, 0.63491), (1.5, 0.41719, 0.33967), (1, 1, 0)]
)
def test_the_constants_of_random_graphs(degree: float, dies: float, reaches: float) -> None:
    assert branching.extinction(degree) == pytest.approx(dies, abs=5e-6)
    assert branching.reachable_share(degree) == pytest.approx(reaches, abs=5e-6)


def test_a_large_graph_reaches_as_much() -> None:
    found = [ToyModel.of(random_relations(300, 0.01, seed=seed)).plateau for seed in range(6)]
    assert np.mean(found) == pytest.approx(branching.reachable_share(3), abs=0.03)


def test_one_generation_is_poisson_and_two_are_worked_out() -> None:
    one = branching.progeny_law(2.0, 1, 12)
    assert one == pytest.approx([math.exp(-2) * 2**k / math.factorial(k) for k in range(12)], abs=1e-7)
    # Two born in all: one child, who has none. Three: two childless children, or one with one.
    none = math.exp(-2)
    two = branching.progeny_law(2.0, 2, 12)
    assert two[1] == pytest.approx(2 * none * none, abs=1e-7)
    assert two[2] == pytest.approx(2 * none * none**2 + 2 * none * 2 * none, abs=1e-7)


def test_the_mean_progeny_is_the_sum_of_the_generations() -> None:
    law = branching.progeny_law(1.5, 3, 400)
    assert law.sum() == pytest.approx(1, abs=1e-6)
    assert law @ np.arange(1, 401) == pytest.approx(1 + 1.5 + 1.5**2 + 1.5**3, rel=1e-4)


def test_descendants_as_the_paper_approximates_them_and_as_they_are() -> None:
    rough = branching.descendants_law(3, 2000)
    assert rough[0] == pytest.approx(2 / 3 + math.exp(-3) / 3, abs=1e-6)  # 0.683
    assert rough.sum() == pytest.approx(1, abs=0.002)
    assert branching.descendants_law(3, 1) == pytest.approx(rough[:1], abs=1e-6)
    counts = [ToyModel.of(random_relations(100, 0.03, seed=seed)).rates()[1] for seed in range(10)]
    assert np.mean([one[0] / one.sum() for one in counts]) == pytest.approx(0.49, abs=0.015)


def test_the_curve_is_near_the_exact_one_and_starts_and_ends_where_it_says() -> None:
    curve = branching.accuracy(100, 3, [0, 3_000, 1e9])
    assert curve[0] == pytest.approx(0.03)
    assert curve[2] == pytest.approx(0.03 + branching.reachable_share(3))
    exact = np.mean([ToyModel.of(random_relations(100, 0.03, seed=seed)).accuracy([3_000]) for seed in range(10)])
    assert curve[1] == pytest.approx(exact, abs=0.05)


def test_degrees_that_have_no_such_law_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than 1"):
        branching.descendants_law(1.0, 10)
    with pytest.raises(ConfigError, match="at least 0"):
        branching.extinction(-1)
    with pytest.raises(ConfigError, match="one size"):
        branching.progeny_law(2, 1, 0)
    with pytest.raises(ConfigError, match="generations"):
        branching.progeny_law(2, -1, 5)
