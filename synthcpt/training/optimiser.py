"""AdamW over this process's rows of the weights, clipping over all of them, and averages of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from synthcpt.training.checkpoints import Checkpoint
from synthcpt.training.config import TrainConfig
from synthcpt.training.processes import World, is_sharded, local

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), with weight decay on matrices alone.

    Args:
        loss: the module whose parameters that require gradients are trained; named as in its model.
        config: rates and decay.
        world: this process.
        embeddings: parameters of the embeddings, which may have a rate of their own.
    """

    def __init__(
        self, loss: nn.Module, config: TrainConfig, world: World, embeddings: tuple[nn.Parameter, ...]
    ) -> None:
        self._loss, self._config, self._world = loss, config, world
        self.parameters: dict[str, nn.Parameter] = {
            name.removeprefix("model."): parameter
            for name, parameter in loss.named_parameters()
            if parameter.requires_grad
        }
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.parameters.values():
            decay = config.weight_decay if parameter.dim() > 1 else 0.0
            rate = config.embedding_lr if any(parameter is one for one in embeddings) else 1.0
            groups.setdefault((decay, rate), []).append(parameter)
        self._adam = torch.optim.AdamW(
            [{"params": params, "weight_decay": decay, "rate": rate} for (decay, rate), params in groups.items()],
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            eps=config.eps,
            fused=True,
        )
        self._steps = 0

    def sync_gradients(self, *, last: bool) -> None:
        """Before a micro-batch's backward pass: gradients are added up over the processes with the last one alone."""
        if self._world.size > 1 and hasattr(self._loss, "set_requires_gradient_sync"):
            self._loss.set_requires_gradient_sync(last)

    def gradient_norm(self) -> float:
        """The norm of all gradients, over all processes; adds up those of the parameters that are kept whole."""
        sharded: list[torch.Tensor] = []
        whole: list[torch.Tensor] = []
        for parameter in self.parameters.values():
            if parameter.grad is None:
                continue
            (sharded if is_sharded(parameter) else whole).append(local(parameter.grad))
        if self._world.size > 1:
            for gradient in whole:
                self._world.add_up(gradient).div_(self._world.size)
        here = _squares(sharded)
        return float((self._world.add_up(here) + _squares(whole)).sqrt())

    def step(self, lr: float, norm: float) -> None:
        """Clip and apply the gradients, and clear them.

        Args:
            lr: of the main group.
            norm: the gradients', as `gradient_norm` returned it.
        """
        if self._config.clip and norm > self._config.clip:
            gradients = [local(parameter.grad) for parameter in self.parameters.values() if parameter.grad is not None]
            torch._foreach_mul_(gradients, self._config.clip / (norm + 1e-6))
        for group in self._adam.param_groups:
            group["lr"] = lr * group["rate"]
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        self._steps += 1

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights and moments by name, for a checkpoint."""
        found: dict[str, torch.Tensor] = {}
        for name, parameter in self.parameters.items():
            found[f"weight.{name}"] = parameter
            for moment in _MOMENTS:
                state = self._adam.state.get(parameter, {})
                found[f"{moment}.{name}"] = state[moment] if moment in state else torch.zeros_like(parameter)
        return found

    def load(self, checkpoint: Checkpoint) -> None:
        """Take weights and moments from a checkpoint.

        Raises:
            DataCorrupt: it is of another model.
        """
        self._steps = int(checkpoint.state["optimiser_steps"])
        for name, parameter in self.parameters.items():
            checkpoint.load_into(f"weight.{name}", parameter, self._world)
            state: dict[str, Any] = {"step": torch.tensor(float(self._steps), device=local(parameter).device)}
            for moment in _MOMENTS:
                state[moment] = torch.zeros_like(parameter)
                checkpoint.load_into(f"{moment}.{name}", state[moment], self._world)
            self._adam.state[parameter] = state

    @property
    def steps(self) -> int:
        """How many steps AdamW has taken, those before a branch included."""
        return self._steps


def _squares(gradients: list[torch.Tensor]) -> torch.Tensor:
    """The sum of their squares, on the CPU in fp64."""
    if not gradients:
        return torch.zeros(1, dtype=torch.float64)
    norms = torch._foreach_norm([gradient.float() for gradient in gradients])
    return torch.stack(norms).double().square().sum().cpu().reshape(1)


class Averages:
    """An exponential moving average of the trained weights, in fp32.

    Args:
        parameters: by name.
        decay: how much of the average stays at a step; it is less at the start, so that the first weights do not
            linger: min(decay, (1 + steps) / (10 + steps)).
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self._parameters, self._decay, self._updates = dict(parameters), decay, 0
        self.values = {name: parameter.detach().clone().float() for name, parameter in parameters.items()}

    def restart(self) -> None:
        """Begin with the present weights."""
        self._updates = 0
        for name, parameter in self._parameters.items():
            local(self.values[name]).copy_(local(parameter.detach()))

    def update(self) -> None:
        """Take the present weights in."""
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        averages = [local(value) for value in self.values.values()]
        present = [local(parameter.detach()).float() for parameter in self._parameters.values()]
        torch._foreach_lerp_(averages, present, 1 - decay)

    def tensors(self) -> dict[str, torch.Tensor]:
        """For a checkpoint."""
        return {f"ema.{name}": value for name, value in self.values.items()}

    def load(self, checkpoint: Checkpoint, world: World, updates: int) -> None:
        """Take the averages from a checkpoint, made after so many updates."""
        self._updates = updates
        for name, value in self.values.items():
            checkpoint.load_into(f"ema.{name}", value, world)
