"""What a model is compared with: another model, evaluated the same way, or an evaluation that is finished already."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.evaluation.folder import EvaluationFolder, is_evaluation, read_evaluation
from synthcpt.evaluation.inputs import Inputs, content_facts, model_contents
from synthcpt.merging.finding import find_folder
from synthcpt.packing.cache import content_key, default_cache

_MARKS = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the model is compared with.

    Attributes:
        name: of its model.
        finished: its evaluation, where that was named; None where the model is still to be evaluated.
    """

    name: str
    finished: EvaluationFolder | None = None

    def place(self, config: EvaluateConfig, inputs: Inputs) -> Path:
        """Where its evaluation is kept: known by content, so that all models compared with it share it."""
        mine = config.model_copy(update={"model": self.name})
        contents = {**inputs.contents, "model": model_contents(mine)}
        key = content_key(content_facts(mine, replace(inputs, contents=contents)))[:16]
        name = _MARKS.sub("-", Path(self.name.rstrip("/")).name)[:40]
        return default_cache() / "evaluations" / f"{name}-{key}"


def resolve_baseline(config: EvaluateConfig) -> Baseline:
    """Find the baseline before anything is asked.

    Raises:
        RunIncomplete: it is an evaluation that is not finished.
        ModelError: it is neither an evaluation nor a model.
    """
    name = config.baseline or ""
    path = Path(name).expanduser()
    if is_evaluation(path):
        finished, folder = read_evaluation(path)
        return Baseline(str(finished["model"]), folder)
    if not config.base_url:
        find_folder(name)
    return Baseline(name)
