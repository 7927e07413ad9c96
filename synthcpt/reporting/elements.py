"""Pieces of a page: tiles, tables, notes, code. Whatever is not `Html` is escaped.

The page's Content-Security-Policy forbids inline ``style`` attributes and ``on...`` handlers: give elements classes,
SVG shapes presentation attributes (``fill="var(--series-1)"``), and put behaviour into ``assets/``.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Html(str):
    """Markup that is safe to put into a page as it is."""

    __slots__ = ()


Content: TypeAlias = "str | Html | int | float | None"
"""What a cell or a tile can hold; a plain string is escaped, None is shown as a dash."""


def escape(text: object) -> Html:
    """Any text as HTML, for elements and quoted attributes alike; what HTML cannot hold (NUL) becomes U+FFFD."""
    return Html(html.escape(_UNSHOWABLE.sub("\ufffd", str(text)), quote=True))


def number(value: float, digits: int = 3) -> str:
    """A number for a reader: whole ones with separators, others to so many significant digits."""
    if isinstance(value, float) and not math.isfinite(value):
        return "\u2013" if math.isnan(value) else ("\u221e" if value > 0 else "\u2212\u221e")
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "\u2212")
    if abs(value) >= 10**digits:
        return f"{value:,.0f}".replace("-", "\u2212")
    shown = f"{value:.{digits}g}"
    if "e" in shown and 1e-5 <= abs(value) < 1:
        shown = f"{value:.{digits + 4}f}".rstrip("0")
    return shown.replace("-", "\u2212")


def content(value: Content) -> Html:
    """A cell's content as markup."""
    if value is None:
        return Html("\u2013")
    if isinstance(value, Html):
        return value
    return escape(number(value) if isinstance(value, int | float) else value)


@dataclass(frozen=True)
class Fact:
    """A tile: what it is, its value large, and a line beneath."""

    name: str
    value: Content
    note: Content = ""


def facts(items: Sequence[Fact]) -> Html:
    """Tiles side by side."""
    tiles = "".join(
        f"<div class='fact'><dt>{escape(item.name)}</dt><dd>{content(item.value)}</dd>"
        + (f"<dd class='fact-note'>{content(item.note)}</dd>" if item.note else "")
        + "</div>"
        for item in items
    )
    return Html(f"<dl class='facts'>{tiles}</dl>")


@dataclass(frozen=True)
class Column:
    """A table's column.

    Attributes:
        name: its heading.
        align: numbers go right.
        hint: what it means, shown on hovering.
    """

    name: str
    align: Literal["left", "right"] = "left"
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell that is sorted by something else than what it shows."""

    value: Content
    sort: float | str


def table(
    columns: Sequence[Column | str],
    rows: Sequence[Sequence[Content | Cell]],
    *,
    caption: str = "",
    sortable: bool = True,
    tall: bool = False,
) -> Html:
    """A table whose headings sort it, in a box that scrolls where it is wider than the screen.

    Args:
        columns: the headings; a plain name is a left-aligned column, right-aligned where all its cells are numbers.
        rows: cells; plain strings are escaped.
        caption: what the table is, for screen readers and above it.
        sortable: a click on a heading sorts.
        tall: limit the height and scroll inside, for long tables.
    """
    heads = [_column(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    head = "".join(
        f"<th scope='col' class='{column.align}'{_hint(column)}>"
        + (f"<button type='button' class='sort'>{escape(column.name)}</button>" if sortable else escape(column.name))
        + "</th>"
        for column in heads
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, heads, strict=True)) + "</tr>" for row in rows
    )
    shown = f"<caption>{escape(caption)}</caption>" if caption else ""
    label = escape(caption or "table")
    return Html(
        f"<div class='table-box{' tall' if tall else ''}' tabindex='0' role='region' aria-label='{label}'>"
        f"<table{' data-sortable' if sortable else ''}>{shown}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _column(column: Column | str, cells: Sequence[Content | Cell]) -> Column:
    if isinstance(column, Column):
        return column
    values = [cell.value if isinstance(cell, Cell) else cell for cell in cells]
    numbers = any(isinstance(value, int | float) for value in values) and all(
        value is None or isinstance(value, int | float) for value in values
    )
    return Column(column, "right" if numbers else "left")


def _hint(column: Column) -> str:
    return f" title='{escape(column.hint)}'" if column.hint else ""


def _cell(cell: Content | Cell, column: Column) -> str:
    value, sort = (cell.value, cell.sort) if isinstance(cell, Cell) else (cell, cell)
    key = f" data-sort='{escape(sort)}'" if isinstance(sort, int | float) or isinstance(cell, Cell) else ""
    return f"<td class='{column.align}'{key}>{content(value)}</td>"


def note(text: Content, kind: Literal["info", "warn", "bad", "good"] = "info") -> Html:
    """A line set apart, e.g. that figures are of a sample or that a teacher is simulated."""
    return Html(f"<p class='note {kind}' role='note'>{content(text)}</p>")


def figure(title: str, drawing: Html, caption: Content = "") -> Html:
    """A drawing under its title, with a line beneath."""
    below = f"<figcaption>{content(caption)}</figcaption>" if caption else ""
    return Html(f"<figure><h3>{escape(title)}</h3>{drawing}{below}</figure>")


def figures(drawings: Sequence[Html]) -> Html:
    """Figures side by side where there is room."""
    return Html(f"<div class='figures'>{''.join(drawings)}</div>")


def code(text: str, label: str = "") -> Html:
    """Something to copy: a command or a file."""
    named = f"<div class='code-label'>{escape(label)}</div>" if label else ""
    return Html(
        f"<div class='code'>{named}<button type='button' class='copy' hidden>Copy</button>"
        f"<pre tabindex='0'><code>{escape(text)}</code></pre></div>"
    )


def disclosure(title: str, body: Html, *, opened: bool = False) -> Html:
    """What most readers do not need at first sight."""
    return Html(f"<details{' open' if opened else ''}><summary>{escape(title)}</summary>{body}</details>")
