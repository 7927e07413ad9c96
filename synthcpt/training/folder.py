"""A training's folder: what it was begun with, whether it may go on, and that one command at a time works in it.

outputs/<training>/
train.yaml       the resolved configuration: enough to repeat it
plan/            which tokens every step reads
audit.json       where every token went
checkpoints/     the last few
metrics.jsonl    loss and the rest, by step; tensorboard/, loss.png and loss.svg are drawn from it
probes.jsonl     what the model knew of each probed fact, by step; probes.json says what the probes are
retention.json   how well probed facts were learnt and kept
model/           the final model, which transformers and vLLM load, with its card
training.json    written last: present means finished
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from synthcpt.errors import RunMismatch, UserError
from synthcpt.file_lock import FileLock
from synthcpt.files import write_text
from synthcpt.training.config import TrainConfig

SETTINGS, FINISHED, MODEL, CHECKPOINTS, PLAN, AUDIT = (
    "train.yaml", "training.json", "model", "checkpoints", "plan", "audit.json",
)  # fmt: skip
_OURS = (
    SETTINGS, FINISHED, MODEL, f"{MODEL}-ema", f"{MODEL}-average", CHECKPOINTS, PLAN, AUDIT, "metrics.jsonl",
    "tensorboard", "probes.jsonl", "probes.json", "retention.json",
)  # fmt: skip


def held(folder: Path) -> FileLock:
    """No other process works in the folder meanwhile."""
    return FileLock(folder / ".lock", f"the training in {folder}", "name another --output")


def begin(config: TrainConfig, *, overwrite: bool) -> None:
    """Note the configuration, or see that it is the one noted.

    A training that stopped before its first checkpoint (a name in it was mistyped, say) is begun anew.

    Raises:
        RunMismatch: the folder holds another training; each difference is named.
        UserError: the folder holds something else.
    """
    folder = config.output
    if overwrite:
        for name in _OURS:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    noted = read_settings(folder) if _has_begun(folder) else None
    if noted is None:
        if (folder / "run.yaml").exists():
            raise UserError(f"{folder} holds a generated corpus. Name another folder with --output.")
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # a first one that a kill left half written
        write_text(
            folder / SETTINGS, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        )
        return
    mine = config.identity()
    differing = [
        f"{name}: {noted.get(name)!r} there, {value!r} now" for name, value in mine.items() if noted.get(name) != value
    ]
    if differing:
        raise RunMismatch(
            f"{folder} holds a training begun with other settings ({'; '.join(differing)}). Repeat those to go on "
            "with it, name another --output, or throw it away with --overwrite."
        )


def _has_begun(folder: Path) -> bool:
    """Whether anything is in it that took training to make; ``slices`` are Branch-and-Merge's trainings."""
    kept = any((folder / CHECKPOINTS).glob("step-*"))
    return kept or any((folder / name).exists() for name in (MODEL, FINISHED, "slices"))


def read_settings(folder: Path) -> dict[str, Any] | None:
    """The configuration a training was begun with; None where there is none."""
    path = folder / SETTINGS
    if not path.exists():
        return None
    settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return settings


def read_finished(folder: Path) -> dict[str, Any] | None:
    """What a finished training says of itself; None where it is not finished."""
    path = folder / FINISHED
    if not path.exists():
        return None
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts
