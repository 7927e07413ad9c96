"""The dates a text gives, whatever their notation: days, and months of years. A year alone is a number. Linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = """january jan janvier januar enero gennaio janeiro jänner
february feb février februar febrero febbraio fevereiro
march mar mars märz marzo março
april apr avril abril aprile
may mai mayo maggio maio
june jun juin juni junio giugno junho
july jul juillet juli julio luglio julho
august aug août agosto
september sep sept septembre septiembre settembre setembro
october oct octobre oktober octubre ottobre outubro
november nov novembre noviembre novembro
december dec décembre dezember diciembre dicembre dezembro"""
MONTH_NUMBERS = {name: number for number, line in enumerate(_MONTHS.splitlines(), 1) for name in line.split()}
_NAME = "|".join(sorted(MONTH_NUMBERS, key=lambda name: (-len(name), name)))
_MONTH = rf"(?:{_NAME})\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.|º)?"
_YEAR = r"(?:,? (?:of |de |del )?|, )(?P<{}>\d{{4}})(?!\d|\w)"
_SAME_WORD = r"(?<![\w-])"
_DAY_FIRST = re.compile(
    rf"{_SAME_WORD}(?P<day>{_DAY}) (?:of |de )?(?P<month>{_MONTH})(?!\w)(?:{_YEAR.format('year')})?", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"{_SAME_WORD}(?P<month>{_MONTH}) (?P<day>\d{{1,2}}(?:st|nd|rd|th)?)(?![\w%]|[.,:]\d)(?:{_YEAR.format('year')})?",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(rf"{_SAME_WORD}(?P<month>{_MONTH}){_YEAR.format('year')}", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(?<![\w/-])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\w/-])")
_NUMERIC = re.compile(r"(?<![\w/.-])(?P<one>\d{1,2})([-/.])(?P<other>\d{1,2})\2(?P<year>\d{4})(?![\w/-])")
_CJK = re.compile(r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})日)?")
_PATTERNS = (_DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR, _YEAR_FIRST, _NUMERIC, _CJK)
_NON_DIGIT = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Date:
    """A day, with or without its year, or a month of a year.

    Attributes:
        year: four digits, or empty.
        days: the (month, day) it may mean, two where the notation is ambiguous ("3/4/1911"); day 0 for a month alone.
    """

    year: str
    days: tuple[tuple[int, int], ...]

    @property
    def readings(self) -> frozenset[str]:
        """As ``1841-05-12``, ``1841-05`` or ``--05-12``."""
        start = self.year or "-"
        return frozenset(f"{start}-{month:02}-{day:02}" if day else f"{start}-{month:02}" for month, day in self.days)

    def drawn_from(self, source: Date, values: frozenset[str]) -> bool:
        """Whether a text that has the date ``source`` and these numbers can tell of this date."""
        if self.year and self.year not in values:
            return False
        return any(
            month == other and day in (0, other_day) for month, day in self.days for other, other_day in source.days
        )


def find_dates(text: str) -> tuple[list[Date], str]:
    """The dates of a text whose digits are 0 to 9, and the text with them blanked out."""
    found: list[Date] = []
    for pattern in _PATTERNS:

        def blank(match: re.Match[str]) -> str:
            date = _read(match.groupdict())
            if date is None:
                return match[0]
            found.append(date)
            return " ; "

        text = pattern.sub(blank, text)
    return found, text


def _read(parts: dict[str, str | None]) -> Date | None:
    year = parts.get("year") or ""
    if "one" in parts:
        one, other = int(parts["one"] or 0), int(parts["other"] or 0)
        days = tuple(dict.fromkeys(day for day in ((other, one), (one, other)) if _exists(*day)))
        return Date(year, days) if days else None
    month_text, day_text = parts["month"] or "", _NON_DIGIT.sub("", parts.get("day") or "")
    if month_text in ("may", "march"):
        return None  # more likely the verb
    month = int(month_text) if month_text.isdigit() else MONTH_NUMBERS[month_text.lower().rstrip(".")]
    day = int(day_text) if day_text else 0
    return Date(year, ((month, day),)) if _exists(month, day or 1) else None


def _exists(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
