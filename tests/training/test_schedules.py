"""Learning rates over the share of the tokens that is read."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.errors import ConfigError
from synthcpt.training.schedules import Schedule


def test_warmup_rises_to_the_peak_whatever_follows() -> None:
    for name in ("cosine", "linear", "constant", "wsd", "infinite"):
        schedule = Schedule(name, warmup=0.2)  # type: ignore[arg-type]
        assert schedule.factor(0.0) == 0.0
        assert schedule.factor(0.1) == pytest.approx(0.5)
        assert schedule.factor(0.2) == pytest.approx(1.0)


def test_cosine_by_hand() -> None:
    schedule = Schedule("cosine", warmup=0.0, floor=0.1)
    assert schedule.factor(0.5) == pytest.approx(0.55)
    assert schedule.factor(0.25) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert schedule.factor(1.0) == pytest.approx(0.1)


def test_wsd_stays_and_falls_by_one_minus_the_root() -> None:
    schedule = Schedule("wsd", warmup=0.1, decay=0.2)
    assert [schedule.factor(share) for share in (0.1, 0.5, 0.8)] == [1.0, 1.0, 1.0]
    assert schedule.factor(0.85) == pytest.approx(1 - math.sqrt(0.25))
    assert schedule.factor(1.0) == pytest.approx(0.0)
    assert Schedule("wsd", decay=0.2, shape="linear").factor(0.9) == pytest.approx(0.5)


def test_infinite_cools_down_stays_and_anneals() -> None:
    schedule = Schedule("infinite", warmup=0.0, cooldown=0.4, plateau=0.5, decay=0.2, floor=0.005)
    assert schedule.factor(0.2) == pytest.approx(0.75)
    assert schedule.factor(0.4) == schedule.factor(0.79) == pytest.approx(0.5)
    assert schedule.factor(0.9) == pytest.approx(0.5 * math.sqrt(0.01))
    assert schedule.factor(1.0) == pytest.approx(0.005)
    assert Schedule("infinite", cooldown=0.4, plateau=0.5, decay=0.0).factor(1.0) == pytest.approx(0.5)


def test_anneal_falls_from_the_start() -> None:
    schedule = Schedule("anneal", shape="linear")
    assert [schedule.factor(share) for share in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]
    warm = Schedule("anneal", warmup=0.1, shape="linear")
    assert warm.factor(0.0) == 1.0, "the branch is warm"
    assert warm.factor(0.25) == pytest.approx(0.75)


@given(
    st.sampled_from(["cosine", "linear", "constant", "wsd", "infinite", "anneal"]),
    st.sampled_from(["one_minus_sqrt", "linear", "cosine", "exponential"]),
    st.floats(0, 0.3),
    st.floats(0, 0.5),
    st.floats(0, 0.3),
    st.floats(0, 0.4),
    st.floats(0.5, 1),
)
def test_after_the_warmup_rates_never_rise_and_stay_between_floor_and_peak(
    name: str, shape: str, warmup: float, decay: float, floor: float, cooldown: float, plateau: float
) -> None:
    schedule = Schedule(name, warmup, floor, decay, shape, cooldown, plateau)  # type: ignore[arg-type]
    factors = [schedule.factor(warmup + (1 - warmup) * k / 50) for k in range(51)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(factors))


def test_a_phase_begins_where_the_rate_has_fallen() -> None:
    # "Reuse, Don't Retrain": at a fifth of the peak, the share is arccos(2 * 0.2 - 1) / pi.
    assert Schedule("cosine").share_at(0.2) == pytest.approx(math.acos(2 * 0.2 - 1) / math.pi, abs=1e-4)
    assert Schedule("cosine", warmup=0.1).share_at(0.2) > 0.1
    with pytest.raises(ConfigError, match="never falls to"):
        Schedule("constant").share_at(0.2)
