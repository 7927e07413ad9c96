"""How often values fall where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.reporting.charts.frame import NARROW_PX, Plot, axes, colour_name, nothing, room_for_ticks
from synthcpt.reporting.charts.numbers import whole
from synthcpt.reporting.charts.scales import Axis, Scale, make_scale
from synthcpt.reporting.charts.svg import Mark, ink, picture, tag


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width on the axis (equal ratios where it is logarithmic).

    Attributes:
        title: what it is called.
        description: what it shows, for those who do not see it.
        axis: of the values.
        values: any order; what has no place on the axis is left out.
        bins: how many, where the values differ.
    """

    title: str
    description: str
    axis: Axis
    values: Sequence[float]
    bins: int = 24
    counted: str = "count"
    colour: int | str = 0
    height: float = 180

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        bins = self.counts()
        if not bins:
            return picture(width, 120, nothing(width, 120), title=self.title, description=self.description)
        upright = Axis(self.counted, whole, low=0)
        up = make_scale(upright, (size for _, _, size in bins), ticks=4)
        across = self._across(bins, 4 if width < NARROW_PX else 8)
        plot = Plot(room_for_ticks(up, upright), 26, width - 18, 26 + self.height, across, up)
        drawn, marks = [axes(plot, self.axis, upright)], []
        for low, high, size in bins:
            begin, end, top = plot.x(low), plot.x(high), plot.y(size)
            if size:
                drawn.append(
                    tag("rect", x=begin + 0.5, y=top, width=max(0.8, end - begin - 1), height=max(1, plot.bottom - top),
                        fill=ink(colour_name(self.colour)), fill_opacity=0.8)
                )  # fmt: skip
            said = (f"{self.axis.form(low)} to {self.axis.form(high)}", f"{self.counted}: {whole(size)}")
            marks.append(Mark((begin + end) / 2, top, said))
        return picture(
            width, plot.bottom + 44, "".join(drawn), title=self.title, description=self.description, marks=marks
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        rows = [[f"{self.axis.form(low)} to {self.axis.form(high)}", whole(size)] for low, high, size in self.counts()]
        return [self.axis.label, self.counted], rows

    def counts(self) -> list[tuple[float, float, int]]:
        """The bins: where each begins and ends, and how many values are in it."""
        kept = sorted(value for value in self.values if self.axis.takes(value))
        if not kept:
            return []
        low, high = kept[0], kept[-1]
        if low == high:
            room = abs(low) * 0.05 or 0.5
            return [(low / 1.05, low * 1.05, len(kept)) if self.axis.log else (low - room, low + room, len(kept))]
        moved = [math.log(value) if self.axis.log else value for value in kept]
        size = (moved[-1] - moved[0]) / self.bins
        counts = [0] * self.bins
        for value in moved:
            counts[min(self.bins - 1, int((value - moved[0]) / size))] += 1
        edges = [moved[0] + i * size for i in range(self.bins + 1)]
        edges = [math.exp(edge) for edge in edges] if self.axis.log else edges
        edges[0], edges[-1] = low, high
        return [(edges[i], edges[i + 1], counts[i]) for i in range(self.bins)]

    def _across(self, bins: Sequence[tuple[float, float, int]], ticks: int) -> Scale:
        made = make_scale(self.axis, [bins[0][0], bins[-1][1]], ticks=ticks, tight=True)
        return Scale(bins[0][0], bins[-1][1], made.log, tuple(t for t in made.ticks if bins[0][0] <= t <= bins[-1][1]))
