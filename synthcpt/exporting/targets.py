"""The trainers that can be written for. A fifth is a module with a `Target` and a row here."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from synthcpt.errors import ConfigError, near_match
from synthcpt.exporting.base import Target


class Row(NamedTuple):
    """Where a target is defined, and what to say of it."""

    module: str
    summary: str


TARGETS = {
    "trl": Row("synthcpt.exporting.trl", "Hugging Face TRL's SFTTrainer: a script, its settings and parquet files"),
    "axolotl": Row("synthcpt.exporting.axolotl", "axolotl: a YAML file and parquet files of segments"),
    "llama-factory": Row(
        "synthcpt.exporting.llama_factory", "LLaMA-Factory: a YAML file, dataset_info.json and parquet files"
    ),
    "torchtitan": Row(
        "synthcpt.exporting.torchtitan", "torchtitan: a configuration module with a loader, and parquet files"
    ),
}


def find_target(name: str) -> Target:
    """The target of this name.

    Raises:
        ConfigError: there is none; the near match is suggested.
    """
    if name not in TARGETS:
        raise ConfigError(f"There is no trainer {name!r} to export for. {near_match(name, TARGETS)}")
    target: Target = importlib.import_module(TARGETS[name].module).TARGET
    return target
