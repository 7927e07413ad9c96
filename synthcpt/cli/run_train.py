"""What `synthcpt train` does once its flags are read."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from synthcpt.errors import ConfigError, MissingExtra, near_match
from synthcpt.training.config import RECIPES, TrainConfig
from synthcpt.training.reports import Observer


def run_train(config: TrainConfig, *, overwrite: bool, quiet: bool) -> None:
    """Train with a progress display, or say that it is done already."""
    _need_packages(config)
    from synthcpt.training.folder import read_finished
    from synthcpt.training.showing.observers import observers
    from synthcpt.training.stage import Training

    done = not overwrite and read_finished(config.output) is not None

    def watch(mine: TrainConfig) -> Observer:
        return observers(mine.output, quiet=quiet, wandb=mine.wandb, recipe=mine.model_dump(mode="json"))

    if config.merge_slices:
        from synthcpt.training.branch_and_merge import train_in_slices

        model = train_in_slices(config, watch, overwrite=overwrite)
        Console().print(f"The model of all slices is in {model}", markup=False, highlight=False, soft_wrap=True)
    else:
        model = Training(config, overwrite=overwrite, watch=lambda: watch(config)).run()
        if config.probes and not done and os.environ.get("RANK", "0") == "0":
            _show_retention(config)
    if done and os.environ.get("RANK", "0") == "0":
        told = f"This training is finished; its model is in {model}. Begin anew with --overwrite."
        Console().print(told, markup=False, highlight=False, soft_wrap=True)


def _show_retention(config: TrainConfig) -> None:
    """What became of the probed facts; also into the training's folder."""
    from synthcpt.evaluation.retention import write_retention
    from synthcpt.evaluation.retention_lines import retention_lines

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, value in retention_lines(write_retention(config.output)):
        table.add_row(name, Text(value))
    Console().print("\nProbed facts", table, sep="\n")


def show_settings(recipe: str) -> None:
    """Every setting, its default under a recipe, and what it is.

    Raises:
        ConfigError: there is no such recipe.
    """
    if recipe not in RECIPES:
        raise ConfigError(f"There is no recipe {recipe!r}. {near_match(recipe, RECIPES)}")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True)
    table.add_column(f"default ({recipe})")
    table.add_column("what it is")
    own = RECIPES[recipe]
    for name, field in TrainConfig.model_fields.items():
        default: Any = own.get(name, None if field.is_required() else field.default)
        shown = "" if default is None or default == () else str(default)
        table.add_row(name, shown, field.description or "")
    Console().print(table)


def _need_packages(config: TrainConfig) -> None:
    """Say which extra is missing before anything is read.

    Raises:
        MissingExtra: torch, transformers or peft is not installed.
    """
    from importlib.util import find_spec

    for package in ("torch", "transformers", "safetensors", "numpy", "tensorboard", "matplotlib"):
        if find_spec(package) is None:
            raise MissingExtra(package, "train", "train a model")
    if config.lora_rank and find_spec("peft") is None:
        raise MissingExtra("peft", "train", "train adapters")
