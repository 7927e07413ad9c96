"""The whole training's data order, kept on disk: step k reads the same windows whoever asks, and at once.

A plan is a few arrays. Its pieces, in reading order, say which tokens of which store; its windows say which pieces
share one. A step reads the next `batch_windows` windows. So the position in the data is the number of the step and
nothing else: resuming costs the same at step 10 and at step 10 million, and does not depend on how many processes there
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

from synthcpt.errors import DataCorrupt
from synthcpt.files import replacing
from synthcpt.packing.store import TokenStore

Ints = npt.NDArray[np.integer[Any]]

META = "plan.json"
_ARRAYS = ("store", "text", "start", "length", "window_offsets", "step_tokens", "heldout_store", "heldout_text")


@dataclass(frozen=True, slots=True)
class Packing:
    """How texts become windows.

    Attributes:
        window_tokens: a window's length.
        batch_windows: windows of a step, over all processes.
        method: ``best_fit``, or ``concat``: one after another, cut where a window ends.
        order: ``shuffled``, or ``grouped``: texts of one source document after one another (with ``concat`` only; it
            is there to be compared with).
        curriculum: steps of methods whose texts come first, in this order, within every pass (e.g. questions before
            their documents); the rest follows.
        seed: of the order.
    """

    window_tokens: int
    batch_windows: int
    method: Literal["best_fit", "concat"] = "best_fit"
    order: Literal["shuffled", "grouped"] = "shuffled"
    curriculum: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What every step reads.

    Attributes:
        meta: what it was made of and for; ``phases`` (name, first window), ``parts`` (name, role, passes, tokens),
            ``collision_rate``, ``packing``.
        parts_of_stores: index into ``meta["parts"]`` of each store.
        stores: opened.
        store, text, start, length: of each piece, in reading order: which store, which text of it, the first token
            in the text, how many.
        window_offsets: the first piece of each window, and the end.
        step_tokens: tokens read when a step is done, by step from 0.
        heldout_store, heldout_text: the texts that are only measured on.
    """

    meta: Mapping[str, Any]
    parts_of_stores: tuple[int, ...]
    stores: tuple[TokenStore, ...]
    store: npt.NDArray[np.int16]
    text: Ints
    start: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    window_offsets: Ints
    step_tokens: Ints
    heldout_store: npt.NDArray[np.int16]
    heldout_text: Ints

    @property
    def window_tokens(self) -> int:
        """Slots of a window."""
        return int(self.meta["packing"]["window_tokens"])

    @property
    def batch_windows(self) -> int:
        """Windows of a step; the last step may have fewer."""
        return int(self.meta["packing"]["batch_windows"])

    @property
    def windows(self) -> int:
        """How many windows in all."""
        return len(self.window_offsets) - 1

    @property
    def steps(self) -> int:
        """How many optimiser steps."""
        return len(self.step_tokens)

    @property
    def tokens(self) -> int:
        """How many tokens are read in all; empty slots are not among them."""
        return int(self.step_tokens[-1])

    @property
    def part_names(self) -> tuple[str, ...]:
        """The sources' names."""
        return tuple(part["name"] for part in self.meta["parts"])

    def windows_of(self, step: int) -> range:
        """The windows of a step, counted from 0."""
        return range(step * self.batch_windows, min(self.windows, (step + 1) * self.batch_windows))

    def phase_of(self, step: int) -> str:
        """The phase of a step's first window."""
        first = step * self.batch_windows
        return str([phase["name"] for phase in self.meta["phases"] if phase["window"] <= first][-1])

    def save(self, folder: Path) -> None:
        """Write it; the description last, so that a folder with one is whole."""
        for name in _ARRAYS:
            with replacing(folder / f"{name}.npy") as file:
                np.save(file, getattr(self, name), allow_pickle=False)
        with replacing(folder / META) as file:
            file.write(orjson.dumps(self.meta, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def read_meta(folder: Path) -> dict[str, Any] | None:
    """A saved plan's description; None where there is no whole plan.

    Raises:
        DataCorrupt: it cannot be read.
    """
    path = folder / META
    try:
        loaded: dict[str, Any] | None = orjson.loads(path.read_bytes()) if path.exists() else None
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    return loaded


def open_plan(folder: Path, stores: Sequence[TokenStore], parts_of_stores: Sequence[int]) -> Plan:
    """A saved plan, its arrays memory-mapped.

    Args:
        folder: where it was saved.
        stores: that it was made with.
        parts_of_stores: as they were then.

    Raises:
        DataCorrupt: a file is missing, is no array, or does not fit the others.
    """
    try:
        meta = orjson.loads((folder / META).read_bytes())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        _check(arrays)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(folder, error) from error
    return Plan(meta, tuple(parts_of_stores), tuple(stores), **arrays)


def _unreadable(folder: Path, error: Exception) -> DataCorrupt:
    return DataCorrupt(f"The data plan in {folder} cannot be read: {error}. Delete the folder; it is made anew.")


def _check(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Raise ValueError where the arrays' lengths contradict one another."""
    pieces = {len(arrays[name]) for name in ("store", "text", "start", "length")}
    pieces.add(int(arrays["window_offsets"][-1]) if len(arrays["window_offsets"]) else 0)
    if len(pieces) > 1 or len(arrays["heldout_store"]) != len(arrays["heldout_text"]):
        raise ValueError("its arrays are not of one plan")
