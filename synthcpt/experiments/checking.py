"""Settings of every stage, held against the stage's own model before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synthcpt.errors import ConfigError, MissingExtra, near_match
from synthcpt.experiments.stages import Kind, Stage

_NOT_COMPARABLE = ("correct_attempted",)
"""Metrics that each model has on other questions."""
_TO_TRAIN = ("torch", "transformers", "safetensors", "tensorboard", "matplotlib")


def check_stages(stages: Iterable[Stage], metric: str) -> None:
    """Find a mistyped setting now and not after an hour of training.

    Raises:
        ConfigError: an unknown or impossible setting, or a metric that the evaluations do not measure.
    """
    for stage in stages:
        if stage.kind in _CHECKS:
            try:
                _CHECKS[stage.kind](stage.resolved(Path()))
            except ConfigError as error:
                raise ConfigError(f"{stage.kind} {stage.label!r}: {error}") from error
        if stage.kind == "evaluate":
            _check_metric(stage, metric)


def check_packages(stages: Iterable[Stage]) -> None:
    """Say which extra the stages will need and is not installed.

    Raises:
        MissingExtra: naming it.
    """
    kinds = {stage.kind for stage in stages}
    if kinds & {"student", "train"}:
        for package in _TO_TRAIN:
            if find_spec(package) is None:
                raise MissingExtra(package, "train", "train the models of an experiment")


def _check_metric(stage: Stage, metric: str) -> None:
    from synthcpt.evaluation.config import SETTINGS
    from synthcpt.evaluation.measures import METRICS

    setting, name = metric.split("/", 1)
    if setting not in SETTINGS:
        raise ConfigError(f"The metric {metric}: there is no setting {setting!r}. {near_match(setting, SETTINGS)}")
    if name not in METRICS or name in _NOT_COMPARABLE:
        known = [one for one in METRICS if one not in _NOT_COMPARABLE]
        raise ConfigError(f"The metric {metric}: there is no {name!r} to compare by. {near_match(name, known)}")
    asked = stage.settings.get("settings")
    names = asked.replace(",", " ").split() if isinstance(asked, str) else asked
    if names and setting not in names:
        raise ConfigError(f"The metric {metric} is of a setting that evaluate.settings does not name.")
    if name == "judge" and not stage.settings.get("judge"):
        raise ConfigError(f"The metric {metric} needs a judge: name a model in evaluate.judge.")


def _generate(settings: dict[str, Any]) -> None:
    from synthcpt.config import make_config, validate
    from synthcpt.methods import load_method

    config = make_config({**settings, "output": "run"})
    validate(load_method(config.method).options, config.options, f"option of {config.method}")


def _curate(settings: dict[str, Any]) -> None:
    from synthcpt.config import validate
    from synthcpt.curation import CurateConfig

    validate(CurateConfig, {**settings, "output": "run"})


def _train(settings: dict[str, Any]) -> None:
    from synthcpt.training.config import make_train_config

    make_train_config({name: value for name, value in settings.items() if name != "processes"} | {"output": "run"})


def _evaluate(settings: dict[str, Any]) -> None:
    from synthcpt.evaluation.config import make_evaluate_config

    make_evaluate_config({**settings, "output": "run"})


_CHECKS: dict[Kind, Callable[[dict[str, Any]], None]] = {
    "generate": _generate,
    "curate": _curate,
    "student": _train,
    "train": _train,
    "evaluate": _evaluate,
}
