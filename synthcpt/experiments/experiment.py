"""An experiment from its recipe to its results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthcpt.errors import SynthcptError
from synthcpt.experiments import folder
from synthcpt.experiments.analysis import analyse
from synthcpt.experiments.checking import check_packages
from synthcpt.experiments.grid import Grid
from synthcpt.experiments.recipe import Recipe
from synthcpt.experiments.running import Watcher, run_stages
from synthcpt.experiments.stages import Stage

_SHOW_EVERY_S = 20.0
"""Results are written anew so often while stages end, so that a page can follow them."""


class Silent:
    """A watcher that says nothing."""

    def began(self, stage: Stage) -> None:
        """Nothing."""

    def ended(self, stage: Stage, marker: dict[str, Any]) -> None:
        """Nothing."""

    def failed(self, stage: Stage, error: SynthcptError) -> None:
        """Nothing."""


@dataclass(slots=True)
class Experiment:
    """A recipe and the folder it is run in.

    Stages lie in the folder by what goes into them, so a run that was cut off goes on, an arm that is added costs
    only its own stages, and arms that differ in training alone share their texts.

    Args:
        recipe: what to do.
        root: the folder.

    Raises:
        ConfigError: the recipe cannot work.
    """

    recipe: Recipe
    root: Path
    _grid: list[Grid] = field(default_factory=list)

    @property
    def grid(self) -> Grid:
        """All cells and stages."""
        if not self._grid:
            self._grid.append(Grid(self.recipe))
        return self._grid[0]

    def stages(self, arms: Sequence[str] = ()) -> list[Stage]:
        """Every stage once, each after those it needs; of some arms only, where they are named."""
        wanted = {cell.evaluate.key for cell in self.grid.cells if not arms or cell.arm in arms}
        wanted |= {cell.retained.key for cell in self.grid.cells if cell.retained and (not arms or cell.arm in arms)}
        found: dict[str, Stage] = {}

        def add(stage: Stage) -> None:
            for before in stage.before:
                add(before)
            found.setdefault(stage.key, stage)

        for stage in self.grid.stages:
            if stage.key in wanted:
                add(stage)
        return list(found.values())

    def run(self, watcher: Watcher | None = None, jobs: int | None = None, arms: Sequence[str] = ()) -> dict[str, Any]:
        """Do what is not done, and say what was found.

        Args:
            watcher: is told of every stage.
            jobs: stages at work at once; the recipe's by default.
            arms: only these.

        Returns:
            The results, as `analyse` gives them; they are in ``results.json``, too.

        Raises:
            MissingExtra: a package is not installed that a stage needs.
            SynthcptError: a stage failed; what was made is kept, and the results of what is finished are written.
        """
        stages = self.stages(arms)
        check_packages(stages)
        with folder.held(self.root):
            folder.begin(self.root, self.recipe)
            watched = _Following(watcher or Silent(), self)
            try:
                run_stages(stages, self.root, jobs or self.recipe.jobs, watched)
            finally:
                results = self.refresh()
        return results

    def refresh(self) -> dict[str, Any]:
        """Analyse what is finished now, and write it down."""
        results = analyse(self.grid, self.root)
        folder.write_results(self.root, results)
        return results


@dataclass(slots=True)
class _Following:
    """Passes on what it is told, and keeps the results up to date."""

    watcher: Watcher
    experiment: Experiment
    _last_s: float = 0.0

    def began(self, stage: Stage) -> None:
        self.watcher.began(stage)

    def ended(self, stage: Stage, marker: dict[str, Any]) -> None:
        self.watcher.ended(stage, marker)
        if stage.kind == "evaluate" and time.monotonic() - self._last_s > _SHOW_EVERY_S:
            self.experiment.refresh()
            self._last_s = time.monotonic()

    def failed(self, stage: Stage, error: SynthcptError) -> None:
        self.watcher.failed(stage, error)


def run_experiment(recipe: Recipe, output: str | Path, **options: Any) -> dict[str, Any]:
    """`synthcpt experiment run` as a function.

    Stages run in processes of their own, so a script that calls this keeps its own work under
    ``if __name__ == "__main__":``, as with any of Python's process pools.

    Args:
        recipe: from `read_recipe` or `make_recipe`.
        output: the experiment's folder; what it holds already is gone on with.
        **options: of `Experiment.run`.

    Raises:
        SynthcptError: a stage failed; running it again goes on.
    """
    return Experiment(recipe, Path(output)).run(**options)
