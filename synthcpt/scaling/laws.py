"""The laws that are fitted to accuracy against synthetic tokens.

Each is linear in all but a few of its parameters: given the others (*shapes* here), its coefficients are a linear least
squares away, so only the shapes are searched for (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 1973).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Law:
    """A curve ``y(x) = sum of coefficients * basis(shapes, x)``.

    Attributes:
        name: ``exponential_1``, ``exponential_2``, ``exponential_3``, ``log`` or ``power``.
        formula: for readers.
        basis: shapes ``[..., shapes]`` and tokens ``[points]`` to columns ``[..., points, coefficients]``; the first
            column is 1 throughout.
        starts: tokens to the shapes where the search begins, ``[starts, shapes]``.
        shapes: how many.
        terms: of the mixture of exponentials; 0 for a law without an asymptote.
        name_parameters: coefficients and shapes by name.
    """

    name: str
    formula: str
    basis: Callable[[Floats, Floats], Floats]
    starts: Callable[[Floats], Floats]
    shapes: int
    terms: int
    name_parameters: Callable[[Floats, Floats], dict[str, float]]

    @property
    def parameters(self) -> int:
        """How many numbers are fitted."""
        return 1 + max(1, self.terms) + self.shapes


def laws_for(tokens: Floats) -> tuple[Law, ...]:
    """Mixtures of 1, 2 and 3 exponentials, the logarithmic law and the power law, simplest first.

    With a point at 0 tokens, where log(x) is not defined, the logarithmic law is ``a + b * log(1 + x / x0)`` with
    ``x0`` fitted, so that every law is held against the same points; without, it is ``a + b * log(x)``.
    """
    logarithm = _logarithm_from_zero() if np.any(tokens == 0) else _logarithm()
    return (logarithm, _power(), *(mixture(terms) for terms in (1, 2, 3)))


def mixture(terms: int) -> Law:
    """``y(x) = a - sum of b_i * r_i^x``, b_i >= 0, with r_i = exp(-exp(shape_i)), the slowest term first."""

    def basis(shapes: Floats, tokens: Floats) -> Floats:
        exponents = np.exp(shapes)[..., None, :] * tokens[:, None]
        falling = -np.exp(-np.minimum(exponents, 700.0))
        return np.concatenate([np.ones_like(falling[..., :1]), falling], axis=-1)

    def starts(tokens: Floats) -> Floats:
        slowest, fastest = _rates(tokens)
        grid = np.linspace(slowest, fastest, {1: 64, 2: 32, 3: 20}[terms])
        return np.array(list(itertools.combinations(grid, terms)), dtype=np.float64)

    def named(coefficients: Floats, shapes: Floats) -> dict[str, float]:
        told = {"a": float(coefficients[0])}
        for place in np.argsort(shapes):
            number = len(told) // 2 + 1
            told[f"b_{number}"] = float(coefficients[1 + place])
            told[f"tokens_{number}"] = math.exp(-shapes[place])
        return told

    formula = "y = a - " + " - ".join(f"b_{i} exp(-x / tokens_{i})" for i in range(1, terms + 1))
    return Law(f"exponential_{terms}", formula, basis, starts, terms, terms, named)


def _rates(tokens: Floats) -> tuple[float, float]:
    """Logarithms of the slowest rate that data show as bent, and of the fastest they show as more than a step."""
    return math.log(0.05 / float(tokens.max())), math.log(5.0 / float(tokens[tokens > 0].min()))


def _logarithm_from_zero() -> Law:
    def basis(shapes: Floats, tokens: Floats) -> Floats:
        return _straight(np.log1p(tokens / np.exp(shapes)))

    def starts(tokens: Floats) -> Floats:
        slowest, fastest = _rates(tokens)
        return np.linspace(-fastest - math.log(20.0), -slowest, 64)[:, None]

    def named(coefficients: Floats, shapes: Floats) -> dict[str, float]:
        return {"a": float(coefficients[0]), "b": float(coefficients[1]), "x0": math.exp(shapes[0])}

    return Law("log", "y = a + b log(1 + x / x0)", basis, starts, 1, 0, named)


def _logarithm() -> Law:
    def basis(shapes: Floats, tokens: Floats) -> Floats:
        column = _straight(np.log(tokens))
        return np.broadcast_to(column, (*shapes.shape[:-1], *column.shape))

    def named(coefficients: Floats, _: Floats) -> dict[str, float]:
        return {"a": float(coefficients[0]), "b": float(coefficients[1])}

    return Law("log", "y = a + b log(x)", basis, lambda _: np.zeros((1, 0)), 0, 0, named)


def _power() -> Law:
    def basis(shapes: Floats, tokens: Floats) -> Floats:
        return _straight(tokens**shapes)

    def named(coefficients: Floats, shapes: Floats) -> dict[str, float]:
        return {"a": float(coefficients[0]), "b": float(coefficients[1]), "c": float(shapes[0])}

    return Law("power", "y = a + b x^c", basis, lambda _: np.linspace(0.02, 2.0, 64)[:, None], 1, 0, named)


def _straight(column: Floats) -> Floats:
    return np.stack([np.ones_like(column), column], axis=-1)
