"""A source's texts as token ids: one memory-mapped file, and where each text lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenStore:
    """All texts of a source, tokenised. Arrays are memory-mapped; opening costs the same at any size.

    Attributes:
        path: the store's folder.
        meta: ``name`` of the source, ``tokenizer`` (its fingerprint), ``vocabulary`` (largest id + 1), ``files`` (path
            and SHA-256 of each file read), ``steps`` (names that `steps` counts), ``dropped`` (texts and tokens left
            out, by reason), and counts.
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
