"""evaluation.json for the terminal: every score with its interval, its questions and its documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from synthcpt.evaluation.measures import METRICS

SETTINGS = {
    "closed_book": "closed book",
    "open_book": "open book",
    "retrieval": "retrieval",
    "choice": "choice",
    "choice_cot": "choice, reasoned",
    "likelihood": "likelihood",
}
"""Setting -> what it is called in tables."""

_SCORE_COLUMNS = ("value", "n", "clusters")


def score_table(evaluation: Mapping[str, Any]) -> RenderableType:
    """The scores; below them their differences from the baseline, and the scores by kind, where there are such.

    Every value stands with its 95% interval, the number of questions and of clusters (documents).
    """
    tables = [_scores(evaluation), _differences(evaluation), _kinds(evaluation.get("by_kind") or {})]
    return Group(*(table for table in tables if table is not None))


def _scores(evaluation: Mapping[str, Any]) -> Table:
    table = _table(f"What {evaluation.get('model') or 'the model'} answers", ["setting", "metric"], _SCORE_COLUMNS)
    for setting, metrics in evaluation["scores"].items():
        ordered = _ordered(metrics)
        _add(table, setting, [[_title(name), *_cells(name, score)] for name, score in ordered])
    table.caption = Text("[low, high]: 95% interval, cluster bootstrap over documents (clusters); n: questions.")
    return table


def _differences(evaluation: Mapping[str, Any]) -> Table | None:
    baseline = evaluation.get("baseline")
    if not baseline:
        return None
    columns = ["difference", "p (Holm)", "gained", "lost"]
    table = _table(f"Its scores minus those of {baseline['model']}", ["setting", "metric"], columns)
    for setting, metrics in baseline["differences"].items():
        _add(table, setting, [[_title(name), *_difference_cells(name, found)] for name, found in _ordered(metrics)])
    table.caption = Text(
        "In points of a hundred (log-probabilities in nats), paired by question; gained, lost: questions that only one "
        "of the two got right. p: sign-flips of whole documents, corrected after Holm for all rows."
    )
    return table


def _kinds(by_kind: Mapping[str, Any]) -> Table | None:
    """The first metric of each setting, by kind of question."""
    table = _table("By kind of question", ["setting", "kind", "metric"], _SCORE_COLUMNS)
    for setting, kinds in by_kind.items():
        rows = [(kind, *first) for kind, metrics in kinds.items() for first in _ordered(metrics)[:1]]
        _add(table, setting, [[kind, _title(name), *_cells(name, score)] for kind, name, score in rows])
    return table if table.row_count else None


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, title=Text(f"\n{title}", style="bold"), title_justify="left", caption_justify="left"
    )
    for word in words:
        table.add_column(word)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _add(table: Table, setting: str, rows: Sequence[Sequence[str]]) -> None:
    """A setting's rows, its name on the first; names come from files, so they are plain text and no markup."""
    for place, cells in enumerate(rows):
        named = [_name(setting) if place == 0 else "", *cells]
        table.add_row(*map(Text, named), end_section=place == len(rows) - 1)


def _ordered(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [*((name, metrics[name]) for name in METRICS if name in metrics), *_unknown(metrics)]


def _unknown(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, score) for name, score in metrics.items() if name not in METRICS)


def _cells(name: str, score: Mapping[str, Any]) -> list[str]:
    return [_value(name, score), f"{score['n']:,}", f"{score['clusters']:,}"]


def _difference_cells(name: str, difference: Mapping[str, Any]) -> list[str]:
    counts = [f"{difference[key]:,}" if key in difference else "" for key in ("only_model", "only_baseline")]
    return [_value(name, difference, sign="+"), _p(difference.get("p_holm")), *counts]


def _value(name: str, score: Mapping[str, Any], sign: str = "") -> str:
    """``62.3% [57.0, 67.5]``; points of a hundred where it is a difference of shares."""
    share = name not in METRICS or METRICS[name].unit == "share"
    scale, digits = (100, 1) if share else (1, 3)
    value, low, high = (
        "?" if score[key] is None else f"{score[key] * scale:{sign}.{digits}f}" for key in ("value", "low", "high")
    )
    # One document says nothing of how far others are from it; its bounds would be the value itself.
    interval = f"[{low}, {high}]" if score["clusters"] > 1 else "(no interval)"
    return f"{value}{'' if sign or not share else '%'} {interval}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _name(setting: str) -> str:
    return SETTINGS.get(setting, setting)


def _title(metric: str) -> str:
    return METRICS[metric].title if metric in METRICS else metric
