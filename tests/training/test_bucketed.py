"""Attention by padded buckets: outputs and gradients are those of one square mask."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from synthcpt.training.bucketed import bucketed_attention, make_buckets

LENGTHS = [5, 40, 3, 3, 17, 64, 9, 30]


def masked_square(parts: list[torch.Tensor], window: int | None) -> torch.Tensor:
    """What the same texts give in one row under a mask."""
    tokens = sum(LENGTHS)
    text = torch.repeat_interleave(torch.arange(len(LENGTHS)), torch.tensor(LENGTHS))
    mask = (text[:, None] == text) & torch.ones(tokens, tokens, dtype=torch.bool).tril()
    if window:
        mask &= torch.ones(tokens, tokens, dtype=torch.bool).triu(1 - window)
    q, k, v = (part.transpose(0, 1)[None] for part in parts)
    out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=q.shape[1] != k.shape[1])
    return out[0].transpose(0, 1)


@pytest.mark.parametrize(("key_heads", "window"), [(4, None), (2, None), (2, 7)])
def test_outputs_and_gradients_are_those_of_a_masked_square(key_heads: int, window: int | None) -> None:
    torch.manual_seed(0)
    parts = [torch.randn(sum(LENGTHS), heads, 8, requires_grad=True) for heads in (4, key_heads, key_heads)]
    weights = torch.randn(sum(LENGTHS), 4, 8)
    mine = bucketed_attention(parts, make_buckets(LENGTHS, torch.device("cpu")), None, 0.0, window)
    theirs = masked_square(parts, window)
    torch.testing.assert_close(mine, theirs)
    gradients = [torch.autograd.grad((out * weights).sum(), parts) for out in (mine, theirs)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_every_token_has_one_slot_and_padding_stays_small() -> None:
    buckets = make_buckets(LENGTHS, torch.device("cpu"))
    assert torch.equal(buckets.tokens[buckets.slots], torch.arange(sum(LENGTHS)))
    assert len(set(buckets.slots.tolist()) | set(buckets.padding.tolist())) == len(buckets.tokens)
    assert len(buckets.tokens) <= 1.25 * sum(LENGTHS)
