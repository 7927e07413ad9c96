"""An evaluation's configuration: filled from a YAML file, flags and Python, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from synthcpt.config import check_keys, read_yaml, validate
from synthcpt.errors import ConfigError, near_match

Setting: TypeAlias = Literal["closed_book", "open_book", "retrieval", "choice", "choice_cot", "likelihood"]

SETTINGS: dict[Setting, str] = {
    "closed_book": "the question alone, answered freely",
    "open_book": "with its document in the context: what reading would give",
    "retrieval": "with the passages that a search finds",
    "choice": "the likeliest option, by the option's text (by its letter through a server)",
    "choice_cot": "an option after reasoning aloud, sampled several times",
    "likelihood": "the log-probability of the right answer",
}
"""Name -> what is asked, in the order in which it is asked."""

_ANY_TIME = frozenset({
    "model", "questions", "documents", "demonstrations", "fields", "text_field", "title_field", "id_field", "output",
    "settings", "baseline", "general", "tasks", "judge", "judge_backend", "judge_base_url", "judge_options", "backend",
    "backend_options", "base_url", "device", "batch_size", "resamples", "general_limit", "task_limit", "task_folder",
})  # fmt: skip
"""What may change between two commands on one folder: more is asked, or faster; no answer becomes another. Inputs are
known by their content."""


class EvaluateConfig(BaseModel):
    """All that `synthcpt evaluate` can be told; field names are the keys of a configuration file and of ``--set``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="a model's folder, a training's, a Hub name, or what a server calls it")
    questions: tuple[str, ...] = Field((), description="files of questions with answers, or hf:NAME")
    output: Path | None = Field(None, description="the evaluation's folder; without one nothing is kept")
    documents: tuple[str, ...] = Field((), description="the documents asked about, for the open-book controls")
    baseline: str | None = Field(None, description="a model evaluated the same way, or a finished evaluation")
    settings: tuple[Setting, ...] | None = Field(None, description="what is asked; by default all that can be")
    limit: int | None = Field(None, ge=1, description="ask this many questions only, the first ones")

    shots: int = Field(0, ge=0, description="demonstrations before each question")
    demonstrations: tuple[str, ...] = Field((), description="answered questions to take them from")
    chat: Literal["auto", "yes", "no"] = Field(
        "auto", description="ask in chat turns, or in plain text; auto: turns where the model has a chat template"
    )
    frame: bool = Field(True, description="name the source before a multiple-choice question that tells its title")
    max_tokens: int = Field(64, ge=1, description="the most new tokens of a free answer")
    stop: tuple[str, ...] = Field(("\n",), description="strings that end a free answer in plain text")
    normalise: Literal["sum", "token", "byte"] = Field(
        "byte", description="options' log-probabilities as they are, or by token, or by byte"
    )
    samples: int = Field(8, ge=1, description="reasoned answers of a multiple-choice question")
    temperature: float = Field(0.1, ge=0, description="of reasoned answers; all others are greedy")
    reasoning_tokens: int = Field(300, ge=1, description="the most new tokens of a reasoned answer")
    passages: int = Field(8, ge=1, description="how many passages a search gives")
    passage_chars: int = Field(1024, ge=64, description="length of a passage, in characters")

    general: tuple[str, ...] = Field((), description="held-out general texts, as PATH or NAME=PATH")
    general_limit: int = Field(1000, ge=1, description="the most texts of each")
    tasks: tuple[str, ...] = Field((), description="tasks of lm-evaluation-harness, e.g. hellaswag")
    task_limit: int | None = Field(None, ge=1, description="documents of each task; all by default")
    task_folder: Path | None = Field(None, description="a folder with task files of your own")

    judge: str = Field("", description="a model that judges free answers as right, partly right or wrong")
    judge_backend: str | None = Field(None, description="where it runs, as backend")
    judge_base_url: str = Field("", description="or its OpenAI-compatible server")
    judge_options: dict[str, Any] = Field({}, description="settings of its backend")

    backend: str | None = Field(None, description="vllm, transformers or openai; by default what fits the machine")
    base_url: str = Field("", description="an OpenAI-compatible server that has the model")
    backend_options: dict[str, Any] = Field({}, description="settings of the backend")
    device: str = Field("auto", description="for transformers: cpu, cuda, cuda:1, ...")
    dtype: str = Field("auto", description="what the model is computed in; auto: as it was saved")
    batch_size: int | None = Field(None, ge=1, description="for transformers; by default by the model's size")
    trust_remote_code: bool = Field(False, description="run code that comes with the model")

    fields: dict[str, str] = Field({}, description="role: column, for questions with columns of other names")
    first_choice: Literal[0, 1] | None = Field(None, description="the number of a question's first option")
    text_field: str | None = Field(None, description="the column that holds a document's text")
    title_field: str | None = Field(None, description="the column that holds its title")
    id_field: str | None = Field(None, description="the column that identifies it")
    resamples: int = Field(10_000, ge=100, description="of the bootstrap")
    seed: int = Field(0, description="where randomness starts")

    @field_validator("questions", "documents", "demonstrations", "general", "tasks", "stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, (str, Path)):
            return (str(value),)
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else value

    @field_validator("settings", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        names = value.replace(",", " ").split() if isinstance(value, str) else value
        for name in names or ():
            if name not in SETTINGS:
                raise ConfigError(f"There is no setting {name!r}. {near_match(str(name), SETTINGS)}")
        return names

    @field_validator("model", "baseline", "chat", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, bool):  # YAML reads a bare yes or no so
            return "yes" if value else "no"
        return str(value) if isinstance(value, Path) else value

    @model_validator(mode="after")
    def _check(self) -> EvaluateConfig:
        if not (self.questions or self.general or self.tasks):
            raise ConfigError("There is nothing to evaluate: give --questions FILE, --general TEXTS or --tasks NAMES.")
        if self.settings and not self.questions:
            raise ConfigError("The settings ask questions; name a file of them with --questions.")
        if self.shots and not self.demonstrations:
            raise ConfigError("Name the answered questions that are to be shown first with --demonstrations FILE.")
        return self

    def identity(self) -> dict[str, Any]:
        """The settings that an evaluation cannot be gone on with other values of."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name not in _ANY_TIME}


def make_evaluate_config(values: Mapping[str, Any], where: str = "") -> EvaluateConfig:
    """The configuration of these values.

    Raises:
        ConfigError: an unknown key (the near match is suggested), a missing or impossible value.
    """
    return validate(EvaluateConfig, values, where)


def read_evaluate_file(path: Path) -> dict[str, Any]:
    """The values of a YAML file, not yet checked beyond their keys.

    Raises:
        ConfigError: no file, no YAML, an unknown key.
    """
    values = read_yaml(path)
    check_keys(path, values, EvaluateConfig)
    return values
