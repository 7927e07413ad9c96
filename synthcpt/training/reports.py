"""What the training loop tells whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run is about to do; also told when it is resumed.

    Attributes:
        model, output: the names of what is trained and of the folder.
        parameters, trainable_parameters: how many numbers the model has, and how many of them change.
        steps: how many optimiser steps in all.
        tokens: how many tokens will be read in all.
        from_step: the step it goes on from; 0 for a new run.
        batch_tokens: slots of a global batch: windows times their length.
        devices: e.g. ``"cpu"`` or ``"8 x NVIDIA H200"``.
        flops_formula: how MFU is computed, for a reader; e.g. ``"6 x 1.2B + 12 x 16 x 2048 x 310 = 7.6e9 FLOPs a
            token; peak 989e12 a device (dense bf16)"``.
        peak_flops: what the devices could do in all, in FLOP/s; None where it is unknown (then there is no MFU).
        data: the names of the sources trained on.
        audit: the data's audit (see `synthcpt.packing.audit.Audit.facts`): lines of name and value.
        notes: sentences on what was decided at the start (the self-test, precision, warnings).
    """

    model: str
    output: str
    parameters: int
    trainable_parameters: int
    steps: int
    tokens: int
    from_step: int
    batch_tokens: int
    devices: str
    flops_formula: str
    peak_flops: float | None
    data: tuple[str, ...] = ()
    audit: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimiser step, done.

    Attributes:
        step: counts from 1.
        tokens: read so far, all steps.
        loss: mean over the step's trained tokens, in nats.
        lr: that the step used (of the main parameter group).
        grad_norm: before clipping.
        step_tokens, step_trained_tokens: read in this step, and those of them that carried loss.
        step_s: wall time.
        flops: spent on this step, by the formula.
        phase: name of the data's phase.
        loss_by_source: mean loss of each source that had tokens in the step.
    """

    step: int
    tokens: int
    loss: float
    lr: float
    grad_norm: float
    step_tokens: int
    step_trained_tokens: int
    step_s: float
    flops: float
    phase: str = ""
    loss_by_source: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Loss on a source's held-out texts.

    Attributes:
        loss: mean nats a trained token.
        bits_per_byte: of the texts' UTF-8; comparable between tokenizers.
        tokens: how many it was taken on.
    """

    loss: float
    bits_per_byte: float
    tokens: int


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Held-out losses after a step (0: before the first), by source."""

    step: int
    tokens: int
    heldout: Mapping[str, HeldOut]


@dataclass(frozen=True, slots=True)
class Ending:
    """A finished run.

    Attributes:
        step, tokens: where it ended.
        model_path: the folder of the final model.
        wall_s: of this process's share of the run.
        extra: more facts for the model card, by name; see `showing.observers.Card`.
    """

    step: int
    tokens: int
    model_path: str
    wall_s: float
    extra: Mapping[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """Who is told; called on the first process only, in this order, between steps. An observer never changes a run."""

    def began(self, beginning: Beginning) -> None: ...

    def stepped(self, report: StepReport) -> None: ...

    def evaluated(self, report: EvaluationReport) -> None: ...

    def noted(self, sentence: str) -> None:
        """Something worth a line: a checkpoint was written, a phase began."""

    def ended(self, ending: Ending) -> None: ...

    def close(self) -> None:
        """Called last, also after an error or Ctrl-C; may be called twice."""
