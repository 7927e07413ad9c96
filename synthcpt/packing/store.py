"""A source's texts as token ids: one memory-mapped file, and where each text lies in it."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from synthcpt.errors import DataCorrupt

Ints = npt.NDArray[np.int64]

META = "store.json"
FORMAT = 1
ARRAYS: Mapping[str, tuple[str, int]] = {
    "ids": ("", 1),
    "offsets": ("<i8", 1),
    "utf8_bytes": ("<i8", 1),
    "steps": ("<i2", 1),
    "rows": ("<i8", 2),
    "group_offsets": ("<i8", 1),
    "groups": ("<u8", 1),
    "loss_offsets": ("<i8", 1),
    "loss_ranges": ("<i4", 2),
}
"""Of each array the type on disk, and the numbers an entry has. That of the ids is told by the store itself."""


@dataclass(frozen=True, slots=True)
class TokenStore:
    """All texts of a source, tokenised. Arrays are memory-mapped; opening costs the same at any size.

    Attributes:
        path: the store's folder.
        meta: ``name`` of the source, ``tokenizer`` (its fingerprint), ``vocabulary`` (largest id + 1), ``files`` (path
            and SHA-256 of each file read), ``steps`` (names that `steps` counts), ``dropped`` (texts left out, by
            reason), ``texts`` and ``tokens``.
        ids: the token ids of all texts, one after another; uint16 or uint32, shape (tokens,).
        offsets: where each text begins in `ids`, and the end; shape (texts + 1,).
        utf8_bytes: how many bytes of UTF-8 each text has, without special tokens; shape (texts,).
        steps: what step of its method made each text, an index into ``meta["steps"]``; shape (texts,), int16.
        rows: the file (an index into ``meta["files"]``) and the row in it that each text came from; shape (texts, 2).
        group_offsets, groups: which source documents each text was made from: text ``i`` has
            ``groups[group_offsets[i] : group_offsets[i + 1]]``, the first 8 bytes of each document id's BLAKE2b.
        loss_offsets, loss_ranges: which tokens carry loss. Text ``i`` has the ranges ``loss_ranges[loss_offsets[i] :
            loss_offsets[i + 1]]``, each ``(start, end)`` counted from the text's first token, ascending and apart;
            none means all of its tokens.
    """

    path: Path
    meta: Mapping[str, Any]
    ids: npt.NDArray[Any]
    offsets: Ints
    utf8_bytes: Ints
    steps: npt.NDArray[np.int16]
    rows: Ints
    group_offsets: Ints
    groups: npt.NDArray[np.uint64]
    loss_offsets: Ints
    loss_ranges: npt.NDArray[np.int32]

    @property
    def name(self) -> str:
        """The source's name, as the user and the logs know it."""
        return str(self.meta["name"])

    @property
    def texts(self) -> int:
        """How many texts."""
        return len(self.offsets) - 1

    @property
    def tokens(self) -> int:
        """How many tokens in all."""
        return int(self.offsets[-1])

    def lengths(self) -> Ints:
        """Tokens of each text; shape (texts,)."""
        return np.diff(self.offsets)

    @classmethod
    def open(cls, path: Path) -> TokenStore:
        """A store on disk, its arrays mapped into memory; costs the same at any size.

        Raises:
            DataCorrupt: it is not whole.
        """
        try:
            meta = orjson.loads((path / META).read_bytes())
            arrays = {name: _mapped(path, name, meta) for name in ARRAYS}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataCorrupt(
                f"The tokenised texts in {path} are not whole ({error}). Delete that folder; it will be made anew."
            ) from error
        return cls(path, meta, **arrays)


def _mapped(path: Path, name: str, meta: Mapping[str, Any]) -> npt.NDArray[Any]:
    dtype, width = np.dtype(meta["dtype"] if name == "ids" else ARRAYS[name][0]), ARRAYS[name][1]
    count = int(meta["entries"][name])
    file = path / f"{name}.bin"
    if file.stat().st_size != count * width * dtype.itemsize:
        raise ValueError(f"{file.name} has {file.stat().st_size:,} bytes, not {count * width * dtype.itemsize:,}")
    shape = (count, width) if width > 1 else (count,)
    if not count:
        return np.empty(shape, dtype)
    mapped: npt.NDArray[Any] = np.memmap(file, dtype, "r", shape=shape)
    if name == "ids" and isinstance(mapped.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        # Texts are read in random order: without this the system would read on, a hundred times as much as is wanted.
        mapped.base.madvise(mmap.MADV_RANDOM)
    return mapped
