"""Attention within each text of a packed row without a kernel for it: texts of like length side by side, padded.

A causal query never sees the padding behind its text, so torch's own causal attention can be used without a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

_MOST_PADDING = 1.25
"""A batch of texts may have so many slots for each token of theirs."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Texts of like length side by side, the shorter ones of a bucket padded to its longest.

    Attributes:
        shapes: of each bucket, how many texts and the longest.
        tokens: of each slot of all buckets, the row's token in it; padding repeats its text's last. Shape (slots,).
        slots: of each token of the row, its slot; shape (tokens,).
        padding: the slots that are padding.
    """

    shapes: list[tuple[int, int]]
    tokens: torch.Tensor
    slots: torch.Tensor
    padding: torch.Tensor


def make_buckets(lengths: Sequence[int], device: torch.device) -> Buckets:
    """Sort the texts of a row into buckets."""
    begins = [0, *accumulate(lengths)]
    by_length = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    shapes, tokens, real = [], [], []
    while by_length:
        count, filled = 0, 0
        longest = lengths[by_length[0]]
        for i in by_length:
            if longest * (count + 1) > _MOST_PADDING * (filled + lengths[i]) and count:
                break
            count, filled = count + 1, filled + lengths[i]
        chosen, by_length = by_length[:count], by_length[count:]
        steps = torch.arange(longest)
        sizes = torch.tensor([lengths[i] for i in chosen])[:, None]
        shapes.append((count, longest))
        tokens.append((torch.tensor([begins[i] for i in chosen])[:, None] + torch.minimum(steps, sizes - 1)).flatten())
        real.append((steps < sizes).flatten())
    all_tokens, is_real = torch.cat(tokens), torch.cat(real)
    slots = torch.empty(begins[-1], dtype=torch.long)
    slots[all_tokens[is_real]] = is_real.nonzero()[:, 0]
    padding = (~is_real).nonzero()[:, 0]
    return Buckets(shapes, all_tokens.to(device), slots.to(device), padding.to(device))


class _IntoSlots(torch.autograd.Function):
    """Rows of tokens as rows of slots. No gradient reaches padding, so that the way back is a look-up, too."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, buckets: Buckets) -> torch.Tensor:
        """Shapes (tokens, ...) to (slots, ...)."""
        ctx.buckets = buckets
        return rows.index_select(0, buckets.tokens)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Each token's gradient is that of its slot."""
        return grads[0].index_select(0, ctx.buckets.slots), None


class _OutOfSlots(torch.autograd.Function):
    """The reverse of `_IntoSlots`: what padding computed is dropped."""

    @staticmethod
    def forward(ctx: Any, slots: torch.Tensor, buckets: Buckets) -> torch.Tensor:
        """Shapes (slots, ...) to (tokens, ...)."""
        ctx.buckets = buckets
        return slots.index_select(0, buckets.slots)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Each slot's gradient is that of its token, and zero for padding."""
        return grads[0].index_select(0, ctx.buckets.tokens).index_fill_(0, ctx.buckets.padding, 0), None


def bucketed_attention(
    rows: Sequence[torch.Tensor],
    buckets: Buckets,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
) -> torch.Tensor:
    """Causal attention of each text to itself.

    Args:
        rows: queries, keys and values of the whole row, each of shape (tokens, heads, width).
        buckets: of the row's texts.
        scaling: of the scores.
        dropout: of the attention weights.
        sliding_window: how far back a token sees, itself included.
    """
    sizes = [count * longest for count, longest in buckets.shapes]
    by_bucket = zip(buckets.shapes, *(_IntoSlots.apply(part, buckets).split(sizes) for part in rows), strict=True)
    attended = []
    for (count, longest), *parts in by_bucket:
        q, k, v = (
            part.unflatten(0, (count, longest)).transpose(1, 2) for part in parts
        )  # (stretches, heads, longest, w)
        band = None
        if sliding_window is not None and longest > sliding_window:
            steps = torch.arange(longest, device=q.device)
            back = steps[:, None] - steps
            band = (back >= 0) & (back < sliding_window)
        out = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=band, dropout_p=dropout, is_causal=band is None, scale=scaling,
            enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        attended.append(out.transpose(1, 2).flatten(0, 1))
    found: torch.Tensor = _OutOfSlots.apply(torch.cat(attended), buckets)
    return found
