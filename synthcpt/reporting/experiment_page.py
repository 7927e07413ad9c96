"""The page about an experiment: what it found, the curves behind it, the table, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from synthcpt.reporting.charts import chart_figure
from synthcpt.reporting.charts.numbers import count, number, seconds
from synthcpt.reporting.elements import Column, Content, Fact, Html, code, disclosure, escape, facts, note, table
from synthcpt.reporting.experiment_charts import (
    accuracy_chart,
    cost_chart,
    forgetting_chart,
    has_forgetting,
    kinds_chart,
    seeds_chart,
    stages_chart,
)
from synthcpt.reporting.experiment_results import Results, finite, read_results
from synthcpt.reporting.experiment_tables import csv_table, latex_table, markdown_table, paper_table, table_note
from synthcpt.reporting.experiment_words import asymptote_sentence, headline, told
from synthcpt.reporting.page import Section, page

SETTINGS, STAGES = "experiment.yaml", "stages"
_MOST_CELLS = 500


def experiment_page(folder: Path) -> str:
    """The page; of an experiment that is not finished it shows what stages there are.

    Raises:
        DataCorrupt: results.json is not what an experiment writes.
    """
    results = read_results(folder)
    if results is None:
        name = folder.resolve().name
        return page(name, "experiment", "not finished yet", [*_unfinished(folder), _repeat(folder)])
    return page(results.name, "experiment", _subtitle(results), _sections(folder, results))


def _sections(folder: Path, results: Results) -> list[Section]:
    return [
        Section("findings", "Findings", _findings(results)),
        Section("accuracy", "Accuracy", _accuracy(results)),
        Section("table", "Table", _table(results)),
        Section("forgetting", "Forgetting and cost", _forgetting(results)),
        Section("kinds", "Kinds and seeds", _kinds(results)),
        Section("arms", "Arms", _arms(results)),
        Section("stages", "Stages", _stages(folder, results)),
        _repeat(folder),
    ]


def _subtitle(results: Results) -> str:
    budgets = {one.budget for one in results.outcomes if one.budget is not None}
    seeds = max((one.seeds for one in results.outcomes), default=0)
    counted = [(len(results.arms), "arm"), (len(budgets), "budget"), (seeds, "seed")]
    said = " × ".join(f"{size} {name}{'' if size == 1 else 's'}" for size, name in counted)
    return f"{said}; {results.metric_name}" + ("; with a simulated teacher" if results.simulated else "")


def _findings(results: Results) -> Html:
    stages = ("generate_s", "train_s", "evaluate_s")
    spent = sum(finite(cell.get(stage)) or 0.0 for cell in results.cells for stage in stages)
    paid = [one.cost for one in results.outcomes if one.cost is not None]
    parts = [Html(f"<p class='headline'>{escape(headline(results))}</p>")]
    if results.simulated or any(arm.simulated for arm in results.arms):
        parts.append(
            note(
                "Simulated: the arms marked so asked a teacher that was made for the controlled world and knows its "
                "wordings, not a language model. They show what diverse wordings do, not what an LLM would write.",
                "warn",
            )
        )
    if not results.complete:
        parts.append(note("Not all cells have run yet: these are the results so far. Run it again to go on.", "warn"))
    if results.description:
        parts.append(Html(f"<p>{escape(results.description)}</p>"))
    tiles = [
        Fact("arms", len(results.arms), f"{sum(arm.control for arm in results.arms)} of them controls"),
        Fact("trainings", sum(1 for cell in results.cells if cell.get("training"))),
        Fact("work", seconds(spent), "generating, training and evaluating, in all"),
        *([Fact("generating cost", f"${number(sum(paid))}")] if paid else []),
    ]
    return Html("".join([*parts, facts(tiles)]))


def _accuracy(results: Results) -> Html:
    caption = "Points are measured, with 95 % intervals over seeds and questions"
    caption += "; curves are fits, with their bands." if results.fits else "."
    sentences = "".join(f"<li>{escape(asymptote_sentence(results, fit))}</li>" for fit in results.fits)
    below = f"<h3>Where more tokens would lead</h3><ul>{sentences}</ul>" if sentences else ""
    return Html(chart_figure(accuracy_chart(results), caption) + below)


def _table(results: Results) -> Html:
    columns, rows = paper_table(results)
    heads = [Column(name, "left" if i == 0 else "right") for i, name in enumerate(columns)]
    texts = {
        "Markdown": markdown_table(results), "LaTeX": latex_table(results), "CSV": csv_table(results),
    }  # fmt: skip
    buttons = "".join(
        f"<button type='button' class='copy-as' data-copy='table-{name.lower()}'>Copy as {name}</button>"
        for name in texts
    )
    hidden = "".join(f"<pre id='table-{name.lower()}' hidden>{escape(text)}</pre>" for name, text in texts.items())
    shown = "".join(code(text, name) for name, text in texts.items())
    shown_rows: list[list[Content]] = [
        [Html(f"<span class='nowrap'>{escape(row[0])}</span>"), *row[1:]] for row in rows
    ]
    return Html(
        table(heads, shown_rows, caption=results.metric_name)
        + f"<p class='quiet'>{escape(table_note(results))}</p><p class='copies'>{buttons}</p>{hidden}"
        + disclosure("As text", Html(shown))
    )


def _forgetting(results: Results) -> Html:
    drawn = []
    if has_forgetting(results.outcomes):
        drawn.append(
            chart_figure(forgetting_chart(results), "Lines join an arm's budgets, from small to large; the best corner "
                         "is at the bottom right.")
        )  # fmt: skip
    if any(one.tokens_per_point is not None for one in results.outcomes):
        drawn.append(chart_figure(cost_chart(results), "At the largest budget; a dash where nothing was gained."))
    return Html("".join(drawn))


def _kinds(results: Results) -> Html:
    drawn = [chart_figure(kinds_chart(results), "At each arm's largest budget.")] if results.kinds else []
    if results.cells:
        drawn.append(chart_figure(seeds_chart(results), "Faint dots are single seeds."))
    return Html("".join(drawn))


def _arms(results: Results) -> Html:
    rows = [
        [
            arm.title,
            "control" if arm.control else "method",
            arm.method,
            Html(f"{escape(arm.teacher or '–')} <strong class='simulated'>simulated</strong>")
            if arm.simulated
            else arm.teacher,
            told(results, results.of(arm.name)[-1].accuracy) if results.of(arm.name) else None,
        ]
        for arm in results.arms
    ]
    columns: list[Column | str] = ["arm", "kind", "method", "teacher", Column("at its largest budget", "right")]
    return table(columns, rows, caption="what was compared")


def _stages(folder: Path, results: Results) -> Html:
    cells = results.cells[:_MOST_CELLS]
    rows = [
        [
            results.arm(str(cell.get("arm"))).title,
            count(finite(cell.get("budget_tokens"))),
            finite(cell.get("seed")),
            results.form(value) if (value := finite(cell.get("accuracy"))) is not None else None,
            _link(folder, cell.get("training")),
            _link(folder, cell.get("evaluation")),
        ]
        for cell in cells
    ]
    columns: list[Column | str] = [
        "arm",
        Column("tokens", "right"),
        "seed",
        Column("accuracy", "right"),
        "training",
        "evaluation",
    ]
    listed = table(columns, rows, caption="every cell", tall=True) if rows else Html("")
    return Html((chart_figure(stages_chart(results)) if rows else "") + disclosure("Every cell's folders", listed))


def _link(folder: Path, told_path: Any) -> Html | None:
    """A link to a folder in the experiment's own; anything else is only named."""
    if not told_path:
        return None
    path = PurePosixPath(str(told_path))
    base = PurePosixPath(folder.resolve().as_posix())
    if path.is_absolute() and path.is_relative_to(base):
        path = path.relative_to(base)
    if path.is_absolute() or ".." in path.parts:
        return escape(path.name)
    return Html(f"<a href='./{escape(quote(path.as_posix()))}/'>{escape(path.name)}</a>")


def _unfinished(folder: Path) -> Sequence[Section]:
    stages = folder / STAGES
    names = sorted(path.name for path in stages.iterdir() if path.is_dir()) if stages.is_dir() else []
    rows = [[name.split("-", 1)[0], _link(folder, f"{STAGES}/{name}")] for name in names]
    body = note("This experiment is not finished: there are no results yet. Run it again to go on.", "warn")
    if rows:
        body = Html(body + table(["stage", "folder"], rows, caption="stages begun", tall=True))
    return [Section("findings", "So far", body)]


def _repeat(folder: Path) -> Section:
    recipe = folder / SETTINGS
    said = recipe.read_text(encoding="utf-8", errors="replace") if recipe.exists() else ""
    command = f"synthcpt experiment run {shlex.quote(str(recipe))}"
    body = code(command, "Command") + (code(said, SETTINGS) if said else "")
    return Section("repeat", "To repeat it", Html(body))
