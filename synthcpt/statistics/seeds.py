"""Several trainings of one recipe, asked the same questions: both the seeds and the documents are a sample."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError
from synthcpt.statistics import student
from synthcpt.statistics.clusters import Clustered, Floats, gather
from synthcpt.statistics.differences import Difference, paired_difference, sign_flips
from synthcpt.statistics.estimates import LEVEL, RESAMPLES, Estimate, checked, mean_estimate, without_spread

FEW_SEEDS = 3
"""From so many on, how far trainings differ can be told; an estimate from fewer is marked."""


def seeds_estimate(
    matrix: Any,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """The mean over seeds and questions, with an interval that knows of both samples.

    Its variance is that of clusters plus what seeds' means scatter by beyond the noise of their answers; its width is
    Student's, with the degrees of freedom that Satterthwaite's formula gives such a sum. Where seeds scatter, two of
    them thus make a very wide interval and three a wide one. One seed tells nothing of how others would have turned
    out: the interval is then of the questions alone, by `mean_estimate`.

    Args:
        matrix: ``[seeds, questions]``.
        clusters: each question's document.
        seed: of the resampling, for one seed.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, one that is no number, or rows that differ in length.
    """
    rows = _rows(matrix)
    checked(resamples, level)
    if len(rows) == 1:
        alone = mean_estimate(rows[0], clusters, seed=seed, resamples=resamples, level=level)
        return replace(alone, few_seeds=True)
    gathered = gather(rows, clusters)
    value, count = float(gathered.means.mean()), len(gathered.sizes)
    spread = _spread([gathered])
    low, high = spread.interval(value, level) if spread.error else without_spread(value, count, level)
    if gathered.sums.min() >= 0 and (gathered.sums <= gathered.sizes).all():  # shares: t knows no bounds
        low, high = max(0.0, low), min(1.0, high)
    return Estimate(value, low, high, int(gathered.sizes.sum()), count, few_seeds=len(rows) < FEW_SEEDS)


def seeds_difference(
    first: Any,
    second: Any,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Difference:
    """The second recipe's mean less the first's, on the same questions; seeds are not paired, questions are.

    The interval is as in `seeds_estimate`. The p-value is the larger of two: Student's, which knows of the seeds'
    scatter, and that of the clusters' signs drawn anew, which is exact for few clusters.

    Args:
        first: ``[seeds, questions]``; it may have other seeds than the second. A model without seeds, such as the base,
            is one row, or the same row as often as the other side has seeds, which comes to the same but is not marked.
        second: ``[seeds, questions]``.
        clusters: each question's document.
        seed: of the resampling.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, one that is no number, or other questions.
    """
    before, after = _rows(first), _rows(second)
    checked(resamples, level)
    if before.shape[1] != after.shape[1]:
        raise ConfigError(f"Two recipes were asked {before.shape[1]} and {after.shape[1]} questions; pair them first.")
    if len(before) == len(after) == 1:
        paired = paired_difference(before[0], after[0], clusters, seed=seed, resamples=resamples, level=level)
        return replace(paired, few_seeds=True)
    sides = [gather(before, clusters), gather(after, clusters)]
    value = float(sides[1].means.mean() - sides[0].means.mean())
    count = len(sides[0].sizes)
    flipped = sign_flips(sides[1].sums.mean(axis=0) - sides[0].sums.mean(axis=0), seed, resamples)
    spread = _spread(sides)
    if spread.error:
        low, high = spread.interval(value, level)
        p_value = max(flipped, student.two_sided(value / spread.error, spread.freedom))
    else:
        low, high = without_spread(value, count, level) if value else (value, value)
        p_value = flipped
    few_seeds = min(len(before), len(after)) < FEW_SEEDS
    return Difference(value, low, high, p_value, int(sides[0].sizes.sum()), count, few_seeds=few_seeds)


@dataclass(frozen=True, slots=True)
class _Spread:
    """The standard error of a mean, or of a difference of two, and its degrees of freedom; 0 where nothing varies."""

    error: float
    freedom: float

    def interval(self, value: float, level: float) -> tuple[float, float]:
        width = student.quantile(0.5 + level / 2, self.freedom) * self.error
        return value - width, value + width


def _spread(sides: Sequence[Clustered]) -> _Spread:
    """Of one side, or of the second less the first: clusters are shared between sides, seeds are not."""
    sizes = sides[0].sizes
    questions, count = sizes.sum(), len(sizes)
    # What each cluster adds to each seed's mean, beyond its share of the overall mean: [seeds, clusters].
    parts = [(side.sums - side.means.mean() * sizes) / questions for side in sides]
    by_cluster = parts[-1].mean(axis=0) - (parts[0].mean(axis=0) if len(parts) == 2 else 0.0)
    variances = [_summed(by_cluster**2, count)] if count > 1 else []
    freedoms = [float(count - 1)] if count > 1 else []
    for part in parts:
        seeds = len(part)
        if seeds > 1:
            variances.append(_between_seeds(part, sizes / questions))
            freedoms.append(float(seeds - 1))
    total = sum(variances)
    if total <= 1e-24:  # nothing but rounding
        return _Spread(0.0, 1.0)
    return _Spread(math.sqrt(total), total**2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True)))


def _between_seeds(part: Floats, shares: Floats) -> float:
    """The variance of seeds' mean that more questions would not lessen.

    Answers that change from seed to seed at random move the seeds' means too; that much is in the clusters' variance
    already, and is taken off.
    """
    seeds, count = part.shape
    means = part.sum(axis=1)
    noise = part - part.mean(axis=0) - np.outer(means, shares)
    noise_only = _summed(noise**2, count) / (seeds * (seeds - 1)) if count > 1 else 0.0
    return float(max(0.0, (means**2).sum() / (seeds * (seeds - 1)) - noise_only))


def _summed(squares: Floats, count: int) -> float:
    return float(squares.sum()) * count / (count - 1)


def _rows(matrix: Any) -> Floats:
    if len({len(row) if hasattr(row, "__len__") else -1 for row in matrix}) > 1:
        raise ConfigError("Every seed is asked the same questions, so the rows of a table are equally long.")
    rows = np.asarray(matrix, dtype=np.float64)
    if rows.ndim != 2:
        raise ConfigError(f"Seeds and questions make a table of two dimensions, not of {rows.ndim}.")
    return rows
