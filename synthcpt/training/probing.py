"""Measuring fact probes while a model trains, without touching the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch

from synthcpt.packing.batches import NO_LOSS, Batch
from synthcpt.packing.exposures import exposures
from synthcpt.packing.plan import Plan
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.training.config import TrainConfig
from synthcpt.training.inputs import Inputs
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.probe_log import ProbeLog
from synthcpt.training.probes import EncodedProbe, Probe, encode_probes
from synthcpt.training.processes import World, let_go

_SHARE_OF_COMPUTING = 0.02
_PASSES_OF_A_STEP = {"full": 3, "lora": 2}
"""What a step computes, in forward passes; back through frozen weights costs one, through trained ones two."""


def default_every(probe_tokens: int, step_tokens: int, *, adapters: bool) -> int:
    """Steps between measurements such that probing takes about a fiftieth of what the steps take.

    It depends on the settings and the data alone, so that a resumed run measures where it would have.

    Args:
        probe_tokens: of all probes.
        step_tokens: slots of a step.
        adapters: only adapters are trained.
    """
    passes = _PASSES_OF_A_STEP["lora" if adapters else "full"]
    return max(1, ceil(probe_tokens / (_SHARE_OF_COMPUTING * passes * step_tokens)))


@dataclass(frozen=True, slots=True)
class Prober:
    """Measures the probes every so many steps and writes what it found.

    Attributes:
        probes: as tokens.
        every: steps between measurements.
        log: where the first process writes; None on the others.
        world: this process.
    """

    probes: Sequence[EncodedProbe]
    every: int
    log: ProbeLog | None
    world: World

    def due(self, step: int, steps: int) -> bool:
        """Whether the probes are measured after this step."""
        return step % self.every == 0 or step == steps

    def close(self) -> None:
        """Let go of the file."""
        if self.log is not None:
            self.log.close()

    def measure(
        self,
        loss: NextTokenLoss,
        step: int,
        tokens: int,
        batch_tokens: int,
        to_inputs: Callable[[Batch], Inputs],
        casting: AbstractContextManager[Any],
    ) -> None:
        """Measure all probes and write the result; every process must call.

        Args:
            loss: of the model.
            step: steps done.
            tokens: read so far.
            batch_tokens: that are computed at once.
            to_inputs: for the model.
            casting: to the type that is computed in.
        """
        with casting:
            found = probe_logprobs(loss, self.probes, batch_tokens, to_inputs, self.world)
        if self.log is not None:
            self.log.write(step, tokens, found)


def make_prober(
    config: TrainConfig, probes: Sequence[Probe], plan: Plan, tokenizer: TextTokenizer, from_step: int, world: World
) -> tuple[Prober, str]:
    """What measures these probes in a training, and a sentence on it.

    Args:
        config: of the training.
        probes: of its file.
        plan: what every step reads; from it comes which steps read which probe's document.
        tokenizer: of the model.
        from_step: the step that the training goes on from.
        world: this process; the first one writes.

    Raises:
        QuestionError: a probe that does not fit into a window.
        RunMismatch: the training was begun with other probes.
    """
    encoded = encode_probes(probes, tokenizer, config.window_tokens)
    size = sum(len(probe.ids) for probe in encoded)
    every = config.probe_every or default_every(
        size, plan.batch_windows * plan.window_tokens, adapters=config.lora_rank > 0
    )
    if not world.first:
        return Prober(encoded, every, None, world), ""
    documents = sorted({probe.document for probe in probes} - {""})
    met = exposures(plan, documents)
    steps = {document: met.of(document).tolist() for document in documents}
    log = ProbeLog(config.output, probes, every, steps, from_step)
    read = sum(bool(steps.get(probe.document)) for probe in probes)
    told = (
        f"Probes: {len(probes):,} of {size:,} tokens, measured every {every:,} steps; of {read:,} the document is read."
    )
    return Prober(encoded, every, log, world), told


def probe_logprobs(
    loss: NextTokenLoss,
    probes: Sequence[EncodedProbe],
    batch_tokens: int,
    to_inputs: Callable[[Batch], Inputs],
    world: World,
) -> list[float]:
    """The mean log-probability of each probe's target tokens, in nats; the model is left as it was.

    Args:
        loss: of the model.
        probes: what to measure.
        batch_tokens: at once.
        to_inputs: for the model.
        world: processes take turns with the batches; every one must call.
    """
    training = loss.training
    loss.eval()
    batches = _batches(probes, batch_tokens)
    sums = torch.zeros(len(probes), dtype=torch.float64)
    # All processes run the model equally often, since its weights are gathered for each run.
    for first in range(0, len(batches), world.size):
        mine = first + world.rank
        inputs = to_inputs(batches[min(mine, len(batches) - 1)])
        with torch.no_grad():
            _, losses = loss(inputs)
        if mine < len(batches):
            sums.index_add_(0, inputs.parts.cpu(), -losses.double().cpu())
    loss.train(training)
    let_go(loss)
    counts = np.array([probe.targets for probe in probes])
    means: list[float] = (world.add_up(sums).numpy() / counts).tolist()
    return means


def _batches(probes: Sequence[EncodedProbe], batch_tokens: int) -> list[Batch]:
    """Probes of like length together, since some models take padded rows; each token's part is its probe's number."""
    groups: list[list[int]] = []
    size = 0
    for number in sorted(range(len(probes)), key=lambda i: len(probes[i].ids)):
        length = len(probes[number].ids)
        if not groups or size + length > batch_tokens:
            groups.append([])
            size = 0
        groups[-1].append(number)
        size += length
    return [_batch([(number, probes[number]) for number in group]) for group in groups]


def _batch(probes: Sequence[tuple[int, EncodedProbe]]) -> Batch:
    lengths = np.array([len(probe.ids) for _, probe in probes], dtype=np.int64)
    ids = np.concatenate([np.array(probe.ids, dtype=np.int64) for _, probe in probes])
    targets = np.full(len(ids), NO_LOSS, dtype=np.int64)
    ends = np.cumsum(lengths)
    for end, (_, probe) in zip(ends.tolist(), probes, strict=True):
        targets[end - probe.targets - 1 : end - 1] = ids[end - probe.targets : end]
    positions = np.arange(len(ids), dtype=np.int64) - np.repeat(ends - lengths, lengths)
    parts = np.repeat(np.array([number for number, _ in probes], dtype=np.int64), lengths)
    return Batch(ids, targets, positions, lengths, parts)
