"""Values gathered by cluster, and clusters drawn with replacement."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthcpt.errors import ConfigError

Floats = NDArray[np.float64]

_MOST_WEIGHTS = 4_000_000
"""Drawn at once, so that memory does not grow with clusters times resamples."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """Sums by cluster.

    Attributes:
        sums: ``[rows, clusters]``.
        sizes: ``[clusters]``, how many values each row has in each.
    """

    sums: Floats
    sizes: Floats

    @property
    def means(self) -> Floats:
        """Of each row, over all its values."""
        return np.asarray(self.sums.sum(axis=1) / self.sizes.sum())


def gather(rows: Floats, clusters: Sequence[Hashable] | None) -> Clustered:
    """Sum each row's values by cluster.

    Args:
        rows: ``[rows, values]``.
        clusters: of each value; None where each value stands alone.

    Raises:
        ConfigError: there are no values, one of them is no number, or clusters and values differ in number.
    """
    if rows.size == 0:
        raise ConfigError("There is nothing to estimate: no question was answered.")
    if not np.isfinite(rows).all():
        raise ConfigError("A value is not a number, so no mean can be told.")
    if clusters is None:
        return Clustered(rows, np.ones(rows.shape[1]))
    if len(clusters) != rows.shape[1]:
        raise ConfigError(f"{rows.shape[1]} values have {len(clusters)} clusters.")
    numbers: dict[Hashable, int] = {}
    places = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    sums = np.array([np.bincount(places, weights=row, minlength=len(numbers)) for row in rows], dtype=np.float64)
    return Clustered(sums, np.bincount(places, minlength=len(numbers)).astype(np.float64))


def draws(rng: np.random.Generator, count: int, resamples: int) -> Iterator[Floats]:
    """``[some, count]`` at a time: how often each cluster is drawn in a resample."""
    at_once = max(1, _MOST_WEIGHTS // count)
    for first in range(0, resamples, at_once):
        rows = min(at_once, resamples - first)
        # Picks counted row by row: ten times as fast as multinomial draws.
        picks = rng.integers(0, count, size=(rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(picks.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
