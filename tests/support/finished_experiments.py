"""Experiments whose stages are said to be done, with answers made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from synthcpt.experiments import Experiment, make_recipe
from synthcpt.experiments.grid import Cell
from synthcpt.experiments.stages import MARKER, Stage

RECIPE: dict[str, Any] = {
    "name": "made-up",
    "world": {"people": 16},
    "student": {"tokens": 1000},
    "train": {"recipe": "smoke", "tokens": 8000},
    "generate": {"backend": "simulated"},
    "retained": "world:known/questions.jsonl",
    "budgets": [1000, 4000],
    "seeds": 2,
    "controls": ["base", "raw", "rephrase"],
    "arms": {"entigraph": {"method": "entigraph", "title": "EntiGraph"}},
}

Right = Callable[[Cell, str], Sequence[int]]
"""A cell, and ``asked`` or ``retained``, to a 0 or 1 for each question."""


def finished_experiment(root: Path, right: Right, recipe: Mapping[str, Any] = RECIPE) -> Experiment:
    """An experiment whose every stage is done; questions 2n and 2n+1 are of document n, of kinds in turns."""
    experiment = Experiment(make_recipe(recipe), root)
    for stage in experiment.stages():
        mark(stage, root, {})
    for cell in experiment.grid.cells:
        if cell.generate is not None:
            mark(cell.generate, root, {"backend": "simulated", "model": "simulated-teacher-1", "cost": 3.0})
        if cell.train is not None:
            tokens = cell.budget_tokens or 500
            parts = [
                {"role": "data", "tokens": tokens, "read": 8000}, {"role": "replay", "tokens": 70, "read": 70}
            ]  # fmt: skip
            mark(cell.train, root, {"trained_tokens": 8070, "audit": {"parts": parts}})
        write_answers(cell.evaluate, root, right(cell, "asked"))
        if cell.retained is not None:
            write_answers(cell.retained, root, right(cell, "retained"))
    return experiment


def mark(stage: Stage, root: Path, facts: Mapping[str, Any]) -> None:
    """Say that a stage is done."""
    stage.folder(root).mkdir(parents=True, exist_ok=True)
    (stage.folder(root) / MARKER).write_bytes(orjson.dumps({"seconds": 2.0, "facts": facts}))


def write_answers(stage: Stage, root: Path, right: Sequence[int]) -> None:
    """An evaluation of these answers."""
    output = stage.output(root)
    output.mkdir(parents=True, exist_ok=True)
    rows = [
        {"setting": "closed_book", "id": f"q{number:03}", "document": f"d{number // 2}", "exact": one,
         "kind": "forward" if number % 2 == 0 else "reverse"}
        for number, one in enumerate(right)
    ]  # fmt: skip
    (output / "answers.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (output / "evaluation.json").write_bytes(orjson.dumps({"scores": {}, "forgetting": None}))
