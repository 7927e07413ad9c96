"""Questions that rules can put to a document, each with its answer and the sentence it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.clauses import FINITE
from synthcpt.text.kinds import QUANTITIES, Value
from synthcpt.text.statements import BLANK, Gap, Statements

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
_PASSIVE_YEAR = re.compile(
    rf"((?:The |A )?[^,;:()\"“”_]{{2,60}}?) (was|were) ((?:[a-z]+ed|built|begun|made|laid|held|sold|lost|found|sunk)"
    rf"[^,;:()\"“”_]{{0,60}}?) in {BLANK}\."
)
_PART = re.compile(
    rf"(?:hundred|thousand|million) (?:and )?{BLANK}"
    rf"|{BLANK}(?:[ -](?:[mb]illion|trillion|thousand|hundred|crore|lakh)\b|:)"
)
"""A gap for a part of a number, or for what only labels the words after it."""


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
    statements = Statements(document, analysis.title)
    numbers = [
        n for n in statements.tellable if _told(statements, n) and len(_told(statements, n).split()) < _MOST_WORDS
    ]
    numbers = numbers[:: -(-len(numbers) // _MOST_SENTENCES) or 1]
    ways = {number: _ways(analysis, statements, number) for number in numbers}
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


def _ways(analysis: Analysis, statements: Statements, number: int) -> Iterator[Asked]:
    """What can be asked about a sentence, the plainest questions first."""
    told, evidence = _told(statements, number), statements.sentences[number].text
    subject = statements.subject if analysis.english else ""
    if subject and told.startswith(subject) and (defines := _DEFINES.match(told, len(subject))):
        yield Asked(f"What {defines[1]} {subject}?", told, (), evidence, told)
    gaps = [(gap, _plain(gap, told) if analysis.english else "") for gap in statements.gaps(number)]
    gaps = [(gap, plain) for gap, plain in gaps if not _PART.search(_one_line(gap.sentence))]
    for gap, plain in sorted(gaps, key=lambda item: not item[1]):
        wrong = statements.false_values(number, gap.value, range(len(statements.sentences)))
        # Two that end in the same word may be one person, under a longer and a shorter name.
        apart = {_one_line(other.text).split(" ")[-1]: _one_line(other.text) for other in wrong}
        wrongs = tuple(islice(apart.values(), _MOST_WRONG))
        question = _asked(analysis, statements, number, gap, plain)
        yield Asked(question, _one_line(gap.value.text), wrongs, evidence, told)


def _told(statements: Statements, number: int) -> str:
    """The sentence so that it can be read alone; empty where it cannot."""
    sentence = statements.sentences[number]
    return _named(statements, _one_line(sentence.text), leans=sentence.leans)


def _named(statements: Statements, text: str, *, leans: bool) -> str:
    """With the subject for the pronoun that it opens with."""
    first, _, rest = text.partition(" ")
    if not leans or text.startswith(BLANK):
        return text
    return f"{statements.subject} {rest}" if first in _OF_SUBJECT and statements.subject else ""


def _asked(analysis: Analysis, statements: Statements, number: int, gap: Gap, plain: str) -> str:
    """A plain question where there is one, else the sentence with its gap."""
    title = analysis.title
    if plain:
        known = not title or statements.subject in plain
        return plain if known else f'According to "{title}", {plain[0].lower()}{plain[1:]}'
    leans = statements.sentences[number].leans
    sentence = _named(statements, _one_line(gap.sentence), leans=leans)
    if not analysis.english:
        return sentence
    kind = _kind(gap.value)
    return (
        f'From "{title}": which {kind} fills the gap? {sentence}'
        if title
        else f"Which {kind} fills the gap? {sentence}"
    )


def _plain(gap: Gap, told: str) -> str:
    """A question in the order of speech, for gaps at the sentence's start and for years at the end of a passive."""
    sentence = _one_line(gap.sentence)
    if gap.value.kind == "year" and (passive := _PASSIVE_YEAR.fullmatch(sentence)):
        subject = passive[1]
        if subject.split()[0] not in (*_OF_SUBJECT, "They", "There"):
            opening = f"{subject[0].lower()}{subject[1:]}" if subject.startswith(("The ", "A ")) else subject
            return f"In which year {passive[2]} {opening} {passive[3]}?"
    if not sentence.startswith(BLANK + " ") or not told.endswith("."):
        return ""
    rest = sentence[len(BLANK) :].removesuffix(".")
    verb = _VERB.match(rest)
    if not verb or not gap.value.is_name or not _is_singular_verb(verb[2]) or _OPEN.search(rest):
        return ""
    return f"{'Who' if gap.value.kind == 'person' else 'Who or what'}{rest}?"


def _is_singular_verb(word: str) -> bool:
    return word in _AUXILIARIES or (
        word not in ("are", "were", "have", "do") and (word in FINITE or word.endswith("ed"))
    )


def _kind(value: Value) -> str:
    """What a value is called in a question; a name only that, since its kind is a guess."""
    return "name" if value.is_name else value.kind if value.kind in QUANTITIES else "number"


def _one_line(text: str) -> str:
    return " ".join(text.split())
