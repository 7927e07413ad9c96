"""The published fit as a fixture: its values, that eleven such points do not tell its ceiling, and what would."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synthcpt.errors import ConfigError
from synthcpt.scaling import fit_laws

MILLIONS = np.array([0, 1, 2, 5, 10, 20, 38, 80, 150, 300, 455.0])


def published(millions: np.ndarray) -> np.ndarray:
    """Closed-book accuracy on QuALITY in points, as fitted in arXiv 2409.07431, section 6."""
    return 64.5456 - 13.8352 * 0.9989**millions - 8.4705 * 0.8961**millions - 3.932 * 0.0546**millions


def levelling(millions: np.ndarray) -> np.ndarray:
    return 0.3 + 0.5 * (1 - np.exp(-millions / 40))


def test_the_published_curve_has_the_values_it_is_known_for() -> None:
    values = published(np.array([0, 10, 38, 200, 455, 1000, 2000.0]))
    assert values.round(2).tolist() == [38.31, 48.03, 51.15, 53.44, 56.16, 59.94, 63.01]


def test_without_noise_three_terms_follow_it_everywhere() -> None:
    fits = fit_laws(MILLIONS, published(MILLIONS), [1e-3] * 11, resamples=20)
    assert fits.best is not None
    assert fits.best.law.name == "exponential_3"
    assert fits.curve(MILLIONS) == pytest.approx(published(MILLIONS), abs=0.02)
    beyond = np.array([1000.0, 2000.0])
    assert fits.curve(beyond) == pytest.approx(published(beyond), abs=1.0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("known", [True, False])
def test_eleven_noisy_points_do_not_tell_the_ceiling(seed: int, known: bool) -> None:
    noisy = published(MILLIONS) + np.random.default_rng(seed).normal(0, 0.4, 11)
    fits = fit_laws(MILLIONS * 1e6, noisy, [0.4] * 11 if known else None, seed=seed)
    assert not fits.asymptote.quoted
    assert fits.asymptote.value is None
    assert len(fits.asymptote.why) > 40
    mixtures = [fit.asymptote for fit in fits.laws if fit.law.terms]
    assert not any(one.quoted for one in mixtures)


def test_points_that_level_off_tell_where() -> None:
    xs = np.array([0, 2, 5, 10, 20, 40, 80, 150, 300, 500, 800.0])
    noisy = levelling(xs) + np.random.default_rng(1).normal(0, 0.01, 11)
    fits = fit_laws(xs * 1e6, noisy, [0.01] * 11)
    found = fits.asymptote
    assert fits.best is not None
    assert fits.best.law.terms >= 1
    assert found.quoted
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.8 <= found.high
    assert found.why == ""


def test_a_curve_seen_for_one_time_constant_bends_but_does_not_tell_where_it_ends() -> None:
    xs = np.linspace(0, 40, 60)
    noisy = 0.2 + 0.6 * (1 - np.exp(-xs / 40)) + np.random.default_rng(0).normal(0, 0.012, 60)
    fits = fit_laws(xs * 1e6, noisy, [0.012] * 60)
    assert fits.best is not None
    assert fits.best.law.name == "exponential_1"
    assert not fits.asymptote.quoted
    assert "narrower" in fits.asymptote.why


def test_weights_are_of_one_set_and_bands_hold_their_curve() -> None:
    fits = fit_laws(MILLIONS, levelling(MILLIONS) + 0.01 * np.cos(MILLIONS), [0.01] * 11)
    assert sum(fit.weight for fit in fits.laws) == pytest.approx(1)
    assert [fit.weight for fit in fits.laws] == sorted((fit.weight for fit in fits.laws), reverse=True)
    xs = [1.0, 30.0, 400.0]
    assert ((fits.band(xs)[:, 0] <= fits.curve(xs)) & (fits.curve(xs) <= fits.band(xs)[:, 1])).all()


def test_the_same_seed_tells_the_same_as_plain_json() -> None:
    noisy = published(MILLIONS) + np.random.default_rng(0).normal(0, 0.4, 11)
    one, again = (fit_laws(MILLIONS, noisy, seed=5, resamples=40).as_json() for _ in range(2))
    assert json.dumps(one, allow_nan=False) == json.dumps(again)
    assert {"law", "parameters", "aicc", "weight", "curve", "band", "asymptote"} <= set(one[0])
    assert all(low <= high for _, low, high in one[0]["band"])


def test_points_bear_no_more_parameters_than_they_are() -> None:
    fits = fit_laws([0, 1, 2, 4, 8, 16], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert "exponential_3" in fits.refused
    assert "exponential_2" in fits.refused
    few = fit_laws([0, 1, 2], [0.1, 0.2, 0.3])
    assert few.best is None
    assert few.as_json() == []
    assert "do not bear" in few.asymptote.why
    with pytest.raises(ConfigError, match="No law was fitted"):
        few.curve([1.0])


@pytest.mark.parametrize(
    ("tokens", "accuracy", "errors"),
    [([], [], None), ([1, 2], [0.1], None), ([-1, 2], [0.1, 0.2], None), ([1, 2], [0.1, float("nan")], None),
     ([1, 2], [0.1, 0.2], [0.1, 0.0])],
)  # fmt: skip
def test_what_is_no_set_of_points_is_refused(
    tokens: list[float], accuracy: list[float], errors: list[float] | None
) -> None:
    with pytest.raises(ConfigError):
        fit_laws(tokens, accuracy, errors)
