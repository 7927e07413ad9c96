"""What a name, date or number of a text is a part of, so that it is asked for whole or not at all.

"48" is a part of "$48 million", "three" of "three hours and thirty minutes", "10" of "10 mars 1841", "Century Studios"
of "20th Century Studios" and "7 December" of "7 December Street". By rules, in linear time; English, and the months and
the commonest units of French, German, Italian, Portuguese and Spanish.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from synthcpt.text.abbreviations import word_set
from synthcpt.text.calendar_dates import MONTH_NUMBERS
from synthcpt.text.kind_words import DEMONYMS, ORGANISATIONS, PLACES, TITLES
from synthcpt.text.kinds import Value
from synthcpt.text.mentions import Haystack

NUMBERED = word_set("article section chapter apollo boeing route part phase rule volume")
"""What takes numbers as parts of its name: Article 5."""

_UNITS = (
    """years year months month weeks week days day nights hours hour minutes minute seconds centuries decades
    ans jours heures semaines secondes años meses semanas días horas minutos segundos anos dias""",
    """miles mile leagues fathoms yards feet foot inches kilometres kilometers metres meters metre centimetres
    centimeters millimetres millimeters km acres hectares knots kilomètres mètres kilómetros metros quilômetros""",
    """tons tonnes hundredweights pounds ounces kilograms kilogrammes kilos grams kg litres liters gallons pints barrels
    toneladas""",
    "crowns dollars euros cents shillings pennies pence francs marks rupees pesos dólares reais",
    "degrees volts watts kilowatts megawatts",
)
_FAMILIES = {unit: family for family, units in reversed([*enumerate(_UNITS)]) for unit in units.split()}
_SCALES = "hundred|thousand|million|billion|trillion|crore|lakh"
_SCALE = re.compile(rf"[ -](?:{_SCALES})\b")
_UNIT = re.compile(r"[ -]([^\W\d_]+)(?!\w)")
_SHILLINGS = re.compile(r" \d{1,2}s\b(?: \d{1,2}d\b)?")
_CLOCK = re.compile(
    r" (?:to|past) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)\b(?! [a-z]+s\b)"
)
_AFTER_SCALE = re.compile(rf"(?:{_SCALES}|dozen) (?:and )?\Z")
_ENDS_IN_SCALE = re.compile(rf"(?:{_SCALES})\Z")
_LOWER = "|".join(sorted((name for name in MONTH_NUMBERS if name not in ("may", "march")), key=len, reverse=True))
_MONTH = rf"(?:{_LOWER}|{'|'.join(name.capitalize() for name in MONTH_NUMBERS)})"
_DATE = re.compile(
    rf"(?<![\w.,-])(?:\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?(?: of| de)? )?{_MONTH}(?!\w)\.?"
    r"(?: \d{1,2}(?:st|nd|rd|th)?(?![\w%]),?)?(?:,?(?: of| de| del)? \d{4}(?!\w))?"
)
_WORD_BEFORE = re.compile(r"(?:(?<=[\w,;)] )|(?<![\w.,])(?=\d))([^\W_]++(?:['’.‐-][^\W_]+)*+) \Z")
"""Not the first of a sentence or quotation, but for numbers."""
_TITLE_BEFORE = re.compile(rf"\b(?:{'|'.join(sorted(map(str.capitalize, TITLES)))})\.? \Z")
_NUMBERED_BEFORE = re.compile(rf"(?:[^\W\d_]-[^\W\d_]+|\b(?:{'|'.join(sorted(NUMBERED))})) \Z", re.IGNORECASE)
_WORD_AFTER = re.compile(r" ([^\W_]+)")
_NUMBER = re.compile(r"\d[\d,.]*(?:st|nd|rd|th)?\Z")
_NUMBER_AFTER = re.compile(r" (\d{1,4})(?![\w%]|[.,]\d)(?=([^\w ]|\Z)?)")
_YEAR = re.compile(r"(?:1\d|20)\d\d\Z")
_HALF = re.compile(r"[-–/&][^\W_]")
_LOOK_BACK = 40


class Wholes:
    """What the values of a text are parts of.

    Args:
        text: the document.
        values: its values, in order.
        titles: what it is about, by all its names; a part of them is never asked for.
    """

    def __init__(self, text: str, values: Iterable[Value], titles: Iterable[str] = ()) -> None:
        self._text = text
        haystack = Haystack(text)
        self._titles = sorted({span for title in titles for span in haystack.find_all(title)})
        self._dates = [match.span() for match in _DATE.finditer(text)]
        self._spans = dict(self._grouped([value for value in values if not value.is_name]))

    def whole(self, value: Value) -> Value | None:
        """The value with all that belongs to it; None where it is a part of what cannot be asked for."""
        if any(start < value.end and value.start < end for start, end in _near(self._titles, value)):
            return None
        span = self._name(value) if value.is_name else self._spans.get((value.start, value.end))
        if span is None:
            return None
        return replace(value, start=span[0], end=span[1], text=self._text[span[0] : span[1]])

    def _grouped(self, values: list[Value]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """For each number or date the characters of all that it is a part of; none for what must not be asked."""
        group: list[Value] = []
        spans: list[tuple[int, int]] = []
        for value in values:
            span = self._grown(value)
            if group and not self._joined(group[-1], spans[-1], value, span):
                yield from self._settled(group, spans)
                group, spans = [], []
            group.append(value)
            spans.append(span)
        yield from self._settled(group, spans)

    def _settled(
        self, group: list[Value], spans: list[tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if not group:
            return
        start, end = min(span[0] for span in spans), max(span[1] for span in spans)
        if not self._is_part(group[0], start, end):
            yield from (((value.start, value.end), (start, end)) for value in group)

    def _grown(self, value: Value) -> tuple[int, int]:
        """With its scale, its unit, and the rest of its date."""
        start, end = value.start, value.end
        for date in _near(self._dates, value):
            if date[0] <= start and end <= date[1]:
                return date[0], date[0] + len(self._text[date[0] : date[1]].rstrip(",."))
        if scale := _SCALE.match(self._text, end):
            end = scale.end()
        if value.kind == "sum" and (shillings := _SHILLINGS.match(self._text, end)):
            end = shillings.end()
        unit = _UNIT.match(self._text, end)
        if unit and unit[1] in _FAMILIES and value.kind not in ("year", "decade", "time", "share"):
            end = unit.end()
            if unit[1] == "minutes" and (clock := _CLOCK.match(self._text, end)):
                end = clock.end()
        return start, end

    def _joined(self, one: Value, before: tuple[int, int], other: Value, after: tuple[int, int]) -> bool:
        """Whether two that follow one another are one: a range, or a quantity in two units or two words."""
        between = self._text[before[1] : after[0]]
        if before[1] > after[0] or between in ("–", "-"):
            return True
        bare = before[1] == one.end
        if between in (" to ", " or ") or (between == " and " and self._text.endswith("between ", 0, before[0])):
            says_more = after[1] > other.end or other.kind in ("date", "day") or _ENDS_IN_SCALE.search(other.text)
            return bare and bool(says_more) and one.kind in ("number", "sum")
        if between not in (" and ", ", ", " "):
            return False
        if bare and _ENDS_IN_SCALE.search(one.text):
            return between != ", "
        if (
            one.kind != "number"
            and between == " and "
            and other.kind == "number"
            and not _WORD_AFTER.match(self._text, after[1])
        ):
            return not bare  # two hours and ten
        units = [re.split("[ -]", self._text[start:end])[-1] for start, end in (before, after)]
        families = [_FAMILIES.get(unit) for unit in units]
        return units[0] != units[1] and families[0] is not None and families[0] == families[1]

    def _is_part(self, value: Value, start: int, end: int) -> bool:
        """Whether a number is cut out of a longer one, or belongs to a name: By-law 19, 7 December Street."""
        back = max(0, start - _LOOK_BACK)
        if self._text[end : end + 1] in ("'", "’", ":") or _AFTER_SCALE.search(self._text, back, start):
            return True
        before = self._before(start)
        in_name = (before[:1].isupper() and not before.endswith(("'s", "’s"))) or _NUMBERED_BEFORE.search(
            self._text, back, start
        )
        if in_name and value.kind not in ("date", "day", "month"):
            return True
        following = _WORD_AFTER.match(self._text, end)
        head = following[1].lower() if following and following[1][0].isupper() else ""
        return head in PLACES | ORGANISATIONS and value.kind in ("day", "date", "number")

    def _name(self, value: Value) -> tuple[int, int] | None:
        start, end = value.start, value.end
        head = value.text.split()[-1].lower()
        if title := _TITLE_BEFORE.search(self._text, max(0, start - _LOOK_BACK), start):
            start = title.start()
        while before := self._before(start):
            is_head = head in PLACES | ORGANISATIONS
            if _NUMBER.fullmatch(before) and not _YEAR.fullmatch(before):
                if value.kind == "person" or not (before[-1].isalpha() or head in PLACES):
                    return None
            elif before in _SCALES.split("|"):
                return None  # 22 million CZK
            elif before.endswith(("'s", "’s")) and before[0].isupper():
                if " " not in value.text:
                    return None  # Lisle's Black
                break
            elif before[0].islower() or _YEAR.fullmatch(before):
                break
            elif before != "The" and not (before.lower() in DEMONYMS and is_head):
                if before.lower() in DEMONYMS:
                    break
                return None
            start -= len(before) + 1
        if number := _NUMBER_AFTER.match(self._text, end):
            if not (number[2] or head in NUMBERED or "-" in head) or _YEAR.fullmatch(number[1]):
                return None
            end = number.end(1)
        return None if self._is_cut(start, end) else (start, end)

    def _is_cut(self, start: int, end: int) -> bool:
        """Whether a name goes on after a dash, an apostrophe or a word with a capital, or only labels what follows."""
        text = self._text
        if (
            text[end : end + 1] == ":"
            or _HALF.match(text, end)
            or (start > 1 and _HALF.match(text[start - 1 : start + 1]) and text[start - 2].isalnum())
        ):
            return True
        following = _WORD_AFTER.match(text, end + (text[end : end + 1] in ("'", "’")))
        return following is not None and following[1][0].isupper()

    def _before(self, start: int) -> str:
        """The word before, where it is not the first of a sentence or quotation."""
        word = _WORD_BEFORE.search(self._text, max(0, start - _LOOK_BACK), start)
        return word[1] if word else ""


def _near(spans: list[tuple[int, int]], value: Value) -> list[tuple[int, int]]:
    """Those of the ranges, which are in order, that may meet a value."""
    at = bisect_right(spans, (value.end, 0))
    return spans[max(0, at - 2) : at]
