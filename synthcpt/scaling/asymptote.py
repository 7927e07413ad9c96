"""Where accuracy levels off, told only where the points pin it down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthcpt.scaling.laws import Floats, Law

WIDEST = 0.20
"""Of the gain seen so far: how wide the interval of a quoted asymptote may be."""

LEVEL = 0.90
"""Of that interval."""

MARGIN = 2.0
"""By how much an exponential law's AICc must be below that of every law without an asymptote."""

AS_GOOD = 4.0
"""Mixtures whose AICc is no further above the best mixture's have a say in the interval (Burnham and Anderson, "Model
Selection and Multimodel Inference", section 2.6: considerably less support from there on)."""

MISFIT = 0.01
"""The p-value of chi-squared below which a law misses the points by more than their errors explain."""


@dataclass(frozen=True, slots=True)
class Asymptote:
    """Where more tokens lead.

    Attributes:
        quoted: the points pin it down.
        value: accuracy; None where it is not quoted.
        low, high: its 90 % bootstrap interval; None where it is not quoted.
        why: what speaks against quoting it, a sentence; empty where it is quoted.
    """

    quoted: bool
    value: float | None
    low: float | None
    high: float | None
    why: str

    @staticmethod
    def refusal(why: str) -> Asymptote:
        """None is told, for this reason."""
        return Asymptote(False, None, None, None, why)

    def as_json(self) -> dict[str, Any]:
        """As results.json has it."""
        return {"quoted": self.quoted, "value": self.value, "low": self.low, "high": self.high, "why": self.why}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fitted law, before it is weighed against the others; attributes as `LawFit` has them."""

    law: Law
    coefficients: Floats
    shapes: Floats
    squares: float
    aicc: float
    drawn_coefficients: Floats
    drawn_shapes: Floats


@dataclass(frozen=True, slots=True)
class Points:
    """What the laws were fitted to.

    Attributes:
        tokens, values: of each point.
        ceiling: the most that accuracy can be, which also tells shares from points out of 100.
        known: standard errors were given.
    """

    tokens: Floats
    values: Floats
    ceiling: float
    known: bool

    def told(self, value: float) -> str:
        """An accuracy for a reader."""
        return f"{value:.1f}" if self.ceiling > 1 else f"{value:.3f}"


def judge(fitted: Sequence[Candidate], points: Points) -> dict[str, Asymptote]:
    """By law, what may be said of its asymptote."""
    return {
        one.law.name: _judge(one, fitted, points) if one.law.terms
        else Asymptote.refusal(f"The law {one.law.name} has no asymptote: by it, accuracy never levels off.")
        for one in fitted
    }  # fmt: skip


def _judge(fit: Candidate, fitted: Sequence[Candidate], points: Points) -> Asymptote:
    ends = fit.law.basis(fit.shapes, np.array([points.tokens.min(), points.tokens.max()])) @ fit.coefficients
    gain = float(ends[1] - ends[0])
    if gain <= 0:
        return Asymptote.refusal("Accuracy does not rise with tokens.")
    unbounded = [one for one in fitted if not one.law.terms]
    rival = min(unbounded, key=lambda one: one.aicc, default=None)
    if rival is not None and fit.aicc > rival.aicc - MARGIN:
        compared = "as well" if abs(fit.aicc - rival.aicc) <= MARGIN else "better"
        return Asymptote.refusal(
            f"The law {rival.law.name}, which has no asymptote, describes the points {compared} "
            f"(AICc {rival.aicc:.1f} against {fit.aicc:.1f})."
        )
    if points.known and _misses(fit, len(points.tokens)):
        return Asymptote.refusal(
            f"The law {fit.law.name} misses the points by more than their errors explain "
            f"(chi-squared {fit.squares:.1f} for {len(points.tokens)} points and {fit.law.parameters} parameters)."
        )
    low, high = _interval(fit, fitted, points)
    if high - low > WIDEST * gain:
        return Asymptote.refusal(
            f"The points allow anything from {points.told(low)} to {points.told(high)} ({LEVEL:.0%} interval), and to "
            f"be quoted that must be narrower than {WIDEST:.0%} of the gain of {points.told(gain)} seen so far."
        )
    return Asymptote(True, float(fit.coefficients[0]), low, high, "")


def _misses(fit: Candidate, points: int) -> bool:
    from scipy.special import gammaincc

    return bool(gammaincc((points - fit.law.parameters) / 2, fit.squares / 2) < MISFIT)


def _interval(fit: Candidate, fitted: Sequence[Candidate], points: Points) -> tuple[float, float]:
    """That of this law's resamples, and of every other mixture's that the points speak for about as much."""
    mixtures = [one for one in fitted if one.law.terms]
    enough = min(one.aicc for one in mixtures) + AS_GOOD
    spans = [_own_interval(one, points) for one in mixtures if one is fit or one.aicc <= enough]
    return min(low for low, _ in spans), max(high for _, high in spans)


def _own_interval(fit: Candidate, points: Points) -> tuple[float, float]:
    value = float(fit.coefficients[0])
    low, high = (float(end) for end in np.quantile(fit.drawn_coefficients[:, 0], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    wider = 1.0 if points.known else _expansion(len(points.tokens) - fit.law.parameters)
    return min(value, value - wider * (value - low)), min(points.ceiling, max(value, value + wider * (high - value)))


def _expansion(freedom: int) -> float:
    """A t interval's half-width over a normal one's: how large the errors are was told from few points."""
    from scipy.special import ndtri, stdtrit

    tail = (1 + LEVEL) / 2
    found = float(stdtrit(freedom, tail) / ndtri(tail))
    return found if math.isfinite(found) else math.inf
