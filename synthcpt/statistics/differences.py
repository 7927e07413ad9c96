"""Two models on the same questions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError
from synthcpt.statistics.clusters import Floats, gather
from synthcpt.statistics.estimates import LEVEL, RESAMPLES, mean_estimate

_MOST_EXACT = 14
"""Clusters up to which every one of the 2^n sign patterns is looked at."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The second's mean less the first's.

    Attributes:
        value: the difference.
        low, high: its interval.
        p_value: two-sided, that there is none.
        n: how many questions.
        clusters: how many documents they are about.
        few_seeds: a side has fewer than three trainings, where seeds were asked about: how far trainings differ is then
            hardly known, or not at all.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int
    clusters: int
    few_seeds: bool = False


def paired_difference(
    first: Any,
    second: Any,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Difference:
    """The mean difference, question by question, with an interval by resampling clusters.

    The p-value is that of a randomisation test: if nothing differed, each cluster's difference could as well have the
    other sign. Every pattern of signs is looked at where there are few clusters, as many as ``resamples`` else.

    Args:
        first: values, one a question.
        second: values of the other model, the same questions in the same order.
        clusters: each question's document.
        seed: of the resampling.
        resamples: how many.
        level: the interval's coverage.

    Raises:
        ConfigError: no values, one that is no number, or not the same number of them.
    """
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if before.shape != after.shape:
        raise ConfigError(f"Two models were asked {before.size} and {after.size} questions; pair them first.")
    found = mean_estimate(after - before, clusters, seed=seed, resamples=resamples, level=level)
    sums = gather(np.atleast_2d(after - before), clusters).sums[0]
    low, high = (found.low, found.high) if np.any(sums) else (found.value, found.value)
    return Difference(found.value, low, high, sign_flips(sums, seed, resamples), found.n, found.clusters)


def sign_flips(sums: Floats, seed: int, resamples: int) -> float:
    """The two-sided p-value of clusters' summed differences when their signs are drawn anew."""
    told = sums[sums != 0]
    if not len(told):
        return 1.0
    seen = abs(float(told.sum())) * (1 - 1e-12)
    if len(told) <= _MOST_EXACT:
        patterns = (np.arange(2 ** len(told))[:, None] >> np.arange(len(told))) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ told) >= seen))
    rng = np.random.default_rng([seed, 1])
    # A sign each: the sum is twice the sum of those kept, less all.
    at_once = max(1, 4_000_000 // len(told))
    extreme = 0
    for start in range(0, resamples, at_once):
        kept = rng.integers(0, 2, size=(min(at_once, resamples - start), len(told))).astype(np.float64)
        extreme += int(np.sum(np.abs(2 * (kept @ told) - told.sum()) >= seen))
    return (1 + extreme) / (1 + resamples)
