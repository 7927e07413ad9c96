"""Locks what must not change when a sentence is told in other words: its numbers, dates and names.

A string check, in linear time, of a text against the sentence or document it was made from. Values are compared, not
notations: "1,240" is 1240, "three" is 3, "1.2 million" is 1200000, and "12 May 1841" is "May 12th, 1841". It knows
English number words, and the months of six languages; names are words with a capital, so that scripts without capitals
have their numbers locked alone. It does not see values that changed places.

Where a language writes all nouns with a capital (German), only two such words in a row count as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from synthcpt.text.abbreviations import OPENERS, word_set
from synthcpt.text.calendar_dates import MONTH_NUMBERS, Date, find_dates
from synthcpt.text.gates import Verdict
from synthcpt.text.numerals import Numeral, numerals, plain_digits

_WORD = re.compile(r"[^\W_]++(?:[-'’‑.&][^\W_]++)*+")
_INSIDE_RUN = word_set("of the de la le du des van von der den da dos di del della al el bin ibn y and & for in on at")
"""These join the words of a name, and are none themselves."""
_STOP = re.compile(r"[.!?:;…。！？\n]\W*+\Z")
_LETTER = re.compile(r"\w")
_MARK = re.compile(r"[,;:!?()\n]|\.\s")
_JOINT = re.compile(r"[-'‑.&]")
_GERMAN = word_set("der das und ist wurde von dem ein eine einer eines mit für auf nicht auch sich zum zur bei nach")
"""Frequent in German and not in English."""
_NO_NAMES = (
    frozenset(word.lower() for word in OPENERS)
    | _INSIDE_RUN
    | _GERMAN
    | frozenset(MONTH_NUMBERS)
    | word_set(
        """nor over under up down out off as is are was were be been has have had do does did will would can could may
        might must shall should me us him them him which who whom whose not yes no mr mrs ms dr monday tuesday wednesday
        thursday friday saturday sunday ad bc bce ce am pm among between through throughout against about above below
        around like unlike per via than less least much few every any either neither four five six seven eight nine ten
        eleven twelve twenty thirty forty fifty hundred thousand born founded located named known based built written
        directed produced released originally die les un une une los las una il lo gli"""
    )
)
_LOOK_BACK = 16


@dataclass(frozen=True, slots=True)
class Locked:
    """What is locked in a text.

    Attributes:
        numerals: its numbers, without those of its dates.
        dates: its dates; a year alone is a number.
        values: every reading of every number, and the years of the dates.
        names: the words of its names, lower case, each with how it is written.
        paired: those of them that stand next to another.
        german: it writes all nouns with a capital, so that only `paired` can be told from nouns.
        words: all its words, lower case.
    """

    numerals: tuple[Numeral, ...]
    dates: tuple[Date, ...]
    values: frozenset[str]
    names: dict[str, str]
    paired: dict[str, str]
    german: bool
    words: frozenset[str]


@lru_cache(maxsize=256)
def locked(text: str) -> Locked:
    """What is locked in a text; cached, since a document is compared with many texts."""
    plain = plain_digits(text)
    dates, rest = find_dates(plain)
    found = tuple(numerals(rest))
    values = {value for numeral in found for value in numeral.readings} | {date.year for date in dates if date.year}
    words = [(match.start(), match[0]) for match in _WORD.finditer(plain)]
    lower = [word.lower() for _, word in words]
    german = sum(word in _GERMAN for word in lower) * 10 >= max(10, len(lower))
    named, paired = _names(plain, words, lower)
    return Locked(found, tuple(dates), frozenset(values), named, paired, german, frozenset(_bare_words(words)))


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text in plain digits, also those in words and the years of dates; not days and months."""
    found = locked(text)
    firm = {value for numeral in found.numerals if numeral.firm for value in numeral.readings}
    return frozenset(firm | {date.year for date in found.dates if date.year})


def dates(text: str) -> frozenset[str]:
    """The dates of a text as ``1841-05-12``, ``1841-05`` or ``--05-12``."""
    return frozenset(reading for date in locked(text).dates for reading in date.readings)


def names(text: str) -> frozenset[str]:
    """The words of the names in a text, lower case, without possessive endings.

    A word that begins a sentence counts where another word with a capital follows it.
    """
    found = locked(text)
    return frozenset(found.paired if found.german else found.names)


def lost(text: str, source_fact: str) -> Verdict | None:
    """A number, date or name of the fact that the text does not have, or None."""
    fact, told = locked(source_fact), locked(text)
    for numeral in fact.numerals:
        if numeral.firm and told.values.isdisjoint(numeral.readings):
            return Verdict("number_lost", f"{min(numeral.readings)} is not in it")
    written = {reading for date in told.dates for reading in date.readings}
    for date in fact.dates:
        if written.isdisjoint(date.readings):
            return Verdict("date_lost", f"{min(date.readings)} is not in it")
    for word, name in (fact.paired if fact.german or told.german else fact.names).items():
        if not _has_word(told.words, word):
            return Verdict("name_lost", f"{name!r} is not in it")
    return None


def invented(text: str, source: str) -> Verdict | None:
    """A number, date or name of the text that the source does not have, or None.

    A date counts as the source's if the source has its day and month, and its year anywhere.
    """
    told, known = locked(text), locked(source)
    for numeral in told.numerals:
        if numeral.firm and known.values.isdisjoint(numeral.readings):
            return Verdict("number_invented", f"{min(numeral.readings)} is not in the source")
    for date in told.dates:
        if not any(date.drawn_from(other, known.values) for other in known.dates):
            return Verdict("date_invented", f"{min(date.readings)} is not in the source")
    for word, name in (told.paired if told.german or known.german else told.names).items():
        if not _has_word(known.words, word):
            return Verdict("name_invented", f"{name!r} is not in the source")
    return None


def _has_word(words: frozenset[str], word: str) -> bool:
    if word in words or f"{word}s" in words or (word.endswith("s") and word[:-1] in words):
        return True
    if "\u0370" <= word[0] <= "\u052f" and len(word) > 4:  # Greek and Cyrillic names change their endings
        return any(word[:-2] == other[: len(word) - 2] and abs(len(other) - len(word)) <= 2 for other in words)
    return False


def _bare(word: str) -> str:
    word = word.lower().replace("’", "'")
    return word.removesuffix("'s")


def _bare_words(words: Sequence[tuple[int, str]]) -> Iterator[str]:
    for _, word in words:
        yield (bare := _bare(word))
        if not bare.isalnum():
            yield from _JOINT.split(bare)


def _names(text: str, words: Sequence[tuple[int, str]], lower: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The words of names as (lower case, as written): all, and those with a capitalised neighbour."""
    named, paired = dict[str, str](), dict[str, str]()
    capitals = [
        word[0].isupper() and len(word) > 1 and low not in _NO_NAMES
        for (_, word), low in zip(words, lower, strict=True)
    ]
    for place, (at, word) in enumerate(words):
        if not capitals[place]:
            continue
        follows = _is_next_to_capital(text, words, lower, capitals, place, 1)
        if follows or not _opens_sentence(text, at):
            named[_bare(word)] = word
        if follows or _is_next_to_capital(text, words, lower, capitals, place, -1):
            paired[_bare(word)] = word
    return named, paired


def _opens_sentence(text: str, at: int) -> bool:
    before = text[max(0, at - _LOOK_BACK) : at]
    return bool(_STOP.search(before)) or (at <= _LOOK_BACK and not _LETTER.search(before))


def _is_next_to_capital(
    text: str, words: Sequence[tuple[int, str]], lower: Sequence[str], capitals: Sequence[bool], place: int, step: int
) -> bool:
    """Whether the next word has a capital, too, but for short ones that join the parts of names; no mark between."""
    at = place + step
    while 0 <= at < len(words) and abs(at - place) < 4 and lower[at] in _INSIDE_RUN:
        at += step
    if not 0 <= at < len(words) or not capitals[at]:
        return False
    first, last = min(at, place), max(at, place)
    return not _MARK.search(text, words[first][0] + len(words[first][1]), words[last][0])
