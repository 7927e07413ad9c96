"""What charts with two axes share: the room inside, axes with ticks and grid, legends, labels that keep apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.reporting.charts.scales import Axis, Scale
from synthcpt.reporting.charts.svg import FONT_PX, cut, ink, series, tag, text, width_of
from synthcpt.training.showing.curve_layout import spread

NARROW_PX = 480
"""Pictures narrower than this have a legend above instead of labels beside, and fewer ticks."""

_LINE_PX = 17.0
_CORNERS = {
    1: ((-0.92, -0.92), (0.92, -0.92), (0.92, 0.92), (-0.92, 0.92)),
    2: ((0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)),
    3: ((0.0, -1.3), (1.25, 0.95), (-1.25, 0.95)),
}


@dataclass(frozen=True, slots=True)
class Plot:
    """The inside of a picture, and the scales over it."""

    left: float
    top: float
    right: float
    bottom: float
    across: Scale
    up: Scale

    def x(self, value: float) -> float:
        """Where a value of the horizontal axis lies."""
        return self.left + (self.right - self.left) * self.across.share(value)

    def y(self, value: float) -> float:
        """Where a value of the vertical axis lies."""
        return self.bottom - (self.bottom - self.top) * self.up.share(value)


@dataclass(frozen=True, slots=True)
class Label:
    """What a line, a mark or a reference is called, and where its label would best be."""

    said: str
    colour: str
    x: float = 0.0
    y: float = 0.0
    dashed: bool = False
    shape: int | None = None


def room_for_ticks(scale: Scale, axis: Axis) -> float:
    """How wide the vertical axis's numbers are."""
    return max((width_of(axis.form(tick), 11) for tick in scale.ticks), default=0.0) + 8


def axes(plot: Plot, across: Axis, up: Axis) -> str:
    """Grid, ticks, and both axes' labels: the vertical one's lies above it, so that nobody has to turn the head."""
    drawn = []
    for tick in plot.up.ticks:
        y = plot.y(tick)
        drawn.append(tag("line", x1=plot.left, x2=plot.right, y1=y, y2=y, stroke=ink("grid")))
        drawn.append(text(up.form(tick), plot.left - 6, y + 4, anchor="end", size=11, colour="ink-3"))
    drawn.append(tag("line", x1=plot.left, x2=plot.right, y1=plot.bottom, y2=plot.bottom, stroke=ink("ink-3")))
    end = -1e9
    for tick in plot.across.ticks:
        x, said = plot.x(tick), across.form(tick)
        half = width_of(said, 11) / 2
        drawn.append(tag("line", x1=x, x2=x, y1=plot.bottom, y2=plot.bottom + 4, stroke=ink("ink-3")))
        at = min(max(x, half + 1), plot.right + 14 - half)
        if at - half > end + 6:
            drawn.append(text(said, at, plot.bottom + 17, anchor="middle", size=11, colour="ink-3"))
            end = at + half
    drawn.append(text(up.label, 2, plot.top - 12, colour="ink-2"))
    drawn.append(text(across.label, (plot.left + plot.right) / 2, plot.bottom + 35, anchor="middle", colour="ink-2"))
    return "".join(drawn)


def end_labels(labels: Sequence[Label], plot: Plot, room: float) -> str:
    """Labels to the right of the plot, each as near its line's end as the others let it."""
    if not labels:
        return ""
    height = plot.bottom - plot.top
    wanted = [(label.y - plot.top) / height for label in labels]
    drawn = []
    for label, place in zip(labels, spread(wanted, 15 / height), strict=True):
        y = plot.top + place * height
        begin = plot.right + 8
        if abs(y - label.y) > 4 or begin - label.x > 24:
            bend = [(label.x + 5, label.y), (plot.right + 2, label.y), (begin + 4, y)]
            drawn.append(
                tag("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in bend), fill="none",
                    stroke=ink(label.colour), stroke_width=1, stroke_opacity=0.5)
            )  # fmt: skip
        drawn.append(text(cut(label.said, room - 15, bold=True), begin + 7, y + 4, colour=label.colour, bold=True))
    return "".join(drawn)


def label_room(labels: Sequence[Label], width: float) -> float:
    """How much of a picture's width its labels take: what they need, at most a third."""
    longest = max((width_of(label.said, bold=True) for label in labels), default=0.0)
    return min(longest + 18, width * 0.34) if labels else 12.0


def legend_height(labels: Sequence[Label], width: float) -> float:
    """How high `legend` will be."""
    return _LINE_PX * len(_rows(labels, width)) + 4 if labels else 0.0


def legend(labels: Sequence[Label], width: float, top: float) -> str:
    """Labels in rows, each after a sample of its line or mark."""
    drawn = []
    for number, row in enumerate(_rows(labels, width)):
        x, y = 2.0, top + number * _LINE_PX + 11
        for label in row:
            if label.shape is None:
                drawn.append(
                    tag("line", x1=x, x2=x + 14, y1=y - 4, y2=y - 4, stroke=ink(label.colour), stroke_width=2.5,
                        stroke_dasharray="4 3" if label.dashed else None)
                )  # fmt: skip
            else:
                drawn.append(marker(label.shape, x + 7, y - 4, label.colour, hollow=label.dashed))
            said = cut(label.said, width - 24)
            drawn.append(text(said, x + 19, y, colour="ink-2"))
            x += 19 + width_of(said) + 14
    return "".join(drawn)


def marker(shape: int, x: float, y: float, colour: str, *, hollow: bool = False, size: float = 4.2) -> str:
    """A circle, square, diamond or triangle, so that series differ by more than colour; hollow ones for controls."""
    fill, stroke, thick = ink("surface" if hollow else colour), ink(colour if hollow else "surface"), 1.4
    if shape % 4 == 0:
        return tag("circle", cx=x, cy=y, r=size, fill=fill, stroke=stroke, stroke_width=thick)
    places = " ".join(f"{x + a * size:.1f},{y + b * size:.1f}" for a, b in _CORNERS[shape % 4])
    return tag("polygon", points=places, fill=fill, stroke=stroke, stroke_width=thick)


def whisker(x1: float, y1: float, x2: float, y2: float, colour: str, *, cap: float = 3.5) -> str:
    """An interval with caps at its ends, upright or lying."""
    a, b = (cap, 0.0) if x1 == x2 else (0.0, cap)
    d = (
        f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}M{x1 - a:.1f},{y1 - b:.1f}L{x1 + a:.1f},{y1 + b:.1f}"
        f"M{x2 - a:.1f},{y2 - b:.1f}L{x2 + a:.1f},{y2 + b:.1f}"
    )
    return tag("path", d=d, fill="none", stroke=ink(colour), stroke_width=1.5)


def nothing(width: float, height: float, said: str = "no figures yet") -> str:
    """What stands where nothing can be drawn."""
    return text(said, width / 2, height / 2, anchor="middle", colour="ink-3", size=FONT_PX)


def _rows(labels: Sequence[Label], width: float) -> list[list[Label]]:
    rows: list[list[Label]] = []
    x = width
    for label in labels:
        need = 19 + width_of(cut(label.said, width - 24)) + 14
        if not rows or x + need - 14 > width - 2:
            rows.append([])
            x = 2.0
        rows[-1].append(label)
        x += need
    return rows


def colour_name(colour: int | str) -> str:
    """A series' number or the name of a colour, as the name of a colour."""
    return series(colour) if isinstance(colour, int) else colour
