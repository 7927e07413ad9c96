"""Several trainings of one recipe, asked the same questions: both the seeds and the documents are a sample."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError
from synthcpt.statistics.clusters import Clustered, Floats, draws, gather
from synthcpt.statistics.differences import Difference, sign_flips
from synthcpt.statistics.estimates import LEVEL, RESAMPLES, Estimate, interval, without_spread


def seeds_estimate(
    matrix: Any,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """The mean over seeds and questions; both seeds and clusters are resampled.

    The spread that a few seeds show is too small on average, by (s - 1) / s in its square, and is widened by as much.
    Two or three seeds tell little of their own spread all the same; one tells nothing of it, and the interval is then
    of the questions alone.

    Args:
        matrix: ``[seeds, questions]``.
        clusters: each question's document.
        seed: of the resampling.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, or one that is no number.
    """
    gathered = gather(_rows(matrix), clusters)
    value, count = float(gathered.means.mean()), len(gathered.sizes)
    means = np.concatenate(list(_resampled([gathered], seed, resamples)), axis=1)[0]
    low, high = interval(means, value, count, level)
    if low == high:
        low, high = without_spread(value, count, level)
    if gathered.sums.min() >= 0 and (gathered.sums <= gathered.sizes).all():  # shares: widening may leave their range
        low, high = max(0.0, low), min(1.0, high)
    return Estimate(value, low, high, int(gathered.sizes.sum()), count)


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

    The p-value is the larger of two: of resampled differences on the other side of zero, which knows of the seeds'
    spread, and of the clusters' signs drawn anew, which is exact for few clusters.

    Args:
        first: ``[seeds, questions]``; it may have other seeds than the second.
        second: ``[seeds, questions]``.
        clusters: each question's document.
        seed: of the resampling.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, one that is no number, or other questions.
    """
    before, after = _rows(first), _rows(second)
    if before.shape[1] != after.shape[1]:
        raise ConfigError(f"Two recipes were asked {before.shape[1]} and {after.shape[1]} questions; pair them first.")
    sides = [gather(before, clusters), gather(after, clusters)]
    value = float(sides[1].means.mean() - sides[0].means.mean())
    count = len(sides[0].sizes)
    means = np.concatenate(list(_resampled(sides, seed, resamples)), axis=1)
    apart = means[1] - means[0]
    low, high = interval(apart, value, count, level)
    crossing = min(int(np.sum(apart <= 0)), int(np.sum(apart >= 0)))
    resampled = min(1.0, 2 * (1 + crossing) / (1 + resamples))
    flipped = sign_flips(sides[1].sums.mean(axis=0) - sides[0].sums.mean(axis=0), seed, resamples)
    return Difference(value, low, high, max(resampled, flipped), int(sides[0].sizes.sum()), count)


def _rows(matrix: Any) -> Floats:
    rows = np.asarray(matrix, dtype=np.float64)
    if rows.ndim != 2:
        raise ConfigError(f"Seeds and questions make a table of two dimensions, not of {rows.ndim}.")
    return rows


def _resampled(sides: Sequence[Clustered], seed: int, resamples: int) -> Any:
    """``[sides, some]`` at a time: means with clusters drawn alike for all sides, and seeds drawn for each."""
    rng = np.random.default_rng([seed, 2])
    for drawn in draws(rng, len(sides[0].sizes), resamples):
        sizes = drawn @ sides[0].sizes
        means = []
        for side in sides:
            by_seed = (drawn @ side.sums.T) / sizes[:, None]
            means.append((by_seed * _seed_weights(rng, len(side.sums), len(drawn))).mean(axis=1))
        yield np.stack(means)


def _seed_weights(rng: np.random.Generator, seeds: int, resamples: int) -> Floats:
    if seeds == 1:
        return np.ones((resamples, 1))
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples)
    return np.asarray(1 + (drawn - 1) * math.sqrt(seeds / (seeds - 1)))
