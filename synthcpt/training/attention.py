"""Attention in which each text of a packed row sees itself alone, for any model that takes its attention from outside.

transformers lets a model's attention be replaced by name. Ours takes the row's queries, keys and values, and works on
each stretch (a text) by itself: no mask of the square of the row is built, and nothing masked is computed.

On GPUs in half precision it is torch's variable-length FlashAttention. Elsewhere stretches of like length are gathered
into small padded batches for torch's own causal attention: a causal query never sees the padding behind its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from synthcpt.errors import ModelError

NAME = "synthcpt_isolated"
"""The attention's name in transformers' registry."""

_MOST_PADDING = 1.25
"""A batch of stretches may have so many slots for each token of theirs."""


class UnsupportedAttention(ModelError):
    """A model asks its attention for something that ours does not do."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Stretches of like length: where their tokens stand in the row, shape (stretches, longest), and which are real."""

    index: torch.Tensor
    real: torch.Tensor


class Stretches:
    """Where the texts of a row lie.

    Args:
        lengths: tokens of each, in order.
        device: of the row.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self.lengths = list(lengths)
        sizes = torch.tensor(self.lengths, dtype=torch.int32)
        self.longest = max(self.lengths)
        self.ends = torch.cat([torch.zeros(1, dtype=torch.int32), sizes.cumsum(0, dtype=torch.int32)]).to(device)
        self._device = device
        self._buckets: tuple[list[_Bucket], torch.Tensor] | None = None

    def buckets(self) -> tuple[list[_Bucket], torch.Tensor]:
        """The stretches by like length, and where each of the row's tokens lies in the buckets' tokens put together."""
        if self._buckets is None:
            self._buckets = self._make_buckets()
        return self._buckets

    def _make_buckets(self) -> tuple[list[_Bucket], torch.Tensor]:
        begins = (self.ends[:-1]).tolist()
        by_length = sorted(range(len(self.lengths)), key=lambda i: (-self.lengths[i], i))
        buckets, order = [], []
        while by_length:
            count, tokens = 0, 0
            longest = self.lengths[by_length[0]]
            for i in by_length:
                if longest * (count + 1) > _MOST_PADDING * (tokens + self.lengths[i]) and count:
                    break
                count, tokens = count + 1, tokens + self.lengths[i]
            chosen, by_length = by_length[:count], by_length[count:]
            steps = torch.arange(longest)
            sizes = torch.tensor([self.lengths[i] for i in chosen])[:, None]
            index = torch.tensor([begins[i] for i in chosen])[:, None] + torch.minimum(steps, sizes - 1)
            real = steps < sizes
            order.append(index[real])
            buckets.append(_Bucket(index.to(self._device), real.to(self._device)))
        where = torch.empty(sum(self.lengths), dtype=torch.long)
        where[torch.cat(order)] = torch.arange(len(where))
        return buckets, where.to(self._device)


_present: Stretches | None = None


@contextmanager
def attending(stretches: Stretches | None) -> Iterator[None]:
    """The rows that pass through the model meanwhile are made of these stretches; holds for its backward pass, too."""
    global _present
    before, _present = _present, stretches
    try:
        yield
    finally:
        _present = before


def present_stretches() -> Stretches | None:
    """Those of `attending`."""
    return _present


def isolated_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **other: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each of the present stretches.

    Args:
        module: the attention layer.
        query: shape (1, heads, tokens, width).
        key: shape (1, key heads, tokens, width).
        value: shape (1, key heads, tokens, value width).
        attention_mask: must be None; stretches take its place.
        scaling: of the scores.
        dropout: of the attention weights.
        sliding_window: how far back a token sees, itself included.
        other: what some models pass; whatever would change the result is refused.

    Returns:
        Shape (1, tokens, heads, value width), and None for the weights.

    Raises:
        UnsupportedAttention: the model is no plain causal decoder.
    """
    changing = [name for name in ("softcap", "s_aux", "position_bias", "cache") if other.get(name) is not None]
    if changing or attention_mask is not None or _present is None or query.shape[0] != 1:
        raise UnsupportedAttention(f"The model's attention wants {', '.join(changing) or 'a mask'}.")
    if not getattr(module, "is_causal", True) or other.get("is_causal") is False:
        raise UnsupportedAttention("The model's attention is not causal.")
    rows = [part[0].transpose(0, 1) for part in (query, key, value)]  # (tokens, heads, width)
    if _has_flash(query, dropout):
        return _flash(rows, _present, scaling, sliding_window)[None], None
    return _bucketed(rows, _present, scaling, dropout, sliding_window)[None], None


def _has_flash(query: torch.Tensor, dropout: float) -> bool:
    """Torch's variable-length kernel takes half precision, widths up to 256 and no dropout."""
    half = query.dtype in (torch.bfloat16, torch.float16) or torch.is_autocast_enabled(query.device.type)
    return query.is_cuda and half and not dropout and query.shape[-1] <= 256 and _varlen() is not None


def _varlen() -> Any:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:  # before torch 2.10
        return None
    return varlen_attn


def _flash(
    rows: Sequence[torch.Tensor], stretches: Stretches, scaling: float | None, sliding_window: int | None
) -> torch.Tensor:
    half = rows[0].dtype
    if half not in (torch.bfloat16, torch.float16):
        half = torch.get_autocast_dtype(rows[0].device.type)
    query, key, value = (row.to(half) for row in rows)
    back = -1 if sliding_window is None else sliding_window - 1
    attended: torch.Tensor = _varlen()(
        query, key, value, stretches.ends, stretches.ends, stretches.longest, stretches.longest,
        scale=scaling, window_size=(back, 0), enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip
    return attended


def _bucketed(
    rows: Sequence[torch.Tensor],
    stretches: Stretches,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
) -> torch.Tensor:
    query, key, value = rows
    buckets, where = stretches.buckets()
    attended = []
    for bucket in buckets:
        q, k, v = (part[bucket.index].transpose(1, 2) for part in (query, key, value))  # (stretches, heads, longest, w)
        longest = bucket.index.shape[1]
        band = None
        if sliding_window is not None and longest > sliding_window:
            steps = torch.arange(longest, device=q.device)
            back = steps[:, None] - steps
            band = (back >= 0) & (back < sliding_window)
        out = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=band, dropout_p=dropout, is_causal=band is None, scale=scaling,
            enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        attended.append(out.transpose(1, 2)[bucket.real])
    return torch.cat(attended)[where]


def register() -> None:
    """Make the attention known to transformers; no mask is built for it."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, isolated_attention)
