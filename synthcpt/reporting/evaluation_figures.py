"""An evaluation's figures: scores with their intervals, differences from the baseline, what was forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthcpt.evaluation.measures import METRICS
from synthcpt.evaluation.tables import SETTINGS
from synthcpt.reporting.charts import Axis, Bar, BarChart, BarGroup, Part, StackedChart
from synthcpt.reporting.charts.numbers import Form, number, percent, points, signed, whole
from synthcpt.reporting.experiment_results import finite

MOVES = (
    ("wrong, right", "learnt: wrong before, right now", "good"), ("right, right", "right both times", 0),
    ("right, wrong", "lost: right before, wrong now", "bad"), ("wrong, wrong", "wrong both times", "ink-3"),
)  # fmt: skip


def setting_name(setting: str) -> str:
    """What a setting is called, with a hyphen as before a noun."""
    return SETTINGS.get(setting, setting.replace("_", " "))


def metric_name(metric: str) -> str:
    """What a metric is called."""
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ")


def is_share(metric: str) -> bool:
    """Whether a metric is told in per cent."""
    return METRICS[metric].unit == "share" if metric in METRICS else True


def form_of(metric: str) -> Form:
    """How a metric's values are told."""
    return percent if is_share(metric) else number


def change_of(metric: str) -> Form:
    """How a metric's differences are told."""
    return points if is_share(metric) else signed


def main_metric(metrics: Mapping[str, Any]) -> str | None:
    """The metric a setting is first judged by: the judge's where there is one, correct answers, exact match."""
    return next(
        (name for name in ("judge", "correct", "exact", "logprob") if name in metrics), next(iter(metrics), None)
    )


def ordered(metrics: Mapping[str, Any]) -> list[str]:
    """A setting's metrics in the order of tables."""
    return [*(name for name in METRICS if name in metrics), *(name for name in metrics if name not in METRICS)]


def bar(name: str, told: Mapping[str, Any] | None, colour: int | str, note: str = "") -> Bar:
    """A bar of a value with its interval."""
    told = told or {}
    n = f"{whole(finite(told.get('n')))} questions of {whole(finite(told.get('clusters')))} documents"
    said = note or (n if told.get("n") else "")
    return Bar(name, finite(told.get("value")), finite(told.get("low")), finite(told.get("high")), colour, note=said)


def scores_chart(evaluation: Mapping[str, Any]) -> BarChart:
    """Every setting by its main metric."""
    bars = []
    for i, (setting, metrics) in enumerate(evaluation["scores"].items()):
        metric = main_metric(metrics)
        if metric is not None and is_share(metric):
            bars.append(bar(f"{setting_name(setting)}, {metric_name(metric)}", metrics[metric], i))
    return BarChart(
        "Scores by setting", "The share of questions answered rightly in each setting, with 95 % intervals.",
        Axis("share of questions", percent, low=0), [BarGroup("", bars)],
    )  # fmt: skip


def kinds_chart(evaluation: Mapping[str, Any]) -> BarChart | None:
    """Scores by kind of question; None where there is one kind."""
    groups = []
    for i, (setting, kinds) in enumerate((evaluation.get("by_kind") or {}).items()):
        metric = main_metric(next(iter(kinds.values()), {}))
        if metric is not None and is_share(metric):
            bars = [bar(kind.replace("_", "-"), told.get(metric), i) for kind, told in kinds.items()]
            groups.append(BarGroup(f"{setting_name(setting)}, {metric_name(metric)}", bars))
    if not groups:
        return None
    return BarChart(
        "Scores by kind of question", "The share of questions of each kind answered rightly, with 95 % intervals.",
        Axis("share of questions", percent, low=0), groups,
    )  # fmt: skip


def differences_chart(differences: Mapping[str, Any], baseline: str) -> BarChart:
    """How much better than the baseline, in points, by setting and metric."""
    groups = []
    for i, (setting, metrics) in enumerate(differences.items()):
        shares = [name for name in ordered(metrics) if is_share(name)]
        groups.append(BarGroup(setting_name(setting), [bar(metric_name(name), metrics[name], i) for name in shares]))
    return BarChart(
        "Difference from the baseline",
        f"Percentage points above {baseline} on the same questions, with 95 % intervals; above zero is better.",
        Axis("points above the baseline", points), [group for group in groups if group.bars], look="dots",
        references=[("", 0.0)],
    )  # fmt: skip


def moves_chart(counted: Sequence[tuple[str, Mapping[str, int]]]) -> StackedChart:
    """How many questions were learnt and lost, by setting."""
    rows = [(setting_name(setting), [float(told.get(key, 0)) for key, _, _ in MOVES]) for setting, told in counted]
    return StackedChart(
        "Learnt and lost", "Questions by whether the baseline and the model answered them rightly.",
        [Part(name, colour) for _, name, colour in MOVES], rows, form=whole, relative=True,
    )  # fmt: skip


def forgetting_chart(texts: Mapping[str, Any]) -> BarChart:
    """Bits per byte on general texts; lower is better."""
    bars = []
    for name, told in texts.items():
        bits = told.get("bits_per_byte")
        known = bits if isinstance(bits, Mapping) else {**told, "value": bits}
        bars.append(bar(name, {key: known.get(key) for key in ("value", "low", "high")}, 0))
    return BarChart(
        "General text", "Bits per byte of general texts; lower is better.", Axis("bits per byte", number),
        [BarGroup("", bars)],
    )  # fmt: skip
