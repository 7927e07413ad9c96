"""What is computed in which number format, and a warning where AdamW's updates would vanish in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch

Precision = Literal["fp32", "bf16", "pure_bf16"]

_BF16_STEPS_A_DOUBLING = 128
"""bf16 keeps 7 bits of the fraction: between 2**e and 2**(e + 1) its numbers lie 2**e / 128 apart."""
_SAMPLE = 100_000

WORTH_A_WARNING, WORTH_REFUSING = 0.2, 0.5


def resolve(asked: str, device: torch.device) -> Precision:
    """The precision to train in: ``auto`` is bf16 on GPUs and fp32 on CPUs."""
    if asked == "auto":
        return "bf16" if device.type == "cuda" else "fp32"
    return asked  # type: ignore[return-value]


def dead_share(weights: Iterable[torch.Tensor], lr: float) -> float:
    """The share of weights that an update of size ``lr`` would leave as they are, if they were stored in bf16.

    AdamW moves a weight by about the learning rate, whatever its gradient. In bf16 a weight w has its neighbours
    2**floor(log2 |w|) / 128 away, and a move of less than half of that is rounded back. With weights like N(0, 0.02)
    and 5e-6, nine in ten never move.

    Args:
        weights: the trained matrices; a sample of each is looked at.
        lr: the peak rate.
    """
    dead, seen = 0.0, 0
    for weight in weights:
        flat = weight.detach().flatten()
        sample = flat[:: max(1, flat.numel() // _SAMPLE)].float().abs()
        apart = torch.exp2(torch.floor(torch.log2(sample.clamp(min=1e-30)))) / _BF16_STEPS_A_DOUBLING
        dead += float((lr < apart / 2).float().mean()) * flat.numel()
        seen += flat.numel()
    return dead / seen if seen else 0.0
