"""Tells a computed number from an invented one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, permutations

from synthcpt.text.locks import locked

_VALUE = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
_MOST_GIVEN = 30
_MOST_FOUND = 12
_FEWEST_TOTALLED = 3
_ROUNDING = 0.01


def computed(text: str, given: str) -> list[str]:
    """The numbers of a text that follow from given ones.

    By a sum, difference, product, quotient, percentage or percentage of change of two, or as the sum or mean of three
    and more that follow one another; the days of the given dates count. A number that follows counts as given for those
    after it, so that a calculation may take several steps. Numbers that are given themselves are not listed. Few
    numbers on each side are looked at, which bounds the work.
    """
    source = locked(given)
    stated = [float(value) for one in source.numerals for value in sorted(one.readings) if _VALUE.fullmatch(value)]
    dated = [float(date.year) for date in source.dates if date.year]
    dated += [float(day) for date in source.dates for _, day in date.days if day]
    totals = list(_totals(stated[:_MOST_GIVEN]))
    known = sorted({*stated, *dated})[:_MOST_GIVEN]
    found: list[str] = []
    for numeral in locked(text).numerals:
        for reading in sorted(numeral.readings):
            if len(found) >= _MOST_FOUND or not _VALUE.fullmatch(reading) or float(reading) in stated:
                continue
            if _follows(float(reading), known, totals):
                found.append(reading)
                known.append(float(reading))
    return found


def _totals(values: Sequence[float]) -> Iterator[float]:
    """The sums and means of each three and more that follow one another."""
    for start in range(len(values)):
        for count, total in enumerate(accumulate(values[start:]), 1):
            if count >= _FEWEST_TOTALLED:
                yield from (total, total / count)


def _follows(value: float, known: Sequence[float], totals: Sequence[float]) -> bool:
    return any(abs(value - total) <= 1e-9 * max(1.0, total) for total in totals) or any(
        _results_in(value, a, b) for a, b in permutations(known, 2)
    )


def _results_in(value: float, a: float, b: float) -> bool:
    if any(abs(value - exact) <= 1e-9 * max(1.0, exact) for exact in (a + b, a - b, a * b)):
        return True
    quotient = a / b if b else 0.0
    ratios = (quotient, 100 * quotient, 100 * abs(quotient - 1)) if quotient else ()
    return any(near and abs(value - near) <= _ROUNDING * near for near in ratios)
