"""From a recipe to its cells, and to the stages that each cell stands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthcpt.errors import ConfigError
from synthcpt.experiments.checking import check_stages
from synthcpt.experiments.recipe import WORLD, ArmConfig, Recipe
from synthcpt.experiments.stages import From, Stage

UNKEYED_TRAIN = ("micro_tokens", "threads", "compile", "liger", "checkpoint_every", "keep_checkpoints", "wandb")
_UNKEYED_GENERATE = ("concurrency", "max_cost", "parts", "attempts")
_UNKEYED_EVALUATE = ("backend_options", "device", "batch_size")
_NEW_ONLY = ("documents", "demonstrations", "general", "tasks")
"""What an evaluation measures once for a model, or about the new documents alone."""
_EPOCHS = 2.0
"""Passes over an arm's texts where the recipe says nothing of tokens or epochs; EntiGraph's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One model of an experiment: an arm at a budget with a seed.

    Attributes:
        arm: its name.
        budget_tokens: synthetic tokens; None for all there are, or for an arm that has none.
        seed: of the choice of texts and of training; None for the base, which is one model.
        generate, curate, train: the stages behind it, where it has them.
        evaluate: asks the questions.
        retained: asks what the model could answer before; None where the recipe has no such questions.
    """

    arm: str
    budget_tokens: int | None
    seed: int | None
    generate: Stage | None
    curate: Stage | None
    train: Stage | None
    evaluate: Stage
    retained: Stage | None


class Grid:
    """All cells of a recipe.

    Args:
        recipe: the experiment.

    Attributes:
        cells: in the order of arms, budgets and seeds.

    Raises:
        ConfigError: a path that is not there, an arm without a way to say how much is trained on.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._stages: dict[str, Stage] = {}
        world = recipe.world
        _check_there([*recipe.corpus, recipe.asked, *([recipe.retained] if recipe.retained else [])])
        self._world = self._same(Stage("world", "world", world.model_dump())) if world else None
        self._model = self._student() if recipe.student else recipe.model
        self.cells = tuple(self._cells())
        check_stages(self.stages, recipe.metric)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage once, each after those it needs."""
        found: dict[str, Stage] = {}

        def add(stage: Stage) -> None:
            for before in stage.before:
                add(before)
            found.setdefault(stage.key, stage)

        for cell in self.cells:
            add(cell.evaluate)
            if cell.retained is not None:
                add(cell.retained)
        return tuple(found.values())

    def _cells(self) -> Iterator[Cell]:
        for name, arm in self.recipe.all_arms().items():
            if arm.control == "base":
                yield Cell(name, None, None, None, None, None, *self._evaluations(self._model, "base"))
                continue
            for budget in self._budgets(arm):
                for seed in self.recipe.seeds:
                    yield self._cell(name, arm, budget, seed)

    def _budgets(self, arm: ArmConfig) -> tuple[int | None, ...]:
        if arm.budgets is not None:
            return arm.budgets
        if arm.generates or "tokens" not in self.recipe.training(arm):
            return self.recipe.budgets
        return (None,)  # trained on the same tokens whatever the budget: one cell stands for all

    def _cell(self, name: str, arm: ArmConfig, budget: int | None, seed: int) -> Cell:
        label = " ".join([name, *([short(budget)] if budget else []), f"seed {seed}"])
        generate = curate = None
        if arm.generates:
            generate = self._generate(name, arm)
            curate = self._curate(generate, budget, seed, label)
        train = self._train(arm, curate, budget, seed, label)
        return Cell(name, budget, seed, generate, curate, train, *self._evaluations(From(train, "model"), label))

    def _generate(self, name: str, arm: ArmConfig) -> Stage:
        budgets = self._budgets(arm)
        settings = {**self.recipe.generate, **arm.generate}
        if None not in budgets:
            settings.setdefault("target_tokens", _with_room(max(b for b in budgets if b is not None)))
        settings |= {"method": arm.generates, "input": list(self.recipe.corpus)}
        return self._stage("generate", name, settings, _UNKEYED_GENERATE)

    def _curate(self, generate: Stage, budget: int | None, seed: int, label: str) -> Stage:
        settings = {"against": [self.recipe.asked], **self.recipe.curate, "runs": [From(generate)], "seed": seed}
        if budget is not None:
            settings["target_tokens"] = budget
        return self._stage("curate", label, settings)

    def _train(self, arm: ArmConfig, curate: Stage | None, budget: int | None, seed: int, label: str) -> Stage:
        settings = {**self.recipe.training(arm), "model": self._model, "seed": seed}
        documents = list(self.recipe.corpus)
        if arm.control == "replay":
            settings |= {"data": settings.pop("replay"), "replay": [], "replay_ratio": None}
        else:
            settings["data"] = [
                *([From(curate)] if curate else []),
                *(documents if arm.documents or not curate else []),
            ]
        if "tokens" not in settings:
            epochs = float(settings.pop("epochs", _EPOCHS))
            if curate is not None and not arm.documents:
                settings["epochs"] = epochs
            elif budget is None:
                raise ConfigError(
                    f"{label}: with a budget of all and no train.tokens, nothing says how much this arm is trained on. "
                    "Give train.tokens, or budgets in tokens."
                )
            else:
                settings["tokens"] = round(epochs * budget)
        return self._stage("train", label, settings, UNKEYED_TRAIN)

    def _student(self) -> From:
        known = {"data": f"{WORLD}known/texts.jsonl"} if self._world is not None else {}
        settings = {"recipe": "smoke", "from_scratch": True, "heldout": 0, **known, **self.recipe.student}
        return From(self._stage("student", "student", settings, UNKEYED_TRAIN), "model")

    def _evaluations(self, model: str | From, label: str) -> tuple[Stage, Stage | None]:
        settings = {**self.recipe.evaluate, "model": model}
        asked = self._stage("evaluate", label, {**settings, "questions": self.recipe.asked}, _UNKEYED_EVALUATE)
        if not self.recipe.retained:
            return asked, None
        alone = {name: value for name, value in settings.items() if name not in _NEW_ONLY}
        questions: dict[str, Any] = {
            "questions": self.recipe.retained, "settings": [self.recipe.metric.split("/")[0]],
        }  # fmt: skip
        if self.recipe.retained_limit is not None:
            questions["limit"] = self.recipe.retained_limit
        return asked, self._stage("evaluate", f"{label}, retained", {**alone, **questions}, _UNKEYED_EVALUATE)

    def _stage(self, kind: Any, label: str, settings: Mapping[str, Any], unkeyed: tuple[str, ...] = ()) -> Stage:
        """The stage of these settings: paths into the world become its stage's, other paths are known by content."""
        meant = self._meant(dict(settings))
        files = tuple(dict.fromkeys(path for path in _texts(meant) if Path(path).exists()))
        return self._same(Stage(kind, label, meant, files, unkeyed))

    def _same(self, stage: Stage) -> Stage:
        return self._stages.setdefault(f"{stage.kind}-{stage.key}", stage)

    def _meant(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(WORLD):
            if self._world is None:
                raise ConfigError(f"{value} is a file of a world, and the recipe has no world.")
            return From(self._world, value.removeprefix(WORLD))
        if isinstance(value, Mapping):
            return {name: self._meant(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._meant(one) for one in value]
        return value


def short(tokens: int) -> str:
    """``400k``, ``1.2M``."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if tokens >= size:
            return f"{tokens / size:.3g}{unit}"
    return str(tokens)


def _check_there(paths: Iterable[str]) -> None:
    for path in paths:
        if not path.startswith((WORLD, "hf:")) and not Path(path).exists():
            raise ConfigError(
                f"There is no {path}, which the recipe names. Paths in a recipe start from where the command runs."
            )


def _with_room(tokens: int) -> int:
    """Somewhat more than is needed, since curation drops some and tokenizers count otherwise than the estimate."""
    return round(tokens * 1.15)


def _texts(value: Any) -> Iterable[str]:
    """Strings among settings that look like paths: whether they are is for the caller to see."""
    if isinstance(value, str):
        if "/" in value or "." in value:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
