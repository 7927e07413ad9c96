"""A run's configuration: filled from a YAML file, from flags and from Python, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from synthcpt.errors import ConfigError, near_match

M = TypeVar("M", bound=BaseModel)

_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_COUNT = re.compile(r"^\s*([0-9]{1,15}(?:_[0-9]{3}){0,4}(?:\.[0-9]{1,15})?)\s*([kmbgt]?)\s*$", re.IGNORECASE)
_PART = re.compile(r"^(\d+)/(\d+)$")


class GenerateConfig(BaseModel):
    """All that `synthcpt generate` can be told; field names are the keys of a configuration file.

    Attributes are described by their fields; flags of the command carry the same words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str = Field(description="how texts are made; `synthcpt methods` lists them")
    input: tuple[str, ...] = Field(description="files, folders or hf:NAME[:CONFIG][:SPLIT]")
    output: Path = Field(description="the run's folder")

    backend: str | None = Field(
        None, description="where completions come from; guessed from the model and the URL where absent"
    )
    model: str = Field("", description="the model's name or path")
    base_url: str = Field("", description="an OpenAI-compatible server")
    backend_options: dict[str, Any] = Field({}, description="settings of the backend")
    concurrency: int | None = Field(None, ge=1, description="the most requests at once")

    options: dict[str, Any] = Field({}, description="the method's options")
    prompts: Path | None = Field(None, description="a folder of prompts that replace the shipped ones")
    seed: int = Field(0, description="where randomness starts")

    text_field: str | None = Field(None, description="the column that holds the text")
    title_field: str | None = Field(None, description="the column that holds the title")
    id_field: str | None = Field(None, description="the column that identifies a row")
    limit: int | None = Field(None, ge=1, description="read this many documents only")

    temperature: float | None = Field(None, ge=0, description="overrides the prompts' own")
    max_tokens: int | None = Field(None, ge=1, description="the most new tokens an answer; overrides the prompts' own")
    top_p: float | None = Field(None, gt=0, le=1, description="nucleus sampling")
    top_k: int | None = Field(None, ge=1, description="sample from this many tokens")
    min_p: float | None = Field(
        None, ge=0, le=1, description="leave out tokens less likely than this share of the likeliest"
    )
    truncation: Literal["drop", "retry"] = Field(
        "retry", description="an answer that hit its limit: drop it, or ask once more with twice the room"
    )

    target_tokens: int | None = Field(None, ge=1, description="how many synthetic tokens to make in all, e.g. 10M")
    max_cost: float | None = Field(None, gt=0, description="stop at this spend")
    price_in: float | None = Field(None, ge=0, description="price of a million prompt tokens")
    price_cached: float | None = Field(
        None, ge=0, description="price of a million cached prompt tokens; as price_in where absent"
    )
    price_out: float | None = Field(None, ge=0, description="price of a million new tokens")

    part: str | None = Field(None, description="K/N: do the K-th of N shares only, K from 1")
    parts: int | None = Field(None, ge=1, le=100_000, description="how many shares the run has, one shard each")
    attempts: int = Field(10, ge=1, description="the most attempts of one request")

    @field_validator("target_tokens", mode="before")
    @classmethod
    def _read_count(cls, value: Any) -> Any:
        return parse_count(value) if isinstance(value, str) else value

    @field_validator("part")
    @classmethod
    def _check_part(cls, value: str | None) -> str | None:
        if value is not None:
            split_part(value)
        return value

    @field_validator("input", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, (str, Path)):
            return (str(value),)
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else value

    def prices(self) -> dict[str, float] | None:
        """Prices of a million prompt, cached and new tokens; None where none was given."""
        if not (self.price_in or self.price_out):
            return None
        price_in = self.price_in or 0.0
        cached = price_in if self.price_cached is None else self.price_cached
        return {"in": price_in, "cached": cached, "out": self.price_out or 0.0}

    def sampling(self) -> dict[str, Any]:
        """The sampling settings that were given."""
        names = ("temperature", "max_tokens", "top_p", "top_k", "min_p")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def parse_count(text: str) -> int:
    """``"10M"`` -> 10,000,000; K, M, B (or G) and T are powers of a thousand.

    Raises:
        ConfigError: it is no count.
    """
    match = _COUNT.match(text)
    if match is None:
        raise ConfigError(f"{text!r} is no number of tokens; write it as 500000, 500K, 10M or 1.5B.")
    return round(Decimal(match.group(1).replace("_", "")) * _MULTIPLES[match.group(2).lower()])


def split_part(text: str) -> tuple[int, int]:
    """``"3/8"`` -> (2, 8): the part's index from 0, and how many there are.

    Raises:
        ConfigError: it is not K/N with 1 <= K <= N.
    """
    match = _PART.match(text.strip())
    if match is None or not 1 <= int(match.group(1)) <= int(match.group(2)):
        raise ConfigError(f"part {text!r} must be K/N with K from 1 to N, e.g. 3/8.")
    return int(match.group(1)) - 1, int(match.group(2))


def make_config(values: Mapping[str, Any], where: str = "") -> GenerateConfig:
    """The configuration of these values.

    Raises:
        ConfigError: an unknown key (the near match is suggested), a missing or impossible value.
    """
    return validate(GenerateConfig, values, where)


def read_config_file(path: Path) -> dict[str, Any]:
    """The values a YAML file holds, not yet checked beyond their keys.

    Raises:
        ConfigError: no file, no YAML, an unknown key.
    """
    values = read_yaml(path)
    if "synthcpt" in values:
        values = _from_run(values)
    check_keys(path, values, GenerateConfig)
    return values


def read_yaml(path: Path, what: str = "configuration") -> dict[str, Any]:
    """The values of a YAML file, whatever their keys.

    Args:
        path: the file; an empty one has no values.
        what: it is, for the message.

    Raises:
        ConfigError: no file, no YAML, not 'name: value' lines.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"The {what} {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: no UTF-8, or a date such as 2020-99-99
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold 'name: value' lines.")
    return values


def check_keys(path: Path, values: Mapping[str, Any], model: type[BaseModel]) -> None:
    """Refuse a key that a file's model does not have.

    Raises:
        ConfigError: naming it, with the nearest that there is.
    """
    for key in values:
        if key not in model.model_fields:
            raise ConfigError(f"{path}: unknown key {key!r}. {near_match(str(key), model.model_fields)}")


def _from_run(settings: dict[str, Any]) -> dict[str, Any]:
    """The configuration that a run.yaml was resolved from, but for the output folder and the user's own prompts."""
    prices = settings.get("prices") or {}
    known = GenerateConfig.model_fields
    kept = {name: value for name, value in settings.items() if name in known and value is not None}
    kept.pop("prompts", None)
    return {**kept, **(settings.get("sampling") or {}), **{f"price_{kind}": price for kind, price in prices.items()}}


def parse_assignments(assignments: list[str], flag: str) -> dict[str, Any]:
    """``["max_pairs=40"]`` -> ``{"max_pairs": 40}``; values are read as YAML, so true, null and [a, b] work.

    Raises:
        ConfigError: one without "=", or with a value that is not YAML.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"{flag} {assignment!r} must be NAME=VALUE.")
        try:
            values[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError) as error:  # a ValueError: a date such as 2020-99-99
            raise ConfigError(f"{flag} {assignment!r}: the value is not readable: {error}") from error
    return values


def validate(model: type[M], values: Mapping[str, Any], where: str = "") -> M:
    """``values`` as a model of ours.

    Args:
        model: what to make.
        values: its fields.
        where: what the values are, for the message, e.g. ``"entigraph's option"``.

    Raises:
        ConfigError: the first thing that is wrong, with a near match for an unknown name.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # An unknown key comes first: it often explains the missing one.
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    name = ".".join(str(step) for step in first["loc"]) or "the configuration"
    label = f"{where} {name!r}".strip()
    if first["type"] == "extra_forbidden":
        raise ConfigError(f"Unknown {label}. {near_match(name, model.model_fields)}")
    if first["type"] == "missing":
        field = model.model_fields.get(name)  # None for a field of a nested model
        raise ConfigError(f"{label} is missing: {(field and field.description) or 'give it a value'}.")
    raise ConfigError(f"{label}: {first['msg']}, not {first['input']!r}.")
