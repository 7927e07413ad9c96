"""SVG written by hand: elements whose attributes and texts are escaped, text measured, colours by name.

Colours are CSS custom properties of the page (``--ink``, ``--series-1`` ...), so that a picture follows the page from
light to dark; `standalone` puts the colours themselves in their places, for a file of its own.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

from synthcpt.training.showing.plain import plain

FONT_PX = 12.0
SERIES = 8
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[]{} -/"), frozenset("mwMWQOGD@%&—…+−=<>~")

_LIGHT = {
    "surface": "#ffffff", "ink": "#1b1c1e", "ink-2": "#4a4d52", "ink-3": "#696d73", "grid": "#e2e2de",
    "accent": "#0b5cad", "series-1": "#0b66c3", "series-2": "#d0620f", "series-3": "#00775f", "series-4": "#b9569f",
    "series-5": "#806600", "series-6": "#3a97c4", "series-7": "#7d1020", "series-8": "#858c94",
    "good": "#1b7a3d", "bad": "#b3262f", "warn": "#8a5a00",
}  # fmt: skip


def tag(name: str, *children: str, **attributes: str | float | None) -> str:
    """An element; children are SVG already, attributes get escaped; ``class_`` is ``class``, ``_`` in names ``-``."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{''.join(children)}</{name}>" if children else f"<{name}{told}/>"


def text(
    said: str, x: float, y: float, *, anchor: str = "start", size: float = FONT_PX, colour: str = "ink-2",
    bold: bool = False, halo: bool = False,
) -> str:  # fmt: skip
    """A line of text, escaped; with a halo it stays readable on lines."""
    return tag(
        "text", html.escape(plain(said)) or " ", x=x, y=y, text_anchor=None if anchor == "start" else anchor,
        font_size=size, fill=ink(colour), font_weight=600 if bold else None, paint_order="stroke" if halo else None,
        stroke=ink("surface") if halo else None, stroke_width=3 if halo else None,
        stroke_linejoin="round" if halo else None,
    )  # fmt: skip


def ink(name: str) -> str:
    """The colour of that name on the page."""
    return f"var(--{name})"


def series(colour: int) -> str:
    """The name of a series' colour; from 0, and round again after the eighth."""
    return f"series-{colour % SERIES + 1}" if colour >= 0 else "ink-3"


def path(places: list[tuple[float, float]]) -> str:
    """A path's ``d`` through places."""
    return "M" + "L".join(f"{_number(x)},{_number(y)}" for x, y in places)


def width_of(said: str, size: float = FONT_PX, *, bold: bool = False) -> float:
    """About how wide a line of text is, in the picture's units: as in a wide sans-serif, rather too much."""
    return sum(map(_letter_width, plain(said))) * size * (1.12 if bold else 1.0)


def cut(said: str, room: float, size: float = FONT_PX, *, bold: bool = False) -> str:
    """A text that fits into so much room, with an ellipsis where it was cut."""
    line = plain(said)
    if width_of(line, size, bold=bold) <= room:
        return line
    while line and width_of(line + "…", size, bold=bold) > room:
        line = line[:-1]
    return line.rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that a pointer or the arrow keys find, and what is said there: lines of plain text."""

    x: float
    y: float
    said: tuple[str, ...]


def picture(
    width: float, height: float, content: str, *, title: str, description: str, marks: list[Mark] | None = None
) -> str:
    """The SVG element: fills its room, tells screen readers what it shows, and carries its marks for the tooltip."""
    import orjson

    carried = None
    if marks:
        rows = [[round(mark.x, 1), round(mark.y, 1), "\n".join(map(plain, mark.said))] for mark in marks]
        carried = orjson.dumps(rows).decode()
    return tag(
        "svg",
        tag("title", html.escape(plain(title)) or " "),
        tag("desc", html.escape(plain(description)) or " "),
        content,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_number(width)} {_number(height)}", role="img",
        aria_label=f"{plain(title)}. {plain(description)}", class_="chart-svg",
        font_family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
        tabindex=0 if carried else None, data_marks=carried,
    )  # fmt: skip


def standalone(svg: str) -> str:
    """A picture as a file of its own, on white, that any program shows: no variables, nothing to hover."""
    bare = re.sub(r' (?:data-marks|tabindex|class)="[^"]*"', "", svg)
    coloured = re.sub(r'="var\(--([a-z0-9-]+)\)"', lambda found: f'="{_LIGHT.get(found.group(1), "#000000")}"', bare)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', coloured)
    if box is None:
        return coloured
    width, height = box.groups()
    ground = tag("rect", width=width, height=height, fill=_LIGHT["surface"])
    sized = coloured.replace("<svg", f'<svg width="{width}" height="{height}"', 1)
    return sized.replace("</desc>", "</desc>" + ground, 1) + "\n"


def _attribute(value: str | float) -> str:
    return html.escape(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    told = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if told in ("-0", "") else told


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if unicodedata.combining(letter):
        return 0.0
    return 0.36 if letter in _NARROW else 0.92 if letter in _WIDE else 0.7 if letter.isupper() else 0.62
