"""A mean with its interval."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError
from synthcpt.statistics import student
from synthcpt.statistics.clusters import Floats, draws, gather

RESAMPLES = 10_000
LEVEL = 0.95
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean.

    Attributes:
        value: of all values.
        low, high: the interval; equal to the value where a single cluster says nothing of how far it may be off.
        n: how many values.
        clusters: how many clusters they come in.
        few_seeds: of fewer than three trainings of a recipe, where seeds were asked about: how far trainings differ is
            then hardly known, or not at all.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    few_seeds: bool = False


def mean_estimate(
    values: Any,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """The mean of values that come in clusters, with an interval by resampling clusters.

    The interval is the percentile one, widened for few clusters as a t interval is (Hesterberg, "What teachers should
    know about the bootstrap", The American Statistician 2015, section 3: the expanded percentile interval). Where all
    clusters of 0s and 1s agree, resampling says nothing, and Wilson's interval over clusters is given.

    Args:
        values: numbers, one a question.
        clusters: each question's document; each value stands alone without.
        seed: of the resampling.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, one that is no number, no resamples, or a level that is not between 0 and 1.
    """
    checked(resamples, level)
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ConfigError(f"A mean is of a list of values, not of a table of {column.ndim} dimensions.")
    gathered = gather(column[None], clusters)
    count = len(gathered.sizes)
    value = float(gathered.means[0])
    rng = np.random.default_rng(seed)
    means = np.concatenate([
        (drawn @ gathered.sums[0]) / (drawn @ gathered.sizes) for drawn in draws(rng, count, resamples)
    ])  # fmt: skip
    low, high = interval(means, value, count, level)
    if math.isclose(low, high, abs_tol=1e-12):
        low, high = without_spread(value, count, level)
    return Estimate(value, low, high, int(gathered.sizes.sum()), count)


def checked(resamples: int, level: float) -> None:
    """Refuse what no interval can be told with.

    Raises:
        ConfigError: no resamples, or a level that is not between 0 and 1.
    """
    if resamples < 1 or not 0 < level < 1:
        raise ConfigError(
            f"An interval takes one resample at least and a level between 0 and 1, not {resamples} and {level:g}."
        )


def interval(means: Floats, value: float, count: int, level: float) -> tuple[float, float]:
    """The expanded percentile interval of resampled means; ``count`` is of the clusters behind them."""
    if count < 2:
        return value, value
    tail = expanded_tail(count, level)
    low, high = np.quantile(means, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)


def expanded_tail(count: int, level: float) -> float:
    """The share of resamples on either side of the interval: smaller for few clusters, as Student's t has it."""
    t = student.quantile(0.5 + level / 2, count - 1)
    return _NORMAL.cdf(-t * math.sqrt(count / (count - 1)))


def without_spread(value: float, count: int, level: float) -> tuple[float, float]:
    """Where all clusters agree on 0, 1 or -1: Wilson's interval, taking each cluster as one trial."""
    if value not in (0.0, 1.0, -1.0):
        return value, value
    z = _NORMAL.inv_cdf(0.5 + level / 2)
    width = z * z / (count + z * z)
    return {0.0: (0.0, width), 1.0: (1.0 - width, 1.0), -1.0: (-1.0, width - 1.0)}[value]
