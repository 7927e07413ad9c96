"""Writes a token store as its texts come, without ever holding more than a batch of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from synthcpt.errors import UserError
from synthcpt.files import replacing
from synthcpt.packing.store import ARRAYS, FORMAT, META

_LARGEST_UINT16 = 0xFFFF


@dataclass(slots=True)
class Encoded:
    """Some texts as token ids, ready to be written.

    Attributes:
        ids: of all of them, one after another, shape (tokens,).
        lengths: tokens of each.
        utf8_bytes: of each text.
        steps: of each, by name.
        rows: file and row of each.
        groups: the hashes of each text's source documents.
        loss: token ranges of each that carry loss, counted from its first token; empty: all.
        dropped: texts left out among them, by reason.
    """

    ids: npt.NDArray[np.uint32]
    lengths: list[int] = field(default_factory=list)
    utf8_bytes: list[int] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    rows: list[tuple[int, int]] = field(default_factory=list)
    groups: list[Sequence[int]] = field(default_factory=list)
    loss: list[Sequence[tuple[int, int]]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


class StoreWriter:
    """Appends to the files of a store; on leaving in order, the description is written, which makes it whole.

    Args:
        folder: new, and nobody else's.
        vocabulary: of the tokenizer: ids take two bytes where that is enough.
        meta: ``name``, ``tokenizer``, ``files`` and whatever else is to be remembered.

    Raises:
        UserError: on writing, when the disk is full.
    """

    def __init__(self, folder: Path, vocabulary: int, meta: Mapping[str, Any]) -> None:
        self.texts = self.tokens = 0
        self.dropped: Counter[str] = Counter()
        self._folder, self._meta = folder, dict(meta)
        self._dtype = np.dtype("<u2" if vocabulary - 1 <= _LARGEST_UINT16 else "<u4")
        self._steps: dict[str, int] = {}
        self._largest = -1
        self._groups = self._ranges = 0
        self._entries = dict.fromkeys(ARRAYS, 0)
        self._files: dict[str, BinaryIO] = {}
        self._open = ExitStack()

    def __enter__(self) -> StoreWriter:
        try:
            self._folder.mkdir(parents=True)
            for name in ARRAYS:
                self._files[name] = self._open.enter_context((self._folder / f"{name}.bin").open("wb"))
        except OSError as error:
            self._open.close()
            raise UserError(f"{self._folder} cannot be written: {error.strerror}.") from error
        for name in ("offsets", "group_offsets", "loss_offsets"):
            self._append(name, [0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._open.close()

    def add(self, encoded: Encoded) -> None:
        """Append some texts."""
        if encoded.lengths:
            self._append("ids", encoded.ids)
            self._largest = max(self._largest, int(encoded.ids.max()))
            self._append("offsets", self.tokens + np.cumsum(encoded.lengths))
            self._append("utf8_bytes", encoded.utf8_bytes)
            self._append("steps", [self._steps.setdefault(step, len(self._steps)) for step in encoded.steps])
            self._append("rows", encoded.rows)
            self._add_ragged("group_offsets", "groups", self._groups, encoded.groups)
            self._add_ragged("loss_offsets", "loss_ranges", self._ranges, encoded.loss)
        self._groups += sum(map(len, encoded.groups))
        self._ranges += sum(map(len, encoded.loss))
        self.texts += len(encoded.lengths)
        self.tokens += sum(encoded.lengths)
        self.dropped.update(encoded.dropped)

    def note(self, name: str, value: Any) -> None:
        """Put something into the description."""
        self._meta[name] = value

    def _add_ragged(self, offsets: str, values: str, before: int, lists: Sequence[Sequence[Any]]) -> None:
        self._append(offsets, before + np.cumsum([len(one) for one in lists]))
        self._append(values, [value for one in lists for value in one])

    def _append(self, name: str, values: npt.ArrayLike) -> None:
        dtype = self._dtype if name == "ids" else np.dtype(ARRAYS[name][0])
        array = np.asarray(values, dtype=dtype)
        try:
            self._files[name].write(np.ascontiguousarray(array).tobytes())
        except OSError as error:
            raise self._unwritable(error) from error
        self._entries[name] += len(array)

    def _finish(self) -> None:
        try:
            for written in self._files.values():
                written.flush()
                os.fsync(written.fileno())
        except OSError as error:
            raise self._unwritable(error) from error
        meta = self._meta | {
            "format": FORMAT, "dtype": self._dtype.str, "entries": self._entries, "texts": self.texts,
            "tokens": self.tokens, "vocabulary": self._largest + 1, "steps": list(self._steps),
            "dropped": dict(sorted(self.dropped.items())),
        }  # fmt: skip
        with replacing(self._folder / META) as file:
            file.write(orjson.dumps(meta, option=orjson.OPT_INDENT_2))

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"The tokenised texts cannot be written to {self._folder.parent}: {error.strerror}. Make room there, or "
            "name another folder with SYNTHCPT_CACHE."
        )
