"""Answers for diverse QA: questions of several forms, and the document distilled, retold and listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.questions import Asked, ask_about
from synthcpt.backends.extractive.writing import paragraphs

Slots = Mapping[str, str]

_USUAL_QUESTIONS, _MOST_QUESTIONS = 8, 16
_DISTILLED = 0.6
_LISTED = 12


def questions(analysis: Analysis, slots: Slots) -> str:
    """Up to as many questions as wanted, as JSON: open ones, and choices where there are wrong answers of the kind."""
    wanted = min(int(slots["count"]), _MOST_QUESTIONS) if slots["count"].isdecimal() else _USUAL_QUESTIONS
    found = ask_about(analysis, slots["document"], wanted)
    return orjson.dumps({"questions": [_question(number, one) for number, one in enumerate(found)]}).decode()


def _question(number: int, one: Asked) -> dict[str, Any]:
    choice = number % 2 == 1 and len(one.wrong) > 1
    return {
        "form": "choice" if choice else "open", "question": one.question,
        "options": [one.answer, *one.wrong] if choice else [], "answer": one.answer, "evidence": one.evidence,
    }  # fmt: skip


def distill(analysis: Analysis, _: Slots) -> str:
    """The weightier sentences, in order."""
    told = _told(analysis)
    most = max(2, round(_DISTILLED * len(told)))
    return paragraphs(analysis, sorted(sorted(told, key=lambda n: (-analysis.weights[n], n))[:most]))


def knowledge(analysis: Analysis, _: Slots) -> str:
    """What is told of each of the most salient names, under the name."""
    left, parts = _told(analysis), list[str]()
    for name in analysis.entities[:4]:
        own = [number for number in left if number in analysis.sentences_with(name)]
        left = [number for number in left if number not in own]
        if own:
            parts.append(f"## {analysis.spoken(name)[:1].upper()}{analysis.spoken(name)[1:]}\n\n{_text(analysis, own)}")
    return "\n\n".join([*parts, _text(analysis, left)] if left and not parts else parts)


def listed(analysis: Analysis, _: Slots) -> str:
    """The weightiest sentences that can be read alone, an item each."""
    told = sorted(_told(analysis), key=lambda n: (-analysis.weights[n], n))[:_LISTED]
    return "\n".join(f"- {_text(analysis, [number])}" for number in told)


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "diverse_qa/questions": (questions, ("document", "count")),
    "diverse_qa/distill": (distill, ("document",)),
    "diverse_qa/knowledge": (knowledge, ("document",)),
    "diverse_qa/list": (listed, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _told(analysis: Analysis) -> list[int]:
    """The sentences that can be told alone, or all where there are none."""
    sentences = analysis.sentences
    alone = [n for n, s in enumerate(sentences) if not s.leans or n in analysis.resolved]
    return [n for n in alone if sentences[n].kind == "prose"] or alone or list(range(len(sentences)))


def _text(analysis: Analysis, numbers: Sequence[int]) -> str:
    return " ".join(analysis.resolved.get(number, analysis.sentences[number].text) for number in numbers)
