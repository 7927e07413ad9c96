"""A curve as small as a word."""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthcpt.reporting.charts.frame import colour_name
from synthcpt.reporting.charts.svg import ink, path, picture, tag


def sparkline(
    values: Sequence[float | None], title: str, *, colour: int | str = 0, width: float = 96, height: float = 22
) -> str:
    """A line without axes, its last value marked; what is not finite breaks the line.

    Args:
        values: at equal distances.
        title: what it shows and where it ends, for those who do not see it.
        colour: a series' number from 0, or a colour's name.
        width: of the picture, in its units.
        height: likewise.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return picture(width, height, "", title=title, description="no figures")
    low, high = min(finite), max(finite)
    step = (width - 8) / max(1, len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for i, value in enumerate(values):
        if value is None or not math.isfinite(value):
            runs.append([])
        else:
            share = (value - low) / (high - low) if high > low else 0.5
            runs[-1].append((4 + i * step, height - 4 - share * (height - 8)))
    drawn = [
        tag("path", d=path(run), fill="none", stroke=ink(colour_name(colour)), stroke_width=1.5)
        for run in runs
        if len(run) > 1
    ]
    last = next(run for run in reversed(runs) if run)[-1]
    drawn.append(tag("circle", cx=last[0], cy=last[1], r=2.4, fill=ink(colour_name(colour))))
    return picture(width, height, "".join(drawn), title=title, description=f"{len(finite)} values")
