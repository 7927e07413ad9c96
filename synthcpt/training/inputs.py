"""A batch as a model takes it, in one of three layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from synthcpt.packing.batches import NO_LOSS, Batch
from synthcpt.training.attention import Stretches

Layout = Literal["isolated", "positions", "rows"]
"""How texts are kept apart. ``isolated``: packed, by our attention. ``positions``: packed, by positions that begin
anew, from which transformers makes its masks. ``rows``: not packed, each text is a padded row of its own."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one forward pass takes.

    Attributes:
        ids: shape (rows, tokens).
        positions: shape (rows, tokens).
        mask: shape (rows, tokens), 1 for a real token; None where there is no padding to be told.
        kept: which of the flattened tokens carry loss; shape (trained,).
        targets: what those are to predict; shape (trained,).
        parts: the source of each of them; shape (trained,).
        stretches: the texts, where our attention is to keep them apart.
        text_lengths: of each token of the flattened rows, the length of its text; for NEFTune.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor | None
    kept: torch.Tensor
    targets: torch.Tensor
    parts: torch.Tensor
    stretches: Stretches | None
    text_lengths: torch.Tensor


def make_inputs(batch: Batch, layout: Layout, device: torch.device, *, pad_to: int = 0) -> Inputs:
    """A batch for the model.

    Args:
        batch: at least one token.
        layout: how its texts are kept apart.
        device: where the tensors go.
        pad_to: packed rows get so many slots at least, by a text of padding that carries no loss: shapes that stay
            the same spare GPUs work.
    """
    if layout == "rows":
        return _as_rows(batch, device)
    lengths = [int(length) for length in batch.lengths]
    ids, targets, positions, parts = batch.ids, batch.targets, batch.positions, batch.parts
    empty = pad_to - len(ids)
    if empty > 0:
        zeros = np.zeros(empty, dtype=np.int64)
        ids, parts = np.concatenate([ids, zeros]), np.concatenate([parts, zeros])
        targets = np.concatenate([targets, zeros + NO_LOSS])
        positions = np.concatenate([positions, np.arange(empty)])
        lengths.append(empty)
    kept = np.flatnonzero(targets != NO_LOSS)
    return Inputs(
        _tensor(ids, device)[None],
        _tensor(positions, device)[None],
        None,
        _tensor(kept, device),
        _tensor(targets[kept], device),
        _tensor(parts[kept], device),
        Stretches(lengths, device) if layout == "isolated" else None,
        _tensor(np.repeat(np.array(lengths), lengths), device),
    )


def _as_rows(batch: Batch, device: torch.device) -> Inputs:
    lengths = batch.lengths
    rows, longest = len(lengths), int(lengths.max())
    real = np.arange(longest) < lengths[:, None]
    columns = {}
    for name, fill in (("ids", 0), ("targets", NO_LOSS), ("positions", 0), ("parts", 0)):
        columns[name] = np.full((rows, longest), fill, dtype=np.int64)
        columns[name][real] = getattr(batch, name)
    kept = np.flatnonzero(columns["targets"] != NO_LOSS)
    return Inputs(
        _tensor(columns["ids"], device),
        _tensor(columns["positions"], device),
        _tensor(real.astype(np.int64), device),
        _tensor(kept, device),
        _tensor(columns["targets"].reshape(-1)[kept], device),
        _tensor(columns["parts"].reshape(-1)[kept], device),
        None,
        _tensor(np.repeat(lengths, longest), device),
    )


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.int64]], device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
