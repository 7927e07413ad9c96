"""Branch-and-Merge: trainings on slices of the data, side by side, merged before the next slices are begun.

The plan is `synthcpt.merging.branch_and_merge`'s (Alexandrov et al. 2024, arXiv:2407.08699); here its trainings and
merges are done. Each has a folder of its own, so that a run that was stopped goes on with the first that is missing.

    outputs/<training>/
      slices/slice-000/    a whole training on the first slice
      slices/slice-001/    on the second, from the same base
      slices/round-000/    the two merged: the base of the next two
      model/               the last one
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synthcpt.files import write_text
from synthcpt.merging.branch_and_merge import START, Branch, Round, schedule
from synthcpt.training import folder as places
from synthcpt.training.config import TrainConfig
from synthcpt.training.reports import Observer
from synthcpt.training.stage import Training

SLICES = "slices"

Watch = Callable[[TrainConfig], Observer]


def train_in_slices(config: TrainConfig, watch: Watch | None = None, *, overwrite: bool = False) -> Path:
    """Train by rounds of slices; gives back the final model's folder.

    Args:
        config: with ``merge_slices``. A token budget is shared out among the slices; passes are made over each.
        watch: makes who is told of one training, by its configuration.
        overwrite: throw away what the folder holds.

    Raises:
        UserError, TrainingFailed, Interrupted: see `Training.run`.
    """
    first = os.environ.get("RANK", "0") == "0"
    folder = config.output / SLICES
    if first:
        if overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        places.begin(config, overwrite=overwrite)
    if places.read_finished(config.output):
        return config.output / places.MODEL
    models: dict[str, Path] = {START: Path(config.model)}
    rounds = schedule(config.merge_slices, config.merge_branches)
    for step in rounds:
        for branch in step.branches:
            models[branch.name] = _train(config, branch, models[branch.base], folder, watch)
        models[step.result] = _merge(step, models, folder, write=first)
    if first:
        _finish(config, rounds, models[rounds[-1].result])
    return config.output / places.MODEL


def _train(config: TrainConfig, branch: Branch, base: Path, folder: Path, watch: Watch | None) -> Path:
    tokens = config.tokens and max(1, config.tokens // config.merge_slices)
    mine = config.model_copy(
        update={
            "model": str(base),
            "output": folder / branch.name,
            "slice": f"{branch.data_slice + 1}/{config.merge_slices}",
            "tokens": tokens,
            "merge_slices": 0,
            "save_dtype": "fp32",  # what is merged must not be rounded before
        }
    )
    return Training(mine, watch=(lambda: watch(mine)) if watch else None).run()


def _merge(step: Round, models: dict[str, Path], folder: Path, *, write: bool) -> Path:
    from synthcpt.merging import merge

    if step.merge is None:
        return models[step.branches[0].name]
    merged = folder / step.merge.name
    if write and not merged.exists():  # it is written beside its place and renamed: there means whole
        merge(step.merge.method, [models[name] for name in step.merge.branches], merged)
    return merged


def _finish(config: TrainConfig, rounds: list[Round], last: Path) -> None:
    """Put the last model into its place, in the original's number format; the marker last."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from synthcpt.backends.local_model import quietly
    from synthcpt.training.building import stored_dtype
    from synthcpt.training.models import load_config, save_model

    dtype = stored_dtype(config, load_config(config) if config.model != "tiny" else None)
    with quietly():
        model: Any = AutoModelForCausalLM.from_pretrained(last, dtype=dtype)
        tokenizer = AutoTokenizer.from_pretrained(last)
    save_model(
        model,
        {name: weight.detach() for name, weight in model.state_dict().items()},
        tokenizer,
        config.output / places.MODEL,
    )
    card = last / "README.md"
    if card.exists():
        shutil.copy(card, config.output / places.MODEL / "README.md")
    facts = {
        "model": places.MODEL,
        "rounds": [{"branches": [b.name for b in step.branches], "result": step.result} for step in rounds],
    }
    write_text(config.output / places.FINISHED, json.dumps(facts, indent=2) + "\n")
