"""Bars that lie, or dots, with intervals; in groups under a heading, and with the single values behind a mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthcpt.reporting.charts.frame import NARROW_PX, colour_name, marker, nothing, whisker
from synthcpt.reporting.charts.numbers import interval
from synthcpt.reporting.charts.scales import Axis, Scale, make_scale
from synthcpt.reporting.charts.svg import Mark, cut, ink, picture, tag, text, width_of

_ROW_PX, _HEAD_PX, _NAME_PX, _BAR_PX = 22.0, 26.0, 15.0, 11.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: its label.
        value: None where there is none: the row stays, with a dash.
        low, high: the ends of its interval.
        colour: a series' number from 0, or a colour's name.
        dots: single values (seeds), drawn as dots.
        note: a line more for its tooltip.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    colour: int | str = 0
    dots: Sequence[float] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars under a heading; an empty heading takes no room."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class BarChart:
    """A chart of lying bars.

    Attributes:
        title: what it is called.
        description: what it shows, for those who do not see it.
        axis: of the values.
        groups: in order, from the top.
        look: ``bars`` from zero; ``dots`` where zero means nothing or the interval is the message (differences).
        references: levels marked by upright lines, by name.
    """

    title: str
    description: str
    axis: Axis
    groups: Sequence[BarGroup]
    look: Literal["bars", "dots"] = "bars"
    references: Sequence[tuple[str, float]] = ()

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        bars = [bar for group in self.groups for bar in group.bars]
        if not any(self.axis.takes(value) for bar in bars for value in (bar.value, *bar.dots)):
            return picture(width, 120, nothing(width, 120), title=self.title, description=self.description)
        room = self._room(bars, width)
        y, rows, marks = 6.0, [], []
        for group in self.groups:
            if group.name:
                rows.append(text(cut(group.name, width - 8), 2, y + 14, colour="ink", bold=True, halo=True))
                y += _HEAD_PX
            for bar in group.bars:
                y += _NAME_PX if room.narrow else 0.0
                rows.append(self._row(bar, room, y + _ROW_PX / 2))
                if self.axis.takes(bar.value):
                    named = f"{group.name}: {bar.name}" if group.name else bar.name
                    said = (named, self._told(bar), *([bar.note] if bar.note else []))
                    marks.append(Mark(room.x(bar.value or 0.0), y + _ROW_PX / 2, said))
                y += _ROW_PX
            y += 8
        drawn = room.grid(y, self.axis) + self._references(room, y) + "".join(rows)
        return picture(width, y + 42, drawn, title=self.title, description=self.description, marks=marks)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        columns = ["group", "name", self.axis.label]
        rows = [[group.name, bar.name, self._told(bar)] for group in self.groups for bar in group.bars]
        if any(group.name for group in self.groups):
            return columns, rows
        return columns[1:], [row[1:] for row in rows]

    def _told(self, bar: Bar) -> str:
        return interval(bar.value, bar.low, bar.high, self.axis.form)

    def _room(self, bars: Sequence[Bar], width: float) -> _Room:
        narrow = width < NARROW_PX
        values = [value for bar in bars for value in (bar.value, bar.low, bar.high, *bar.dots)]
        values += [level for _, level in self.references] + ([0.0] if self.look == "bars" else [])
        told = max(width_of(self._told(bar), 11) for bar in bars) + 14
        names = max(width_of(bar.name) for bar in bars) + 14
        left = 4.0 if narrow else min(names, width * 0.3)
        return _Room(left, width - told, make_scale(self.axis, values, ticks=4 if narrow else 6), narrow)

    def _row(self, bar: Bar, room: _Room, y: float) -> str:
        colour = colour_name(bar.colour)
        if room.narrow:
            drawn = [text(cut(bar.name, room.right), room.left, y - _ROW_PX / 2 - 1, halo=True)]
        else:
            drawn = [text(cut(bar.name, room.left - 10), room.left - 8, y + 4, anchor="end")]
        begin, end = room.x(0.0 if not self.axis.log else room.scale.low), room.x(bar.value or 0.0)
        if self.look == "bars" and self.axis.takes(bar.value):
            drawn.append(
                tag("rect", x=min(begin, end), y=y - _BAR_PX / 2, width=max(1.0, abs(end - begin)), height=_BAR_PX,
                    rx=2, fill=ink(colour), fill_opacity=0.75)
            )  # fmt: skip
        drawn += [
            tag("circle", cx=room.x(dot), cy=y + 7, r=2.5, fill=ink(colour), fill_opacity=0.45)
            for dot in bar.dots
            if self.axis.takes(dot)
        ]
        if self.axis.takes(bar.low) and self.axis.takes(bar.high):
            over = "ink" if self.look == "bars" else colour
            drawn.append(whisker(room.x(bar.low or 0.0), y, room.x(bar.high or 0.0), y, over))
        if self.look == "dots" and self.axis.takes(bar.value):
            drawn.append(marker(0, end, y, colour))
        drawn.append(text(self._told(bar), room.right + 10, y + 4, size=11))
        return "".join(drawn)

    def _references(self, room: _Room, bottom: float) -> str:
        drawn = []
        for name, level in self.references:
            if self.axis.takes(level):
                x = room.x(level)
                drawn.append(tag("line", x1=x, x2=x, y1=2, y2=bottom, stroke=ink("ink-2"), stroke_width=1.2,
                                 stroke_dasharray="5 4"))  # fmt: skip
                if name:
                    drawn.append(text(name, x + 4, bottom - 2, size=10, colour="ink-2", halo=True))
        return "".join(drawn)


@dataclass(frozen=True, slots=True)
class _Room:
    left: float
    right: float
    scale: Scale
    narrow: bool

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * self.scale.share(value)

    def grid(self, bottom: float, axis: Axis) -> str:
        drawn = []
        for tick in self.scale.ticks:
            x, said = self.x(tick), axis.form(tick)
            drawn.append(tag("line", x1=x, x2=x, y1=2, y2=bottom, stroke=ink("grid")))
            at = max(x, width_of(said, 11) / 2 + 1)
            drawn.append(text(said, at, bottom + 15, anchor="middle", size=11, colour="ink-3"))
        middle = (self.left + self.right) / 2
        return "".join(drawn) + text(axis.label, middle, bottom + 33, anchor="middle")
