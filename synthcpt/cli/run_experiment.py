"""What `synthcpt experiment` does once its flags are read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from synthcpt.errors import ConfigError, SynthcptError
from synthcpt.experiments import Experiment, Recipe, read_recipe, read_results
from synthcpt.experiments.folder import share
from synthcpt.experiments.planning import PlannedArm, plan_experiment
from synthcpt.experiments.recipes import find_recipe, shipped_recipes
from synthcpt.experiments.stages import Stage
from synthcpt.files import write_text

_LATEST = 6
_WIDE = 100
_ENOUGH_SEEDS = 3


def run_experiment(
    name: str, output: Path | None, arms: Sequence[str], jobs: int | None, shared: Path | None, *, quiet: bool
) -> None:
    """Run with a display, then print the table and write the page."""
    experiment = _experiment(name, output, arms)
    if shared is not None:
        share(experiment.root, shared)
    console = Console()
    if quiet:
        experiment.run(None, jobs, arms)
    else:
        shown = Shown(experiment.stages(arms), experiment.root, console)
        with shown:
            experiment.run(shown, jobs, arms)
    show_report(experiment.root, "text")


def show_plan(name: str, output: Path | None, arms: Sequence[str]) -> None:
    """The plan as tables."""
    experiment = _experiment(name, output, arms)
    plan = plan_experiment(experiment, arms)
    console = Console()
    recipe = experiment.recipe
    _say(console, f"{recipe.name}: {recipe.description.strip()}" if recipe.description else recipe.name)
    console.print(_plan_table(plan.arms))
    steps = ", ".join(f"{of} {kind}" + (f" ({done} done)" if done else "") for kind, (of, done) in plan.stages.items())
    _say(console, f"Stages: {steps}. They are kept in {experiment.root}.")
    if plan.seconds is not None:
        _say(console, f"At the speed of the stages that are done, {_time(plan.seconds)} of work are left.")


def _plan_table(arms: Sequence[PlannedArm]) -> Table:
    """A row an arm; what nobody pays for has no column."""
    columns: list[tuple[str, Callable[[PlannedArm], str]]] = [
        ("models", lambda arm: str(arm.cells)),
        ("trained\ntokens", lambda arm: _count(arm.trained_tokens)),
        ("\ncalls", lambda arm: _count(arm.calls)),
        ("tokens\nin", lambda arm: _count(arm.prompt_tokens)),
        ("\nout", lambda arm: _count(arm.new_tokens)),
        ("\ncost", lambda arm: "" if arm.cost is None else f"{arm.cost:,.2f}"),
    ]
    columns = [(name, told) for name, told in columns if any(told(arm) for arm in arms)]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("\narm", overflow="fold")
    for name, _ in columns:
        table.add_column(name, justify="right", no_wrap=True)
    if any(arm.note for arm in arms):
        table.add_column("", overflow="fold")
    for arm in arms:
        table.add_row(Text(arm.name), *(told(arm) for _, told in columns), Text(arm.note))
    return table


def show_report(folder: Path, format_: str) -> None:
    """The table on the terminal; the page, the tables and the figures as files."""
    from synthcpt.reporting.experiment_charts import experiment_figures
    from synthcpt.reporting.experiment_results import parse_results
    from synthcpt.reporting.experiment_tables import experiment_tables
    from synthcpt.reporting.write import write_report

    results = read_results(folder)
    tables = experiment_tables(results)
    for kind, ending in (("markdown", "md"), ("latex", "tex"), ("csv", "csv")):
        write_text(folder / f"results.{ending}", tables[kind])
    for name, drawing in experiment_figures(parse_results(results)).items():
        write_text(folder / name, drawing)
    if format_ != "text":
        if format_ not in tables:
            raise ConfigError(f"There is no format {format_!r}; take text, {', '.join(sorted(tables))}.")
        print(tables[format_])
        return
    console = Console()
    console.print(results_table(results, console.width))
    page = write_report(folder)
    _say(console, f"The page with curves and texts is {page}; `synthcpt view {folder}` shows it.")


def show_recipes() -> None:
    """The shipped recipes, with what each should show."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("recipe", no_wrap=True)
    table.add_column("what it asks, and what it should show")
    for name, path in shipped_recipes().items():
        recipe = read_recipe(path)
        table.add_row(name, Text(f"{recipe.description.strip()} {recipe.expect.strip()}".strip()))
        table.add_row("", "")
    Console().print(table)


def results_table(results: dict[str, Any], width: int = 100) -> RenderableType:
    """Arms, budgets, accuracy with its interval, the gain, what was lost: what a terminal has room for.

    Args:
        results: of the experiment.
        width: of the terminal; intervals go on a line of their own where it is narrow.
    """
    metric = results["metric"]
    between = " " if width >= _WIDE else "\n"
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column, right in (("arm", False), ("texts'\ntokens", True), ("seeds", True),
                          (f"{metric['setting']}\n{metric['name']}".replace("_", " "), True), ("gain", True),
                          ("p", True), ("lost", True)):  # fmt: skip
        table.add_column(column, justify="right" if right else "left", no_wrap=right)
    arms = {arm["name"]: arm for arm in results["arms"]}
    for point in results["points"]:
        arm, gain = arms[point["arm"]], point["gain"]
        table.add_row(
            Text(arm["title"] + (" *" if arm["simulated"] else "")),
            _count(point["synthetic_tokens"]),
            str(point["seeds"]),
            _interval(point["accuracy"], between),
            _interval(gain, between, sign=True) if gain else "",
            _p(gain.get("p_holm")) if gain else "",
            _lost(point["forgetting"], between),
        )
    kinds = f" of {', '.join(metric['kinds'])} questions" if metric.get("kinds") else ""
    notes = [
        f"Points{kinds}, with 95 % intervals over documents and seeds; gain is over the base, p is Holm's; lost: of "
        "what could be answered before."
    ]
    if any(point["trained_tokens"] and point["seeds"] < _ENOUGH_SEEDS for point in results["points"]):
        notes.append("Fewer than three seeds tell little of how far two trainings of one arm differ.")
    if results["simulated"]:
        notes.append("* simulated: a teacher that knows the invented world wrote these texts, no language model.")
    return Group(table, "", *(Text(note, style="dim") for note in notes))


class Shown:
    """The display of a run: stages by kind, what is at work, what ended last.

    Args:
        stages: all of them.
        root: the experiment's folder.
        console: where to.
    """

    def __init__(self, stages: Sequence[Stage], root: Path, console: Console) -> None:
        self._all = Counter(stage.kind for stage in stages)
        self._done = Counter(stage.kind for stage in stages if stage.done(root) is not None)
        self._working: dict[str, tuple[Stage, float]] = {}
        self._latest: list[Text] = []
        self._console = console
        self._live = Live(get_renderable=self._panel, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Shown:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def began(self, stage: Stage) -> None:
        """A stage is at work."""
        self._working[stage.key] = (stage, time.monotonic())

    def ended(self, stage: Stage, marker: dict[str, Any]) -> None:
        """A stage is finished."""
        self._working.pop(stage.key, None)
        self._done[stage.kind] += 1
        line = f"{stage.kind:9} {stage.label}  {_time(marker['seconds'])}{_score(marker)}"
        self._note(Text(line), f"[{sum(self._done.values())}/{sum(self._all.values())}] {line}")

    def failed(self, stage: Stage, error: SynthcptError) -> None:
        """A stage ended with an error."""
        self._working.pop(stage.key, None)
        line = f"{stage.kind:9} {stage.label}  failed: {error}"
        self._note(Text(line, style="red"), line)

    def _note(self, text: Text, line: str) -> None:
        self._latest = [*self._latest, text][-_LATEST:]
        if not self._console.is_terminal:
            _say(self._console, line)

    def _panel(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for kind, of in self._all.items():
            done = self._done[kind]
            table.add_row(kind, ProgressBar(of, done, width=24), f"{done} of {of}")
        now = time.monotonic()
        working = [Text(f"{s.kind:9} {s.label}  {_time(now - at)} ...") for s, at in self._working.values()]
        return Group(*self._latest, *working, table)


def _experiment(name: str, output: Path | None, arms: Sequence[str]) -> Experiment:
    recipe: Recipe = read_recipe(find_recipe(name))
    unknown = [arm for arm in arms if arm not in recipe.all_arms()]
    if unknown:
        raise ConfigError(f"The recipe has no arm {unknown[0]!r}; it has {', '.join(recipe.all_arms())}.")
    return Experiment(recipe, output or Path("outputs") / recipe.name)


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _interval(one: dict[str, Any], between: str, *, sign: bool = False) -> str:
    value, low, high = (100 * one[name] for name in ("value", "low", "high"))
    form = "+.1f" if sign else ".1f"
    return f"{value:{form}}{between}[{low:{form}}, {high:{form}}]"


def _lost(lost: dict[str, Any] | None, between: str) -> str:
    if lost is None:
        return ""
    return _interval(lost, between) if lost["what"] == "accuracy lost" else f"{lost['value']:+.3f} bits a byte"


def _p(p: float | None) -> str:
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _score(marker: dict[str, Any]) -> str:
    scores = marker.get("facts", {}).get("scores") or {}
    for metrics in scores.values():
        for name, one in metrics.items():
            return f"  {name} {one['value']:.3f}"
    return ""


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
