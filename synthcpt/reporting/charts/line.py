"""Lines over an axis: curves, intervals as bands or whiskers, references, and their names at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthcpt.reporting.charts.frame import (
    NARROW_PX,
    Label,
    Plot,
    axes,
    colour_name,
    end_labels,
    label_room,
    legend,
    legend_height,
    marker,
    nothing,
    room_for_ticks,
    whisker,
)
from synthcpt.reporting.charts.numbers import interval
from synthcpt.reporting.charts.scales import Axis, make_scale
from synthcpt.reporting.charts.svg import Mark, ink, path, picture, tag

MARKS = 240
"""At most so many places a line that a pointer finds."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a line; None or NaN as `y` breaks the line.

    Attributes:
        low, high: the ends of its interval.
        note: a line more for its tooltip.
    """

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        name: its label.
        points: in the order of `Point.x`.
        colour: a series' number from 0, or a colour's name as of ``ink-3``.
        intervals: how they are drawn.
        look: ``faint`` for raw values behind a smoothed line, ``dashed`` for what is not measured (fits, controls).
        markers: draw one at each point.
        shape: which marker.
        hollow: markers without filling.
        joined: whether there is a line between the points at all.
        named: whether it gets a label.
        told: whether a pointer finds its points, and the table has its rows.
    """

    name: str
    points: Sequence[Point]
    colour: int | str = 0
    intervals: Literal["band", "whiskers"] = "whiskers"
    look: Literal["plain", "faint", "dashed"] = "plain"
    markers: bool = False
    shape: int = 0
    hollow: bool = False
    joined: bool = True
    named: bool = True
    told: bool = True


@dataclass(frozen=True, slots=True)
class Reference:
    """A level to compare with, across the whole chart: a base model, chance."""

    name: str
    y: float
    low: float | None = None
    high: float | None = None
    colour: int | str = "ink-3"


@dataclass(frozen=True, slots=True)
class LineChart:
    """A chart of lines.

    Attributes:
        title: what it is called.
        description: what it shows, for those who do not see it.
        x, y: the axes.
        height: of the plot itself, in the picture's units.
    """

    title: str
    description: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    references: Sequence[Reference] = ()
    height: float = 260

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        lines = [_drawable(line, self.x) for line in self.lines]
        references = [one for one in self.references if self.y.takes(one.y)]
        told = [point for line in lines for point in line.points]
        if not any(self.y.takes(point.y) for point in told) and not references:
            return picture(width, 120, nothing(width, 120), title=self.title, description=self.description)
        narrow = width < NARROW_PX
        levels = [v for point in told for v in (point.y, point.low, point.high)]
        levels += [v for one in references for v in (one.y, one.low, one.high)]
        up = make_scale(self.y, levels, ticks=5)
        tight = len({point.x for point in told}) > 1
        across = make_scale(self.x, (point.x for point in told), ticks=4 if narrow else 7, tight=tight)
        labels = [Label(r.name, colour_name(r.colour), dashed=True) for r in references]
        labels += [_named(line) for line in lines if line.named]
        above = legend_height(labels, width) if narrow else 0.0
        top = above + 26
        right = width - (14 if narrow else label_room(labels, width))
        plot = Plot(room_for_ticks(up, self.y), top, right, top + self.height, across, up)
        drawn = [axes(plot, self.x, self.y)]
        drawn += [_reference(one, plot) for one in references]
        drawn += [_band(line, plot, self.y) for line in lines if line.intervals == "band"]
        drawn += [_line(line, plot, self.y) for line in lines]
        if narrow:
            drawn.append(legend(labels, width, 0))
        else:
            ends = [_at_reference(one, plot) for one in references]
            ends += [end for line in lines if line.named and (end := _at_end(line, plot, self.y))]
            drawn.append(end_labels(ends, plot, width - right))
        marks = [mark for line in lines if line.told for mark in self._marks(line, plot)]
        return picture(
            width, plot.bottom + 44, "".join(drawn), title=self.title, description=self.description, marks=marks
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        lines = [line for line in self.lines if line.told]
        columns = ["series", self.x.label, self.y.label]
        rows = [
            [line.name, self.x.form(point.x), interval(point.y, point.low, point.high, self.y.form)]
            for line in lines
            for point in line.points
            if point.y is not None and math.isfinite(point.y)
        ]
        rows += [[one.name, "–", interval(one.y, one.low, one.high, self.y.form)] for one in self.references]
        return columns, rows

    def _marks(self, line: Line, plot: Plot) -> list[Mark]:
        points = [point for point in line.points if self.y.takes(point.y)]
        stride = max(1, math.ceil(len(points) / MARKS))
        marks = []
        for point in points[::stride] + (points[-1:] if (len(points) - 1) % stride else []):
            said = [line.name, f"{self.x.label}: {self.x.form(point.x)}"]
            said.append(f"{self.y.label}: {interval(point.y, point.low, point.high, self.y.form)}")
            marks.append(Mark(plot.x(point.x), plot.y(point.y or 0.0), (*said, *([point.note] if point.note else []))))
        return marks


def _drawable(line: Line, axis: Axis) -> Line:
    kept = [point for point in line.points if axis.takes(point.x)]
    return Line(
        line.name, kept, line.colour, line.intervals, line.look, line.markers, line.shape, line.hollow, line.joined,
        line.named, line.told,
    )  # fmt: skip


def _named(line: Line) -> Label:
    shape = line.shape if line.markers else None
    return Label(line.name, colour_name(line.colour), dashed=line.look == "dashed" or line.hollow, shape=shape)


def _at_end(line: Line, plot: Plot, axis: Axis) -> Label | None:
    last = next((point for point in reversed(line.points) if axis.takes(point.y)), None)
    if last is None or last.y is None:
        return None
    return Label(line.name, colour_name(line.colour), plot.x(last.x), plot.y(last.y))


def _at_reference(one: Reference, plot: Plot) -> Label:
    return Label(one.name, colour_name(one.colour), plot.right, plot.y(one.y))


def _reference(one: Reference, plot: Plot) -> str:
    colour, y = colour_name(one.colour), plot.y(one.y)
    drawn = ""
    if one.low is not None and one.high is not None and math.isfinite(one.low) and math.isfinite(one.high):
        top, bottom = plot.y(one.high), plot.y(one.low)
        drawn = tag("rect", x=plot.left, y=top, width=plot.right - plot.left, height=max(0.5, bottom - top),
                    fill=ink(colour), fill_opacity=0.12)  # fmt: skip
    return drawn + tag("line", x1=plot.left, x2=plot.right, y1=y, y2=y, stroke=ink(colour), stroke_width=1.5,
                       stroke_dasharray="5 4")  # fmt: skip


def _band(line: Line, plot: Plot, axis: Axis) -> str:
    drawn = []
    for run in _runs(line.points, axis):
        edges = [
            (plot.x(p.x), plot.y(p.low), plot.y(p.high)) for p in run if p.low is not None and p.high is not None
            and axis.takes(p.low) and axis.takes(p.high)
        ]  # fmt: skip
        if len(edges) > 1:
            outline = [(x, high) for x, _, high in edges] + [(x, low) for x, low, _ in reversed(edges)]
            drawn.append(tag("path", d=path(outline) + "Z", fill=ink(colour_name(line.colour)), fill_opacity=0.14))
    return "".join(drawn)


def _line(line: Line, plot: Plot, axis: Axis) -> str:
    colour = colour_name(line.colour)
    drawn = []
    for run in _runs(line.points, axis) if line.joined else ():
        places = [(plot.x(point.x), plot.y(point.y or 0.0)) for point in run]
        if len(places) > 1:
            drawn.append(
                tag("path", d=path(places), fill="none", stroke=ink(colour), stroke_linejoin="round",
                    stroke_linecap="round", stroke_width=1 if line.look == "faint" else 2,
                    stroke_opacity=0.35 if line.look == "faint" else None,
                    stroke_dasharray="6 4" if line.look == "dashed" else None)
            )  # fmt: skip
        elif not line.markers:  # a lone point has no line to be seen by
            drawn.append(marker(line.shape, *places[0], colour, size=3))
    for point in line.points if line.markers else ():
        if point.y is None or not axis.takes(point.y):
            continue
        x = plot.x(point.x)
        if line.intervals == "whiskers" and axis.takes(point.low) and axis.takes(point.high):
            drawn.append(whisker(x, plot.y(point.low or 0.0), x, plot.y(point.high or 0.0), colour))
        drawn.append(marker(line.shape, x, plot.y(point.y), colour, hollow=line.hollow))
    return "".join(drawn)


def _runs(points: Sequence[Point], axis: Axis) -> list[list[Point]]:
    """Stretches without a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if axis.takes(point.y):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
