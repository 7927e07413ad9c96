"""What a training leaves: the final model, and averages of the weights beside it where asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from synthcpt.training.building import Built
from synthcpt.training.checkpoints import Checkpoint, checkpoint_folder, checkpoint_steps
from synthcpt.training.config import TrainConfig
from synthcpt.training.folder import CHECKPOINTS, MODEL
from synthcpt.training.models import save_model
from synthcpt.training.optimiser import Averages, Optimiser
from synthcpt.training.processes import World, full, local, rows_of


def write_models(
    config: TrainConfig, built: Built, optimiser: Optimiser, averages: Averages | None, tokenizer: Any, world: World
) -> Path:
    """Write the final model; with ``ema`` and ``average_last`` two more beside it.

    All processes must call.

    Returns:
        The final model's folder.

    Raises:
        UserError: the disk is full.
    """
    final = {name: parameter.detach().clone() for name, parameter in optimiser.parameters.items()}
    others: dict[str, dict[str, torch.Tensor]] = {}
    if averages is not None:
        others[f"{MODEL}-ema"] = averages.values
    if config.average_last > 1:
        others[f"{MODEL}-average"] = last_average(config, optimiser, world)
    for name, values in [*others.items(), (MODEL, final)]:
        with torch.no_grad():
            for parameter_name, parameter in optimiser.parameters.items():
                local(parameter).copy_(local(values[parameter_name]))
        _write(config, built, tokenizer, config.output / name, world)
    return config.output / MODEL


def _write(config: TrainConfig, built: Built, tokenizer: Any, folder: Path, world: World) -> None:
    weights = dict(_gathered(built.loss.model, world))
    if world.first:
        if config.lora_rank:
            weights = merged(built.loss.model, weights)
        stored = {name: _as(weight, built.stored) for name, weight in weights.items()}
        save_model(built.loss.model, stored, tokenizer, folder)
    world.wait()


def _gathered(model: nn.Module, world: World) -> Iterator[tuple[str, torch.Tensor]]:
    """Every weight whole, on the first process's CPU; one at a time, so that no device holds more than one whole."""
    for name, tensor in model.state_dict().items():
        whole = full(tensor)
        if world.first:
            yield name, whole.detach().cpu()


def merged(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights with adapters added in, under the names they had before there were any.

    Args:
        model: with peft's layers in it.
        weights: its state, whole.
    """
    found = {name.replace(".base_layer.", "."): weight for name, weight in weights.items() if ".lora_" not in name}
    for name, module in model.named_modules():
        if hasattr(module, "get_delta_weight"):
            base = found[f"{name}.weight"]
            for adapter in module.active_adapters:
                base = base.float() + module.get_delta_weight(adapter).detach().float().cpu()
            found[f"{name}.weight"] = base
    return found


def _as(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return weight.to(dtype) if weight.is_floating_point() else weight


def last_average(config: TrainConfig, optimiser: Optimiser, world: World) -> dict[str, torch.Tensor]:
    """The mean of the last checkpoints' weights, in fp32; of this process's rows.

    Averaging checkpoints of a constant rate can stand in for decaying it; simple means did better than exponential
    ones (Tian et al. 2025, arXiv:2507.17634).
    """
    folder = config.output / CHECKPOINTS
    steps = checkpoint_steps(folder)[-config.average_last :]
    means: dict[str, torch.Tensor] = {}
    with ExitStack() as stack:
        opened = [stack.enter_context(Checkpoint(checkpoint_folder(folder, step))) for step in steps]
        for name, parameter in optimiser.parameters.items():
            mean = torch.zeros_like(parameter, dtype=torch.float32)
            for checkpoint in opened:
                local(mean).add_(checkpoint.rows(f"weight.{name}", *rows_of(parameter, world)).to(mean.device).float())
            means[name] = mean.div_(len(opened))
    return means
