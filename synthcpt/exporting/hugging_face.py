"""Settings in the words of transformers' TrainingArguments, which several trainers share."""

from __future__ import annotations

import math
from typing import Any

from synthcpt.errors import ConfigError
from synthcpt.exporting.base import Amount
from synthcpt.exporting.config import ExportConfig

_DECAYS = {"one_minus_sqrt": "1-sqrt", "linear": "linear", "cosine": "cosine"}


def schedule(config: ExportConfig, steps: int) -> dict[str, Any]:
    """The learning rate's course: ``lr_scheduler_type``, its arguments and the steps of warm-up.

    Raises:
        ConfigError: transformers has no such schedule.
    """
    warmup = math.ceil(config.warmup * steps)
    name, arguments = _course(config, steps)
    return {
        "learning_rate": config.lr,
        "lr_scheduler_type": name,
        "lr_scheduler_kwargs": arguments or None,
        "warmup_steps": warmup,
    }


def _course(config: ExportConfig, steps: int) -> tuple[str, dict[str, Any]]:
    if config.schedule == "constant" or (config.schedule == "wsd" and not config.decay):
        return "constant_with_warmup", {}
    if config.schedule == "cosine":
        return ("cosine_with_min_lr", {"min_lr_rate": config.min_lr}) if config.min_lr else ("cosine", {})
    if config.schedule == "linear":
        # The polynomial of degree 1 is the line, and ends where it is told to.
        return ("polynomial", {"lr_end": config.min_lr * config.lr, "power": 1.0}) if config.min_lr else ("linear", {})
    if config.schedule == "wsd" and config.decay_shape in _DECAYS:
        return "warmup_stable_decay", {
            "num_decay_steps": math.ceil(config.decay * steps),
            "decay_type": _DECAYS[config.decay_shape],
            "min_lr_ratio": config.min_lr,
        }
    what = f"decay_shape={config.decay_shape}" if config.schedule == "wsd" else f"schedule={config.schedule}"
    raise ConfigError(f"{what} exists only in `synthcpt train`; export wsd, cosine, linear or constant.")


def optimiser(config: ExportConfig) -> dict[str, Any]:
    """AdamW's settings."""
    return {
        "adam_beta1": config.beta1,
        "adam_beta2": config.beta2,
        "adam_epsilon": config.eps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.clip,
    }


def length(config: ExportConfig, amount: Amount) -> dict[str, Any]:
    """How long to train: passes where passes were asked for, else steps."""
    if config.tokens is not None:
        return {"max_steps": amount.steps}
    return {"num_train_epochs": amount.epochs}


def logging(amount: Amount) -> dict[str, Any]:
    """How often to log and to save."""
    return {
        "logging_steps": max(1, amount.steps // 200),
        "save_strategy": "steps",
        "save_steps": max(1, amount.steps // 10),
        "save_total_limit": 2,
    }
