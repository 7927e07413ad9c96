"""Numbers as a reader wants them: ``1.2M``, ``91 %``, ``3.0e-5``, ``2 min 05 s``; what is not finite is a dash."""

from __future__ import annotations

import math
from collections.abc import Callable

from synthcpt.training.showing.plain import duration

Form = Callable[[float], str]
"""A number in words; the forms below are made for axes, tooltips and tables alike."""

ABSENT = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def number(value: float | None) -> str:
    """To three significant digits, without an exponent where it can be helped."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6:
        return count(value)
    if size < 1e-3:
        return scientific(value)
    decimals = max(0, 2 - math.floor(math.log10(size)))
    return _minus(_trimmed(f"{value:,.{decimals}f}"))


def count(value: float | None) -> str:
    """Tokens and the like: ``950``, ``1.2k``, ``10k``, ``1.2M``."""
    if value is None or not math.isfinite(value):
        return ABSENT
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return _minus(f"{_trimmed(_three(value / size))}{letter}")
    return _minus(_trimmed(_three(value)))


def whole(value: float | None) -> str:
    """All digits: ``50,246``."""
    return ABSENT if value is None or not math.isfinite(value) else _minus(f"{value:,.0f}")


def percent(value: float | None) -> str:
    """A share from 0 to 1 as ``91 %``; with a decimal below ten per cent where it has one."""
    return ABSENT if value is None or not math.isfinite(value) else f"{percentage(value)}{_SPACE}%"


def percentage(value: float | None) -> str:
    """The same without its sign: ``91``, ``6.5``."""
    if value is None or not math.isfinite(value):
        return ABSENT
    hundredths = value * 100
    told = f"{hundredths:.1f}" if abs(hundredths) < 9.95 else f"{hundredths:.0f}"
    if told == "100" and value < 1:  # what is not all is not told as all
        told = f"{min(99.9, hundredths):.1f}"
    return _minus(_trimmed(told))


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign: ``+85``, ``−2.5``."""
    return ABSENT if value is None or not math.isfinite(value) else signed(value, percentage)


def signed(value: float | None, form: Form = number) -> str:
    """With a plus before what is above zero."""
    if value is None or not math.isfinite(value):
        return ABSENT
    told = form(value)
    return told if told.startswith("−") or not any(letter in "123456789" for letter in told) else f"+{told}"


def scientific(value: float | None) -> str:
    """``0.00002`` -> ``2e-5``."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return _minus(f"{_trimmed(digits)}e") + str(int(exponent))


def seconds(value: float | None) -> str:
    """``125`` -> ``2 min 05 s``; below ten seconds with a decimal."""
    if value is None or not math.isfinite(value):
        return ABSENT
    return f"{value:.2g} s" if 0 < value < 10 else duration(value)


def probability(value: float | None) -> str:
    """A p value: ``0.031``, ``< 0.001``."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value < 0.001:
        return "< 0.001"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def interval(value: float | None, low: float | None, high: float | None, form: Form = number) -> str:
    """``91 % [88, 94]``, the unit told once; the value alone where there is no interval."""
    said = ABSENT if value is None or not math.isfinite(value) else form(value)
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return said
    unit = said[said.find(_SPACE) :] if _SPACE in said else ""
    return f"{said} [{form(low).removesuffix(unit)}, {form(high).removesuffix(unit)}]"


def _three(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 99.95 else f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"


def _trimmed(told: str) -> str:
    return told.rstrip("0").rstrip(".") if "." in told else told


def _minus(told: str) -> str:
    """With a true minus sign, and without one before zero."""
    if not told.startswith("-"):
        return told
    return "−" + told[1:] if any(letter in "123456789" for letter in told) else told[1:]
