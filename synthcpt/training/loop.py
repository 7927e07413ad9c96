"""The training loop: step k reads the plan's batch k, whatever happened before; nothing else decides what it does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from synthcpt.errors import Interrupted, NonFiniteLoss, OutOfMemory
from synthcpt.packing.batches import Batch, piece_names, read_windows
from synthcpt.packing.plan import Plan
from synthcpt.randomness import stream
from synthcpt.training.attention import attending
from synthcpt.training.config import TrainConfig
from synthcpt.training.heldout import measure_heldout
from synthcpt.training.inputs import Inputs, Layout, make_inputs
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.optimiser import Averages, Optimiser
from synthcpt.training.probing import Prober
from synthcpt.training.processes import World
from synthcpt.training.reports import EvaluationReport, Observer, StepReport

_MOST_STEPS_AT_RISK = 500
"""Between two checkpoints, unless the user says otherwise."""


@dataclass(slots=True)
class Loop:
    """Everything a step needs; `run` goes from a step to the end.

    Attributes:
        config: as given.
        plan: what each step reads.
        loss: the model and its loss, on its device.
        optimiser: with the state of ``step``.
        averages: of the weights; None where none are kept.
        world: this process.
        layout: how texts are kept apart.
        micro_windows: windows that one process computes at once.
        half: compute in bf16 by autocast; where FSDP2 does not cast already.
        observer: who is told; on the first process.
        flops_a_token: for MFU.
        checkpoint: writes one; called with the number of steps done.
        wants_to_stop: whether the user asked to.
        step: steps done.
        prober: measures facts along the way; None where none are to be.
    """

    config: TrainConfig
    plan: Plan
    loss: NextTokenLoss
    optimiser: Optimiser
    averages: Averages | None
    world: World
    layout: Layout
    micro_windows: int
    half: bool
    observer: Observer
    flops_a_token: float
    checkpoint: Callable[[int], None]
    wants_to_stop: Callable[[], bool]
    step: int = 0
    prober: Prober | None = None

    def run(self) -> None:
        """Train to the end of the plan.

        Raises:
            NonFiniteLoss: the loss or the gradient is no number any more; nothing of that step was applied.
            OutOfMemory: a batch does not fit.
            Interrupted: the user asked; a checkpoint was written.
        """
        if self.step == 0:
            self._evaluate()
        self._probe()
        self.loss.train()
        with _Prefetch(self._read) as prefetch:
            prefetch.ask(self.step)
            phase = self.plan.phase_of(self.step) if self.step < self.plan.steps else ""
            while self.step < self.plan.steps:
                batches = prefetch.take(self.step)
                if self.step + 1 < self.plan.steps:
                    prefetch.ask(self.step + 1)
                now = self.plan.phase_of(self.step)
                if now != phase:
                    self.observer.noted(f"Phase {now!r} begins at step {self.step + 1:,}.")
                    phase = now
                stop = self._train(batches)
                self._look_around(stop)

    def _look_around(self, stop: bool) -> None:
        """What is due between two steps."""
        done, steps = self.step, self.plan.steps
        last = done == steps
        if last or done % self.evaluate_every == 0:
            self._evaluate()
        self._probe()
        if last or stop or done % self.checkpoint_every == 0:
            self.checkpoint(done)
        if stop and not last:
            raise Interrupted(f"Training stopped at step {done:,} of {steps:,}; a checkpoint is written.")

    @property
    def evaluate_every(self) -> int:
        """Steps between held-out losses."""
        return self.config.evaluate_every or max(1, math.ceil(self.plan.steps / 20))

    @property
    def checkpoint_every(self) -> int:
        """Steps between checkpoints."""
        return self.config.checkpoint_every or min(_MOST_STEPS_AT_RISK, max(1, math.ceil(self.plan.steps / 20)))

    def _read(self, step: int) -> list[Batch]:
        """The micro-batches of a step that fall to this process.

        Which windows a micro-batch has depends on the step alone; processes take turns with them.
        """
        windows = self.plan.windows_of(step)
        groups = [windows[i : i + self.micro_windows] for i in range(0, len(windows), self.micro_windows)]
        return [
            read_windows(self.plan, group, isolate=self.config.isolate)
            for group in groups[self.world.rank :: self.world.size]
        ]

    def _train(self, batches: Sequence[Batch]) -> bool:
        """One optimiser step; tells whether the user wants to stop."""
        started_s = time.perf_counter()
        rounds = math.ceil(math.ceil(len(self.plan.windows_of(self.step)) / self.micro_windows) / self.world.size)
        told = torch.tensor(
            [sum(batch.trained_tokens for batch in batches), float(self.wants_to_stop())], dtype=torch.float64
        )
        trained, stop = self.world.add_up(told).tolist()
        tokens = int(self.plan.step_tokens[self.step])
        before = int(self.plan.step_tokens[self.step - 1]) if self.step else 0
        # At the step's middle: at its end the last step's rate would be 0 under most schedules, and its texts unlearnt.
        lr = self.config.lr * self.config.learning_rate().factor((before + tokens) / 2 / self.plan.tokens)
        parts = len(self.plan.part_names)
        sums = torch.zeros(2, parts, dtype=torch.float64, device=self.world.device)
        try:
            for number in range(rounds):
                self.optimiser.sync_gradients(last=number == rounds - 1)
                torch.manual_seed(_batch_seed(self.config.seed, self.step, number * self.world.size + self.world.rank))
                inputs = self._inputs(batches[number]) if number < len(batches) else self._nothing()
                self._backward(inputs, trained, sums)
            norm = self.optimiser.gradient_norm()
        except torch.OutOfMemoryError as error:
            raise self._out_of_memory() from error
        losses, counts = self.world.add_up(sums.cpu()).tolist()
        if not (math.isfinite(norm) and math.isfinite(sum(losses))):
            raise self._not_finite()
        self.optimiser.step(lr, norm)
        self.step += 1
        if self.averages is not None:
            self.averages.update()
        self._report(losses, counts, lr, norm, time.perf_counter() - started_s)
        return bool(stop)

    def _backward(self, inputs: Inputs, trained: float, sums: torch.Tensor) -> None:
        """Add one micro-batch to the gradients, and its losses by source to ``sums``."""
        with attending(inputs.stretches):  # layers may compute themselves anew on the way back
            with self._casting():
                loss, losses = self.loss(inputs)
            # The processes' gradients are averaged by FSDP2 and must be added up.
            (loss * (self.world.size / max(1.0, trained))).backward()
        sums[0].index_add_(0, inputs.parts, losses.double())
        sums[1].index_add_(0, inputs.parts, torch.ones_like(losses, dtype=torch.float64))

    def _casting(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.world.device.type, torch.bfloat16) if self.half else nullcontext()

    def _inputs(self, batch: Batch) -> Inputs:
        same_shapes = self.world.device.type == "cuda"
        pad_to = self.micro_windows * self.plan.window_tokens if same_shapes else 0
        return make_inputs(batch, self.layout, self.world.device, pad_to=pad_to)

    def _nothing(self) -> Inputs:
        """A batch without loss, for a process that has none left while others have."""
        batch = read_windows(self.plan, self.plan.windows_of(self.step)[:1], isolate=self.config.isolate)
        batch.targets[:] = -100
        return self._inputs(batch)

    def _evaluate(self) -> None:
        if not len(self.plan.heldout_text):
            return
        size = self.micro_windows * self.plan.window_tokens
        with self._casting():
            heldout = measure_heldout(self.loss, self.plan, size, self._inputs, self.world.rank, self.world.size)
        tokens = int(self.plan.step_tokens[self.step - 1]) if self.step else 0
        self.observer.evaluated(EvaluationReport(self.step, tokens, heldout))

    def _probe(self) -> None:
        """Measure the facts where that is due; of a step that was measured before a resumed run writes nothing."""
        if self.prober is None or not self.prober.due(self.step, self.plan.steps):
            return
        tokens = int(self.plan.step_tokens[self.step - 1]) if self.step else 0
        size = self.micro_windows * self.plan.window_tokens
        self.prober.measure(self.loss, self.step, tokens, size, self._inputs, self._casting())

    def _report(self, losses: list[float], counts: list[float], lr: float, norm: float, step_s: float) -> None:
        tokens = int(self.plan.step_tokens[self.step - 1])
        before = int(self.plan.step_tokens[self.step - 2]) if self.step > 1 else 0
        by_source = {
            name: loss / count for name, loss, count in zip(self.plan.part_names, losses, counts, strict=True) if count
        }
        self.observer.stepped(
            StepReport(
                step=self.step,
                tokens=tokens,
                loss=sum(losses) / max(1.0, sum(counts)),
                lr=lr,
                grad_norm=norm,
                step_tokens=tokens - before,
                step_trained_tokens=int(sum(counts)),
                step_s=step_s,
                flops=self.flops_a_token * (tokens - before),
                phase=self.plan.phase_of(self.step - 1),
                loss_by_source=by_source,
            )
        )

    def _not_finite(self) -> NonFiniteLoss:
        names = "; ".join(piece_names(self.plan, self.plan.windows_of(self.step)))
        return NonFiniteLoss(
            f"The loss or its gradient is not a finite number in step {self.step + 1:,} of {self.plan.steps:,}; "
            f"nothing of that step was applied. Its texts: {names}. The last checkpoint is good. A lower lr, a longer "
            "warmup or precision=fp32 helps against a training that diverges; if the texts are at fault, leave them "
            "out."
        )

    def _out_of_memory(self) -> OutOfMemory:
        size = self.micro_windows * self.plan.window_tokens
        smaller = max(self.plan.window_tokens, size // 2)
        advice = (
            f"--set micro_tokens={smaller}" if smaller < size else f"--set window_tokens={self.plan.window_tokens // 2}"
        )
        return OutOfMemory(
            f"A batch of {size:,} tokens does not fit into the device's memory in step {self.step + 1:,}. Try "
            f"{advice}, --set activation_checkpointing=true, or --recipe lora; the last checkpoint is whole."
        )


def _batch_seed(seed: int, step: int, number: int) -> int:
    """Dropout and noise depend on the micro-batch alone: a resumed run draws what it would have drawn."""
    return stream(seed, "dropout", str(step), str(number)).getrandbits(63)


class _Prefetch:
    """Reads the next step's batches while this one's are computed."""

    def __init__(self, read: Callable[[int], list[Batch]]) -> None:
        self._read = read
        self._pool = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[list[Batch]]] | None = None

    def __enter__(self) -> _Prefetch:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ask(self, step: int) -> None:
        """Begin to read a step's batches."""
        self._next = (step, self._pool.submit(self._read, step))

    def take(self, step: int) -> list[Batch]:
        """A step's batches, when they are read."""
        if self._next is None or self._next[0] != step:
            return self._read(step)
        return self._next[1].result()
