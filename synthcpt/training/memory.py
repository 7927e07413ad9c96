"""How much memory a training takes, told before it starts rather than by a crash after an hour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from synthcpt.errors import OutOfMemory
from synthcpt.training.precision import Precision

_GIB = 1 << 30
_WORTH_A_REFUSAL = 0.95
_BYTES = {"fp32": 4, "bf16": 4, "pure_bf16": 2}
"""Of a stored weight; its gradient has as many, and AdamW's two averages twice as many."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one process holds, in bytes.

    Attributes:
        weights, gradients, moments: of the model.
        averages: of the weights, where some are kept.
    """

    weights: int
    gradients: int
    moments: int
    averages: int = 0

    @property
    def total(self) -> int:
        """All of it; activations come on top, and grow with the micro-batch."""
        return self.weights + self.gradients + self.moments + self.averages

    def told(self) -> str:
        """The sum, for a reader."""
        parts = {"weights": self.weights, "gradients": self.gradients, "AdamW": self.moments, "average": self.averages}
        return f"{_gib(self.total)} (" + ", ".join(f"{name} {_gib(size)}" for name, size in parts.items() if size) + ")"


def memory_needed(
    frozen: int, trained: int, precision: Precision, processes: int, *, adapters: bool, averages: bool
) -> Need:
    """What each process holds of a model while it is trained, without activations.

    Args:
        frozen: parameters that stay as they are; in bf16 beside adapters, unless all is fp32.
        trained: parameters that change.
        precision: see `synthcpt.training.precision`.
        processes: that the weights are spread over.
        adapters: the trained parameters are adapters: fp32, and whole on every process.
        averages: an average of the weights is kept in fp32.
    """
    if adapters:
        base = 4 if precision == "fp32" else 2
        return Need(base * frozen // processes + 4 * trained, 4 * trained, 8 * trained, 4 * trained * averages)
    size, mine = _BYTES[precision], trained // processes
    return Need(size * mine + size * frozen // processes, size * mine, 2 * size * mine, 4 * mine * averages)


def memory_there(device: torch.device) -> int | None:
    """Bytes that are free on the device; None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def check_memory(need: Need, there: int | None, *, adapters: bool, processes: int) -> None:
    """Refuse a training that cannot fit.

    Raises:
        OutOfMemory: with what would fit.
    """
    if there is None or need.total <= _WORTH_A_REFUSAL * there:
        return
    wanted = -(-need.total * processes // int(_WORTH_A_REFUSAL * there))
    advice = "a smaller model, or" if adapters else "--recipe lora, a smaller model, or"
    raise OutOfMemory(
        f"The model and its optimiser need {need.told()} on each of {processes} process(es), without activations, and "
        f"{_gib(there)} are free. What would fit: {advice} {wanted} such devices by torchrun --nproc-per-node {wanted}."
    )


def _gib(size: int) -> str:
    return f"{size / _GIB:,.1f} GiB" if size >= _GIB / 10 else f"{size / (1 << 20):,.0f} MiB"
