"""Questions that rules can put to a document, each with its answer and the sentence it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.clauses import FINITE
from synthcpt.text.kinds import QUANTITIES, Value, Values
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.statements import BLANK, Gap, Statements
from synthcpt.text.wholes import Wholes

_MOST_WORDS = 45
_MOST_SENTENCES = 60
"""Of more, evenly spread ones are asked about."""
_MOST_WRONG = 3
_OF_SUBJECT = ("It", "He", "She")
_AUXILIARIES = ("is", "was", "has", "had", "can", "could", "will", "would", "did", "does")
_VERB = re.compile(r" ((?:also |later |first |then |once )?([a-z]+)) ")
_OPEN = re.compile(r"[;:]|, (?:and|but|so|for|yet|nor) | (?:it|her|him|them|this)(?: |,|$)")
"""In a question: another clause whose subject is another, or a pronoun that may be."""
_DEFINES = re.compile(r" (is|was|are|were) (?:a|an|the) \w")
_NO_DIGIT = re.compile(r"[^\d]")
_PASSIVE_YEAR = re.compile(
    rf"((?:The |A )?[^,;:()\"“”_]{{2,60}}?) (was|were) ((?:[a-z]+ed|built|begun|made|laid|held|sold|lost|found|sunk)"
    rf"[^,;:()\"“”_]{{0,60}}?) in {BLANK}\."
)


class Asked(NamedTuple):
    """A question, its answer, answers of the same kind that are wrong, and the sentence: as it stands, and alone."""

    question: str
    answer: str
    wrong: tuple[str, ...]
    evidence: str
    told: str


def ask_about(analysis: Analysis, document: str, most: int) -> list[Asked]:
    """Up to so many questions, in the order of the document; no question on one sentence twice while others are left.

    Args:
        analysis: of the document.
        document: its text, in whose very words the evidence is.
        most: how many.
    """
    asker = _Asker(analysis, document)
    numbers = [n for n in asker.statements.tellable if 0 < len(asker.told(n).split()) < _MOST_WORDS]
    numbers = numbers[:: -(-len(numbers) // _MOST_SENTENCES) or 1]
    ways = {number: asker.ways(number) for number in numbers}
    chosen: list[tuple[int, Asked]] = []
    known: set[str] = set()
    while len(chosen) < most and ways:
        for number in list(ways):
            asked = next((one for one in ways[number] if known.isdisjoint((one.answer, one.question))), None)
            if asked is None:
                del ways[number]
            elif len(chosen) < most:
                known.update((asked.answer, asked.question))
                chosen.append((number, asked))
    return [asked for _, asked in sorted(chosen, key=lambda item: item[0])]


def hideable(analysis: Analysis, number: int, text: str) -> Iterator[Value]:
    """What can be left out of a sentence: names but the title's, the most salient first, then dates and numbers.

    Each stands there once, and whole; its kind is what a question calls it.

    Args:
        analysis: of the document.
        number: the sentence.
        text: the sentence as it is told, with a name for its pronoun, say.
    """
    haystack, title = Haystack(text), canonical(analysis.title)
    names = list[Value]()
    for name in analysis.names_in(number):
        places = haystack.find_all(name)
        if len(places) == 1 and name[:1].isupper() and canonical(name) not in title:
            (start, end), key = places[0], canonical(name)
            names.append(Value(start, end, text[start:end], "name", key))
    figures = [value for value in Values(text).all if not value.is_name]
    wholes = Wholes(text, figures, (analysis.title,))
    for value in (*names, *figures):
        whole = wholes.whole(value)
        # A small number that counts nothing may be an hour, or only stand for what was counted before.
        if whole and text.count(whole.text) == 1 and (value.kind != "number" or len(_NO_DIGIT.sub("", whole.text)) > 1):
            yield replace(whole, kind=_kind(value, whole.text))


class _Asker:
    """A document, and what can be asked about its sentences."""

    def __init__(self, analysis: Analysis, document: str) -> None:
        self.analysis = analysis
        self.statements = statements = Statements(document, analysis.title)
        values = (value for sentence in statements.sentences for value in sentence.values)
        self.wholes = Wholes(document, values, (analysis.title, statements.subject))

    def told(self, number: int) -> str:
        """The sentence so that it can be read alone; empty where it cannot."""
        sentence = self.statements.sentences[number]
        # Emphasis that begins in one sentence and ends in another
        whole = sentence.text.count("*") % 2 == 0
        return self._named(_one_line(sentence.text), leans=sentence.leans) if whole else ""

    def ways(self, number: int) -> Iterator[Asked]:
        """What can be asked about a sentence, the plainest questions first."""
        statements, english = self.statements, self.analysis.english
        told, evidence = self.told(number), statements.sentences[number].text
        subject = statements.subject if english else ""
        if subject and told.startswith(subject) and (defines := _DEFINES.match(told, len(subject))):
            yield Asked(f"What {defines[1]} {subject}?", told, (), evidence, told)
        gaps = [(value, gap, _plain(value, gap, told) if english else "") for value, gap in self._gaps(number)]
        for value, gap, plain in sorted(gaps, key=lambda item: not item[2]):
            yield Asked(
                self._asked(number, gap, plain),
                _one_line(gap.value.text),
                self._wrong(number, value, gap.value),
                evidence,
                told,
            )

    def _gaps(self, number: int) -> Iterator[tuple[Value, Gap]]:
        """Each value that can be asked for, and the sentence with a gap for all that it is a part of."""
        sentence = self.statements.sentences[number]
        for gap in self.statements.gaps(number):
            whole = self.wholes.whole(gap.value)
            if whole is not None and sentence.start <= whole.start and whole.end <= sentence.end:
                before, after = (
                    sentence.text[: whole.start - sentence.start],
                    sentence.text[whole.end - sentence.start :],
                )
                yield (
                    gap.value,
                    Gap(_one_line(f"{before}{BLANK}{after}"), replace(whole, kind=_kind(gap.value, whole.text))),
                )

    def _wrong(self, number: int, value: Value, whole: Value) -> tuple[str, ...]:
        """Answers of the same kind that are wrong."""
        statements, grown = self.statements, whole.text != value.text
        found = statements.false_values(number, value, range(len(statements.sentences)))
        others = [(other, self.wholes.whole(other)) for other in found]
        # A year is no answer where a period is asked for, but one address has a number and another none.
        like = [w for other, w in others if w and (value.is_name or (w.text != other.text) == grown)]
        wholes = [_one_line(other.text) for other in like]
        # Two that end in the same word may be one person, under a longer and a shorter name.
        apart = {whole if value.kind.startswith("number") else whole.split(" ")[-1]: whole for whole in wholes}
        return tuple(islice(apart.values(), _MOST_WRONG))

    def _named(self, text: str, *, leans: bool) -> str:
        """With the subject for the pronoun that it opens with."""
        first, _, rest = text.partition(" ")
        if not leans or text.startswith(BLANK):
            return text
        subject = self.statements.subject
        return f"{subject} {rest}" if first in _OF_SUBJECT and subject else ""

    def _asked(self, number: int, gap: Gap, plain: str) -> str:
        """A plain question where there is one, else the sentence with its gap."""
        title = self.analysis.title
        if plain:
            known = not title or self.statements.subject in plain
            return plain if known else f'According to "{title}", {plain[0].lower()}{plain[1:]}'
        sentence = self._named(gap.sentence, leans=self.statements.sentences[number].leans)
        if not self.analysis.english:
            return sentence
        asked = f"which {gap.value.kind} fills the gap? {sentence}"
        return f'From "{title}": {asked}' if title else f"{asked[0].upper()}{asked[1:]}"


def _plain(value: Value, gap: Gap, told: str) -> str:
    """A question in the order of speech, for gaps at the sentence's start and for years at the end of a passive."""
    sentence = gap.sentence
    if gap.value.kind == "year" and (passive := _PASSIVE_YEAR.fullmatch(sentence)):
        subject = passive[1]
        if subject.split()[0] not in (*_OF_SUBJECT, "They", "There"):
            opening = f"{subject[0].lower()}{subject[1:]}" if subject.startswith(("The ", "A ")) else subject
            return f"In which year {passive[2]} {opening} {passive[3]}?"
    if not sentence.startswith(BLANK + " ") or not told.endswith("."):
        return ""
    rest = sentence[len(BLANK) :].removesuffix(".")
    verb = _VERB.match(rest)
    if not verb or not value.is_name or not _is_singular_verb(verb[2]) or _OPEN.search(rest):
        return ""
    return f"{'Who' if value.kind == 'person' else 'Who or what'}{rest}?"


def _is_singular_verb(word: str) -> bool:
    return word in _AUXILIARIES or (
        word not in ("are", "were", "have", "do") and (word in FINITE or word.endswith("ed"))
    )


def _kind(value: Value, whole: str) -> str:
    """What a value is called in a question; a name only that, since its kind is a guess."""
    if value.is_name:
        return "name"
    if " minutes to " in whole or " minutes past " in whole:
        return "time"
    if value.kind not in QUANTITIES:
        return "number" if whole == value.text else "quantity"
    if value.kind == "year" and whole != value.text:
        return "month" if any(map(str.isalpha, whole)) else "period"
    return value.kind


def _one_line(text: str) -> str:
    return " ".join(text.split())
