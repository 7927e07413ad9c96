"""How fast learnt facts fade: a line through retainability against log10 of time, its interval by documents.

The decay constant is the line's slope with its sign turned, the share of what was learnt that is lost with every
tenfold of steps (Chang et al. 2024, arXiv:2406.11813, section 4.3, R = -a log10(t / tau)); tau is where the line
reaches zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthcpt.evaluation.fact_curves import DecayPoints

Floats = NDArray[np.float64]

_MOMENTS = 5  # n, x, y, xx, xy


@dataclass(frozen=True, slots=True)
class DecayFit:
    """The line.

    Attributes:
        value: the decay constant.
        low, high: its interval, by resampling documents.
        n: points it was fitted to.
        clusters: documents they are of.
        share_after_one_step: the line's height at t = 1.
        forgotten_after_steps: tau, where the line reaches zero; None where it does not fall or that is beyond 1e9.
        r_squared: the share of the points' variance that the line explains.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    share_after_one_step: float
    forgotten_after_steps: float | None
    r_squared: float


def fit_decay(points: DecayPoints, *, seed: int = 0, resamples: int = 10_000, level: float = 0.95) -> DecayFit:
    """The least-squares line through points of at least two different times."""
    from synthcpt.statistics.estimates import interval

    slope, intercept = np.polyfit(points.log_t, points.shares, 1).tolist()
    left = points.shares - (slope * points.log_t + intercept)
    spread = float(np.sum((points.shares - points.shares.mean()) ** 2))
    names = sorted(set(points.clusters))
    drawn = _resampled_decays([points], names, seed, resamples)[0]
    low, high = interval(drawn[np.isfinite(drawn)], -slope, len(names), level)
    tau = 10 ** min(-intercept / slope, 10.0) if slope < 0 else None
    return DecayFit(
        -slope, low, high, len(points.shares), len(names), intercept, tau if tau is not None and tau < 1e9 else None,
        1 - float(np.sum(left**2)) / spread if spread else 1.0,
    )  # fmt: skip


def decay_difference(
    first: DecayPoints, second: DecayPoints, *, seed: int = 0, resamples: int = 10_000, level: float = 0.95
) -> tuple[float, float, float]:
    """The second decay constant less the first: value, low and high.

    Documents are drawn from those of both, so that what has points on both sides stays a pair.
    """
    from synthcpt.statistics.estimates import interval

    value = float(np.polyfit(first.log_t, first.shares, 1)[0] - np.polyfit(second.log_t, second.shares, 1)[0])
    names = sorted({*first.clusters, *second.clusters})
    apart = np.subtract(*reversed(_resampled_decays([first, second], names, seed, resamples)))
    fewest = min(len(set(first.clusters)), len(set(second.clusters)))
    low, high = interval(apart[np.isfinite(apart)], value, fewest, level)
    return value, low, high


def _resampled_decays(sides: Sequence[DecayPoints], names: Sequence[str], seed: int, resamples: int) -> list[Floats]:
    """Each side's decay constant when documents are drawn anew, the same for all; NaN where no line was drawn."""
    from synthcpt.statistics.clusters import draws

    moments = [_moments(side, names) for side in sides]
    found: list[list[Floats]] = [[] for _ in sides]
    for weights in draws(np.random.default_rng(seed), len(names), resamples):
        for number, moment in enumerate(moments):
            n, x, y, xx, xy = (weights @ moment).T
            under = n * xx - x * x
            with np.errstate(divide="ignore", invalid="ignore"):
                found[number].append(np.where(under > 1e-9 * n * xx, -(n * xy - x * y) / under, np.nan))
    return [np.concatenate(parts) for parts in found]


def _moments(points: DecayPoints, names: Sequence[str]) -> Floats:
    """What a line needs of each document's points, shape (documents, `_MOMENTS`)."""
    places = {name: number for number, name in enumerate(names)}
    at = np.array([places[cluster] for cluster in points.clusters])
    x, y = points.log_t, points.shares
    columns = [np.ones_like(x), x, y, x * x, x * y]
    return np.stack([np.bincount(at, weights=column, minlength=len(names)) for column in columns], axis=1)
