"""What a token costs to train on, in floating-point operations, and what a device could do at most.

The count follows PaLM (Chowdhery et al. 2022, arXiv:2204.02311, appendix B), as nanoGPT and others do: two operations a
parameter forward and four backward, and attention's own, not halved for the causal mask. What is recomputed
(activation checkpointing) is not counted: the model's FLOPs, not the hardware's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Flops:
    """The cost of a token.

    Attributes:
        per_token: forward and backward together.
        formula: how it comes about, its numbers filled in.
    """

    per_token: float
    formula: str

    def told(self, peak_flops: float | None, dtype: str) -> str:
        """The formula and the peak it is measured against, for a reader: `Beginning.flops_formula`."""
        if peak_flops is None:
            return f"{self.formula}; no MFU, as this device's peak is not known"
        return f"{self.formula}; peak {_tera(peak_flops)} a device (dense {dtype})"


def flops_per_token(
    *, frozen: int = 0, trained: int, layers: int, attention_width: int, attended_tokens: float
) -> Flops:
    """Forward and backward for one token.

    A trained parameter costs 6 (2 forward, 2 for the gradient of its input, 2 for its own), a frozen one 4: gradients
    still flow through it. So all of a model costs 6N, and LoRA 4N + 6A for A adapter parameters.

    Args:
        frozen: parameters that multiply and do not change.
        trained: parameters that multiply and change. Input embeddings are looked up and do not count; an output layer
            does, also where it is tied to them. Of a mixture of experts: those that a token uses.
        layers: how many have attention.
        attention_width: heads times their width.
        attended_tokens: how many tokens a token's window or document has; see `mean_attended_tokens`.
    """
    terms = []
    if frozen:
        terms.append(f"4 x {_count(frozen)}")
    terms.append(f"6 x {_count(trained)}")
    terms.append(f"12 x {layers} x {attention_width} x {attended_tokens:,.0f}")
    per_token = 4.0 * frozen + 6.0 * trained + 12.0 * layers * attention_width * attended_tokens
    return Flops(
        per_token, f"{' + '.join(terms)} = {per_token:.3g} FLOPs a token".replace("e+0", "e").replace("e+", "e")
    )


def mean_attended_tokens(lengths: npt.ArrayLike) -> float:
    """The length of the document a token is in, in the mean over tokens: long documents hold more of them.

    Args:
        lengths: tokens of each separately attended piece, shape (pieces,).
    """
    sizes = np.asarray(lengths, dtype=np.float64)
    total = float(sizes.sum())
    return float((sizes**2).sum()) / total if total else 0.0


def dense_peak_flops(device_name: str, dtype: str) -> float | None:
    """What one device could do at most, in FLOP/s, without sparsity.

    Args:
        device_name: as torch names it, e.g. ``NVIDIA H100 80GB HBM3``.
        dtype: that matrices are multiplied in: ``bf16``, ``fp16``, ``tf32`` or ``fp32``.

    Returns:
        None where the device is not in the table, is a laptop's or a slice of one, or has no units for that type.
    """
    if re.search(r"\b(?:Laptop|Mobile|Max-Q|MIG)\b", device_name, re.IGNORECASE):
        return None
    for pattern, peaks in _PEAKS:
        if re.search(rf"\b(?:{pattern})\b", device_name, re.IGNORECASE):
            tera = peaks.get(dtype)
            return None if tera is None else tera * 1e12
    return None


def _card(half: float, tf32: float, fp32: float) -> dict[str, float]:
    return {"bf16": half, "fp16": half, "tf32": tf32, "fp32": fp32}


_PEAKS: tuple[tuple[str, dict[str, float]], ...] = (
    # Data centre, Blackwell: NVIDIA Blackwell datasheet and architecture brief (HGX B200 at 1,000 W; one GPU of GB200
    # at 1,200 W). They print sparse figures; these are half of them.
    ("GB200", _card(2500, 1250, 80)),
    ("B200", _card(2250, 1125, 75)),
    # Hopper: NVIDIA H100, H200 and GH200 datasheets, again half of the sparse 1,979 (SXM), 1,513 (PCIe), 1,671 (NVL).
    # H20: TF32 74, FP16 148 dense. H800 has H100's matrix units.
    (r"(?:H100|H200|H800)\b.*\bNVL", _card(835, 418, 60)),
    (r"(?:H100|H800)\b.*\bPCIe", _card(756, 378, 51)),
    ("GH200|H100|H200|H800", _card(989, 494.5, 67)),
    ("H20", _card(148, 74, 44)),
    # Ampere: NVIDIA A100, A30, A40, A10 datasheets; GA102 whitepaper v2 (RTX A6000; RTX 3090 with FP32 accumulation).
    # The A10G is another board than the A10: half its matrix rate.
    ("A100|A800|PG506", _card(312, 156, 19.5)),
    ("A30", _card(165, 82, 10.3)),
    ("A40", _card(149.7, 74.8, 37.4)),
    ("A10G", _card(70, 35, 31.5)),
    ("A10", _card(125, 62.5, 31.2)),
    ("RTX A6000", _card(154.8, 77.4, 38.7)),
    ("RTX 3090 Ti", _card(80, 40, 40)),
    ("RTX 3090", _card(71, 35.6, 35.6)),
    # Ada: NVIDIA L40S, L40, L4 and RTX 6000 Ada datasheets; Ada whitepaper (RTX 4090 with FP32 accumulation).
    ("L40S", _card(362, 183, 91.6)),
    ("L40", _card(181, 90.5, 90.5)),
    ("L20", _card(119.5, 59.8, 59.8)),
    ("L4", _card(121, 60, 30.3)),
    ("RTX 6000 Ada", _card(364, 182, 91.1)),
    ("RTX 4090 D", _card(147, 73.5, 73.5)),
    ("RTX 4090", _card(165.2, 82.6, 82.6)),
    # GeForce Blackwell: RTX Blackwell whitepaper: 838 sparse with FP16 accumulation, so 209.5 dense with FP32.
    ("RTX 5090 D|RTX 5090", _card(209.5, 104.8, 104.8)),
    # Volta and Turing have no bfloat16: NVIDIA V100 and T4 datasheets.
    (r"V100\b.*\bPCIe", {"fp16": 112, "fp32": 14}),
    ("V100S", {"fp16": 130, "fp32": 16.4}),
    ("V100", {"fp16": 125, "fp32": 15.7}),
    ("T4", {"fp16": 65, "fp32": 8.1}),
    # AMD Instinct data sheets. torch shows each of an MI250X's two dies as a device: half of the 383 of the package.
    ("MI250X", {"bf16": 191.5, "fp16": 191.5, "fp32": 47.9}),
    ("MI300X|MI325X", _card(1307.4, 653.7, 163.4)),
    ("MI355X", {"bf16": 2516.6, "fp16": 2516.6, "fp32": 157.3}),
)
"""A device's name -> dense peaks in TFLOP/s; the first that matches counts, so that longer names come first."""


def _count(number: int) -> str:
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return str(number)


def _tera(flops: float) -> str:
    return f"{flops / 1e12:.4g}e12"
