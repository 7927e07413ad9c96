"""A training's configuration: filled from a recipe, a YAML file, flags and Python, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from synthcpt.config import check_keys, parse_count, read_yaml, split_part, validate
from synthcpt.errors import ConfigError, near_match
from synthcpt.packing.mixture import Amounts, Phase
from synthcpt.packing.plan import Packing
from synthcpt.training.schedules import Name, Schedule, Shape

_ANY_TIME = frozenset({
    "output", "micro_tokens", "checkpoint_every", "keep_checkpoints", "activation_checkpointing", "compile", "liger",
    "wandb", "threads", "allow_dead_updates", "probes", "probe_every", "probe_limit",
})  # fmt: skip
"""Settings that a run may be resumed with other values of: they change how it is computed or watched, not what."""


class PhaseConfig(BaseModel):
    """A stretch of the training with a mix of its own; see `synthcpt.packing.mixture.Phase`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="for logs")
    begin: float | None = Field(None, ge=0, lt=1, description="the share of the tokens at which it begins")
    begin_at_lr: float | None = Field(
        None, gt=0, le=1, description="or: when the rate has fallen to this share of its peak"
    )
    mix: dict[str, float] = Field({}, description="tokens of each data source relative to the others")
    replay_ratio: float | None = Field(None, ge=0, lt=1, description="replay's share in it")


class TrainConfig(BaseModel):
    """All that `synthcpt train` can be told; field names are the keys of a configuration file and of ``--set``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="a model's folder or its name on the Hugging Face Hub; 'tiny' makes a small one")
    data: tuple[str, ...] = Field(description="finished runs, files, folders or hf:NAME; what is to be learnt")
    output: Path = Field(description="the training's folder")
    recipe: Literal["full", "lora", "smoke"] = Field(
        "full", description="the defaults: all weights, adapters, a tiny model"
    )

    replay: tuple[str, ...] = Field((), description="texts of the kind the model was trained on, against forgetting")
    replay_ratio: float | None = Field(
        None, ge=0, lt=1, description="replay's share of all tokens read (0.1 with --replay)"
    )
    replay_within: bool = Field(False, description="replay takes its tokens out of the budget, not beside it")
    replay_repeats: bool = Field(False, description="a replay source that runs dry is read again")
    heldout_data: tuple[str, ...] = Field((), description="texts that are only measured on")
    heldout: float | None = Field(
        None, ge=0, le=0.5, description="share of each source to hold out; by default a little of runs and replay"
    )
    tokens: int | None = Field(None, ge=1, description="how many data tokens to read")
    epochs: float | None = Field(None, gt=0, description="how many passes over the data")
    slice: str | None = Field(None, description="K/N: read the K-th of N slices of the data only, K from 1")
    phases: tuple[PhaseConfig, ...] = Field((), description="stretches with mixes of their own")

    text_field: str | None = Field(None, description="the column that holds a corpus's text")
    title_field: str | None = Field(None, description="the column that holds its title")
    id_field: str | None = Field(None, description="the column that identifies a row")
    chat: Literal["plain", "template"] = Field(
        "plain", description="chats as plain text, or by the model's chat template"
    )
    loss: Literal["spans", "all"] = Field("spans", description="loss on a text's spans (answers), or on everything")
    bos: Literal["auto", "always", "never"] = Field("auto", description="a begin token before each text")

    window_tokens: int = Field(4096, ge=8, description="length of a packed window")
    batch_tokens: int = Field(65_536, ge=8, description="slots of a step, over all processes")
    micro_tokens: int | None = Field(
        None, ge=8, description="slots that one process computes at once; by default by the device"
    )
    packing: Literal["best_fit", "concat"] = Field("best_fit", description="how texts fill windows")
    isolate: bool = Field(True, description="texts in a window do not see one another")
    order: Literal["shuffled", "grouped"] = Field(
        "shuffled", description="'grouped' keeps texts of one source together (with concat)"
    )
    curriculum: tuple[str, ...] = Field(
        (), description="steps of methods whose texts come first in every pass, in order"
    )

    lr: float = Field(1e-5, gt=0, description="the peak learning rate")
    schedule: Name = Field("wsd", description="cosine, linear, constant, wsd, infinite or anneal")
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the tokens with a rising rate")
    decay: float = Field(0.2, ge=0, le=1, description="share of the tokens with a falling rate (wsd, infinite)")
    decay_shape: Shape = Field("one_minus_sqrt", description="how it falls")
    min_lr: float = Field(0.0, ge=0, le=1, description="the rate at the end, as a share of the peak")
    cooldown: float = Field(0.3, ge=0, le=1, description="share of the tokens to the plateau (infinite)")
    plateau: float = Field(0.5, gt=0, le=1, description="the plateau, as a share of the peak (infinite)")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW's")
    eps: float = Field(1e-8, gt=0, description="AdamW's")
    weight_decay: float = Field(0.01, ge=0, description="of matrices; 0.1 is usual above a billion tokens")
    clip: float = Field(1.0, ge=0, description="the largest gradient norm; 0: any")
    embedding_lr: float = Field(1.0, ge=0, description="the embeddings' rate, as a share of the others'")

    precision: Literal["auto", "fp32", "bf16", "pure_bf16"] = Field(
        "auto",
        description="bf16: computed in bf16 from fp32 weights; pure_bf16: weights, too; auto: bf16 on GPUs",
    )
    allow_dead_updates: bool = Field(False, description="train in pure bf16 though most updates are rounded away")
    activation_checkpointing: bool = Field(False, description="less memory for a third more computing")
    compile: bool = Field(False, description="compile the layers with torch.compile")
    liger: bool = Field(False, description="Liger's kernels (GPUs)")
    threads: int | None = Field(None, ge=1, description="CPU threads to compute with")

    lora_rank: int = Field(0, ge=0, description="train adapters of this rank on all linear layers; 0: all weights")
    lora_alpha: float | None = Field(None, gt=0, description="adapters' scale; twice the rank by default")
    rslora: bool = Field(False, description="scale adapters by the root of the rank (rsLoRA)")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the adapters")
    neftune: float = Field(0.0, ge=0, description="noise on embeddings; 5 to 15 is usual in instruction tuning")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of an average of the weights kept beside them; 0: none")
    average_last: int = Field(0, ge=0, description="average this many last checkpoints into a second model")
    seed: int = Field(0, description="where randomness starts")

    evaluate_every: int | None = Field(None, ge=1, description="steps between held-out losses; by default twenty times")
    probes: str | None = Field(
        None, description="a file of facts or questions whose answers' log-probabilities are measured along the way"
    )
    probe_every: int | None = Field(
        None, ge=1, description="steps between measurements; by default as many as make probing a fiftieth of the work"
    )
    probe_limit: int = Field(256, ge=1, description="so many probes of the file at most, drawn at random")
    checkpoint_every: int | None = Field(
        None, ge=1, description="steps between checkpoints; by default twenty times, at least every 500"
    )
    keep_checkpoints: int = Field(2, ge=1, description="how many checkpoints are kept")
    merge_slices: int = Field(0, ge=0, description="Branch-and-Merge: train on so many slices, merging every few")
    merge_branches: int = Field(2, ge=2, description="how many slices are trained side by side and merged")
    branch: str | None = Field(
        None, description="RUN or RUN@STEP: begin with the weights and the optimiser of that checkpoint"
    )
    from_scratch: bool = Field(False, description="random weights in the model's shape")
    trust_remote_code: bool = Field(False, description="run code that comes with the model")
    save_dtype: Literal["auto", "bf16", "fp32"] = Field("auto", description="of the final model; auto: the original's")
    wandb: str | None = Field(None, description="a Weights & Biases project to report to")

    @field_validator("tokens", "batch_tokens", "micro_tokens", "window_tokens", mode="before")
    @classmethod
    def _read_count(cls, value: Any) -> Any:
        return parse_count(value) if isinstance(value, str) else value

    @field_validator("data", "replay", "heldout_data", "curriculum", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, (str, Path)):
            return (str(value),)
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else value

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.tokens is not None and self.epochs is not None:
            raise ConfigError("Give --tokens or --epochs, not both: each says how much is read.")
        if self.batch_tokens < self.window_tokens:
            raise ConfigError(
                f"A batch of {self.batch_tokens:,} tokens holds no window of {self.window_tokens:,}. Raise "
                "batch_tokens or lower window_tokens."
            )
        if self.order == "grouped" and self.packing != "concat":
            raise ConfigError("order=grouped needs packing=concat: best-fit packing takes texts by their length.")
        if self.replay_ratio and not self.replay:
            raise ConfigError("A replay ratio needs replay texts. Name a source with --replay, or set the ratio to 0.")
        if not self.data:
            raise ConfigError("There is nothing to train on. Name a finished run or a corpus with --data.")
        return self

    def learning_rate(self) -> Schedule:
        """The schedule."""
        return Schedule(
            self.schedule, self.warmup, self.min_lr, self.decay, self.decay_shape, self.cooldown, self.plateau
        )

    def amounts(self) -> Amounts:
        """How much is read of what, as the planner takes it.

        Raises:
            ConfigError: a phase without a beginning, or one at a rate that the schedule never has.
        """
        ratio = self.replay_ratio if self.replay_ratio is not None else 0.1 if self.replay else 0.0
        return Amounts(
            self.epochs, self.tokens, ratio, self.replay_within, self.replay_repeats,
            tuple(self._phase(phase) for phase in self.phases) or (Phase(),), self.heldout,
            split_part(self.slice) if self.slice else None,
        )  # fmt: skip

    def _phase(self, phase: PhaseConfig) -> Phase:
        if (phase.begin is None) == (phase.begin_at_lr is None):
            raise ConfigError(f"Phase {phase.name!r} must begin somewhere: give begin or begin_at_lr.")
        begin = phase.begin if phase.begin is not None else self.learning_rate().share_at(phase.begin_at_lr or 0.0)
        return Phase(phase.name, begin, phase.mix, phase.replay_ratio)

    def windows(self) -> Packing:
        """How texts are packed, as the planner takes it."""
        return Packing(
            self.window_tokens, self.batch_tokens // self.window_tokens, self.packing, self.order, self.curriculum,
            self.seed,
        )  # fmt: skip

    def identity(self) -> dict[str, Any]:
        """The settings that a run cannot be resumed with other values of."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name not in _ANY_TIME}


RECIPES: dict[str, dict[str, Any]] = {
    "full": {"epochs": 2},
    "lora": {
        "epochs": 2, "lora_rank": 128, "lr": 1e-4, "weight_decay": 0.0, "batch_tokens": 32_768, "window_tokens": 2048,
    },
    "smoke": {
        "model": "tiny", "epochs": 1, "lr": 2e-3, "schedule": "cosine", "warmup": 0.05, "min_lr": 0.1,
        "weight_decay": 0.1, "eps": 1e-6, "window_tokens": 256, "batch_tokens": 4096,
    },
}  # fmt: skip
"""What each recipe sets; `TrainConfig`'s own defaults hold for the rest. The figures are those of the papers that the
README names: EntiGraph's 5e-6 to 1e-5 for all weights, ten times that for adapters (LoRA Without Regret)."""


def make_train_config(values: Mapping[str, Any], where: str = "") -> TrainConfig:
    """The configuration of these values on top of their recipe's.

    Raises:
        ConfigError: an unknown key (the near match is suggested), a missing or impossible value.
    """
    recipe = values.get("recipe", "full")
    if recipe not in RECIPES:
        raise ConfigError(f"There is no recipe {recipe!r}. {near_match(str(recipe), RECIPES)}")
    defaults = dict(RECIPES[recipe])
    if values.get("tokens") is not None:
        defaults.pop("epochs", None)
    return validate(TrainConfig, {**defaults, **values}, where)


def read_train_file(path: Path) -> dict[str, Any]:
    """The values of a YAML file, not yet checked beyond their keys.

    Raises:
        ConfigError: no file, no YAML, an unknown key.
    """
    values = read_yaml(path)
    check_keys(path, values, TrainConfig)
    return values
