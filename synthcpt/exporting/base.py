"""What a target is, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from synthcpt.exporting.config import ExportConfig
from synthcpt.exporting.mixing import Order
from synthcpt.exporting.rows import Text
from synthcpt.text.latent_layout import SPECIAL_TOKENS

if TYPE_CHECKING:
    import pyarrow as pa

DATA_FILES = "data/train-*.parquet"
"""Where the data lies, relative to the export."""

PLACEHOLDER = "PATH-OR-NAME-OF-THE-MODEL"
"""Stands in configurations where no model was named."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known before the texts are read.

    Attributes:
        config: as the user gave it.
        end_token: the text of the model's end token; None where it is unknown.
        exact: tokens are counted by the model's tokenizer.
        spans: there are texts of which only a part carries loss.
        latent: there are latent thoughts, whose tokens are to be added to the model.
    """

    config: ExportConfig
    end_token: str | None
    exact: bool
    spans: bool
    latent: bool

    @property
    def model(self) -> str:
        """The model's name, the whole path of its folder, or a word in its place."""
        path = Path(self.config.model)
        if self.config.model and path.is_dir():  # the trainer is started in another folder than the export was
            return str(path.resolve())
        return self.config.model or PLACEHOLDER

    @property
    def added_tokens(self) -> tuple[str, ...]:
        """Tokens that the model must be given."""
        return SPECIAL_TOKENS if self.latent else ()


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is trained, in each unit.

    Attributes:
        order: what a pass holds.
        epochs: passes; or
        tokens: of all passes together.
        steps: optimiser steps of `ExportConfig.step_tokens` slots.
    """

    order: Order
    epochs: float
    tokens: int
    steps: int


def amount_of(config: ExportConfig, order: Order) -> Amount:
    """From passes or a budget of data tokens to steps; the last step may be a part of one."""
    if config.tokens is not None:
        ratio = 0.0 if config.replay_within else order.replay_share
        tokens = config.tokens / (1 - ratio)
        epochs = tokens / order.tokens
    else:
        epochs = config.epochs or 1.0
        tokens = epochs * order.tokens
    return Amount(order, epochs, round(tokens), max(1, -(-round(tokens) // config.step_tokens)))


class Target(Protocol):
    """A trainer to write for.

    Attributes:
        name: as in the command.
        title: as its makers write it.
        version: what its settings were checked against.
    """

    name: str
    title: str
    version: str

    def check(self, plan: Plan, /) -> None:
        """Refuse what cannot be written for it.

        Raises:
            ConfigError: with what to do.
        """

    def most_tokens(self, plan: Plan, /) -> int | None:
        """The longest text it takes whole; longer ones are cut beforehand. None: it cuts them itself."""

    def schema(self, plan: Plan, /) -> pa.Schema:
        """The columns of its data files."""

    def row(self, text: Text, plan: Plan, /) -> dict[str, Any]:
        """A text as a row of them."""

    def files(self, plan: Plan, amount: Amount, /) -> Mapping[str, str]:
        """Its configuration: name and content of each file besides the data and the README."""

    def commands(self, plan: Plan, /) -> str:
        """What to type to install it and to train, from the export's folder."""

    def cannot(self, plan: Plan, /) -> tuple[str, ...]:
        """What it will not do that `synthcpt train` does, one sentence each."""


def as_yaml(values: Mapping[str, Any], heading: str) -> str:
    """A YAML file in the order given, under a comment; settings that are None are left out."""
    kept = {name: value for name, value in values.items() if value is not None}
    body = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=1000)
    return "".join(f"# {line}\n" for line in heading.splitlines()) + body


def spans_schema() -> pa.Schema:
    """A text and its spans, null for all of it: for trainers that are handed a loader of ours."""
    import pyarrow as pa

    return pa.schema([("text", pa.large_string()), ("spans", pa.list_(pa.list_(pa.int64())))])


def spans_row(text: Text) -> dict[str, Any]:
    """A text as a row of that."""
    return {"text": text.text, "spans": None if text.spans is None else [list(span) for span in text.spans]}
