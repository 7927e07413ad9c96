"""What an experiment is: arms x budgets x seeds, read from YAML and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from synthcpt.config import GenerateConfig, parse_count, read_yaml, validate
from synthcpt.errors import ConfigError, near_match

Control = Literal["base", "raw", "rephrase", "replay"]

CONTROLS: dict[str, str] = {
    "base": "the model before injection",
    "raw": "the documents themselves, repeated to the same number of trained tokens",
    "rephrase": "the documents reworded, to the same number of synthetic tokens",
    "replay": "replay texts only, to the same number of trained tokens",
}
"""What every experiment should compare with, and what each shows."""

AMOUNTS = ("tokens", "epochs")

WORLD = "world:"
"""A path that begins so is a file of the experiment's own invented world."""


class Section(BaseModel):
    """A part of a recipe: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WorldConfig(Section):
    """An invented world to experiment in; see `synthcpt.worlds`."""

    people: int = Field(400, description="how many people")
    new: int | None = Field(None, description="how many of them are new to the student; half by default")
    seed: int = Field(0, description="which world")
    texts: int = Field(40, ge=1, description="texts about each known thing")


class ArmConfig(Section):
    """One way to make the training texts."""

    title: str = Field("", description="what tables call it")
    control: Control | None = Field(None, description="a built-in control")
    method: str | None = Field(None, description="or a method of `synthcpt generate`")
    generate: dict[str, Any] = Field({}, description="settings of generation, over the recipe's")
    train: dict[str, Any] = Field({}, description="settings of training, over the recipe's")
    budgets: tuple[int | None, ...] | None = Field(None, description="its own budgets instead of the recipe's")
    documents: bool = Field(False, description="train on the documents, too, beside the synthetic texts")

    @field_validator("budgets", mode="before")
    @classmethod
    def _read_budgets(cls, value: Any) -> Any:
        return read_budgets(value) if value is not None else None

    @model_validator(mode="after")
    def _one_kind(self) -> ArmConfig:
        if (self.control is None) == (self.method is None):
            raise ConfigError("An arm has either a control or a method.")
        return self

    @property
    def generates(self) -> str | None:
        """The method that makes its texts; None where it trains on texts that are there already."""
        return self.method or ("rephrase" if self.control == "rephrase" else None)


class Recipe(Section):
    """All of an experiment."""

    name: str = Field(description="a short name, also of its folder")
    description: str = Field("", description="what is asked")
    expect: str = Field("", description="what it should show, and by which paper")

    world: WorldConfig | None = Field(None, description="an invented world, made on the spot")
    documents: tuple[str, ...] = Field((), description="the domain corpus; world:documents.jsonl in a world")
    questions: str = Field("", description="what the models are asked; world:questions.jsonl in a world")

    retained: str = Field("", description="questions that the model can answer before: forgetting is seen by them")

    retained_limit: int | None = Field(None, ge=1, description="the first so many of them only")

    model: str = Field("", description="the model to train on")
    student: dict[str, Any] = Field(
        {}, description="or: settings of a training that makes the model first, e.g. from scratch"
    )

    generate: dict[str, Any] = Field({}, description="settings of generation for every arm")
    curate: dict[str, Any] = Field({}, description="settings of curation for every arm")
    train: dict[str, Any] = Field({}, description="settings of training for every arm")
    evaluate: dict[str, Any] = Field({}, description="settings of evaluation")

    budgets: tuple[int | None, ...] = Field((None,), description="synthetic tokens of an arm; 'all' takes all")
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="of the choice of texts and of training")
    controls: tuple[Control, ...] = Field(("base", "raw"), description="built-in arms that are added")
    arms: dict[str, ArmConfig] = Field({}, description="name -> arm")
    metric: str = Field("closed_book/exact", description="SETTING/METRIC that tables and curves show")
    kinds: tuple[str, ...] = Field((), description="kinds of question that it is taken over; others are shown by kind")
    jobs: int = Field(1, ge=1, description="stages at work at once; each loads its model")

    @field_validator("documents", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("budgets", mode="before")
    @classmethod
    def _read_budgets(cls, value: Any) -> Any:
        return read_budgets(value)

    @field_validator("seeds", mode="before")
    @classmethod
    def _read_seeds(cls, value: Any) -> Any:
        return tuple(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if bool(self.model) == bool(self.student):
            raise ConfigError("A recipe names a model, or a student to be trained first; not both, not neither.")
        for what in ("documents", "questions"):
            if not getattr(self, what) and self.world is None:
                raise ConfigError(f"The recipe names no {what}, and has no world to take them from.")
        if "/" not in self.metric:
            raise ConfigError(f"The metric is SETTING/METRIC, e.g. closed_book/exact, not {self.metric!r}.")
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError("A seed is listed twice.")
        if "replay" in self.controls and not self.train.get("replay"):
            raise ConfigError("The replay control needs replay texts: name them in train.replay, or drop it.")
        if not self.all_arms():
            raise ConfigError("The recipe has no arms.")
        return self

    def all_arms(self) -> dict[str, ArmConfig]:
        """The built-in controls first, then the recipe's own; its own may replace a control of that name."""
        added: dict[str, ArmConfig] = {name: ArmConfig(control=name) for name in self.controls}
        return {**added, **self.arms}

    def training(self, arm: ArmConfig) -> dict[str, Any]:
        """An arm's settings of training over the recipe's; tokens and epochs take each other's place."""
        shared = dict(self.train)
        if not arm.train.keys().isdisjoint(AMOUNTS):
            shared = {name: value for name, value in shared.items() if name not in AMOUNTS}
        return {"heldout": 0, **shared, **arm.train}

    @property
    def corpus(self) -> tuple[str, ...]:
        """The documents, as named or as the world's."""
        return self.documents or (f"{WORLD}documents.jsonl",)

    @property
    def asked(self) -> str:
        """The questions' file, as named or as the world's."""
        return self.questions or f"{WORLD}questions.jsonl"


def read_budgets(value: Any) -> Any:
    """Budgets as people write them: one or several of ``400k``, 400000, ``all``."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(None if one in (None, "all") else parse_count(one) if isinstance(one, str) else one for one in values)


def read_recipe(path: Path, **changes: Any) -> Recipe:
    """A recipe from a YAML file; paths in it are taken as they stand, from where the command runs.

    Args:
        path: the file.
        **changes: keys to set over the file's.

    Raises:
        ConfigError: no file, no YAML, an unknown key, a value that cannot be.
    """
    values = read_yaml(path, "recipe")
    return make_recipe({**values, **{key: value for key, value in changes.items() if value is not None}}, str(path))


def make_recipe(values: Mapping[str, Any], where: str = "") -> Recipe:
    """A recipe from values, every arm's settings checked as far as that is possible before its stages run.

    Raises:
        ConfigError: saying what is wrong.
    """
    recipe = validate(Recipe, dict(values), where)
    reserved = {"method", "input", "output"}
    for where_, settings in (("generate", recipe.generate), *((n, a.generate) for n, a in recipe.all_arms().items())):
        for key in settings:
            if key in reserved or key not in GenerateConfig.model_fields:
                known = sorted(set(GenerateConfig.model_fields) - reserved)
                raise ConfigError(f"{where_}: generation has no setting {key!r} here. {near_match(key, known)}")
    return recipe
