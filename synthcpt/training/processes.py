"""The processes of a training: one, or as many as torchrun started; FSDP2 spreads the model over them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.precision import Precision

_PATIENCE = timedelta(hours=12)
"""How long processes wait for one another: the first tokenises a large corpus while the others wait."""


@dataclass(frozen=True, slots=True)
class World:
    """One process among all.

    Attributes:
        rank: its number.
        size: how many there are.
        device: what it computes on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """It is the one that writes and shows."""
        return self.rank == 0

    def wait(self) -> None:
        """For all the others to come here."""
        if self.size > 1:  # on the CPU: a barrier of NCCL's would keep the GPUs busy, and must be told which is whose
            dist.all_reduce(torch.zeros(1))

    def add_up(self, numbers: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(numbers)
        return numbers


@contextmanager
def joined() -> Iterator[World]:
    """The place of this process, by torchrun's environment; leaves the group at the end."""
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _TORCHRUN)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1:
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    try:
        yield World(rank, size, device)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


_TORCHRUN = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def shard(loss: NextTokenLoss, world: World, precision: Precision, kept_whole: Sequence[nn.Parameter]) -> None:
    """Spread the weights over the processes, layer by layer (FSDP2), to be computed with in bf16 where that is wanted.

    One process uses it, too, for bf16: the weights stay in fp32 and each layer's are cast when it is their turn.

    Args:
        loss: changed in place; its weights may be without data yet.
        world: this process.
        precision: ``bf16`` computes in bf16 and adds gradients up in fp32.
        kept_whole: parameters that every process keeps (adapters).
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    if not dist.is_initialized():  # one process without torchrun
        dist.init_process_group(
            "nccl" if world.device.type == "cuda" else "gloo", store=dist.HashStore(), rank=0, world_size=1
        )
    mesh = init_device_mesh(world.device.type, (world.size,))
    half = torch.bfloat16 if precision == "bf16" else None
    options: dict[str, Any] = {
        "mesh": mesh,
        "mp_policy": MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32 if half else None),
        "ignored_params": set(kept_whole),
        "reshard_after_forward": world.size > 1,
    }
    for layer in decoder_layers(loss.model):
        fully_shard(layer, **options)
    fully_shard(loss, **options)


def let_go(loss: nn.Module) -> None:
    """Forget the weights gathered for a forward pass that no backward pass follows.

    Until then the modules show gathered copies in place of the parameters that are trained.
    """
    for module in loss.modules():
        if hasattr(module, "reshard"):
            module.reshard()


def decoder_layers(model: nn.Module) -> list[nn.Module]:
    """The model's repeated blocks, as its authors name those that must not be split."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    # FSDP2 gives a module a class of its own, made from the module's, for which it is known no more.
    return [
        module for module in model.modules() if not names.isdisjoint(kind.__name__ for kind in type(module).__mro__)
    ]


def fill(loss: NextTokenLoss, weights: dict[str, torch.Tensor] | None, world: World) -> None:
    """Give a model without data its weights, from the first process to all.

    Args:
        loss: sharded, on no device yet.
        weights: on the first process, the model's state by name; elsewhere None.
        world: this process.
    """
    loss.to_empty(device=world.device)
    for name, tensor in [*loss.model.named_parameters(), *loss.model.named_buffers()]:
        full = torch.empty(tensor.shape, dtype=tensor.dtype, device=world.device)
        if weights is not None:
            full.copy_(weights[name])
        dist.broadcast(full, 0)
        with torch.no_grad():
            mine = local(tensor)
            begin, end = rows_of(tensor, world)
            mine.copy_(full[begin:end] if is_sharded(tensor) else full)


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether this process holds some rows of it only."""
    return hasattr(tensor, "to_local")


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The rows of it that this process holds."""
    return tensor.to_local() if is_sharded(tensor) else tensor


def full(tensor: torch.Tensor) -> torch.Tensor:
    """All of it; every process must ask."""
    return tensor.full_tensor() if is_sharded(tensor) else tensor


def rows_of(tensor: torch.Tensor, world: World) -> tuple[int, int]:
    """Which rows (of the first dimension) this process holds: FSDP2 gives each process ceil(rows / processes)."""
    rows = tensor.shape[0] if tensor.dim() else 1
    if not is_sharded(tensor):
        return 0, rows
    each = -(-rows // world.size)
    return min(rows, world.rank * each), min(rows, (world.rank + 1) * each)
