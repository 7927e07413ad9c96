"""The numbers a text gives, in digits or in English words, whatever their notation. Linear time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_DIGIT = re.compile(r"[^\D0-9]")
_GAPS = "\u00a0\u202f\u2009"
_NUMBER = re.compile(
    rf"(?<!\w)(?:\d{{1,3}}(?: \d{{3}}){{1,4}}+(?!\d|[.,]\d)|\d++(?:[.,'’{_GAPS}]\d++)*+)?[¼½¾⅓⅔⅛⅜⅝⅞]"
    rf"|(?<!\w)(?:\d{{1,3}}(?: \d{{3}}){{1,4}}+(?!\d|[.,]\d)|\d++(?:[.,'’{_GAPS}]\d++)*+)"
)
_PIECE = re.compile(rf"([.,'’{_GAPS} ])")
_SCALE = re.compile(
    rf"[ {_GAPS}-]?(hundred|thousand|million|billion|trillion|lakh|crore)(?:s|en|es)?(?!\w)"
    r"|(bn|[mkMK])(?!\w)|([万萬亿億])"
)
_SCALES = {"hundred": 2, "thousand": 3, "lakh": 5, "million": 6, "crore": 7, "billion": 9, "trillion": 12} | {
    "k": 3, "m": 6, "bn": 9, "万": 4, "萬": 4, "亿": 8, "億": 8,
}  # fmt: skip
_DECADE = re.compile(r"['’]?s(?!\w)")
_MOST_DIGITS = 30
"""Longer runs of digits are identifiers, compared as they are."""

_WORD = re.compile(r"[^\W\d_]++")


def _counted(words: str, start: int, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


_UNITS = _counted("one two three four five six seven eight nine", 1)
_TEENS = _counted("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10)
_TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_ORDINALS = _counted(
    """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth""",
    1,
) | {f"{word[:-1]}ieth": value for word, value in _TENS.items()}
_BELOW_HUNDRED = _UNITS | _TEENS | _TENS | _ORDINALS
_POWERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_LOOSE = {"zero": 0, "once": 1, "single": 1, "twice": 2, "both": 2, "double": 2, "pair": 2, "couple": 2, "dozen": 12}
_LOOSE_ALONE = frozenset({"one", "first", "second"})
_SMALL_GAPS = frozenset({" ", "-", "‑", " and "})


class Numeral(NamedTuple):
    """A number in a text.

    Attributes:
        readings: the values it may have, in plain digits; two where its notation is ambiguous ("1.240").
        firm: False for words that only may be a number ("one", "second", "both").
    """

    readings: frozenset[str]
    firm: bool = True


def numerals(text: str) -> list[Numeral]:
    """All numbers of a text: those in digits first, then those in words."""
    text = plain_digits(text)
    return [*_in_digits(text), *_in_words(text)]


def plain_digits(text: str) -> str:
    """With the digits of every script as 0 to 9."""
    return text if text.isascii() else _DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), text)


def _in_digits(text: str) -> Iterator[Numeral]:
    year, year_end = "", -2
    for match in _NUMBER.finditer(text):
        for values in _readings(match[0]):
            values = _scaled(values, text, match.end())
            if year and match.start() == year_end + 1 and text[year_end] in "-–—/" and len(match[0]) == 2:
                values |= {year[:2] + match[0]}  # 1914-18
            if _is_negative(text, match.start()):
                values = {f"-{value}" for value in values}
            yield Numeral(frozenset(values))
        year, year_end = (match[0], match.end()) if re.fullmatch(r"\d{4}", match[0]) else ("", -2)


def _is_negative(text: str, at: int) -> bool:
    return text[at - 1 : at] in ("-", "−") and (at == 1 or text[at - 2] in " (\n\t")


def _scaled(values: set[str], text: str, end: int) -> set[str]:
    if _DECADE.match(text, end):
        return {f"{value}s" for value in values}
    scale = _SCALE.match(text, end)
    if not scale or any(not value.replace(".", "", 1).isdigit() or len(value) > _MOST_DIGITS for value in values):
        return values
    power = _SCALES[(scale[1] or scale[2] or scale[3]).lower()]
    scaled = {_plain(Decimal(value).scaleb(power)) for value in values}
    return values | scaled if scale[2] else scaled  # 5m may be metres


def _readings(token: str) -> list[set[str]]:
    """The values of a token of digits and separators; several where it is a list and no number."""
    fraction = unicodedata.numeric(token[-1]) if not token[-1].isdigit() else 0.0
    if fraction:
        whole = _PIECE.sub("", token[:-1])
        return [{_plain(Decimal(whole or 0) + Decimal(str(round(fraction, 4))))}]
    digits, *rest = _PIECE.split(token)
    if not rest:
        return [{_stripped(digits)}]
    marks, groups = rest[0::2], rest[1::2]
    joined = digits + "".join(groups)
    decimal = _plain_text(digits + "".join(groups[:-1]), groups[-1])
    grouped = len(digits) <= 3 and len(groups[-1]) == 3 and all(2 <= len(group) <= 3 for group in groups)
    kinds = set(marks)
    if kinds == {"."}:
        if len(marks) > 1:
            return [{_stripped(joined)}] if grouped else [{token}]
        return [{decimal, _stripped(joined)} if grouped and digits.strip("0") else {decimal}]
    if len(kinds) == 2 and kinds == {",", "."} and marks.count(marks[-1]) == 1:
        return [{decimal}]
    if len(kinds) == 1 and grouped:
        return [{_stripped(joined)}]
    if marks == [","]:
        return [{decimal}]
    return [{_stripped(part)} for part in (digits, *groups)]


def _stripped(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _plain_text(whole: str, part: str) -> str:
    part = part.rstrip("0")
    return _stripped(whole) + (f".{part}" if part else "")


def _plain(value: Decimal) -> str:
    whole, _, part = f"{value:f}".partition(".")
    return _plain_text(whole, part)


class _Spelt:
    """A number in words, as far as it has been read."""

    def __init__(self) -> None:
        self.total, self.group, self.words, self.loose = 0, 0, 0, False
        self.smallest = 10**12

    def takes(self, word: str) -> bool:
        """Read one more word, if the number can go on with it."""
        if word in _POWERS:
            return self._multiply(_POWERS[word])
        value = _BELOW_HUNDRED[word]
        place = 10 if value >= 20 else 100 if value < 10 else 99  # what must be free before it
        free = self.group % 100 == 0 if place != 100 else self.group % 10 == 0 and self.group % 100 not in (10,)
        if self.words and (self.smallest <= value or not free):
            return False
        self.group += value
        self.smallest = 1 if value < 20 else 10
        self._count(word in _LOOSE_ALONE)
        return True

    def _multiply(self, power: int) -> bool:
        if power == 100:
            if self.words and not 0 < self.group < 100:
                return False
            self.group = (self.group or 1) * 100
            self.smallest = 100
        else:
            if self.words and not self.group:
                return False
            self.total, self.group = self.total + (self.group or 1) * power, 0
            self.smallest = power
        self._count(False)
        return True

    def _count(self, loose: bool) -> None:
        self.loose = loose if not self.words else False
        self.words += 1

    def numeral(self) -> Numeral:
        return Numeral(frozenset({str(self.total + self.group)}), firm=not self.loose)


def _in_words(text: str) -> Iterator[Numeral]:
    spelt, end, pending = _Spelt(), -1, -1
    for match in _WORD.finditer(text):
        word = match[0].lower() if len(match[0]) <= 12 else ""
        if word == "and" and spelt.smallest >= 100 and spelt.words and text[end : match.start()] == " ":
            pending = match.end()
            continue
        gap = text[end : match.start()] if end >= 0 and match.start() - end <= 5 else ""
        if word in _BELOW_HUNDRED or word in _POWERS:
            if not (spelt.words and gap in _SMALL_GAPS and (pending < 0 or gap == " and ") and spelt.takes(word)):
                if spelt.words:
                    yield spelt.numeral()
                spelt = _Spelt()
                if _after_digits(text, match.start()):
                    spelt, end, pending = _Spelt(), -1, -1
                    continue
                spelt.takes(word)
            end, pending = match.end(), -1
            continue
        if spelt.words:
            yield spelt.numeral()
        spelt, end, pending = _Spelt(), -1, -1
        if word in _LOOSE:
            yield Numeral(frozenset({str(_LOOSE[word])}), firm=False)
    if spelt.words:
        yield spelt.numeral()


def _after_digits(text: str, at: int) -> bool:
    """Whether a word stands right after a number in digits, which has taken it as its scale: 3 million."""
    return at > 1 and text[at - 1] in " -" + _GAPS and text[at - 2].isdigit()
