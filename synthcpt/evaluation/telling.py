"""An evaluation in words: what differs from the baseline, and what was forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from synthcpt.evaluation.measures import METRICS
from synthcpt.evaluation.tables import SETTINGS

_LEVEL = 0.05
_HEADLINES = ("exact", "correct", "logprob")


def tell_difference(evaluation: Mapping[str, Any]) -> list[str]:
    """A sentence a setting: its first metric against the baseline's; a sentence a general text."""
    baseline = evaluation.get("baseline")
    if not baseline:
        return []
    return [*_known(baseline), *_forgotten(evaluation, baseline["model"])]


def _known(baseline: Mapping[str, Any]) -> Iterator[str]:
    for setting, metrics in baseline["differences"].items():
        name = next((name for name in _HEADLINES if name in metrics), None)
        if name is not None:
            where = f"{SETTINGS.get(setting, setting)}, {METRICS[name].title}"
            yield f"Against {baseline['model']}: {where} {_change(metrics[name], METRICS[name].unit)}."


def _change(facts: Mapping[str, Any], unit: str) -> str:
    scale, digits, name = (100, 1, "points") if unit == "share" else (1, 3, "nats")
    low, high = (f"{facts[key] * scale:+.{digits}f}" for key in ("low", "high"))
    p = facts["p_holm"]
    size = f"{facts['value'] * scale:+.{digits}f} {name} [{low}, {high}], {_p(p)}"
    verdict = "" if p is not None and p < _LEVEL else ": no difference that this many questions could show"
    if "only_model" in facts and (facts["only_model"] or facts["only_baseline"]):
        size += f"; {facts['only_model']:,} only the model gets right, {facts['only_baseline']:,} only the baseline"
    return size + verdict


def _forgotten(evaluation: Mapping[str, Any], baseline: str) -> Iterator[str]:
    for name, facts in evaluation["forgetting"]["texts"].items():
        if found := facts.get("difference"):
            change = f"{found['value']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"
            worse = "worse" if found["low"] > 0 else "better" if found["high"] < 0 else "neither better nor worse"
            yield f"On {name} it needs {change} bits per byte against {baseline}, {_p(found['p_value'])}: {worse}."


def forgetting_table(evaluation: Mapping[str, Any]) -> Table | None:
    """General texts and tasks; None where neither was measured."""
    forgetting = evaluation["forgetting"]
    compared = evaluation.get("baseline") is not None
    table = Table(box=box.SIMPLE_HEAD, title=Text("what it still predicts", style="bold"), title_justify="left")
    for column in ("general text or task", "measure"):
        table.add_column(column)
    for column in ("value", "n", *((f"minus {evaluation['baseline']['model']}", "p") if compared else ())):
        table.add_column(Text(column), justify="right")
    for name, facts in forgetting["texts"].items():
        bits = facts["bits_per_byte"]
        cells = [name, "bits per byte (less is better)", _value(bits, 4), f"{facts['texts']:,} texts"]
        table.add_row(*map(Text, cells + (_compared(facts.get("difference"), 4) if compared else [])))
    for name, metrics in forgetting["tasks"].items():
        for metric, facts in metrics.items():
            cells = [name, metric, _value(facts, 3), f"{facts['n']:,}"]
            table.add_row(*map(Text, cells + (_compared(facts.get("difference"), 3) if compared else [])))
    return table if table.row_count else None


def _value(facts: Mapping[str, Any], digits: int, sign: str = "") -> str:
    value, low, high = (f"{facts[key]:{sign}.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _compared(facts: Mapping[str, Any] | None, digits: int) -> list[str]:
    return ["", ""] if facts is None else [_value(facts, digits, "+"), _p(facts.get("p_holm", facts["p_value"]))]


def _p(value: float | None) -> str:
    return "p unknown" if value is None else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
