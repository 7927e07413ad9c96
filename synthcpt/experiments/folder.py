"""An experiment's folder: whose it is, and what it found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from synthcpt.errors import RunMismatch, UserError
from synthcpt.experiments.recipe import Recipe, make_recipe
from synthcpt.experiments.stages import STAGES
from synthcpt.file_lock import FileLock
from synthcpt.files import write_text

SETTINGS = "experiment.yaml"
RESULTS = "results.json"
LOCK = ".lock"


def begin(root: Path, recipe: Recipe) -> None:
    """Write down which experiment the folder holds.

    A recipe may grow: arms, budgets and seeds may be added and taken away, since every stage is known by what goes
    into it. Only another question or another corpus makes it another experiment.

    Raises:
        RunMismatch: the folder holds an experiment about something else.
        UserError: it cannot be written, or holds something that is no experiment.
    """
    path = root / SETTINGS
    if path.exists():
        before, now = read_experiment(root), recipe
        for what in ("world", "corpus", "asked"):
            if getattr(before, what) != getattr(now, what):
                raise RunMismatch(f"{root} holds an experiment with another {what}. Give --output another folder.")
    elif root.exists() and any(one.name not in (LOCK, STAGES) for one in root.iterdir()):
        raise UserError(f"{root} is not empty and holds no experiment. Give --output another folder.")
    write_text(path, yaml.safe_dump(recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=False))


def share(root: Path, other: Path) -> None:
    """Let an experiment use the stages of another's folder, and leave its own there, by a link.

    Raises:
        UserError: the other is no experiment's folder, or this one has stages of its own.
    """
    if not (other / SETTINGS).exists():
        raise UserError(f"{other} is no experiment: it has no {SETTINGS}. Name the folder of one that was run.")
    place, target = root / STAGES, (other / STAGES).resolve()
    if place.exists() or place.is_symlink():
        if place.resolve() != target:
            raise UserError(f"{root} has stages of its own already. Give --output another folder to share {other}'s.")
        return
    root.mkdir(parents=True, exist_ok=True)
    place.symlink_to(os.path.relpath(target, root.resolve()), target_is_directory=True)


def held(root: Path) -> FileLock:
    """Ours alone, while it runs.

    Raises:
        RunLocked: another process runs it.
    """
    return FileLock(root / LOCK, str(root), "give --output another folder")


def read_experiment(root: Path) -> Recipe:
    """The recipe of a folder.

    Raises:
        UserError: it holds no experiment.
    """
    path = root / SETTINGS
    if not path.exists():
        raise UserError(f"{root} is no experiment: it has no {SETTINGS}.")
    return make_recipe(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))


def write_results(root: Path, results: Mapping[str, Any]) -> Path:
    """Replace what the experiment found."""
    path = root / RESULTS
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    write_text(path, orjson.dumps(results, option=options).decode() + "\n")
    return path


def read_results(root: Path) -> dict[str, Any]:
    """What the experiment found so far.

    Raises:
        UserError: nothing is finished.
    """
    path = root / RESULTS
    if not path.exists():
        raise UserError(f"{root} has no {RESULTS} yet; run the experiment first.")
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found
