"""Reports of a run that never was: what observers are told, without a model."""

from __future__ import annotations

import math
from typing import Any

from synthcpt.training.reports import Beginning, Ending, EvaluationReport, HeldOut, Observer, StepReport

BATCH_TOKENS = 1000
FLOPS_A_TOKEN = 6e9


def beginning(**changes: Any) -> Beginning:
    facts: dict[str, Any] = {
        "model": "models/tiny-llama",
        "output": "outputs/tiny",
        "parameters": 1_000_000_000,
        "trainable_parameters": 1_000_000_000,
        "steps": 20,
        "tokens": 20 * BATCH_TOKENS,
        "from_step": 0,
        "batch_tokens": BATCH_TOKENS,
        "devices": "1 x NVIDIA H200",
        "flops_formula": "6 x 1B + 12 x 1 x 1 x 1 = 6e9 FLOPs a token; peak 989e12 a device (dense bf16)",
        "peak_flops": 989e12,
        "data": ("books", "wiki"),
        "audit": (("tokens", "20,000 tokens read = 19,900 trained + 100 masked"),),
        "notes": ("The model passed the packing test.",),
    }
    return Beginning(**{**facts, **changes})


def step(number: int, **changes: Any) -> StepReport:
    facts: dict[str, Any] = {
        "step": number,
        "tokens": number * BATCH_TOKENS,
        "loss": 2.0 + math.exp(-number / 10),
        "lr": 1e-5,
        "grad_norm": 0.5,
        "step_tokens": BATCH_TOKENS,
        "step_trained_tokens": BATCH_TOKENS - 5,
        "step_s": 0.5,
        "flops": FLOPS_A_TOKEN * BATCH_TOKENS,
        "phase": "main",
        "loss_by_source": {"books": 2.5},
    }
    return StepReport(**{**facts, **changes})


def evaluation(number: int, names: tuple[str, ...] = ("books", "wiki")) -> EvaluationReport:
    losses = {name: HeldOut(3.0 - 0.05 * number + 0.1 * i, 0.9 - 0.01 * number, 500) for i, name in enumerate(names)}
    return EvaluationReport(number, number * BATCH_TOKENS, losses)


def tell(
    observer: Observer, first: int, last: int, *, every: int = 5, names: tuple[str, ...] = ("books", "wiki")
) -> None:
    """Steps from the first to the last, with held-out losses and a note every so many."""
    for number in range(first, last + 1):
        observer.stepped(step(number))
        if number % every == 0:
            observer.evaluated(evaluation(number, names))
            observer.noted(f"Checkpoint of step {number} written.")


def ending(model_path: object, **changes: Any) -> Ending:
    facts: dict[str, Any] = {"step": 20, "tokens": 20 * BATCH_TOKENS, "model_path": str(model_path), "wall_s": 61.0}
    return Ending(**{**facts, **changes})
