"""Continued pretraining: a configuration and finished runs in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def train(*, overwrite: bool = False, quiet: bool = True, **settings: Any) -> Path:
    """Train, or go on; what `synthcpt train` does.

    Args:
        overwrite: throw away what ``output`` holds of another training.
        quiet: show no progress.
        settings: the fields of `synthcpt.training.config.TrainConfig`, e.g. ``model``, ``data``, ``output``, ``lr``.

    Returns:
        The final model's folder.

    Raises:
        UserError: something to mend; the message says what.
        TrainingFailed: the loss is not finite, or memory ran out; the last checkpoint is whole.
    """
    from synthcpt.training.config import TrainConfig, make_train_config
    from synthcpt.training.reports import Observer
    from synthcpt.training.showing.observers import observers
    from synthcpt.training.stage import Training

    config = make_train_config(settings)

    def watch(mine: TrainConfig) -> Observer:
        return observers(mine.output, quiet=quiet, wandb=mine.wandb, recipe=mine.model_dump(mode="json"))

    if config.merge_slices:
        from synthcpt.training.branch_and_merge import train_in_slices

        return train_in_slices(config, watch, overwrite=overwrite)
    return Training(config, overwrite=overwrite, watch=lambda: watch(config)).run()
