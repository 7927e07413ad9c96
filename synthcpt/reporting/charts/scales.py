"""From values to places on an axis, and the ticks that a reader expects on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from synthcpt.reporting.charts.numbers import Form, number

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_PARTS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis says.

    Attributes:
        label: with the unit, e.g. ``"synthetic tokens"``.
        form: how its numbers are written.
        log: logarithmic; values that are not above zero are then left out.
        low, high: where it begins and ends at the latest, e.g. 0 and 1; the data may go beyond.
    """

    label: str
    form: Form = field(default=number)
    log: bool = False
    low: float | None = None
    high: float | None = None

    def takes(self, value: float | None) -> bool:
        """Whether a value has a place on it."""
        return value is not None and math.isfinite(value) and (value > 0 or not self.log)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis with its ends and ticks settled."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value lies, from 0 at the axis's low end to 1 at its high end; held within."""
        low, high = self._moved(self.low), self._moved(self.high)
        place = (self._moved(max(value, self.low)) - low) / (high - low)
        return min(1.0, max(0.0, place))

    def _moved(self, value: float) -> float:
        return math.log10(value) if self.log else value


def make_scale(axis: Axis, values: Iterable[float | None], *, ticks: int = 5, tight: bool = False) -> Scale:
    """The scale that holds all values; also for none, one, or equal ones.

    Args:
        axis: what is asked of it.
        values: what must have a place; those that cannot have one are passed over.
        ticks: how many there is room for.
        tight: end at the data, not at the next tick (for axes of time).
    """
    kept = [value for value in values if value is not None and axis.takes(value)]
    kept += [end for end in (axis.low, axis.high) if axis.takes(end) and end is not None]
    if axis.log:
        return _log_scale(min(kept, default=1.0), max(kept, default=10.0), ticks)
    low, high = _apart(min(kept, default=0.0), max(kept, default=1.0), axis)
    step = _step((high - low) / max(1, ticks - 1))
    # A hundred-millionth of a step forgives what floating point adds to 0.3.
    first, last = math.floor(low / step + 1e-8), math.ceil(high / step - 1e-8)
    places = [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]
    if tight:
        places = [place for place in places if low - 1e-9 * step <= place <= high + 1e-9 * step]
        return Scale(low, high, False, tuple(places))
    return Scale(places[0], places[-1], False, tuple(places))


def _apart(low: float, high: float, axis: Axis) -> tuple[float, float]:
    """Ends that differ, so that a constant has a place in the middle."""
    if high - low > 1e-12 * max(1.0, abs(high), abs(low)):
        return low, high
    room = abs(high) * 0.1 or 1.0
    return (low if axis.low == low else low - room), high + room


def _step(least: float) -> float:
    size = 10.0 ** math.floor(math.log10(least))
    return next((part * size for part in _STEPS if part * size >= least * (1 - 1e-9)), 10 * size)


def _log_scale(low: float, high: float, ticks: int) -> Scale:
    if high / low < 1.0001:
        low, high = low / 2, high * 2
    else:
        room = (high / low) ** 0.03  # points at the ends stand clear of the edges
        low, high = low / room, high * room
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    best: list[float] = []
    for parts in _LOG_PARTS:
        places = [part * 10.0**power for power in range(first, last + 1) for part in parts]
        inside = [place for place in places if low <= place <= high]
        if not best or len(inside) <= ticks:
            best = inside or best
    while len(best) > max(2, ticks):
        best = best[::2]
    return Scale(low, high, True, tuple(best))
