"""Least squares for laws that are linear in all but a few shapes: one data set exactly, many at once quickly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthcpt.scaling.laws import Floats, Law, mixture

_ROUNDS = 12
"""Of Levenberg and Marquardt's method, from the best start."""

_STEP = 1e-5
"""In a shape, to tell its slope."""

_SINGULAR = 1e-7


def fit_one(law: Law, tokens: Floats, values: Floats, weights: Floats, ceiling: float) -> tuple[Floats, Floats]:
    """The coefficients and shapes of least weighted squares.

    Args:
        law: to fit.
        tokens: of each point.
        values: accuracies.
        weights: 1 over the standard errors.
        ceiling: no mixture of exponentials levels off above it.
    """
    from scipy.optimize import least_squares

    starts = law.starts(tokens)
    start = fit_many(law, tokens, values[None], weights, ceiling)[1][0]
    if law.shapes == 0:
        return _coefficients(law, start, tokens, values, weights, ceiling), start

    def misses(shapes: Floats) -> Floats:
        coefficients = _coefficients(law, shapes, tokens, values, weights, ceiling)
        return np.asarray((values - law.basis(shapes, tokens) @ coefficients) * weights)

    low, high = starts.min(), starts.max()
    polished = least_squares(
        misses, np.clip(start, low, high), bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=200
    )
    shapes = np.sort(polished.x) if law.terms else polished.x
    return _coefficients(law, shapes, tokens, values, weights, ceiling), shapes


def _coefficients(law: Law, shapes: Floats, tokens: Floats, values: Floats, weights: Floats, ceiling: float) -> Floats:
    from scipy.optimize import nnls

    columns = law.basis(shapes, tokens) * weights[:, None]
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    if not law.terms:
        found = np.linalg.lstsq(columns / lengths, values * weights, rcond=None)[0]
        return np.asarray(found / lengths)
    # ceiling - y = (ceiling - a) + sum of b_i r_i^x, and none of these is negative.
    scaled = np.abs(columns) / lengths
    found = nnls(scaled, (ceiling - values) * weights)[0] / lengths
    found[0] = ceiling - found[0]
    return np.asarray(found)


def fit_many(
    law: Law, tokens: Floats, rows: Floats, weights: Floats, ceiling: float, near: Floats | None = None
) -> tuple[Floats, Floats]:
    """Fit each row of accuracies; coefficients ``[rows, coefficients]`` and shapes ``[rows, shapes]``.

    Every start is tried, and the best one is improved on; so are the shapes ``near``, of the fit that the rows are
    resamples of. A mixture whose every start has a term that would have to rise is the mixture of one term less.
    """
    problem = _Problem(law, tokens, rows, weights, ceiling)
    found = problem.search(near)
    if not law.terms:
        return found.coefficients, found.shapes
    fastest = law.starts(tokens).max()
    if law.terms == 1:
        level = np.minimum((rows * weights**2).sum(axis=1) / (weights**2).sum(), ceiling)
        fewer, fewer_shapes = level[:, None], np.empty((len(rows), 0))
    else:
        fewer, fewer_shapes = fit_many(mixture(law.terms - 1), tokens, rows, weights, ceiling)
    last = np.zeros_like(fewer[:, :1])
    return found.better(
        problem.at(np.append(fewer_shapes, last + fastest, axis=1), np.append(fewer, last, axis=1))
    ).told


@dataclass(frozen=True, slots=True)
class _Found:
    """The best so far: of each row its shapes, coefficients, what is left (weighted) and the sum of its squares."""

    shapes: Floats
    coefficients: Floats
    left: Floats
    squares: Floats

    @property
    def told(self) -> tuple[Floats, Floats]:
        return self.coefficients, self.shapes

    def better(self, other: _Found) -> _Found:
        take = other.squares < self.squares
        return _Found(
            np.where(take[:, None], other.shapes, self.shapes),
            np.where(take[:, None], other.coefficients, self.coefficients),
            np.where(take[:, None], other.left, self.left),
            np.where(take, other.squares, self.squares),
        )


@dataclass(frozen=True, slots=True)
class _Problem:
    """One law and many rows of accuracies."""

    law: Law
    tokens: Floats
    rows: Floats
    weights: Floats
    ceiling: float

    def search(self, near: Floats | None) -> _Found:
        starts = self.law.starts(self.tokens)
        columns = self.law.basis(starts, self.tokens) * self.weights[:, None]
        _, squares = _bounded(self.law, columns, (self.rows * self.weights).T, self.weights, self.ceiling)
        found = self.improve(self.at(starts[np.argmin(squares, axis=0)]))
        if near is None:
            return found
        return found.better(self.improve(self.at(np.broadcast_to(near, found.shapes.shape))))

    def at(self, shapes: Floats, coefficients: Floats | None = None) -> _Found:
        """What is left with these shapes and, unless others are given, the best coefficients."""
        columns = self.law.basis(shapes, self.tokens) * self.weights[:, None]
        weighted = (self.rows * self.weights)[..., None]
        if coefficients is None:
            solved, squares = _bounded(self.law, columns, weighted, self.weights, self.ceiling)
            left = (weighted - columns @ solved)[..., 0]
            return _Found(shapes, solved[..., 0], left, np.where(np.isinf(squares[..., 0]), np.inf, (left**2).sum(-1)))
        left = (weighted - columns @ coefficients[..., None])[..., 0]
        return _Found(shapes, coefficients, left, (left**2).sum(axis=-1))

    def improve(self, found: _Found) -> _Found:
        """Levenberg and Marquardt's method on the shapes alone."""
        count = self.law.shapes
        if not count:
            return found
        starts = self.law.starts(self.tokens)
        low, high = starts.min(), starts.max()
        damping = np.full(len(self.rows), 1e-2)
        for _ in range(_ROUNDS):
            slopes = np.stack(
                [(self.at(found.shapes + _STEP * unit).left - found.left) / _STEP for unit in np.eye(count)], axis=-1
            )
            square = np.swapaxes(slopes, -1, -2) @ slopes
            sizes = np.maximum(np.diagonal(square, axis1=-2, axis2=-1), 1e-12)
            square = square + (damping[:, None] * sizes)[..., None] * np.eye(count)
            step = -np.linalg.solve(square, np.swapaxes(slopes, -1, -2) @ found.left[..., None])[..., 0]
            tried = self.at(np.clip(found.shapes + step, low, high))
            damping = np.where(tried.squares < found.squares, damping / 5, damping * 5)
            found = found.better(tried)
        return found


def _bounded(law: Law, columns: Floats, values: Floats, weights: Floats, ceiling: float) -> tuple[Floats, Floats]:
    """Least squares within the bounds: a below the ceiling, falling terms only.

    The square left is infinite where a term would have to rise.
    """
    coefficients, squares = _linear(columns, values)
    if not law.terms:
        return coefficients, squares
    fits = (coefficients[..., 1:, :] >= 0).all(axis=-2) & (coefficients[..., 0, :] <= ceiling)
    squares = np.where(fits, squares, np.inf)
    rest, at_ceiling = _linear(columns[..., 1:], values - ceiling * weights[:, None])
    at_ceiling = np.where((rest >= 0).all(axis=-2), at_ceiling, np.inf)
    held = np.concatenate([np.full_like(rest[..., :1, :], ceiling), rest], axis=-2)
    nearer = at_ceiling < squares
    return np.where(nearer[..., None, :], held, coefficients), np.where(nearer, at_ceiling, squares)


def _linear(columns: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Coefficients ``[..., coefficients, rows]`` and squares left ``[..., rows]``, infinite where singular."""
    lengths = np.maximum(np.linalg.norm(columns, axis=-2, keepdims=True), 1e-300)
    q, r = np.linalg.qr(columns / lengths)
    diagonal = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    singular = (diagonal < _SINGULAR).any(axis=-1)
    r = np.where(singular[..., None, None], np.eye(r.shape[-1]), r)
    told = np.swapaxes(q, -1, -2) @ values
    coefficients = np.linalg.solve(r, told) / np.swapaxes(lengths, -1, -2)
    squares = np.maximum((values**2).sum(axis=-2) - (told**2).sum(axis=-2), 0.0)
    return coefficients, np.where(singular[..., None], np.inf, squares)
