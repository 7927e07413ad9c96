"""What is asked for, checked before any model is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthcpt.errors import ConfigError, near_match
from synthcpt.merging.methods import Method, find_method, read_options

DTYPES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
"""What weights can be written in, by torch's name: the name in a safetensors header."""

_SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A merge, ready to be done.

    Attributes:
        method: the way.
        models, base: as they were given: folders, or names on the Hub.
        weights: one a model; empty for a method without.
        options: all that the method has.
        alphas: of wise_ft, ascending; empty for others.
        dtype: a key of `DTYPES`; None: each tensor stays in that of the first model.
    """

    method: Method
    models: tuple[str, ...]
    base: str | None
    weights: tuple[float, ...]
    options: Mapping[str, float]
    alphas: tuple[float, ...]
    dtype: str | None


def make_recipe(
    method: str,
    models: Sequence[str],
    *,
    base: str | None = None,
    weights: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    alphas: Sequence[float] | None = None,
    dtype: str | None = None,
) -> Recipe:
    """Check what was asked for.

    Raises:
        ConfigError: an unknown method or option, too few or too many models, a base missing or not wanted, weights that
            do not fit.
    """
    chosen = find_method(method)
    _check_models(chosen, models, base)
    if alphas is not None and chosen.name != "wise_ft":
        raise ConfigError(f"Alphas belong to wise_ft; {chosen.name} has none.")
    return Recipe(
        chosen, tuple(models), base, _weights(chosen, models, weights), read_options(chosen, options or {}),
        _alphas(alphas) if chosen.name == "wise_ft" else (), _dtype(dtype),
    )  # fmt: skip


def _check_models(method: Method, models: Sequence[str], base: str | None) -> None:
    fewest, most = method.models
    if len(models) < fewest or (most is not None and len(models) > most):
        raise ConfigError(
            f"{method.name} takes {method.needs}; {len(models)} {'was' if len(models) == 1 else 'were'} given."
        )
    if method.base and base is None:
        raise ConfigError(f"{method.name} computes {method.formula}: name the base with --base.")
    if not method.base and base is not None:
        raise ConfigError(f"{method.name} has no base; leave --base out, or name that model among the others.")


def _weights(method: Method, models: Sequence[str], weights: Sequence[float] | None) -> tuple[float, ...]:
    if not method.weighted:
        if weights is not None:
            raise ConfigError(f"{method.name} takes no weights.")
        return ()
    if weights is None:
        return (1.0,) * len(models)
    if len(weights) != len(models):
        raise ConfigError(f"{len(weights)} weights were given for {len(models)} models; give one for each.")
    if not all(math.isfinite(weight) for weight in weights):
        raise ConfigError("A weight must be a finite number.")
    if method.name == "linear" and not sum(weights) > 0:
        raise ConfigError("The weights of a mean must have a sum above 0.")
    if method.name == "ties" and not min(weights) > 0:
        raise ConfigError("The weights of ties must be above 0.")
    return tuple(map(float, weights))


def _alphas(alphas: Sequence[float] | None) -> tuple[float, ...]:
    """Half and half where nothing is said: the paper's advice without data to choose by (section 4)."""
    chosen = sorted(set(map(float, alphas or (0.5,))))
    if not all(0 <= alpha <= 1 for alpha in chosen):
        raise ConfigError("Every alpha must be from 0 (the base) to 1 (the model).")
    return tuple(chosen)


def _dtype(dtype: str | None) -> str | None:
    if dtype is None:
        return None
    name = _SHORT.get(dtype, dtype)
    if name not in DTYPES:
        raise ConfigError(f"Weights cannot be written as {dtype!r}. {near_match(dtype, [*DTYPES, *_SHORT])}")
    return name
