"""Answers for instruction synthesis: question-answer pairs on a passage, of all four kinds in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.questions import Asked, ask_about

Slots = Mapping[str, str]

_MOST_PAIRS = 5


def pairs(analysis: Analysis, _: Slots) -> str:
    """Up to five pairs as JSON: with and without options, with and without reasons."""
    found = list(ask_about(analysis))[:_MOST_PAIRS]
    return orjson.dumps({"pairs": [_pair(analysis, number, one) for number, one in enumerate(found)]}).decode()


def _pair(analysis: Analysis, number: int, one: Asked) -> dict[str, Any]:
    options = [one.answer, *one.others] if number % 2 and one.others else []
    reasons = f"The passage says: {one.told} What fills the gap is {one.answer}." if number % 4 > 1 else ""
    reasons = reasons if analysis.english else ""
    return {
        "question": one.question, "options": options, "reasoning": reasons, "answer": one.answer,
        "evidence": one.evidence,
    }  # fmt: skip


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "instruction_synthesis/pairs": (pairs, ("document",)),
    "instruction_synthesis/further": (pairs, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""
