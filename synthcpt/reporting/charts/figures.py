"""Charts in a page: drawn in three widths, of which the page shows the one that fits, and the numbers below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from synthcpt.reporting.elements import Column, Content, Html, content, disclosure, escape, table

_TABLE_ROWS = 250
_NARROW, _WIDE, _FULL = 360.0, 700.0, 1100.0


class Chart(Protocol):
    """What can be shown as a figure."""

    @property
    def title(self) -> str: ...

    @property
    def description(self) -> str: ...

    def svg(self, width: float = 720) -> str:
        """The picture, so many units wide."""
        ...

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Its figures: columns, and rows of text."""
        ...


def chart_figure(chart: Chart, caption: Content = "", *, small: bool = False, numbers: bool = True) -> Html:
    """A chart with its title above, a caption and its numbers below.

    Args:
        chart: what to show.
        caption: a line on how to read it.
        small: it stays narrow however much room there is.
        numbers: whether there is a table to unfold.
    """
    below = f"<figcaption>{content(caption)}</figcaption>" if caption else ""
    if small:
        drawn = f"<div class='chart-only'>{chart.svg(_NARROW)}</div>"
    else:
        sizes = (("narrow", _NARROW), ("wide", _WIDE), ("full", _FULL))
        drawn = "".join(f"<div class='chart-{name}'>{chart.svg(width)}</div>" for name, width in sizes)
    return Html(
        f"<figure class='chart'><h3>{escape(chart.title)}</h3><div class='chart-room'>{drawn}</div>{below}"
        + (numbers_table(chart) if numbers else "")
        + "</figure>"
    )


def small_multiples(charts: Sequence[Chart], *, numbers: bool = True) -> Html:
    """Small charts side by side; give them axes with the same ends, so that they compare."""
    drawn = "".join(chart_figure(chart, small=True, numbers=numbers) for chart in charts)
    return Html(f"<div class='chart-multiples'>{drawn}</div>")


def numbers_table(chart: Chart) -> Html:
    """A chart's numbers, folded; of very many rows an even choice that keeps the last."""
    columns, rows = chart.table()
    if not rows:
        return Html("")
    stride = max(1, math.ceil(len(rows) / _TABLE_ROWS))
    shown = rows[::stride] + (rows[-1:] if (len(rows) - 1) % stride else [])
    title = "The numbers" if stride == 1 else f"The numbers (every {stride}th of {len(rows):,} rows)"
    heads = [Column(name, "left" if i == 0 else "right") for i, name in enumerate(columns)]
    return disclosure(title, table(heads, shown, caption=chart.title, tall=True))
