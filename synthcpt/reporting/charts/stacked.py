"""Bars cut into parts: where a whole went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.reporting.charts.frame import NARROW_PX, Label, colour_name, legend, legend_height, nothing
from synthcpt.reporting.charts.numbers import Form, count, percent
from synthcpt.reporting.charts.svg import Mark, cut, ink, picture, tag, text, width_of

_ROW_PX, _BAR_PX, _NAME_PX = 34.0, 20.0, 18.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part that every bar has, and its colour."""

    name: str
    colour: int | str


@dataclass(frozen=True, slots=True)
class StackedChart:
    """Bars of one scale, each cut into the same parts.

    Attributes:
        title: what it is called.
        description: what it shows, for those who do not see it.
        parts: in their order from the left.
        rows: of each bar its name and the parts' sizes.
        form: how sizes are written.
        relative: every bar is as long as the others, and shows shares.
    """

    title: str
    description: str
    parts: Sequence[Part]
    rows: Sequence[tuple[str, Sequence[float]]]
    form: Form = count
    relative: bool = False

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        totals = [sum(max(0.0, size) for size in sizes) for _, sizes in self.rows]
        if not any(totals):
            return picture(width, 80, nothing(width, 80), title=self.title, description=self.description)
        narrow = width < NARROW_PX
        used = [i for i in range(len(self.parts)) if any(sizes[i] > 0 for _, sizes in self.rows)]
        labels = [Label(self.parts[i].name, colour_name(self.parts[i].colour), shape=1) for i in used]
        y = legend_height(labels, width) + 8
        told = max(width_of(self.form(total), 11) for total in totals) + 12
        names = max(width_of(name) for name, _ in self.rows) + 14
        left = 4.0 if narrow else min(names, width * 0.3)
        drawn, marks = [legend(labels, width, 0)], []
        for (name, sizes), total in zip(self.rows, totals, strict=True):
            if narrow:
                y += _NAME_PX
                drawn.append(text(cut(name, width - 8), left, y - 4))
            else:
                drawn.append(text(cut(name, left - 10), left - 8, y + _BAR_PX / 2 + 4, anchor="end"))
            length = (width - told - left) * (1.0 if self.relative else total / max(totals)) if total else 0.0
            x = left
            for i in used:
                size = max(0.0, sizes[i])
                if size > 0:
                    share = length * size / total
                    drawn.append(self._part(i, x, y, share, size / total))
                    said = (f"{name}: {self.parts[i].name}", f"{self.form(size)}, {percent(size / total)}")
                    marks.append(Mark(x + share / 2, y + _BAR_PX / 2, said))
                    x += share
            drawn.append(text(self.form(total), x + 8, y + _BAR_PX / 2 + 4, size=11))
            y += _ROW_PX
        return picture(width, y, "".join(drawn), title=self.title, description=self.description, marks=marks)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        rows = [[name, *(f"{size:,.0f}" for size in sizes), f"{sum(sizes):,.0f}"] for name, sizes in self.rows]
        return ["", *(part.name for part in self.parts), "in all"], rows

    def _part(self, i: int, x: float, y: float, width: float, share: float) -> str:
        colour = colour_name(self.parts[i].colour)
        drawn = tag("rect", x=x, y=y, width=max(0.6, width - 1), height=_BAR_PX, fill=ink(colour), fill_opacity=0.85)
        said = percent(share)
        if width > width_of(said, 11) + 8:
            drawn += text(said, x + width / 2, y + _BAR_PX / 2 + 4, anchor="middle", size=11, colour="surface")
        return drawn
