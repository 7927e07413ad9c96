"""From what was measured to evaluation.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from synthcpt.evaluation.config import SETTINGS, EvaluateConfig
from synthcpt.evaluation.folder import ANSWERS, GENERAL, TASKS, EvaluationFolder
from synthcpt.evaluation.forgetting import general_differences, general_scores
from synthcpt.evaluation.harness import task_differences, task_scores
from synthcpt.evaluation.inputs import Inputs
from synthcpt.evaluation.scoring import differences, scores, scores_by_kind

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """All rows of an evaluation.

    Attributes:
        answers, general, tasks: a row a question and setting, a general text, a task's document and metric.
    """

    answers: Sequence[Row]
    general: Sequence[Row]
    tasks: Sequence[Row]

    @classmethod
    def of(cls, folder: EvaluationFolder) -> Measured:
        """Those of a folder."""
        path = folder.path / TASKS
        noted = orjson.loads(path.read_bytes()) if path.exists() else {}
        tasks = [row for task in sorted(noted) for row in noted[task]["rows"]]
        return cls(folder.read(ANSWERS), folder.read(GENERAL), tasks)


def summary(
    config: EvaluateConfig, inputs: Inputs, measured: Measured, baseline: tuple[str, Measured] | None, *, chat: bool
) -> dict[str, Any]:
    """What evaluation.json holds.

    Args:
        config: what was asked.
        inputs: about what.
        measured: the answers.
        baseline: the baseline's name and answers, where there is one.
        chat: whether the questions were put in chat turns.
    """
    draw = {"seed": config.seed, "resamples": config.resamples}
    settings = [name for name in SETTINGS if any(row["setting"] == name for row in measured.answers)]
    return {
        "model": config.model,
        "questions": len(inputs.questions),
        "question_files": list(config.questions),
        "settings": settings,
        "asked": {"chat": chat, "shots": config.shots, "normalise": config.normalise, "samples": config.samples},
        "scores": scores(measured.answers, **draw),
        "by_kind": scores_by_kind(measured.answers, **draw),
        "baseline": _compared(measured, baseline, draw) if baseline else None,
        "forgetting": _forgetting(measured, baseline, draw),
        "notes": [*inputs.notes, *_refused(measured.answers)],
    }


def _compared(measured: Measured, baseline: tuple[str, Measured], draw: dict[str, int]) -> dict[str, Any]:
    name, theirs = baseline
    found = differences(measured.answers, theirs.answers, **draw) if measured.answers and theirs.answers else {}
    return {"model": name, "differences": found}


def _forgetting(measured: Measured, baseline: tuple[str, Measured] | None, draw: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "texts": general_scores(measured.general, **draw), "tasks": task_scores(measured.tasks, **draw)
    }  # fmt: skip
    if baseline is None:
        return found
    theirs = baseline[1]
    for name, facts in general_differences(measured.general, theirs.general, **draw).items():
        found["texts"][name]["difference"] = facts
    for task, metrics in task_differences(measured.tasks, theirs.tasks, **draw).items():
        for metric, facts in metrics.items():
            found["tasks"][task][metric]["difference"] = facts
    return found


def _refused(rows: Sequence[Row]) -> list[str]:
    counts = Counter(row["setting"] for row in rows if row.get("error"))
    return [
        f"{count:,} questions could not be put to the model in the setting {setting} (most often their prompt does not "
        "fit its context); they count as wrong."
        for setting, count in counts.items()
    ]
