"""Exact tests, and the correction for doing several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError


@dataclass(frozen=True, slots=True)
class McNemar:
    """Where two models disagree on right or wrong.

    Attributes:
        only_first, only_second: questions that only one of them has right.
        p_value: exact and two-sided, that either is as likely to.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: Any, second: Any) -> McNemar:
    """McNemar's exact test on the same questions; it takes questions as independent, which clusters are not.

    Raises:
        ConfigError: not the same number of answers, or answers that are neither right nor wrong.
    """
    before, after = np.asarray(first), np.asarray(second)
    if before.shape != after.shape:
        raise ConfigError(f"Two models were asked {before.size} and {after.size} questions; pair them first.")
    for answers in (before, after):
        if not np.isin(answers, (0, 1)).all():
            raise ConfigError("McNemar's test is for answers that are right or wrong, 1 or 0.")
    only_first, only_second = int(np.sum(before > after)), int(np.sum(after > before))
    return McNemar(only_first, only_second, _two_sided(min(only_first, only_second), only_first + only_second))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction: each p-value as it counts among so many, in the order given.

    Raises:
        ConfigError: something that is no probability.
    """
    for name, p_value in p_values.items():
        if not 0 <= p_value <= 1:
            raise ConfigError(f"{name}: {p_value} is no probability.")
    ordered = sorted(p_values, key=lambda name: p_values[name])
    found: dict[str, float] = {}
    so_far = 0.0
    for rank, name in enumerate(ordered):
        so_far = max(so_far, min(1.0, (len(ordered) - rank) * p_values[name]))
        found[name] = so_far
    return {name: found[name] for name in p_values}


def _two_sided(fewer: int, of: int) -> float:
    if of == 0:
        return 1.0
    return float(min(1.0, 2 * sum(comb(of, k) for k in range(fewer + 1)) / 2**of))
