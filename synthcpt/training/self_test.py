"""Proves, on the very model that is about to be trained, that packed texts do not see one another.

Many things can break the isolation of packed documents without a word: a cache that is on by default, a mask of ones, a
model that ignores positions, an attention kernel that was swapped. So nothing is believed. Some random texts go through
the model packed, and each alone through the model as transformers made it; the logits must be the same. The layouts are
tried from the fastest on, and the first one that passes is trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from synthcpt.errors import ModelError
from synthcpt.packing.batches import NO_LOSS, Batch
from synthcpt.training.attention import NAME, UnsupportedAttention, register
from synthcpt.training.inputs import Layout, make_inputs
from synthcpt.training.objective import NextTokenLoss

_TEXTS = (17, 33, 5, 24)
_TOLERANCE = {torch.float32: 2e-4, torch.bfloat16: 6e-2, torch.float16: 1e-2}
"""Of the largest logit; kernels sum in other orders. A leak changes logits by tens of percent."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test found.

    Attributes:
        layout: the first that passed.
        error: its largest deviation, as a share of the largest logit.
        failed: the layouts that did not, and why.
    """

    layout: Layout
    error: float
    failed: tuple[tuple[Layout, str], ...] = ()

    def sentence(self) -> str:
        """For the log."""
        how = {
            "isolated": "packed texts are kept apart by synthcpt's attention",
            "positions": "packed texts are kept apart by transformers' masks",
            "rows": "texts are NOT packed: each is a row of its own, padded",
        }[self.layout]
        why = "".join(f" ({layout}: {reason})" for layout, reason in self.failed)
        return f"Self-test on this model: {how}; logits differ by {self.error:.1e} from those of the text alone.{why}"


def probe_isolation(loss: NextTokenLoss, layouts: Sequence[Layout] = ("isolated", "positions", "rows")) -> Verdict:
    """Find the fastest layout in which texts do not see one another, and leave the model set to it.

    Args:
        loss: of the model, on its device and in its precision; whether it is training is left as it was.
        layouts: those to try, in this order.

    Raises:
        ModelError: no layout gives the logits of a text alone.
    """
    config: Any = loss.model.config
    own = config._attn_implementation
    training = loss.training
    loss.eval()
    try:
        return _first_that_passes(loss, layouts, own)
    finally:
        loss.train(training)


def set_layout(model: nn.Module, layout: Layout, own: str) -> None:
    """Give the model the attention that a layout needs; ``own`` is the one it came with."""
    register()
    set_attention: Any = model.set_attn_implementation
    set_attention(NAME if layout == "isolated" else own)


def _first_that_passes(loss: NextTokenLoss, layouts: Sequence[Layout], own: str) -> Verdict:
    batch = random_texts(loss.model)
    set_layout(loss.model, "rows", own)
    with torch.no_grad():
        alone = torch.cat([_logits(loss, text, "positions") for text in _one_by_one(batch)])
        failed: list[tuple[Layout, str]] = []
        for layout in layouts:
            try:
                set_layout(loss.model, layout, own)
                error = _deviation(_logits(loss, batch, layout), alone)
            except UnsupportedAttention as unsupported:
                failed.append((layout, str(unsupported)))
                continue
            if error <= _TOLERANCE.get(alone.dtype, 2e-4):
                return Verdict(layout, error, tuple(failed))
            failed.append((layout, f"logits differ by {error:.1%}"))
    told = "; ".join(f"{layout}: {reason}" for layout, reason in failed)
    raise ModelError(
        f"This model gives other logits for a text in a batch than for the text alone ({told}), so it cannot be "
        "trained here. Is it a causal language model?"
    )


def _logits(loss: NextTokenLoss, batch: Batch, layout: Layout) -> torch.Tensor:
    """Of every token, in the order of the texts, shape (tokens, vocabulary)."""
    inputs = make_inputs(batch, layout, next(loss.parameters()).device)
    logits: torch.Tensor = loss(inputs, "logits")
    return logits.flatten(0, 1)[inputs.mask.flatten().bool()] if inputs.mask is not None else logits[0]


def _deviation(mine: torch.Tensor, theirs: torch.Tensor) -> float:
    largest = (mine.float() - theirs.float()).abs().max() / theirs.float().abs().max().clamp(min=1e-9)
    return float(largest) if bool(torch.isfinite(largest)) else float("inf")


def random_texts(model: nn.Module) -> Batch:
    """A few short texts of random tokens; the same each time for one vocabulary."""
    embeddings: Any = model.get_input_embeddings()
    ids = np.random.default_rng(0).integers(0, embeddings.weight.shape[0], sum(_TEXTS))
    lengths = np.array(_TEXTS)
    positions = np.concatenate([np.arange(length) for length in _TEXTS])
    targets = np.where(positions + 1 == np.repeat(lengths, lengths), NO_LOSS, np.roll(ids, -1))
    return Batch(ids, targets, positions, lengths, np.zeros(len(ids), dtype=np.int64))


def _one_by_one(batch: Batch) -> list[Batch]:
    texts, begin = [], 0
    for length in map(int, batch.lengths):
        rows = slice(begin, begin + length)
        text = replace(
            batch, ids=batch.ids[rows], targets=batch.targets[rows], positions=batch.positions[rows],
            lengths=np.array([length]), parts=batch.parts[rows],
        )  # fmt: skip
        texts.append(text)
        begin += length
    return texts
