"""What `synthcpt evaluate` does once its flags are read."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from synthcpt.evaluation.config import EvaluateConfig

_LINE_EVERY_S = 10.0


def run_evaluate(config: EvaluateConfig, *, overwrite: bool, quiet: bool) -> None:
    """Evaluate with a progress display, and show the scores."""
    from synthcpt.evaluation.stage import Evaluation
    from synthcpt.evaluation.tables import score_table
    from synthcpt.evaluation.telling import forgetting_table, tell_difference

    console = Console(stderr=True)
    if quiet:
        Evaluation(config, overwrite=overwrite).run()
        return
    with _Shown(console) as shown:
        evaluation = Evaluation(config, overwrite=overwrite, watch=shown).run()
    result = Console()
    if evaluation["scores"]:
        result.print(score_table(evaluation))
    if (table := forgetting_table(evaluation)) is not None:
        result.print(table)
    for sentence in [*tell_difference(evaluation), *evaluation["notes"]]:
        result.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if config.output is not None:
        where = f"Every answer is in {config.output / 'answers.jsonl'}, the figures in evaluation.json beside it."
        result.print(where, markup=False, highlight=False, soft_wrap=True)


def show_settings() -> None:
    """Every setting, its default, and what it is; then what can be asked."""
    from synthcpt.evaluation.config import SETTINGS

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True)
    table.add_column("default")
    table.add_column("what it is")
    for name, field in EvaluateConfig.model_fields.items():
        default: Any = None if field.is_required() else field.default
        shown = "" if default in (None, (), {}, "") else repr(default) if isinstance(default, tuple) else str(default)
        table.add_row(name, shown, field.description or "")
    console = Console()
    console.print(table, markup=False)
    asked = Table(box=None, padding=(0, 2, 0, 0))
    asked.add_column("what is asked", no_wrap=True)
    asked.add_column("")
    for name, what in SETTINGS.items():
        asked.add_row(name, what)
    console.print()
    console.print(asked)


class _Shown:
    """A bar a step on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._task: TaskID | None = None
        self._what, self._done, self._total = "", 0, 0
        self._said_s = time.monotonic()

    def __enter__(self) -> _Shown:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def began(self, what: str, total: int, done: int) -> None:
        """A bar of its own."""
        self._what, self._done, self._total = what.replace("_", " "), done, total
        if self._console.is_terminal:
            self._task = self._progress.add_task(self._what, total=total, completed=done)

    def advanced(self, count: int) -> None:
        """On with the bar."""
        self._done += count
        if self._task is not None:
            self._progress.advance(self._task, count)
        elif self._total > 1 and (time.monotonic() - self._said_s > _LINE_EVERY_S or self._done == self._total):
            self._said_s = time.monotonic()
            self._console.print(f"{self._what}: {self._done:,} of {self._total:,}", highlight=False, markup=False)

    def noted(self, sentence: str) -> None:
        """Above the bars."""
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)
