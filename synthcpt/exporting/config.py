"""What `synthcpt export` is told: the settings of a training, as far as another trainer can follow them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, model_validator

from synthcpt.config import validate
from synthcpt.errors import ConfigError, near_match
from synthcpt.training.config import RECIPES, TrainConfig

CARRIED = (
    "window_tokens", "batch_tokens", "lr", "schedule", "warmup", "decay", "decay_shape", "min_lr", "beta1", "beta2",
    "eps", "weight_decay", "clip", "lora_rank", "lora_alpha", "lora_dropout", "rslora", "neftune", "liger",
    "activation_checkpointing", "seed", "loss", "chat", "replay_within", "replay_repeats",
)  # fmt: skip
"""Settings of `synthcpt train` that other trainers have, too."""

OWN = ("devices", "end_token", "architecture")
"""Settings that only an export has."""

EXPORT_RECIPES = ("full", "lora")


class ExportConfig(TrainConfig):
    """All that `synthcpt export` can be told. Of a training's settings only those in `CARRIED` may be given."""

    to: str = Field(description="the trainer to write for")
    model: str = Field("", description="the model's folder or its name on the Hugging Face Hub")
    devices: int = Field(1, ge=1, description="how many GPUs share a step's tokens")
    end_token: str | None = Field(
        None, min_length=1, description="the text of the model's end token, where its tokenizer is not at hand"
    )
    architecture: str | None = Field(None, description="torchtitan's name for the model, e.g. llama3/8B")

    @model_validator(mode="after")
    def _check_export(self) -> ExportConfig:
        if self.recipe not in EXPORT_RECIPES:
            raise ConfigError(f"The recipe {self.recipe!r} is for `synthcpt train`; export full or lora.")
        window_batch = self.window_tokens * self.devices
        if self.batch_tokens < window_batch:
            raise ConfigError(
                f"A step of {self.batch_tokens:,} tokens is less than a window of {self.window_tokens:,} on each of "
                f"{self.devices} devices. Set batch_tokens to {window_batch:,} or more, or lower window_tokens."
            )
        return self

    @property
    def ratio(self) -> float:
        """Replay's share of all tokens."""
        return self.amounts().replay_ratio

    @property
    def accumulation(self) -> int:
        """Windows that each device sums up before a step."""
        return max(1, round(self.batch_tokens / (self.window_tokens * self.devices)))

    @property
    def step_tokens(self) -> int:
        """Slots of a step, as whole windows on each device make them."""
        return self.accumulation * self.window_tokens * self.devices

    @property
    def alpha(self) -> float:
        """The adapters' scale."""
        return self.lora_alpha if self.lora_alpha is not None else 2.0 * self.lora_rank


def make_export_config(values: Mapping[str, Any], settings: Mapping[str, Any]) -> ExportConfig:
    """The configuration of the command's flags and of ``--set``, on top of the recipe's values.

    Raises:
        ConfigError: an unknown setting, one that no other trainer has, a missing or impossible value.
    """
    recipe = values.get("recipe") or "full"
    if recipe not in EXPORT_RECIPES:
        raise ConfigError(f"There is no recipe {recipe!r} to export. {near_match(str(recipe), EXPORT_RECIPES)}")
    check_carried(settings)
    defaults = dict(RECIPES[recipe])
    if values.get("tokens") is not None:
        defaults.pop("epochs", None)
    given = {name: value for name, value in values.items() if value is not None}
    return validate(ExportConfig, {**defaults, **given, **settings}, "setting")


def check_carried(settings: Iterable[str]) -> None:
    """Refuse settings that cannot travel.

    Raises:
        ConfigError: with the near match, or with the advice to train here.
    """
    for name in settings:
        if name in CARRIED or name in OWN:
            continue
        if name in TrainConfig.model_fields:
            raise ConfigError(
                f"The setting {name!r} cannot be exported: it has a flag of its own or only `synthcpt train` has it."
            )
        raise ConfigError(f"There is no setting {name!r}. {near_match(name, (*CARRIED, *OWN))}")
