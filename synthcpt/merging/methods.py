"""The ways of merging: what each needs and when to use it. Help and completion read it, so there is no torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthcpt.errors import ConfigError, near_match


@dataclass(frozen=True, slots=True)
class Option:
    """A number that a method can be given.

    Attributes:
        default: where it is not given.
        low, high: the range it must lie in; ``above_low`` excludes the lower end.
        meaning: for a reader.
    """

    default: float
    low: float
    high: float
    meaning: str
    above_low: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """A way of merging.

    Attributes:
        name: how it is called.
        needs: the models, in the order in which they are given.
        when: to use it.
        formula: in plain characters.
        paper: that defines it.
        models: the fewest and the most of them, the base apart; None: any number.
        base: it needs one.
        weighted: models have weights.
        options: by name.
    """

    name: str
    needs: str
    when: str
    formula: str
    paper: str
    models: tuple[int, int | None]
    base: bool = False
    weighted: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)


_LAMBDA = "lambda"

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "linear", "two models or more", "trainings of one base on several corpora or with several seeds",
            "sum of weight_i * model_i / sum of weights", "Wortsman et al. 2022, arXiv:2203.05482",
            (2, None), weighted=True,
        ),
        Method(
            "slerp", "two models", "the same, keeping the length of the weights, which a mean shortens",
            "along the arc from the first to the second, tensor by tensor", "Shoemake 1985",
            (2, 2), options={"t": Option(0.5, 0, 1, "how far from the first to the second")},
        ),
        Method(
            "task_arithmetic", "models tuned from --base", "adding up what several trainings taught one base",
            "base + lambda * sum of weight_i * (model_i - base)", "Ilharco et al. 2023, arXiv:2212.04089",
            (1, None), base=True, weighted=True,
            options={_LAMBDA: Option(0.4, -10, 10, "scale of the sum; 1 with a single model gives that model")},
        ),
        Method(
            "ties", "models tuned from --base", "the same where trainings pull in different directions",
            "base + lambda * mean of the largest changes that agree in sign", "Yadav et al. 2023, arXiv:2306.01708",
            (1, None), base=True, weighted=True,
            options={
                "density": Option(0.2, 0, 1, "share of each model's changes that is kept", above_low=True),
                _LAMBDA: Option(1.0, -10, 10, "scale of the mean"),
            },
        ),
        Method(
            "wise_ft", "one model and its --base", "taking back a part of what a training changed, against forgetting",
            "(1 - alpha) * base + alpha * model, for each of --alphas", "Wortsman et al. 2022, arXiv:2109.01903",
            (1, 1), base=True,
        ),
        Method(
            "residual", "the model trained from --base, then --base's instruct model",
            "giving a base model trained further the abilities of the instruct model",
            "model + lambda * (instruct - base)", "Jindal et al. 2024, arXiv:2410.10739",
            (2, 2), base=True, options={_LAMBDA: Option(1.0, -10, 10, "scale of what instruction tuning changed")},
        ),
        Method(
            "last_k", "checkpoints of one training", "ending a training without decaying its learning rate",
            "mean of the models", "Tian et al. 2025, arXiv:2507.17634",
            (2, None),
        ),
    )
}  # fmt: skip
"""By name, the simplest first."""


def find_method(name: str) -> Method:
    """The method of this name; a hyphen does as well as an underscore.

    Raises:
        ConfigError: there is none.
    """
    method = METHODS.get(name.replace("-", "_"))
    if method is None:
        raise ConfigError(f"There is no merge method {name!r}. {near_match(name, METHODS)}")
    return method


def read_options(method: Method, given: Mapping[str, Any]) -> dict[str, float]:
    """All options of a method, those not given at their defaults.

    Raises:
        ConfigError: an unknown option, or a value that is no number in its range.
    """
    for name, value in given.items():
        option = method.options.get(name)
        if option is None:
            known = near_match(name, method.options) if method.options else "It has no options."
            raise ConfigError(f"{method.name} has no option {name!r}. {known}")
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")
        if not option.low <= number <= option.high or (option.above_low and number == option.low):
            start = f"above {option.low:g}" if option.above_low else f"from {option.low:g}"
            raise ConfigError(f"{name} ({option.meaning}) must be a number {start} to {option.high:g}, not {value!r}.")
    return {name: float(given.get(name, option.default)) for name, option in method.options.items()}
