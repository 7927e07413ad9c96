"""Answers for instruction synthesis: question-answer pairs on a passage, of all four kinds in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.questions import Asked, ask_about

Slots = Mapping[str, str]

_USUAL_PAIRS, _MOST_PAIRS = 5, 16


def pairs(analysis: Analysis, slots: Slots) -> str:
    """Up to as many pairs as wanted, as JSON: with and without options, with and without reasons."""
    wanted = min(int(slots["count"]), _MOST_PAIRS) if slots["count"].isdecimal() else _USUAL_PAIRS
    found = ask_about(analysis, slots["document"], wanted)
    return orjson.dumps({"pairs": [_pair(analysis, number, one) for number, one in enumerate(found)]}).decode()


def _pair(analysis: Analysis, number: int, one: Asked) -> dict[str, Any]:
    choice = number % 2 == 1 and len(one.wrong) > 1
    # Reasons only repeat the sentence: no use where it is the answer itself.
    reasons = f"The passage says: {one.told}" if number % 4 > 1 and analysis.english and one.answer != one.told else ""
    return {
        "question": one.question, "options": [one.answer, *one.wrong] if choice else [], "reasoning": reasons,
        "answer": one.answer, "evidence": one.evidence,
    }  # fmt: skip


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "instruction_synthesis/pairs": (pairs, ("document", "count")),
    "instruction_synthesis/further": (pairs, ("document", "count")),
}
"""Prompt -> what answers it, and the slots it needs."""
