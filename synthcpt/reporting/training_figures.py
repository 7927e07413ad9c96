"""A training's figures, worked out from its metrics: curves over tokens, and where every token went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthcpt.reporting.charts import Axis, Line, LineChart, Part, Point, Reference, StackedChart
from synthcpt.reporting.charts.numbers import count, number, percent, scientific
from synthcpt.reporting.experiment_results import finite
from synthcpt.training.showing.curve_layout import Series, smoothed, thinned

_POINTS = 500
_TOKENS = Axis("tokens read", count)
_PARTS = (
    ("trained", "trained on", 0), ("first_tokens", "first of a text", 5), ("outside_spans", "outside answers", 4),
    ("heldout", "held out", 2), ("unread", "not reached", "ink-3"),
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The events of a training, sorted.

    Attributes:
        begin, end: the first and the last event; empty where there is none.
        steps, heldout, notes: the others, in order.
    """

    begin: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    heldout: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()

    @property
    def step_s(self) -> float:
        """Time of the steps alone."""
        return float(sum(finite(step.get("step_s")) or 0.0 for step in self.steps))

    @property
    def tokens(self) -> int:
        """Read so far."""
        return int(self.steps[-1]["tokens"]) if self.steps else 0

    @property
    def tokens_a_s(self) -> float | None:
        """Over all steps, without what lies between them."""
        return sum(int(step["step_tokens"]) for step in self.steps) / self.step_s if self.step_s else None

    @property
    def mfu(self) -> float | None:
        """Model FLOPs utilisation over all steps, from 0 to 1; None where the devices' peak is not known."""
        peak = self.begin.get("peak_flops")
        if not peak or not self.step_s:
            return None
        return float(sum(finite(step.get("flops")) or 0.0 for step in self.steps) / self.step_s / peak)

    def heldout_ends(self) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """By source, what was measured first and last."""
        ends: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        for event in self.heldout:
            for name, told in event["heldout"].items():
                ends[name] = (ends[name][0] if name in ends else told, told)
        return ends


def sort_events(events: Sequence[Mapping[str, Any]]) -> Figures:
    """The events that `metrics.read_metrics` gives, by kind."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        by_kind.setdefault(str(event["kind"]), []).append(event)
    notes = [str(note) for event in by_kind.get("begin", ()) for note in event.get("notes", ())]
    notes += [str(event.get("text", "")) for event in by_kind.get("note", ())]
    return Figures(
        next(iter(by_kind.get("begin", ())), {}), next(reversed(by_kind.get("end", [])), {}), by_kind.get("step", []),
        by_kind.get("heldout", []), notes,
    )  # fmt: skip


def loss_chart(figures: Figures) -> LineChart:
    """Training loss, raw and smoothed, and held-out loss by source."""
    raw = _series(figures.steps, "loss")
    smooth = smoothed(raw)
    lines = [Line("training, each step", _points(raw), 0, look="faint", named=smooth is not raw, told=smooth is raw)]
    if smooth is not raw:
        lines.append(Line("training", _points(smooth), 0))
    else:
        lines = [Line("training", _points(raw), 0)]
    lines += [
        Line(f"held-out {name}", _points(_heldout(figures, name, "loss")), i + 1, markers=True, shape=i + 1)
        for i, name in enumerate(figures.heldout_ends())
    ]
    return LineChart(
        "Loss", "Mean loss of a trained token in nats, over the tokens read.", _TOKENS, Axis("nats a token", number),
        lines, height=280,
    )  # fmt: skip


def source_chart(figures: Figures) -> LineChart | None:
    """Training loss of each source, smoothed; None where there is one source."""
    names = list(dict.fromkeys(name for step in figures.steps for name in step.get("loss_by_source") or ()))
    if len(names) < 2:
        return None
    lines = []
    for i, name in enumerate(names):
        pairs = [(step["tokens"], (step.get("loss_by_source") or {}).get(name)) for step in figures.steps]
        lines.append(Line(name, _points(smoothed(_pairs(pairs))), i))
    return LineChart(
        "Training loss by source", "Mean loss of a trained token of each source, smoothed over steps.", _TOKENS,
        Axis("nats a token", number), lines,
    )  # fmt: skip


def heldout_chart(figures: Figures) -> LineChart:
    """Held-out bits per byte by source."""
    lines = [
        Line(name, _points(_heldout(figures, name, "bits_per_byte")), i + 1, markers=True, shape=i + 1)
        for i, name in enumerate(figures.heldout_ends())
    ]
    return LineChart(
        "Held-out bits per byte", "Bits per byte of each source's held-out texts; comparable between tokenizers.",
        _TOKENS, Axis("bits per byte", number), lines, height=220,
    )  # fmt: skip


def rate_chart(figures: Figures) -> LineChart:
    """The learning rate."""
    line = Line("learning rate", _points(_series(figures.steps, "lr")), 6, named=False)
    return LineChart(
        "Learning rate", "The main parameter group's learning rate at each step.", _TOKENS,
        Axis("learning rate", scientific, low=0), [line], height=150,
    )  # fmt: skip


def gradient_chart(figures: Figures, clip: float | None) -> LineChart:
    """The gradient's norm before clipping, and where it is clipped."""
    raw = _series(figures.steps, "grad_norm")
    smooth = smoothed(raw)
    lines = [Line("gradient norm", _points(raw), 3, look="plain" if smooth is raw else "faint", named=False)]
    if smooth is not raw:
        lines.append(Line("smoothed", _points(smooth), 3, named=False, told=False))
    return LineChart(
        "Gradient norm", "The gradient's norm at each step, before clipping.", _TOKENS,
        Axis("gradient norm", number, low=0), lines, [Reference("clipped at", clip)] if clip else [], height=150,
    )  # fmt: skip


def speed_chart(figures: Figures) -> LineChart:
    """Tokens a second over each stretch of steps."""
    steps = [step for step in figures.steps if finite(step.get("step_s"))]
    stretch = max(1, len(steps) // 60)
    points = []
    for at in range(0, len(steps), stretch):
        part = steps[at : at + stretch]
        spent = sum(float(step["step_s"]) for step in part)
        points.append(Point(float(part[-1]["tokens"]), sum(int(step["step_tokens"]) for step in part) / spent))
    line = Line("tokens a second", points, 2, named=False)
    return LineChart(
        "Speed", "Tokens read a second, of the steps' own time.", _TOKENS, Axis("tokens a second", count, low=0),
        [line], height=150,
    )  # fmt: skip


def audit_chart(audit: Mapping[str, Any]) -> StackedChart:
    """Where every token of every source went."""
    rows = [(str(part.get("name", "")), [float(part.get(key) or 0) for key, _, _ in _PARTS]) for part in audit["parts"]]
    return StackedChart(
        "Where every token went", "Tokens of each source: passes over the same ones are counted each.",
        [Part(name, colour) for _, name, colour in _PARTS], rows,
    )  # fmt: skip


def mixture_chart(audit: Mapping[str, Any]) -> StackedChart:
    """Each source's share of the tokens read."""
    parts = [part for part in audit["parts"] if part.get("read")]
    return StackedChart(
        "Mixture", "Each source's share of the tokens read.",
        [Part(f"{part['name']} ({part['role']})", i) for i, part in enumerate(parts)],
        [("tokens read", [float(part["read"]) for part in parts])],
    )  # fmt: skip


def told_share(part: float, whole: float) -> str:
    """A share of something, or a dash."""
    return percent(part / whole) if whole else "–"


def _series(steps: Sequence[Mapping[str, Any]], name: str) -> Series:
    return _pairs([(step["tokens"], step.get(name)) for step in steps])


def _heldout(figures: Figures, source: str, name: str) -> Series:
    return _pairs(
        [(one["tokens"], one["heldout"][source].get(name)) for one in figures.heldout if source in one["heldout"]]
    )


def _pairs(pairs: Sequence[tuple[Any, Any]]) -> Series:
    kept = [(float(tokens), value) for tokens, told in pairs if (value := finite(told)) is not None]
    array = np.asarray(kept, dtype=np.float64).reshape(len(kept), 2)
    return Series(array[:, 0], array[:, 1])


def _points(series: Series) -> list[Point]:
    few = thinned(series, _POINTS)
    return [Point(float(x), float(y)) for x, y in zip(few.tokens, few.values, strict=True)]
