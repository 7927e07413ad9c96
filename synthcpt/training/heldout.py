"""Loss on texts that are not trained on, by source."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.distributed as dist

from synthcpt.packing.batches import Batch, heldout_batches
from synthcpt.packing.plan import Plan
from synthcpt.training.inputs import Inputs
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.processes import let_go
from synthcpt.training.reports import HeldOut


def measure_heldout(
    loss: NextTokenLoss, plan: Plan, batch_tokens: int, to_inputs: Callable[[Batch], Inputs], rank: int, world: int
) -> dict[str, HeldOut]:
    """Mean loss and bits per byte on every source's held-out texts.

    Bits per byte are the nats of the predicted tokens over ln 2 and the bytes those tokens spell, so that models with
    different tokenizers compare.

    Args:
        loss: of the model.
        plan: which texts.
        batch_tokens: at once.
        to_inputs: for the model.
        rank: this process's number; processes take turns with the batches.
        world: how many processes there are.
    """
    training = loss.training
    loss.eval()
    found = {}
    for part, name in enumerate(plan.part_names):
        batches = list(heldout_batches(plan, part, batch_tokens))
        if not batches:
            continue
        sums = torch.zeros(3, dtype=torch.float64)
        # All processes run the model equally often, since its weights are gathered for each run.
        for first in range(0, len(batches), world):
            batch, utf8_bytes = batches[min(first + rank, len(batches) - 1)]
            with torch.no_grad():
                total, losses = loss(to_inputs(batch))
            if first + rank < len(batches):
                sums += torch.tensor([float(total), len(losses), utf8_bytes], dtype=torch.float64)
        if world > 1:
            dist.all_reduce(sums)
        nats, tokens, size = sums.tolist()
        found[name] = HeldOut(nats / max(1.0, tokens), nats / math.log(2) / max(1.0, size), int(tokens))
    loss.train(training)
    let_go(loss)
    return found
