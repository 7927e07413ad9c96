"""Student's t distribution, for any number of degrees of freedom from 1 on; numpy alone."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from synthcpt.statistics.clusters import Floats

_ANGLES = 20_001
_NORMAL_FROM = 10_000.0
"""Degrees of freedom from which on the normal distribution is as good to five digits."""


def quantile(probability: float, freedom: float) -> float:
    """The value that t stays below with this probability, above one half."""
    if freedom >= _NORMAL_FROM:
        return NormalDist().inv_cdf(probability)
    angles, shares = _shares(freedom)
    return math.sqrt(freedom) * math.tan(float(np.interp(2 * probability - 1, shares, angles)))


def two_sided(t: float, freedom: float) -> float:
    """How probable a value as far from 0 as this one is."""
    if freedom >= _NORMAL_FROM:
        return 2 * NormalDist().cdf(-abs(t))
    angles, shares = _shares(freedom)
    return 1 - float(np.interp(math.atan(abs(t) / math.sqrt(freedom)), angles, shares))


@lru_cache(maxsize=64)
def _shares(freedom: float) -> tuple[Floats, Floats]:
    """With ``t = sqrt(freedom) tan(angle)``, the density over angles is the cosine to the power ``freedom - 1``."""
    angles = np.linspace(0, math.pi / 2, _ANGLES)
    density = np.cos(angles).clip(0) ** (freedom - 1)
    sums = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return angles, sums / sums[-1]
