"""Sentences of a document that can be told alone, what in them can be asked for, and how one is made false.

A sentence is kept in its own words: with a blank it can be filled again to the letter, and a false one differs from it
by one name, date or number of the same kind. That the false one is not true elsewhere in the document is judged by
what the document names together, in linear time; a paraphrase without any shared word escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from synthcpt.text.abbreviations import word_set
from synthcpt.text.kinds import Value, Values
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.sentences import sentence_spans
from synthcpt.text.telling import Sentence, is_sound, leans

BLANK = "_____"

_OF_SUBJECT = word_set("it he she its his her they their")
_THINGS = re.compile(
    r"The (?:film|movie|book|novel|series|company|group|ship|album|song|team|story|village|town|city) "
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_PARENTHESIS = re.compile(r"\s*\([^()]{1,80}\)\s*\Z")
_COUNTED = re.compile(r"[\s-][^\W\d_]+")
_YEAR = re.compile(r"\d{4}")
_CUT_BEFORE = word_set(
    """of in on at by for from to with into over under after before during between against through as than about near
    who which that when where because while until since"""
)
_SAME_WORDS_SHARE = 0.5
_TAIL_WORDS = (2, 7)
_FEWEST_WORDS_BEFORE_TAIL = 4
_MOST_SENTENCES = 200
"""What more sentences than this name is too common to be checked, and to be asked for."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence with a blank, and what fills it: ``sentence.replace(BLANK, value.text)`` is the source's."""

    sentence: str
    value: Value


class Statements:
    """A document's sentences, and what can be asked of them.

    Args:
        text: the document.
        title: what it is about; its name is never asked for.
    """

    def __init__(self, text: str, title: str) -> None:
        self.text = text
        self.subject = _PARENTHESIS.sub("", " ".join(title.split()))
        self._title_words = frozenset(word.lower() for word in re.findall(r"\w{3,}", title))
        self.sentences = list(self._read(Values(text)))
        self._holding: dict[str, list[int]] = {}
        for number, sentence in enumerate(self.sentences):
            for key in dict.fromkeys(key for value in sentence.values for key in _keys(value)):
                self._holding.setdefault(key, []).append(number)

    def _read(self, values: Values) -> Iterator[Sentence]:
        block, everything, at = 0, values.all, 0
        for start, end in sentence_spans(self.text):
            raw = self.text[start:end]
            text = raw.strip()
            begin = start + len(raw) - len(raw.lstrip())
            held = list[Value]()
            while at < len(everything) and everything[at].start < end:
                if everything[at].end <= end:
                    held.append(everything[at])
                at += 1
            if text:
                yield Sentence(begin, begin + len(text), block, text, tuple(held), leans(text), is_sound(text))
            block += "\n\n" in raw or "\n" in raw[len(raw.rstrip()) :]

    @cached_property
    def tellable(self) -> list[int]:
        """Sound sentences that say of themselves what they are about, or whose opening pronoun is the title's."""
        found: list[int] = []
        about_subject = False
        for number, sentence in enumerate(self.sentences):
            same_block = number > 0 and self.sentences[number - 1].block == sentence.block
            first = sentence.text.split(maxsplit=1)[0].lower()
            goes_on = about_subject and same_block and first in _OF_SUBJECT
            begins = bool(self.subject) and sentence.text.startswith(self.subject)
            about_subject = begins or goes_on or bool(about_subject and same_block and _THINGS.match(sentence.text))
            if sentence.is_sound and (not sentence.leans or goes_on) and self.values(number):
                found.append(number)
        return found

    def values(self, number: int) -> list[Value]:
        """The values of a sentence that are not the title's."""
        return [value for value in self.sentences[number].values if not self._is_of_title(value)]

    def _is_of_title(self, value: Value) -> bool:
        words = re.findall(r"\w{3,}", value.text.lower())
        return bool(words) and not self._title_words.isdisjoint(words)

    def gaps(self, number: int) -> list[Gap]:
        """The sentence with a blank for each value that it names once and that its other words do not give away."""
        sentence = self.sentences[number]
        found: list[Gap] = []
        for value in self.values(number):
            start, end = value.start - sentence.start, value.end - sentence.start
            with_blank = sentence.text[:start] + BLANK + sentence.text[end:]
            words = re.findall(r"\w{3,}", value.text) or [value.text]
            if value.kind != "number" and not any(Haystack(with_blank).find(word) for word in words):
                found.append(Gap(with_blank, value))
        return found

    def false_values(self, number: int, value: Value, among: Collection[int]) -> list[Value]:
        """Other values of the same kind that stand in these sentences and would make this one false; each once."""
        found: dict[str, Value] = {}
        for other_number in sorted(among):
            for other in self.sentences[other_number].values:
                if other.key not in found and self._is_false_with(number, value, other):
                    found[other.key] = other
        return list(found.values())

    def replaced(self, number: int, value: Value, other: Value) -> str:
        """The sentence with one value in another's place."""
        sentence = self.sentences[number]
        start, end = value.start - sentence.start, value.end - sentence.start
        return sentence.text[:start] + other.text + sentence.text[end:]

    def _is_false_with(self, number: int, value: Value, other: Value) -> bool:
        sentence = self.sentences[number]
        if value.kind != other.kind or value.kind in ("number", "name") or self._is_of_title(other):
            return False
        if _related(value, other) or any(_related(held, other) for held in sentence.values):
            return False
        if not self._fits(value, other):
            return False
        return self.replaced(number, value, other) not in self.text and not self._is_told_elsewhere(
            number, value, other
        )

    def _fits(self, value: Value, other: Value) -> bool:
        """Whether articles and notation agree."""
        if value.is_name:
            return self._article(value) == self._article(other) and (" " in value.text) <= (" " in other.text)
        return value.text[0].isdigit() == other.text[0].isdigit()

    def _article(self, value: Value) -> str:
        before = self.text[max(0, value.start - 4) : value.start].lower()
        return "the" if before == "the " else "a" if re.search(r"\ban? \Z", before) else ""

    def _is_told_elsewhere(self, number: int, value: Value, other: Value) -> bool:
        """Whether another sentence names the other value with all the rest, or in much the same words."""
        sentence = self.sentences[number]
        rest = {held.key for held in self.values(number)} - {value.key}
        words = _content(sentence)
        if len(self._holding.get(other.key, ())) > _MOST_SENTENCES:
            return True
        for elsewhere in self._holding.get(other.key, ()):
            if elsewhere == number:
                continue
            there = self.sentences[elsewhere]
            keys = {key for held in there.values for key in _keys(held)}
            if (rest and rest <= keys) or _share(words, _content(there)) >= _SAME_WORDS_SHARE:
                return True
        return False

    def is_stated(self, number: int, shown: Collection[int]) -> bool:
        """Whether one of these sentences has all the values of this one, or most of its words."""
        values, words = self.values(number), _content(self.sentences[number])
        for other in shown:
            haystack = Haystack(self.sentences[other].text)
            if all(haystack.find(value.text) or haystack.find(value.key) for value in values):
                return True
            if _share(words, _content(self.sentences[other])) >= _SAME_WORDS_SHARE:
                return True
        return False

    def keywords(self, numbers: range) -> list[str]:
        """The names, dates and numbers of these sentences, each once, numbers with what they count."""
        found: dict[str, str] = {}
        for value in (value for number in numbers for value in self.sentences[number].values):
            counted = _COUNTED.match(self.text, value.end) if value.kind.startswith("number of ") else None
            if value.kind != "number":
                found.setdefault(value.key, " ".join((value.text + (counted[0] if counted else "")).split()))
        return list(dict.fromkeys(found.values()))

    def span(self, numbers: range) -> list[int]:
        """The characters from the first of these sentences to the end of the last."""
        return [self.sentences[numbers[0]].start, self.sentences[numbers[-1]].end]

    def without(self, hidden: range, passage: range) -> str:
        """The passage without some of its sentences that stand together."""
        start, end = self.span(passage)
        before = self.text[start : self.sentences[hidden.start].start].rstrip()
        if hidden.stop == passage.stop:
            return before
        after = self.text[self.sentences[hidden.stop].start : end]
        if not before:
            return after
        same_block = self.sentences[hidden.start - 1].block == self.sentences[hidden.stop].block
        return before + (" " if same_block else "\n\n") + after

    def tail(self, number: int) -> int:
        """Where the last phrase of a sentence begins, in the sentence's characters; 0 where none can be split off."""
        sentence = self.sentences[number]
        words = list(re.finditer(r"\S+", sentence.text))
        fewest, most = _TAIL_WORDS
        for place in range(max(_FEWEST_WORDS_BEFORE_TAIL, len(words) - most), len(words) - fewest + 1):
            start = words[place].start()
            inside = any(v.start < sentence.start + start < v.end for v in sentence.values)
            told = [v for v in self.values(number) if v.start >= sentence.start + start]
            begins = words[place][0] in _CUT_BEFORE or any(v.start == sentence.start + start for v in told)
            given_away = any(sentence.text.find(v.text, 0, start) >= 0 for v in told)
            in_name = words[place][0][0].isupper() and words[place - 1][0][0].isupper()
            if begins and told and not (inside or given_away or in_name or _ends_open(words[place - 1][0])):
                return start
        return 0


def _ends_open(word: str) -> bool:
    return word.lower() in _CUT_BEFORE or word.lower() in ("the", "a", "an", "and", "or") or word[-1] in ",;:"


def _keys(value: Value) -> list[str]:
    """A value's key; of a date, its year's also."""
    year = _YEAR.search(value.text) if value.kind in ("date", "month") else None
    return [value.key, year[0]] if year else [value.key]


def _related(one: Value, other: Value) -> bool:
    """Whether two values may be the same thing, or parts of one."""
    if one.key == other.key:
        return True
    if one.is_name != other.is_name:
        return False
    if not one.is_name:
        return one.key in other.key or other.key in one.key
    words = {word for word in re.findall(r"\w+", canonical(one.text)) if len(word) > 2}
    return not words.isdisjoint(re.findall(r"\w+", canonical(other.text)))


def _content(sentence: Sentence) -> frozenset[str]:
    """The stems of a sentence's longer words that belong to no value."""
    names = {word for value in sentence.values for word in _WORD.findall(value.text.lower())}
    return frozenset(word[:6] for word in _WORD.findall(sentence.text.lower()) if word not in names)


def _share(words: frozenset[str], there: frozenset[str]) -> float:
    return len(words & there) / len(words) if words else 0.0
