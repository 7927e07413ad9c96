"""Questions that rules can put to a document, each with its answer and the sentence it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.text.mentions import canonical

GAP = "____"
_FEWEST_WORDS = 6
_MOST_WORDS = 45
_YEAR = re.compile(r"(?<![\w.,])[12]\d{3}(?![\w%])")
_FIGURE = re.compile(r"(?<![\w.,])\d[\d,.]*\d(?![\w%])")


class Asked(NamedTuple):
    """A question, its answer, answers of the same kind that are wrong, and the sentence in the document's words."""

    question: str
    answer: str
    others: tuple[str, ...]
    evidence: str
    told: str


def ask_about(analysis: Analysis) -> Iterator[Asked]:
    """A question on each sentence that can be told alone and holds a name or a number once; no answer twice."""
    years = list(dict.fromkeys(_YEAR.findall(" ".join(sentence.text for sentence in analysis.sentences))))
    asked: set[str] = set()
    for number, sentence in enumerate(analysis.sentences):
        told = analysis.resolved.get(number, "" if sentence.leans else sentence.text)
        if sentence.kind != "prose" or not _FEWEST_WORDS <= len(told.split()) <= _MOST_WORDS:
            continue
        hidden = _hidden(analysis, number, told, asked)
        if hidden:
            asked.add(hidden)
            others = years if _YEAR.fullmatch(hidden) else [] if hidden[:1].isdigit() else list(analysis.entities)
            wrong = tuple(other for other in others if canonical(other) not in canonical(told) and other != hidden)
            yield Asked(_question(analysis, told, hidden), hidden, wrong[:3], sentence.text, told)


def _hidden(analysis: Analysis, number: int, told: str, asked: set[str]) -> str:
    """What to ask for: a name that is in the sentence once and not in the title, else a year, else a number."""
    title = canonical(analysis.title)
    for name in analysis.names_in(number):
        whole = re.findall(rf"(?<![\w-]){re.escape(name)}(?![\w'’-])(?! [A-Z])", told)
        if name not in asked and len(whole) == told.count(name) == 1 and canonical(name) not in title:
            return name
    found = _YEAR.findall(told) or _FIGURE.findall(told)
    return next((figure for figure in found if told.count(figure) == 1 and figure not in asked), "")


def _question(analysis: Analysis, told: str, hidden: str) -> str:
    gap = told.replace(hidden, GAP, 1)
    if not analysis.english:
        return gap
    kind = "year" if _YEAR.fullmatch(hidden) else "number" if hidden[:1].isdigit() else "name"
    said = f'From "{analysis.title}": which' if analysis.title else "Which"
    return f"{said} {kind} fills the gap? {gap}"
