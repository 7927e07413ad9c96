"""Which law accuracy follows as synthetic tokens grow, how sure that is, and where it would level off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError
from synthcpt.scaling.asymptote import Asymptote, Candidate, Points, judge
from synthcpt.scaling.laws import Floats, Law, laws_for
from synthcpt.scaling.search import fit_many, fit_one

RESAMPLES = 200
LEVEL = 0.95
_DRAWN = 40
_BEYOND = 4.0
"""How far past the most tokens seen a curve is drawn."""


@dataclass(frozen=True, slots=True)
class LawFit:
    """One law, fitted.

    Attributes:
        law: which.
        coefficients, shapes: its numbers; ``parameters`` has them by name.
        squares: the weighted squares left: chi-squared where standard errors were given.
        aicc: Akaike's criterion, corrected for few points (Hurvich and Tsai, Biometrika 1989); comparable within one
            set of points only.
        weight: Akaike weight among the laws fitted, which sum to 1.
        drawn_coefficients, drawn_shapes: of the resamples, ``[resamples, ...]``.
        asymptote: whether one may be quoted, and if not, why.
    """

    law: Law
    coefficients: Floats
    shapes: Floats
    squares: float
    aicc: float
    weight: float
    drawn_coefficients: Floats
    drawn_shapes: Floats
    asymptote: Asymptote

    @property
    def parameters(self) -> dict[str, float]:
        """By name; ``tokens_i`` is the tokens in which term i falls to 1/e: the paper's r_i is exp(-1 / tokens_i)."""
        return self.law.name_parameters(self.coefficients, self.shapes)

    def curve(self, xs: Sequence[float] | Floats) -> Floats:
        """Accuracy at each number of tokens."""
        return np.asarray(self.law.basis(self.shapes, np.asarray(xs, dtype=np.float64)) @ self.coefficients)

    def band(self, xs: Sequence[float] | Floats, level: float = LEVEL, noise: float = 0.0, seed: int = 0) -> Floats:
        """Low and high, ``[xs, 2]``.

        Args:
            xs: numbers of tokens.
            level: the band's coverage at each x.
            noise: standard error of one further measurement: with it this is a prediction band, without it the band
                says where the law itself runs.
            seed: of the noise.
        """
        columns = self.law.basis(self.drawn_shapes, np.asarray(xs, dtype=np.float64))
        curves = (columns @ self.drawn_coefficients[..., None])[..., 0]
        if noise:
            curves = curves + np.random.default_rng(seed).normal(0.0, noise, curves.shape)
        return np.asarray(np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0).T)


@dataclass(frozen=True, slots=True)
class Fits:
    """Every law that the points bear.

    Attributes:
        tokens: of the points.
        laws: with the most Akaike weight first; empty where the points bear none.
        refused: laws with more parameters than the points bear, and why.
        asymptote: what may be said of where accuracy levels off.
    """

    tokens: Floats
    laws: tuple[LawFit, ...]
    refused: dict[str, str]
    asymptote: Asymptote

    @property
    def best(self) -> LawFit | None:
        """The law with the most weight; None where the points bear none."""
        return self.laws[0] if self.laws else None

    def curve(self, xs: Sequence[float] | Floats) -> Floats:
        """Accuracy by the best law at each number of tokens.

        Raises:
            ConfigError: no law was fitted.
        """
        return self._required().curve(xs)

    def band(self, xs: Sequence[float] | Floats, level: float = LEVEL, noise: float = 0.0) -> Floats:
        """The best law's band, see `LawFit.band`.

        Raises:
            ConfigError: no law was fitted.
        """
        return self._required().band(xs, level, noise)

    def as_json(self) -> list[dict[str, Any]]:
        """An item a law, as results.json has them under ``fits``."""
        positive = self.tokens[self.tokens > 0]
        xs = np.geomspace(positive.min(), positive.max() * _BEYOND, _DRAWN)
        return [
            {
                "law": fit.law.name,
                "formula": fit.law.formula,
                "parameters": fit.parameters,
                "aicc": fit.aicc,
                "weight": fit.weight,
                "curve": np.column_stack([xs, fit.curve(xs)]).tolist(),
                "band": np.column_stack([xs, fit.band(xs)]).tolist(),
                "asymptote": fit.asymptote.as_json(),
            }
            for fit in self.laws
        ]

    def _required(self) -> LawFit:
        if not self.laws:
            raise ConfigError(f"No law was fitted. {self.asymptote.why}")
        return self.laws[0]


def fit_laws(
    tokens: Sequence[float],
    accuracy: Sequence[float],
    errors: Sequence[float] | None = None,
    seed: int = 0,
    *,
    resamples: int = RESAMPLES,
    ceiling: float | None = None,
) -> Fits:
    """Fit mixtures of exponentials (EntiGraph, arXiv 2409.07431, section 6), a logarithmic and a power law.

    Args:
        tokens: synthetic tokens, or any other measure of effort, at least 0.
        accuracy: at each; shares, or points out of 100.
        errors: standard errors of the accuracies. With them a point counts by its error, and resamples are drawn from
            the fitted curve with these errors; without, errors are taken as equal and what the fit leaves is drawn.
        seed: of the resampling.
        resamples: how many.
        ceiling: what accuracy can at most be; 1, or 100 where an accuracy above 1 is given.

    Raises:
        ConfigError: no points, numbers of them that differ, a value that is no number, negative tokens, an error that
            is not positive.
    """
    xs, ys, weights = _checked(tokens, accuracy, errors)
    top = ceiling if ceiling is not None else (1.0 if ys.max() <= 1.0 else 100.0)
    if not np.any(xs > 0):
        return Fits(xs, (), {}, Asymptote.refusal("Every point is at 0 tokens."))
    known = errors is not None
    borne, refused = _borne(xs, known)
    if not borne:
        return Fits(xs, (), refused, Asymptote.refusal(next(iter(refused.values()))))
    rng = np.random.default_rng([seed, 0x5CA1])
    fitted: list[Candidate] = []
    for law in borne:
        coefficients, shapes = fit_one(law, xs, ys, weights, top)
        curve = law.basis(shapes, xs) @ coefficients
        rows = curve + _noise(ys - curve, weights, law.parameters, known, resamples, rng)
        drawn, drawn_shapes = fit_many(law, xs, rows, weights, top, near=shapes)
        squares = float((((ys - curve) * weights) ** 2).sum())
        aicc = _aicc(squares, len(xs), law.parameters, known, float(np.abs(ys).max()))
        fitted.append(Candidate(law, coefficients, shapes, squares, aicc, drawn, drawn_shapes))
    least = min(one.aicc for one in fitted)
    likelihoods = [math.exp(-(one.aicc - least) / 2) for one in fitted]
    asymptotes = judge(fitted, Points(xs, ys, top, known))
    laws = [
        LawFit(
            one.law, one.coefficients, one.shapes, one.squares, one.aicc, likelihood / sum(likelihoods),
            one.drawn_coefficients, one.drawn_shapes, asymptotes[one.law.name],
        )
        for one, likelihood in zip(fitted, likelihoods, strict=True)
    ]  # fmt: skip
    laws.sort(key=lambda one: one.aicc)
    return Fits(xs, tuple(laws), refused, laws[0].asymptote)


def _checked(
    tokens: Sequence[float], accuracy: Sequence[float], errors: Sequence[float] | None
) -> tuple[Floats, Floats, Floats]:
    xs, ys = np.asarray(tokens, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    weights = np.ones_like(ys) if errors is None else np.asarray(errors, dtype=np.float64)
    if not len(xs) == len(ys) == len(weights) or not len(xs):
        raise ConfigError(
            f"A law is fitted to points: {len(xs)} token counts, {len(ys)} accuracies and {len(weights)} errors are "
            "given, and as many of each are needed, at least one."
        )
    if not (np.isfinite(xs).all() and np.isfinite(ys).all() and np.isfinite(weights).all()):
        raise ConfigError("A point to fit has a value that is not a number; leave that point out.")
    if xs.min() < 0:
        raise ConfigError(f"A point to fit has {xs.min():g} tokens; token counts start at 0.")
    if weights.min() <= 0:
        raise ConfigError("A point to fit has a standard error of 0 or less; give positive ones, or none at all.")
    return xs, ys, 1 / weights


def _borne(tokens: Floats, known: bool) -> tuple[list[Law], dict[str, str]]:
    """The laws whose AICc is defined with so many points; without errors their size is one parameter more."""
    places = len(np.unique(tokens))
    borne: list[Law] = []
    refused: dict[str, str] = {}
    for law in laws_for(tokens):
        needed = law.parameters + (2 if known else 3)
        if places >= needed:
            borne.append(law)
        else:
            refused[law.name] = (
                f"{places} points do not bear the {law.parameters} parameters of the law {law.name}: measure at "
                f"{needed} numbers of tokens at least."
            )
    return borne, refused


def _aicc(squares: float, points: int, parameters: int, known: bool, scale: float) -> float:
    if known:
        fitted, misfit = parameters, squares
    else:
        fitted = parameters + 1
        # A fit to the last digit would count as infinitely good.
        misfit = points * math.log(max(squares / points, (1e-6 * max(scale, 1e-300)) ** 2))
    return misfit + 2 * fitted + 2 * fitted * (fitted + 1) / (points - fitted - 1)


def _noise(
    left: Floats, weights: Floats, parameters: int, known: bool, resamples: int, rng: np.random.Generator
) -> Floats:
    """``[resamples, points]``."""
    if known:
        return np.asarray(rng.standard_normal((resamples, len(left))) / weights)
    # What is left is smaller than the errors were, by as much as the parameters have taken up.
    widened = (left - left.mean()) * math.sqrt(len(left) / (len(left) - parameters))
    return np.asarray(rng.choice(widened, (resamples, len(left))))
