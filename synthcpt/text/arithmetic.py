"""Tells a computed number from an invented one."""

from __future__ import annotations

import re
from itertools import permutations

from synthcpt.text.locks import locked

_VALUE = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
_MOST_GIVEN = 30
_MOST_FOUND = 12
_ROUNDING = 0.01


def computed(text: str, given: str) -> list[str]:
    """The numbers of a text that follow from given ones by a sum, difference, product, quotient or percentage.

    A number that follows counts as given for those after it, so that a calculation may take several steps. Numbers
    that are given themselves are not listed. Few numbers on each side are looked at, which bounds the work.
    """
    known = sorted(float(value) for value in locked(given).values if _VALUE.fullmatch(value))[:_MOST_GIVEN]
    found: list[str] = []
    for numeral in locked(text).numerals:
        for reading in sorted(numeral.readings):
            if len(found) >= _MOST_FOUND or not _VALUE.fullmatch(reading) or float(reading) in known:
                continue
            if _follows(float(reading), known):
                found.append(reading)
                known.append(float(reading))
    return found


def _follows(value: float, known: list[float]) -> bool:
    return any(_results_in(value, a, b) for a, b in permutations(known, 2))


def _results_in(value: float, a: float, b: float) -> bool:
    if any(abs(value - exact) <= 1e-9 * max(1.0, exact) for exact in (a + b, a - b, a * b)):
        return True
    quotient = a / b if b else 0.0
    return any(quotient and abs(value - near) <= _ROUNDING * near for near in (quotient, 100 * quotient))
