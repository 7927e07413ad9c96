"""Points with intervals in both directions, joined where they belong to one another; labels where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.reporting.charts.frame import (
    NARROW_PX,
    Label,
    Plot,
    axes,
    colour_name,
    legend,
    legend_height,
    marker,
    nothing,
    room_for_ticks,
    whisker,
)
from synthcpt.reporting.charts.numbers import interval
from synthcpt.reporting.charts.scales import Axis, make_scale
from synthcpt.reporting.charts.svg import Mark, cut, ink, path, picture, tag, text, width_of

_LABEL_PX = 240.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of a scatter, with both its intervals.

    Attributes:
        note: a line more for its tooltip, e.g. the budget.
    """

    x: float | None
    y: float | None
    x_low: float | None = None
    x_high: float | None = None
    y_low: float | None = None
    y_high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points of one name.

    Attributes:
        joined: a thin line goes through them in their order.
    """

    name: str
    spots: Sequence[Spot]
    colour: int | str = 0
    shape: int = 0
    hollow: bool = False
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Scatter:
    """A chart of points over two measured axes."""

    title: str
    description: str
    x: Axis
    y: Axis
    clouds: Sequence[Cloud]
    zero_lines: bool = True
    height: float = 300

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        clouds = [(cloud, self._placed(cloud)) for cloud in self.clouds]
        spots = [spot for _, placed in clouds for spot in placed]
        if not spots:
            return picture(width, 120, nothing(width, 120), title=self.title, description=self.description)
        narrow = width < NARROW_PX
        up = make_scale(self.y, (v for s in spots for v in (s.y, s.y_low, s.y_high)), ticks=5)
        across = make_scale(self.x, (v for s in spots for v in (s.x, s.x_low, s.x_high)), ticks=4 if narrow else 7)
        labels = [
            Label(c.name, colour_name(c.colour), dashed=c.hollow, shape=c.shape) for c, placed in clouds if placed
        ]
        top = (legend_height(labels, width) if narrow else 0.0) + 26
        plot = Plot(room_for_ticks(up, self.y), top, width - 18, top + self.height, across, up)
        drawn = [axes(plot, self.x, self.y), self._zeros(plot)]
        drawn += [self._cloud(cloud, placed, plot) for cloud, placed in clouds]
        if narrow:
            drawn.append(legend(labels, width, 0))
        else:
            drawn.append(_labels([(cloud, placed) for cloud, placed in clouds if placed], plot))
        marks = [self._mark(cloud, spot, plot) for cloud, placed in clouds for spot in placed]
        return picture(
            width, plot.bottom + 44, "".join(drawn), title=self.title, description=self.description, marks=marks
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        rows = [[cloud.name, spot.note, *self._told(spot)] for cloud in self.clouds for spot in self._placed(cloud)]
        return ["series", "", self.x.label, self.y.label], rows

    def _told(self, spot: Spot) -> tuple[str, str]:
        return (
            interval(spot.x, spot.x_low, spot.x_high, self.x.form),
            interval(spot.y, spot.y_low, spot.y_high, self.y.form),
        )

    def _placed(self, cloud: Cloud) -> list[Spot]:
        return [spot for spot in cloud.spots if self.x.takes(spot.x) and self.y.takes(spot.y)]

    def _mark(self, cloud: Cloud, spot: Spot, plot: Plot) -> Mark:
        across, up = self._told(spot)
        said = (cloud.name, *([spot.note] if spot.note else []), f"{self.x.label}: {across}", f"{self.y.label}: {up}")
        return Mark(plot.x(spot.x or 0.0), plot.y(spot.y or 0.0), said)

    def _zeros(self, plot: Plot) -> str:
        drawn = []
        if self.zero_lines and not self.y.log and plot.up.low < 0 < plot.up.high:
            y = plot.y(0.0)
            drawn.append(tag("line", x1=plot.left, x2=plot.right, y1=y, y2=y, stroke=ink("ink-3")))
        if self.zero_lines and not self.x.log and plot.across.low < 0 < plot.across.high:
            x = plot.x(0.0)
            drawn.append(tag("line", x1=x, x2=x, y1=plot.top, y2=plot.bottom, stroke=ink("ink-3")))
        return "".join(drawn)

    def _cloud(self, cloud: Cloud, spots: Sequence[Spot], plot: Plot) -> str:
        colour = colour_name(cloud.colour)
        places = [(plot.x(spot.x or 0.0), plot.y(spot.y or 0.0)) for spot in spots]
        drawn = []
        if cloud.joined and len(places) > 1:
            drawn.append(tag("path", d=path(places), fill="none", stroke=ink(colour), stroke_opacity=0.45))
        for spot, (x, y) in zip(spots, places, strict=True):
            if self.x.takes(spot.x_low) and self.x.takes(spot.x_high):
                drawn.append(whisker(plot.x(spot.x_low or 0.0), y, plot.x(spot.x_high or 0.0), y, colour))
            if self.y.takes(spot.y_low) and self.y.takes(spot.y_high):
                drawn.append(whisker(x, plot.y(spot.y_low or 0.0), x, plot.y(spot.y_high or 0.0), colour))
            drawn.append(marker(cloud.shape, x, y, colour, hollow=cloud.hollow, size=5))
        return "".join(drawn)


_Box = tuple[float, float, float, float]


def _labels(clouds: Sequence[tuple[Cloud, Sequence[Spot]]], plot: Plot) -> str:
    """Each cloud's name beside its last point, where it covers least of the points and of the other names."""
    taken: list[_Box] = []
    for _, spots in clouds:
        for spot in spots:
            x, y = plot.x(spot.x or 0.0), plot.y(spot.y or 0.0)
            taken.append((x - 6, y - 6, x + 6, y + 6))
            if spot.x_low is not None and spot.x_high is not None:
                taken.append((plot.x(spot.x_low), y - 2, plot.x(spot.x_high), y + 2))
            if spot.y_low is not None and spot.y_high is not None:
                taken.append((x - 2, plot.y(spot.y_high), x + 2, plot.y(spot.y_low)))
    drawn = []
    for cloud, spots in clouds:
        said = cut(cloud.name, _LABEL_PX, bold=True)
        x, y = plot.x(spots[-1].x or 0.0), plot.y(spots[-1].y or 0.0)
        box = min(_around(x, y, width_of(said, bold=True)), key=lambda box: _cost(box, taken, plot))
        taken.append(box)
        drawn.append(text(said, box[0], box[3] - 3, colour=colour_name(cloud.colour), bold=True, halo=True))
    return "".join(drawn)


def _around(x: float, y: float, width: float) -> list[_Box]:
    """Boxes for a label, the best liked first."""
    places = []
    for away in (9.0, 16.0, 26.0):
        places += [
            (x + away, y - away + 2), (x + away, y + away + 10), (x - away - width, y - away + 2),
            (x - away - width, y + away + 10), (x + away, y + 4), (x - away - width, y + 4),
            (x - width / 2, y - away), (x - width / 2, y + away + 10),
        ]  # fmt: skip
    return [(left, base - 11, left + width, base + 3) for left, base in places]


def _cost(box: _Box, taken: Sequence[_Box], plot: Plot) -> float:
    left, top, right, bottom = box
    outside = max(0.0, plot.left - left) + max(0.0, right - plot.right - 14)
    outside += max(0.0, plot.top - 10 - top) + max(0.0, bottom - plot.bottom)
    covered = sum(
        max(0.0, min(right, other[2]) - max(left, other[0])) * max(0.0, min(bottom, other[3]) - max(top, other[1]))
        for other in taken
    )
    return covered + 200 * outside
