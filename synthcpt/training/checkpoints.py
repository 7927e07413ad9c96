"""Checkpoints: written beside their place and renamed, read by any number of processes, without pickle.

    checkpoints/step-00001200/
        rows-00000-of-00002.safetensors     each process's rows of every weight and of AdamW's two averages
        rows-00001-of-00002.safetensors
        state.json                          the step, and which rows each file holds; written last

Nothing of a random generator is kept: every step seeds its own from its number. The data's position is the step.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from synthcpt.errors import DataCorrupt, UserError
from synthcpt.files import write_text
from synthcpt.training.processes import World, is_sharded, local, rows_of

STATE = "state.json"
_PREFIX = "step-"


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"{_PREFIX}{step:08d}"


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps that have a whole checkpoint, ascending."""
    return sorted(int(path.parent.name.removeprefix(_PREFIX)) for path in folder.glob(f"{_PREFIX}*/{STATE}"))


def write_checkpoint(
    folder: Path, state: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], world: World, keep: int
) -> None:
    """Write a checkpoint; then forget the oldest ones.

    Args:
        folder: that holds all checkpoints.
        state: JSON, with ``step``.
        tensors: by name; sharded ones are written by all processes, others by the first.
        world: this process; all must call.
        keep: how many are kept.

    Raises:
        UserError: the disk is full or not writable; the checkpoints there are stay as they are.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    place = checkpoint_folder(folder, state["step"])
    beside = folder / f".writing-{place.name}"
    if world.first:
        shutil.rmtree(beside, ignore_errors=True)
    world.wait()
    mine = {name: tensor for name, tensor in tensors.items() if is_sharded(tensor) or world.first}
    rows = {name: rows_of(tensor, world) for name, tensor in mine.items()}
    failed = torch.zeros(1)
    problem: Exception | None = None
    file = beside / f"rows-{world.rank:05d}-of-{world.size:05d}.safetensors"
    try:
        beside.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: _as_rows(tensor).contiguous().cpu() for name, tensor in mine.items()},
            file,
            metadata={"rows": json.dumps(rows)},
        )
        _sync(file)
    except (OSError, SafetensorError) as error:
        failed, problem = torch.ones(1), error
    if float(world.add_up(failed)):
        if world.first:
            shutil.rmtree(beside, ignore_errors=True)
        raise _unwritable(folder, state["step"], problem) from problem
    if world.first:
        _finish(folder, place, beside, dict(state), keep)
    world.wait()


def _finish(folder: Path, place: Path, beside: Path, state: dict[str, Any], keep: int) -> None:
    files = {path.name: path.stat().st_size for path in sorted(beside.glob("*.safetensors"))}
    try:
        write_text(beside / STATE, json.dumps({**state, "files": files}, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise _unwritable(folder, state["step"], error) from error
    for old in checkpoint_steps(folder)[:-keep]:
        shutil.rmtree(checkpoint_folder(folder, old), ignore_errors=True)


def _unwritable(folder: Path, step: int, error: Exception | None) -> UserError:
    whole = checkpoint_steps(folder)
    last = f"The last one is of step {whole[-1]:,} and is whole" if whole else "There is none yet"
    why = (error.strerror if isinstance(error, OSError) else None) or error or "another process failed"
    return UserError(
        f"The checkpoint of step {step:,} cannot be written to {folder}: {why}. {last}. Make room and run the same "
        "command again to go on."
    )


def _as_rows(tensor: torch.Tensor) -> torch.Tensor:
    """The rows that this process holds; a lone number as a row of one."""
    mine = local(tensor).detach()
    return mine if mine.dim() else mine.reshape(1)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Checkpoint:
    """A checkpoint on disk, open for reading; a context manager.

    Args:
        path: its folder.

    Raises:
        DataCorrupt: a file is missing or has another size than was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
        self._open = ExitStack()
        self._pieces: dict[str, list[tuple[int, int, Any]]] = {}

    def __enter__(self) -> Checkpoint:
        from safetensors import safe_open

        for name, size in self.state["files"].items():
            file = self.path / name
            if not file.exists() or file.stat().st_size != size:
                raise DataCorrupt(
                    f"The checkpoint file {file} is not the one that was written. Delete {self.path}; the training "
                    "goes on from the one before it."
                )
            opened = self._open.enter_context(safe_open(file, framework="pt"))
            for tensor, (begin, end) in json.loads(opened.metadata()["rows"]).items():
                self._pieces.setdefault(tensor, []).append((begin, end, opened))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def __contains__(self, name: str) -> bool:
        return name in self._pieces

    def rows(self, name: str, begin: int, end: int) -> torch.Tensor:
        """Some rows of a tensor, wherever they lie.

        Raises:
            DataCorrupt: the checkpoint does not have them.
        """
        if name not in self._pieces:
            raise DataCorrupt(f"The checkpoint {self.path} has no {name}; it is of another model.")
        parts = []
        for first, last, opened in sorted(self._pieces[name], key=lambda piece: piece[:2]):
            low, high = max(begin, first), min(end, last)
            if low < high:
                parts.append(opened.get_slice(name)[low - first : high - first])
        return torch.cat(parts) if parts else self._pieces[name][0][2].get_slice(name)[0:0]

    def load_into(self, name: str, tensor: torch.Tensor, world: World) -> None:
        """Copy this process's rows into a tensor.

        Raises:
            DataCorrupt: it is not there, or has another shape.
        """
        mine = local(tensor)
        found = self.rows(name, *rows_of(tensor, world))
        found = found.reshape(mine.shape) if not mine.dim() else found
        if found.shape != mine.shape:
            raise DataCorrupt(
                f"The checkpoint {self.path} has {name} in shape {tuple(found.shape)} where the model has "
                f"{tuple(mine.shape)}; it is of another model."
            )
        with torch.no_grad():
            mine.copy_(found)
