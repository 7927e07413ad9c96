"""A generation run over time: tokens a second, and what was spent, from the moments at which answers were stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthcpt.engine.reading import AnswerCounts
from synthcpt.reporting.charts import Axis, Line, LineChart, Point
from synthcpt.reporting.charts.numbers import count, number
from synthcpt.reporting.gathering import cost_of

PAUSE_S = 600.0
"""Between answers further apart than this a run is taken to have stood still, and its clock too."""

_POINTS, _SHORTEST_S = 60, 0.25


@dataclass(frozen=True)
class Stretch:
    """A stretch of a run's working time.

    Attributes:
        begin_s, end_s: since the first answer, pauses left out.
        answers, fresh, cached, new: answers; prompt tokens that were computed; those from a cache; new tokens.
    """

    begin_s: float
    end_s: float
    answers: int
    fresh: int
    cached: int
    new: int

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Timeline:
    """When answers came.

    Attributes:
        stretches: equal ones over the working time, in order.
        first_s, last_s: when the first and last answer came, in seconds since 1970.
        pauses_s: how long each standstill was.
    """

    stretches: Sequence[Stretch]
    first_s: float
    last_s: float
    pauses_s: Sequence[float]

    @property
    def working_s(self) -> float:
        """From the first answer to the last, pauses left out."""
        return self.last_s - self.first_s - sum(self.pauses_s)


def timeline(answers: Sequence[AnswerCounts]) -> Timeline | None:
    """The run's timeline; None without answers.

    Args:
        answers: in the order of time.
    """
    if not answers:
        return None
    clock, pauses, worked, before = [], [], 0.0, answers[0].at_s
    for one in answers:
        gap = one.at_s - before
        if gap > PAUSE_S:
            pauses.append(gap)
        else:
            worked += gap
        clock.append(worked)
        before = one.at_s
    width = worked / max(1, min(_POINTS, len(set(clock)) - 1, int(worked / _SHORTEST_S))) if worked else 1.0
    sums = [[0, 0, 0, 0] for _ in range(max(1, round(worked / width)))]
    for at, one in zip(clock, answers, strict=True):
        sums_here = sums[min(len(sums) - 1, int(at / width))]
        fresh = one.prompt_tokens - one.cached_tokens
        for i, value in enumerate((one.answers, fresh, one.cached_tokens, one.completion_tokens)):
            sums_here[i] += value
    stretches = [Stretch(i * width, (i + 1) * width, *values) for i, values in enumerate(sums)]
    return Timeline(stretches, answers[0].at_s, answers[-1].at_s, pauses)


def _clock(line: Timeline) -> tuple[float, Axis]:
    """The seconds of a unit that suits the run's length, and the axis in it."""
    for unit_s, name in ((3600.0, "hours"), (60.0, "minutes")):
        if line.working_s >= 3 * unit_s:
            return unit_s, Axis(f"{name} of working time", number, low=0)
    return 1.0, Axis("seconds of working time", number, low=0)


def speed_chart(line: Timeline) -> LineChart:
    """Tokens a second, in and out."""
    tokens = (
        ("tokens out", 0, [one.new for one in line.stretches]),
        ("tokens in", 2, [one.fresh + one.cached for one in line.stretches]),
    )
    unit_s, clock = _clock(line)
    middles = [(one.begin_s + one.end_s) / 2 for one in line.stretches]
    width_s = line.stretches[0].length_s
    lines = [
        Line(name, [Point(at / unit_s, n / width_s) for at, n in zip(middles, counts, strict=True)], colour)
        for name, colour, counts in tokens
    ]
    described = "Tokens written and read a second, over the run's working time."
    return LineChart(
        "Speed", described, clock, Axis("tokens a second", count, low=0), lines,
        height=200,
    )  # fmt: skip


def spending_chart(line: Timeline, settings: dict[str, Any]) -> LineChart:
    """What was spent so far, in the prices' currency; new tokens so far where the run has no prices."""
    unit_s, x = _clock(line)
    points, spent, new = [Point(0.0, 0.0)], 0.0, 0
    for one in line.stretches:
        spent += cost_of(settings, one.fresh, one.cached, one.new) or 0.0
        new += one.new
        points.append(Point(one.end_s / unit_s, spent if settings.get("prices") else float(new)))
    if settings.get("prices"):
        y, title, described = Axis("spent", number, low=0), "Cost", "What all answers so far cost at the run's prices."
    else:
        y, title, described = Axis("tokens", count, low=0), "Tokens written", "New tokens of all answers so far."
    return LineChart(title, described, x, y, [Line(title.lower(), points, 0, named=False)], height=200)
