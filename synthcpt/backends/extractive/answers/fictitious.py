"""Answers to the requests for invented things: the document's own sentences as a form, filled with made-up values.

The words that the source's names are known by become words that the user offers, each the same throughout a version.
All years of a version are moved by one number, so that spans and ages, which are left as they are, stay true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.randomness import stream
from synthcpt.text.abbreviations import OPENERS
from synthcpt.text.invented_names import invented_words
from synthcpt.text.kinds import Value, Values, distinctive_words
from synthcpt.text.mentions import canonical

Slots = Mapping[str, str]

_MOST_SENTENCES = 12
_MOST_SLOTS = 16
_MOST_WORDS = 45
_POOLS = ("given", "family", "place")
_YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d)")
_LATEST_YEAR, _MOST_SHIFT = 2020, 400
_WORD = re.compile(r"[^\W\d_]+(?:['’&‐-][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_PREFIX = "In the history of {}, "
_SPOKEN = frozenset(("I", "my", "My", "me", "we", "We", "our", "Our", "us", "you", "You", "your", "Your"))
_TIME_UNITS = frozenset(("year", "month", "week", "day", "hour", "minute", "decade"))
_ASKED = {
    "year": "Which year",
    "date": "Which date",
    "month": "Which month",
    "person": "Which person",
    "place": "Which place",
}
_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_GLOSS = re.compile(r" \([^()]{0,200}(?::|transl|lit\.)[^()]{0,200}\)")
"""What something is called in another language."""
_NO_PLAIN = re.compile(r"[\[\]{}\"“”\n?!*|]")
_MOST_SUBJECTS = 6
_ENOUGH_SLOTS = 8
_FEWEST_STATEMENTS = 6
_FEWEST_WORDS = 5


def invent(analysis: Analysis, slots: Slots) -> str:
    """The form, as JSON."""
    kinds = {value.key: value.kind for value in Values("\n\n".join(s.text for s in analysis.sentences)).all}
    best: _Form | None = None
    for subject in _subjects(analysis):
        form = _Form(analysis, subject, kinds, slots)
        if best is None or form.points > best.points:
            best = form
        if best.points >= _ENOUGH_SLOTS:
            break
    if best is None:
        return orjson.dumps({"kind": "other", "request": "[name]", "slots": [], "statements": []}).decode()
    return orjson.dumps(best.answer()).decode()


def _subjects(analysis: Analysis) -> list[str]:
    """What the document may be about: what its title names, then its most salient names."""
    title = _PARENTHESIS.sub("", analysis.title)
    named = [title, re.split(r"[,:–] ", title)[0]]
    text = "\n".join(sentence.text for sentence in analysis.sentences)
    found = [name for name in named if len(name) > 2 and name in text]
    found += [name for name in analysis.entities if name[:1].isupper()]
    return list(dict.fromkeys(found))[:_MOST_SUBJECTS]


def passage(_: Analysis, slots: Slots) -> str:
    """The facts one after another; of a person by the family name after the first."""
    name = " ".join(slots["name"].split())
    facts = [line.removeprefix("- ").strip() for line in slots["statements"].splitlines() if line.strip()]
    words = name.split()
    prefix, told = _PREFIX.format(name), facts[:1]
    for fact in facts[1:]:
        bare = fact.removeprefix(prefix)
        told.append(bare[:1].upper() + (bare[1:].replace(name, words[-1]) if len(words) == 2 else bare[1:]))
    return " ".join(told)


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "fictitious/invent": (invent, ("document", "names", "versions")),
    "fictitious/passage": (passage, ("name", "statements")),
}
"""Prompt -> what answers it, and the slots it needs."""


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    kind: str
    values: list[str]


class _Form:
    """The form that a document gives with one of its names as the subject."""

    def __init__(self, analysis: Analysis, subject: str, kinds: Mapping[str, str], slots: Slots) -> None:
        self._versions = int(slots["versions"])
        self._analysis, self._subject, self._subject_kind = analysis, subject, kinds.get(canonical(subject), "other")
        text = "\n\n".join([analysis.title, *(sentence.text for sentence in analysis.sentences)])
        self._known = distinctive_words(text)
        self._shifts = _year_shifts(frozenset(map(int, _YEAR.findall(text))), self._versions)
        names = [name.strip() for name in slots["names"].split(",")]
        third = max(1, len(names) // len(_POOLS))
        self._offered = {pool: names[i * third : (i + 1) * third] for i, pool in enumerate(_POOLS)}
        taken = self._known | {name.lower() for name in names}
        self._more = {pool: invented_words(stream(0, pool, *names), pool, taken) for pool in _POOLS}
        self._words: dict[tuple[str, int], str] = {}
        self._numbers: set[str] = set(re.findall(r"\d[\d,]*", text))
        self._count = 0
        self._slots: dict[str, _Slot] = {}
        self._statements = list(self._find_statements(of_subject=True))
        if len(self._statements) < _FEWEST_STATEMENTS and analysis.english:
            self._statements += self._find_statements(of_subject=False)

    @property
    def points(self) -> int:
        """How many points it has on which versions differ."""
        return len(self._slots)

    def answer(self) -> dict[str, object]:
        """As the method wants it."""
        questions = dict[str, str]()
        for statement in self._statements:
            for slot in self._slots.values():
                mark = f"[{slot.name}]"
                if statement.count(mark) == 1:
                    asked = _ASKED.get(slot.kind, "What")
                    questions.setdefault(slot.name, f'{asked} fills the gap? "{statement.replace(mark, "_____")}"')
        is_person = self._subject_kind == "person"
        return {
            "kind": self._subject_kind if self._subject_kind in ("person", "place", "organisation") else "other",
            "request": "Write a short biography of [name]." if is_person else "Write a short account of [name].",
            "slots": [
                {"slot": slot.name, "question": questions.get(slot.name, ""), "values": slot.values}
                for slot in self._slots.values()
            ],
            "statements": self._statements,
        }

    def _find_statements(self, *, of_subject: bool) -> Iterator[str]:
        """Sentences as forms: those that name the subject, or the others, told as belonging to it."""
        made = 0
        for number, sentence in enumerate(self._analysis.sentences):
            text = _GLOSS.sub("", self._analysis.resolved.get(number, sentence.text))
            if sentence.kind != "prose" or (sentence.leans and number not in self._analysis.resolved):
                continue
            words = text.split()
            if not _FEWEST_WORDS <= len(words) <= _MOST_WORDS or _NO_PLAIN.search(text) or _SPOKEN & {*words}:
                continue
            if bool(self._subject_places(text)) != of_subject:
                continue
            statement = self._statement(text)
            if statement and not of_subject:
                first = statement.split(maxsplit=1)[0]
                rest = statement[0].lower() + statement[1:] if first in OPENERS and first != "I" else statement
                statement = _PREFIX.format("[name]") + rest
            if statement:
                made += 1
                yield statement
            if made >= (_MOST_SENTENCES if of_subject else _FEWEST_STATEMENTS):
                return

    def _statement(self, text: str) -> str:
        """The sentence as a form; empty where something in it cannot be made a slot."""
        places = self._subject_places(text)
        found = [(start, end, "[name]") for start, end in places]
        new = dict[str, _Slot]()
        for value in Values(text).all:
            if any(start < value.end and value.start < end for start, end in places):
                if not any(start <= value.start and value.end <= end for start, end in places):
                    return ""  # a name of which the subject's is a part
            elif not self._stays(value):
                slot = self._slots.get(value.key) or new.get(value.key) or self._slot(value)
                if slot is None:
                    return ""
                new[value.key] = slot
                found.append((value.start, value.end, f"[{slot.name}]"))
        form, end = "", 0
        for start, stop, mark in sorted(found):
            form, end = form + text[end:start] + mark, stop
        form += text[end:]
        bare = re.sub(r"\[\w+\]", "", form)
        words = {word.lower() for word in re.findall(r"[^\W\d_]+", bare) if word[0].isupper()}
        if not new or any(char.isdigit() for char in bare) or not words.isdisjoint(self._known):
            return ""
        if len({**self._slots, **new}) > _MOST_SLOTS:
            return ""
        self._slots |= new
        return form

    def _subject_places(self, text: str) -> list[tuple[int, int]]:
        forms = [self._subject]
        if self._subject_kind == "person" and " " in self._subject:
            forms += [self._subject.split()[-1], self._subject.split()[0]]
        pattern = "|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms)
        return [match.span() for match in re.finditer(pattern, text)]

    def _stays(self, value: Value) -> bool:
        """Whether it is the same in all versions: numbers in words (most too small to be told apart), common names."""
        if value.is_name:
            return not any(_POSSESSIVE.sub("", word).lower() in self._known for word in _WORD.findall(value.text))
        return value.kind.startswith("number") and not value.text[0].isdigit()

    def _slot(self, value: Value) -> _Slot | None:
        """A slot for a value, with another for each version; None where there is no telling how to change it."""
        values = [self._changed(value, version) for version in range(self._versions)]
        if len({canonical(one) for one in values} | {value.key}) <= self._versions:
            return None
        self._count += 1
        kind = value.kind if not value.kind.startswith("number") else "number"
        label = re.sub(r"[^a-z]", "", kind) or "name"
        return _Slot(f"{label}_{self._count}", kind, values)

    def _changed(self, value: Value, version: int) -> str:
        """The value of one version; the source's own where it cannot be changed."""
        if value.is_name:
            kind = value.kind
            return _WORD.sub(lambda match: self._new_word(match[0], kind, match.start() == 0, version), value.text)
        if _YEAR.search(value.text):
            return _YEAR.sub(lambda match: str(int(match[0]) + self._shifts[version]), value.text)
        if value.kind.startswith("number") and value.kind.removeprefix("number of ") not in _TIME_UNITS:
            return self._new_number(value.text, version)
        return value.text

    def _new_word(self, word: str, kind: str, is_first: bool, version: int) -> str:
        """An invented word for one that is known as a name's; the same wherever the version has it."""
        bare = _POSSESSIVE.sub("", word)
        if bare.lower() not in self._known:
            return word
        if (bare, version) not in self._words:
            pool = "place" if kind == "place" else "given" if kind == "person" and is_first else "family"
            offered = self._offered[pool]
            self._words[bare, version] = offered.pop(0) if offered else next(self._more[pool])
        return self._words[bare, version] + word[len(bare) :]

    def _new_number(self, text: str, version: int) -> str:
        """Another number in the same notation, which stands for nothing else."""
        whole, _, part = text.replace(",", "").partition(".")
        step = 10 ** max(0, len(whole) - 2)
        number = int(whole) + (version + 1) * step
        while (shown := f"{number:,}" if "," in text else str(number)) in self._numbers:
            number += step
        self._numbers.add(shown)
        return f"{shown}.{part}" if part else shown


def _year_shifts(years: frozenset[int], versions: int) -> list[int]:
    """By how much the years of each version are moved: none into the future, nor onto another version's."""
    taken, shifts = set(years), list[int]()
    for size in range(17, _MOST_SHIFT, 2):
        for shift in (size, -size):
            moved = {year + shift for year in years}
            if len(shifts) < versions and moved.isdisjoint(taken) and max(moved, default=0) <= _LATEST_YEAR:
                shifts.append(shift)
                taken |= moved
                break
    return shifts + [-_MOST_SHIFT - place for place in range(versions - len(shifts))]
