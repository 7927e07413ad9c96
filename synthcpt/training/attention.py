"""Attention in which each text of a packed row sees itself alone, for any model that takes its attention from outside.

transformers lets a model's attention be replaced by name. Ours takes the row's queries, keys and values, and works on
each stretch (a text) by itself: no mask of the square of the row is built, and nothing masked is computed.

On GPUs in half precision it is torch's variable-length FlashAttention. Elsewhere stretches of like length are gathered
into small padded batches for torch's own causal attention: a causal query never sees the padding behind its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from inspect import signature
from itertools import accumulate
from typing import Any

import torch

from synthcpt.errors import ModelError
from synthcpt.training.bucketed import Buckets, bucketed_attention, make_buckets

NAME = "synthcpt_isolated"
"""The attention's name in transformers' registry."""


class UnsupportedAttention(ModelError):
    """A model asks its attention for something that ours does not do."""


class Stretches:
    """Where the texts of a row lie.

    Args:
        lengths: tokens of each, in order.
        device: of the row.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self.lengths = list(lengths)
        self.longest = max(self.lengths)
        ends = torch.tensor([0, *accumulate(self.lengths)], dtype=torch.int32)
        # Without pinning, the copy would wait for all that the GPU still has to do.
        self.ends = ends.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else ends.to(device)
        self._device = device
        self._buckets: Buckets | None = None

    def buckets(self) -> Buckets:
        """The stretches by like length; made once for all layers."""
        if self._buckets is None:
            self._buckets = make_buckets(self.lengths, self._device)
        return self._buckets


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
    if _has_flash(query, value, dropout):
        return _flash(rows, _present, scaling, sliding_window)[None], None
    return bucketed_attention(rows, _present.buckets(), scaling, dropout, sliding_window)[None], None


def _has_flash(query: torch.Tensor, value: torch.Tensor, dropout: float) -> bool:
    """Torch's variable-length kernel takes half precision, equal widths up to 256 by eights, and no dropout."""
    if (
        not query.is_cuda
        or dropout
        or query.shape[-1] > 256
        or query.shape[-1] % 8
        or value.shape[-1] != query.shape[-1]
    ):
        return False
    half = query.dtype in (torch.bfloat16, torch.float16) or torch.is_autocast_enabled(query.device.type)
    return half and torch.cuda.get_device_capability(query.device) >= (8, 0) and _varlen() is not None


@cache
def _varlen() -> Any:
    """Torch's kernel; None before it took scales, windows and grouped queries."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:  # before torch 2.10
        return None
    return varlen_attn if {"scale", "window_size", "enable_gqa"} <= set(signature(varlen_attn).parameters) else None


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


def register() -> None:
    """Make the attention known to transformers; no mask is built for it."""
    from transformers import AttentionInterface

    # Not within compiled layers: the texts differ in every batch, and each would be compiled anew.
    AttentionInterface.register(NAME, torch.compiler.disable(isolated_attention))
