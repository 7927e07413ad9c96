"""The names, dates and numbers of a text, each with its kind, so that one can stand in for another of the same kind.

By rules, in linear time: dates, years, sums, shares and counts by their notation (in digits, and English number words),
names by their capitals, and a name's kind by its words ("Bay", "Ltd", "Captain"), by the words before it ("born in",
"directed by", "the steamer"), and by the names that it is listed with. A name of which none of this tells the kind is
a plain ``name``. Two counts are of one kind where they count the same thing. Scripts without capitals have dates and
numbers alone; languages that write all nouns with a capital have names of two words and more.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from synthcpt.text.abbreviations import word_set
from synthcpt.text.kind_words import (
    DEMONYMS,
    JOINING,
    NO_NAME,
    ORGANISATIONS,
    PLACES,
    QUANTITY,
    SURNAMES_TOO,
    TITLES,
    UNIT_WORDS,
)
from synthcpt.text.mentions import canonical
from synthcpt.text.sentences import sentence_spans

_COUNTED = re.compile(r"[ \u00a0-]([^\W\d_]{1,24})(?!\w)")
_COUNTED_PLURALS = word_set("men women people children feet year metre mile day hour minute page km kg")
_YEARLY = word_set("in since until by from of during to and between around early late mid before after")

_WORD = re.compile(r"[^\W\d_]+(?:['’&‐-][^\W_]+)*")
_GAP = re.compile(r"(?:\.? |\.(?=\w))(?:(?:of the|[^\W\d_]{1,5}|&) )?")
_COMMON_COMPOUND = re.compile(r"[-‐][a-z]")
"""By-law, Vice-president: words with a capital now and then."""
_LIST_GAP = re.compile(r"(?:, and |, | and | & )")
_BEFORE_PLACE = word_set("in near from at around across outside inside throughout toward towards via to")
_BEFORE_PERSON = word_set(
    "by starring stars featuring alongside opposite actor actress director writer author producer composer"
)
_OF_PERSON = re.compile(
    r",? (?:(?:was|were|is) )?(?:who\b|himself\b|herself\b|born\b|died\b|married\b|wrote\b|said\b|graduated\b)|"
    r" [^\W\d_]{3,14} (?:his|him)\b"
)
_PRONOUN_START = re.compile(r"(?:He|She) ")
_GERMAN = word_set("der das und ist wurde von dem ein eine einer eines mit für auf nicht auch sich")
_LONGEST_NAME_WORDS = 7
_LOOK_BACK_CHARS = 32
_LONGEST_JOINT = 10
_MOST_LISTED = 3


@dataclass(frozen=True, slots=True)
class Value:
    """A name, date or number where it stands in a text.

    Attributes:
        start, end: its characters.
        text: as written there.
        kind: ``person``, ``place``, ``organisation``, ``name``, or what a name is called by (``steamer``); ``date``,
            ``month``, ``day``, ``year``, ``decade``, ``time``, ``sum``, ``share``, ``number``, or ``number of crowns``.
        key: the same for all mentions of the same value in the same form.
    """

    start: int
    end: int
    text: str
    kind: str
    key: str

    @property
    def is_name(self) -> bool:
        """Whether it is a name and no quantity."""
        return self.kind not in QUANTITIES and not self.kind.startswith("number")


QUANTITIES = ("date", "month", "day", "year", "decade", "time", "sum", "share")


class Values:
    """The typed values of a text.

    Args:
        text: any.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = frozenset(start for start, _ in sentence_spans(text))
        words = Counter(match[0] for match in _WORD.finditer(text))
        self._lower = {word for word in words if word.islower()}
        total = sum(words.values())
        self._nouns_capitalised = sum(words[word] for word in _GERMAN) * 10 >= max(10, total)
        self._shouts = text.isupper()

    @cached_property
    def all(self) -> list[Value]:
        """In order, none overlapping another."""
        quantities = list(self._quantities())
        return sorted([*quantities, *self._names(quantities)], key=lambda value: value.start)

    def between(self, start: int, end: int) -> list[Value]:
        """Those within a range of characters."""
        return [value for value in self.all if start <= value.start and value.end <= end]

    def _quantities(self) -> Iterator[Value]:
        for match in QUANTITY.finditer(self.text):
            kind = match.lastgroup or "number"
            if kind == "year" and not self._is_year(match.start(), match.end()):
                kind = "digits"
            if kind in ("digits", "spelt"):
                kind = self._count(match.end())
            yield Value(match.start(), match.end(), match[0], kind, match[0].lower())

    def _is_year(self, start: int, end: int) -> bool:
        """Whether four digits are a year and do not count what follows them."""
        before = self.text[max(0, start - 12) : start].split()
        counted = _COUNTED.match(self.text, end)
        return (bool(before) and before[-1].lower().strip("(") in _YEARLY) or not (counted and self._plural(counted[1]))

    @staticmethod
    def _plural(word: str) -> bool:
        return word.islower() and word.endswith("s") and len(word) > 3 and word not in ("this", "pages'")

    def _count(self, end: int) -> str:
        counted = _COUNTED.match(self.text, end)
        word = counted[1] if counted else ""
        if not self._plural(word) and word not in _COUNTED_PLURALS:
            return "number"
        return f"number of {word.removesuffix('s')}"

    def _names(self, quantities: Sequence[Value]) -> list[Value]:
        if self._shouts:
            return []
        taken = [(value.start, value.end) for value in quantities]
        runs = [run for run in self._runs() if not _overlaps(taken, *run)]
        inside = {self.text[start:end] for start, end in runs if start not in self._sure_starts}
        found = [
            Value(start, end, self.text[start:end], "name", canonical(self.text[start:end]))
            for start, end in runs
            if self._is_name(start, end, inside)
        ]
        return self._with_kinds([value for value in found if value.key])

    @cached_property
    def _sure_starts(self) -> frozenset[int]:
        """Where a capital may be due to the place: the first word of a sentence, quotation or line."""
        found = set[int]()
        for match in _WORD.finditer(self.text):
            at = match.start()
            before = self.text[max(0, at - _LOOK_BACK_CHARS) : at]
            if at in self._starts or before.rstrip(" ")[-1:] in ":\"“‘'(*_\n#" or not before.strip(" \n#*_>|-"):
                found.add(at)
        return frozenset(found)

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Words with a capital that stand together."""
        start, end, count, last = -1, -1, 0, ""
        for match in _WORD.finditer(self.text):
            initial = len(match[0]) == 1 and self.text[match.end() : match.end() + 1] == "."
            counts = match[0].lower() in UNIT_WORDS and match.start() not in self._sure_starts  # the Three Sisters
            capital = match[0][0].isupper() and (initial or counts or match[0].lower() not in NO_NAME)
            if start >= 0 and match[0] in JOINING and match.start() - end < _LONGEST_JOINT:
                continue
            if capital and count < _LONGEST_NAME_WORDS and start >= 0 and self._joined(end, match.start(), last):
                end, count, last = match.end(), count + 1, match[0]
                continue
            if start >= 0:
                yield self._trimmed(start, end)
            start, end, count = (match.start(), match.end(), 1) if capital else (-1, -1, 0)
            last = match[0]
        if start >= 0:
            yield self._trimmed(start, end)

    def _joined(self, end: int, start: int, last: str) -> bool:
        """Whether what stands between two words keeps them one name: a space, an initial's stop, an "of the"."""
        if start in self._starts or not _GAP.fullmatch(self.text, end, start):
            return False
        if self.text[end] == "." and (len(last) > 3 or (self.text[end + 1] != " " and len(last) > 1)):
            return False
        return all(word in JOINING or word == "&" for word in self.text[end + 1 : start].split())

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Without nationalities before it, and without a possessive ending."""
        words = list(_WORD.finditer(self.text, start, end))
        while len(words) > 1 and _is_demonym(words[0][0]):
            words = words[1:]
        if words[-1][0].endswith(("'s", "’s")):
            end -= 2
        return words[0].start(), end

    def _is_name(self, start: int, end: int, inside: set[str]) -> bool:
        name = self.text[start:end]
        words = name.split()
        if all(map(_is_demonym, words)) or (
            self._nouns_capitalised and (len(words) < 2 or not all(word[0].isupper() for word in words))
        ):
            return False
        if len(words) > 1:
            return not (start in self._sure_starts and words[0].lower() in self._lower and len(words) == 2) or (
                words[1].lower() not in self._lower
            )
        if len(name) < 2 or name.lower() in TITLES or name.lower().rstrip("s") in self._lower:
            return False
        if name.lower() in self._lower:
            return False
        return start not in self._sure_starts or name in inside or name.isupper()

    def _with_kinds(self, names: list[Value]) -> list[Value]:
        votes: dict[str, Counter[str]] = {}
        full = _full_names(value.key for value in names)
        for value in names:
            if kind := self._kind(value):
                votes.setdefault(full.get(value.key, value.key), Counter())[kind] += 1
        kinds = {key: min(count, key=lambda kind: (-count[kind], kind)) for key, count in votes.items()}
        for _ in range(_MOST_LISTED):  # along a list, a name at a time
            for one, other in zip([*names, *names[::-1]], [*names[1:], *names[::-1][1:]], strict=False):
                left, right = sorted((one.end, other.start, one.start, other.end))[1:3]
                if _LIST_GAP.fullmatch(self.text, left, right) and one.key in kinds and _listed(one, other):
                    kinds.setdefault(other.key, kinds[one.key])
        for key in dict.fromkeys(value.key for value in names):
            if " " in key and key.rsplit(" ", 1)[1] in SURNAMES_TOO:
                kinds.setdefault(key, "place")
        return [replace(value, kind=kinds.get(full.get(value.key, value.key), "name")) for value in names]

    def _kind(self, value: Value) -> str:
        """What this mention tells of its kind; empty for nothing."""
        words = [word.lower().strip(".") for word in value.text.split()]
        before = self.text[max(0, value.start - _LOOK_BACK_CHARS) : value.start].split()
        last = before[-1].lower() if before else ""
        if (words[0] in TITLES and len(words) > 1) or last.strip(".") in TITLES:
            return "person"
        if words[-1] in ORGANISATIONS or (words[0] in ORGANISATIONS and len(words) > 1):
            return "organisation"
        if len(words) > 1 and last in _BEFORE_PERSON and "of" not in words:
            return "person"
        if words[-1] in PLACES - SURNAMES_TOO or (len(words) > 1 and words[0] in PLACES):
            return "place"
        if value.text.isupper():
            return ""
        if _OF_PERSON.match(self.text, value.end) or self._is_pronouns_subject(value):
            return "person"
        if last in _BEFORE_PLACE and len(words) < 3:
            return "place"
        if len(before) > 1 and before[-2] in ("the", "a") and last.isalpha() and last.islower() and len(last) > 2:
            return last
        return ""

    def _is_pronouns_subject(self, value: Value) -> bool:
        """Whether a sentence begins with the name and the next with "He" or "She"."""
        if value.start not in self._starts:
            return False
        following = self._next_start.get(value.start)
        return following is not None and _PRONOUN_START.match(self.text, following) is not None

    @cached_property
    def _next_start(self) -> dict[int, int]:
        return dict(pairwise(sorted(self._starts)))


def distinctive_words(text: str) -> frozenset[str]:
    """The words, in lower case, by which the names of a text are known: "Quillan" of "Quillan School"."""
    general = PLACES | ORGANISATIONS | TITLES | JOINING | DEMONYMS | NO_NAME
    lower = {word for word in _WORD.findall(text) if word.islower()}
    words = {word for value in Values(text).all if value.is_name for word in _WORD.findall(value.text)}
    words = {word for word in words if not _COMMON_COMPOUND.search(word)}
    bare = {word.lower().removesuffix("'s").removesuffix("’s") for word in words}
    return frozenset(word for word in bare if len(word) > 2 and word not in general and word not in lower)


def _full_names(keys: Iterable[str]) -> dict[str, str]:
    """For a last name the one longer name that ends with it."""
    longer: dict[str, set[str]] = {}
    for key in keys:
        if " " in key:
            longer.setdefault(key.rsplit(" ", 1)[1], set()).add(key)
    return {last: min(names) for last, names in longer.items() if len(names) == 1}


def _listed(one: Value, other: Value) -> bool:
    """Whether two neighbours look like members of one list."""
    return bool(one.text.strip()) and abs(len(one.text.split()) - len(other.text.split())) < 3


def _is_demonym(word: str) -> bool:
    lower = word.lower()
    return lower in DEMONYMS or lower.endswith("-language") or lower.split("-")[0] in DEMONYMS


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a range meets one of these, which are in order."""
    at = bisect_left(spans, (start, start))
    return any(a < end and start < b for a, b in spans[max(0, at - 1) : at + 2])
