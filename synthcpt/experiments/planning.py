"""What an experiment would do and cost, before anything is spent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthcpt.errors import SynthcptError
from synthcpt.experiments.experiment import Experiment
from synthcpt.experiments.stages import Stage
from synthcpt.experiments.work import do


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """One arm's share.

    Attributes:
        name: of the arm.
        cells: models that it trains and asks.
        trained_tokens: of its trainings, all together, replay apart; None where it depends on what is generated.
        calls, prompt_tokens, new_tokens: of its generation; None where there is none or it cannot be told.
        cost: of its generation; None without prices.
        note: why something is not told, or that the texts are shared with another arm.
    """

    name: str
    cells: int
    trained_tokens: int | None
    calls: int | None = None
    prompt_tokens: int | None = None
    new_tokens: int | None = None
    cost: float | None = None
    note: str = ""


@dataclass(slots=True)
class ExperimentPlan:
    """What would run.

    Attributes:
        stages: kind -> (how many in all, how many are done).
        arms: one row each.
        seconds: of work still to do, by the speed of the stages that are done; None where nothing was measured.
    """

    stages: dict[str, tuple[int, int]] = field(default_factory=dict)
    arms: list[PlannedArm] = field(default_factory=list)
    seconds: float | None = None


def plan_experiment(experiment: Experiment, arms: Sequence[str] = ()) -> ExperimentPlan:
    """Count what is to be done; an invented world is made for it, since that costs nothing.

    Raises:
        ConfigError: the recipe cannot work.
    """
    stages = experiment.stages(arms)
    root = experiment.root
    for stage in stages:
        if stage.kind == "world" and stage.done(root) is None:
            told = {"key": stage.key, "label": stage.label}
            do(stage.kind, str(stage.folder(root)), stage.resolved(root), told)
    all_, done = Counter(stage.kind for stage in stages), Counter(s.kind for s in stages if s.done(root))
    plan = ExperimentPlan({kind: (all_[kind], done[kind]) for kind in all_})
    forecast: dict[str, PlannedArm] = {}
    for name in experiment.recipe.all_arms():
        if not arms or name in arms:
            plan.arms.append(_arm(name, experiment, forecast))
    plan.seconds = _seconds(stages, root)
    return plan


def _arm(name: str, experiment: Experiment, shared: dict[str, PlannedArm]) -> PlannedArm:
    cells = [cell for cell in experiment.grid.cells if cell.arm == name]
    trained = [_trained_tokens(cell.train, cell.budget_tokens) for cell in cells if cell.train is not None]
    tokens = None if None in trained else sum(one for one in trained if one is not None)
    generate = cells[0].generate
    if generate is None:
        return PlannedArm(name, len(cells), tokens)
    if generate.key in shared:
        return PlannedArm(name, len(cells), tokens, 0, 0, 0, note=f"texts of {shared[generate.key].name}")
    facts = (generate.done(experiment.root) or {}).get("facts")
    if facts is not None:
        found = PlannedArm(name, len(cells), tokens, 0, 0, 0, note="texts are there")
    else:
        found = _forecast(name, len(cells), tokens, generate.resolved(experiment.root), experiment.root)
    shared[generate.key] = found
    return found


def _trained_tokens(train: Stage, budget: int | None) -> int | None:
    settings = train.settings
    if settings.get("tokens") is not None:
        from synthcpt.config import parse_count

        tokens = settings["tokens"]
        return parse_count(tokens) if isinstance(tokens, str) else int(tokens)
    return None if budget is None else round(float(settings.get("epochs", 1)) * budget)


def _forecast(name: str, cells: int, tokens: int | None, settings: dict[str, Any], root: Path) -> PlannedArm:
    from synthcpt.config import make_config
    from synthcpt.generation.forecast import forecast
    from synthcpt.generation.stage import Generation

    try:
        work = Generation(make_config({**settings, "output": root / "stages" / f".forecast-{name}"}))
        found = asyncio.run(forecast(work))
    except SynthcptError as error:
        return PlannedArm(name, cells, tokens, note=str(error))
    return PlannedArm(
        name, cells, tokens, sum(found.calls.values()), found.prompt_tokens, found.completion_tokens, found.cost
    )


def _seconds(stages: Sequence[Stage], root: Path) -> float | None:
    """Each stage that is left takes as long as the mean of its kind that is done."""
    took: dict[str, list[float]] = {}
    for stage in stages:
        marker = stage.done(root)
        if marker is not None:
            took.setdefault(stage.kind, []).append(float(marker["seconds"]))
    left = Counter(stage.kind for stage in stages if stage.done(root) is None)
    if not left or not all(kind in took for kind in left):
        return 0.0 if not left else None
    return sum(count * sum(took[kind]) / len(took[kind]) for kind, count in left.items())
