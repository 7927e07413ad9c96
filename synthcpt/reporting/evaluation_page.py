"""The page about an evaluation: scores, the difference from the baseline, and every answer beside its gold."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from synthcpt.errors import DataCorrupt
from synthcpt.records import Json
from synthcpt.reporting.charts import chart_figure
from synthcpt.reporting.charts.numbers import interval, probability, signed, whole
from synthcpt.reporting.elements import (
    Cell,
    Column,
    Content,
    Fact,
    Html,
    code,
    escape,
    facts,
    figures,
    note,
    table,
)
from synthcpt.reporting.evaluation_answers import MOST_ROWS, baseline_folder, browsed, moves, read_answers
from synthcpt.reporting.evaluation_figures import (
    change_of,
    differences_chart,
    forgetting_chart,
    form_of,
    kinds_chart,
    main_metric,
    metric_name,
    moves_chart,
    ordered,
    scores_chart,
    setting_name,
)
from synthcpt.reporting.experiment_results import finite
from synthcpt.reporting.page import Section, page
from synthcpt.reporting.reading import read_mapping

SETTINGS, FINISHED = "evaluate.yaml", "evaluation.json"


def evaluation_page(folder: Path) -> str:
    """The page; of an evaluation that is not finished it shows the answers there are.

    Raises:
        DataCorrupt: evaluate.yaml or evaluation.json is not what an evaluation writes.
    """
    settings, evaluation = (
        read_mapping(folder / SETTINGS, "an evaluation"),
        read_mapping(folder / FINISHED, "an evaluation"),
    )
    rows = read_answers(folder)
    baseline = read_answers(baseline_folder(folder, settings, evaluation))
    told = browsed(rows, baseline)
    try:
        sections = [
            Section("scores", "Scores", _scores(evaluation) if evaluation else _unfinished(len(rows))),
            Section("baseline", "Against the baseline", _baseline(evaluation, rows, baseline)),
            Section("forgetting", "Forgetting", _forgetting(evaluation.get("forgetting") or {})),
            Section("answers", "Answers", _browser(len(rows), len(told), bool(baseline))),
            Section("repeat", "To repeat it", _repeat(folder, settings)),
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataCorrupt(f"{folder / FINISHED} is not what an evaluation writes. Evaluate again.") from error
    data: dict[str, Json] = {"answers": told}
    return page(folder.resolve().name, "evaluation", _subtitle(settings, evaluation), sections, data)


def _subtitle(settings: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    model = str(evaluation.get("model") or settings.get("model") or "a model")
    baseline = (evaluation.get("baseline") or {}).get("model")
    return model + (f" against {baseline}" if baseline else "")


def _unfinished(answers: int) -> Html:
    said = f"This evaluation is not finished: {whole(answers)} answers are here. The same command goes on with it."
    return note(said, "warn")


def _scores(evaluation: Mapping[str, Any]) -> Html:
    tiles = [Fact("questions", whole(finite(evaluation.get("questions"))))]
    rows: list[list[Content | Cell]] = []
    for setting, metrics in evaluation["scores"].items():
        first = main_metric(metrics)
        if first is not None:
            told = metrics[first]
            value, low, high = _ends(told)
            form = form_of(first)
            said = "–" if value is None else form(value)
            between = "" if low is None or high is None else f"95 % interval {form(low)} to {form(high)}"
            tiles.append(Fact(f"{setting_name(setting)}, {metric_name(first)}", said, between))
        for metric in ordered(metrics):
            told = metrics[metric]
            rows.append(
                [setting_name(setting), metric_name(metric), _value(metric, told), told.get("n"), told.get("clusters")]
            )
    columns: list[Column | str] = ["setting", "metric", Column("value [95 % interval]", "right")]
    columns += [Column("questions", "right"), Column("documents", "right")]
    drawn = [chart_figure(scores_chart(evaluation), "95 % intervals, documents resampled whole.")]
    by_kind = kinds_chart(evaluation)
    if by_kind is not None:
        drawn.append(chart_figure(by_kind))
    notes = "".join(note(str(said), "warn") for said in evaluation.get("notes") or ())
    return Html(facts(tiles) + notes + figures(drawn) + table(columns, rows, caption="Every score"))


def _value(metric: str, told: Mapping[str, Any]) -> Cell:
    value, low, high = _ends(told)
    said = interval(value, low, high, form_of(metric))
    return Cell(said, value if value is not None else float("-inf"))


def _baseline(evaluation: Mapping[str, Any], rows: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> Html:
    compared = evaluation.get("baseline")
    if not compared:
        return Html("")
    differences = compared.get("differences") or {}
    drawn = [chart_figure(differences_chart(differences, str(compared.get("model", "the baseline"))))]
    counted = [(setting, moves(rows, baseline, setting)) for setting in evaluation["scores"]]
    if any(told for _, told in counted):
        drawn.append(chart_figure(moves_chart([(name, told) for name, told in counted if told])))
    listed: list[list[Content | Cell]] = []
    for setting, metrics in differences.items():
        for metric in ordered(metrics):
            told = metrics[metric]
            value, low, high = _ends(told)
            said = Cell(interval(value, low, high, change_of(metric)), value if value is not None else float("-inf"))
            p, holm = (finite(told.get(name)) for name in ("p_value", "p_holm"))
            listed.append([setting_name(setting), metric_name(metric), said, _p(p), _p(holm),
                           told.get("only_baseline"), told.get("only_model")])  # fmt: skip
    columns: list[Column | str] = ["setting", "metric", Column("difference [95 % interval]", "right")]
    columns += [Column("p", "right"), Column("p (Holm)", "right", "corrected for the number of comparisons")]
    columns += [Column("only the baseline right", "right"), Column("only the model right", "right")]
    return Html(figures(drawn) + table(columns, listed, caption=f"Minus {compared.get('model', 'the baseline')}"))


def _p(value: float | None) -> Cell:
    return Cell(probability(value), value if value is not None else 2.0)


def _forgetting(forgetting: Mapping[str, Any]) -> Html:
    texts, tasks = forgetting.get("texts") or {}, forgetting.get("tasks") or {}
    parts: list[str] = []
    if texts:
        parts.append(chart_figure(forgetting_chart(texts), "Lower is better; compare with the base model's."))
        rows = [
            [name, *_both(told.get("bits_per_byte"), told), whole(finite(told.get("tokens")))]
            for name, told in texts.items()
        ]
        parts.append(table(_columns("general text", ["bits per byte"], "tokens"), rows, caption="General text"))
    if tasks:
        rows = [
            [task, metric, *_both(told, told), whole(finite(told.get("n")))]
            for task, metrics in tasks.items()
            for metric, told in metrics.items()
            if isinstance(told, Mapping)
        ]
        parts.append(table(_columns("task", ["metric", "value"], "n"), rows, caption="lm-evaluation-harness"))
    return Html("".join(parts))


def _columns(first: str, measures: list[str], counted: str) -> list[Column | str]:
    *words, value = measures
    numbers = [f"{value} [95 % interval]", "minus the baseline's", "p", counted]
    return [first, *words, *(Column(name, "right") for name in numbers)]


def _both(value: Any, told: Mapping[str, Any]) -> list[Content | Cell]:
    """A value and its difference from the baseline's, with intervals, and the p value."""
    value = value if isinstance(value, Mapping) else {**told, "value": value}
    difference = told.get("difference") or {}
    p = finite(difference.get("p_holm", difference.get("p_value")))
    return [interval(*_ends(value)), interval(*_ends(difference), signed), _p(p)]


def _ends(told: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    return finite(told.get("value")), finite(told.get("low")), finite(told.get("high"))


def _browser(rows: int, shown: int, baseline: bool) -> Html:
    if not rows:
        return Html("")
    part = "" if shown == rows else f" Of {rows:,} answers the page holds {MOST_ROWS:,}, those that changed first."
    changed = "<option value='learnt'>learnt</option><option value='lost'>lost</option>" if baseline else ""
    return Html(
        f"<p>Every answer beside its gold{' and the baseline’s' if baseline else ''}.{escape(part)}</p>"
        "<div id='answers-browser'><div class='answer-filters'>"
        "<input type='search' id='answers-search' placeholder='Search questions and answers' aria-label='Search'>"
        "<select id='answers-setting' aria-label='Setting'></select>"
        "<select id='answers-kind' aria-label='Kind of question'></select>"
        "<select id='answers-state' aria-label='Right or wrong'><option value=''>right and wrong</option>"
        f"<option value='right'>right</option><option value='wrong'>wrong</option>{changed}</select>"
        "<span id='answers-count' role='status'></span></div><div id='answers-list'></div>"
        "<button type='button' id='answers-more' hidden>Show more</button>"
        "<noscript>The browser of answers needs the page's script; they are in answers.jsonl.</noscript></div>"
    )


def _repeat(folder: Path, settings: Mapping[str, Any]) -> Html:
    words = ["synthcpt evaluate"]
    for name in ("model", "questions", "documents", "baseline"):
        if settings.get(name):
            words.append(f"--{name} {shlex.quote(str(settings[name]))}")
    words.append(f"--output {shlex.quote(str(folder))}")
    said = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    return Html(code(" \\\n  ".join(words), "Command") + code(said, SETTINGS))
