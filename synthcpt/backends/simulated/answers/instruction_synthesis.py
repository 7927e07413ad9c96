"""Answers for instruction synthesis: question-answer pairs of all four kinds."""

from __future__ import annotations

from synthcpt.backends.simulated.questioning import ask, to_json, wanted
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller

_USUAL_PAIRS = 5


def pairs(teller: Teller, slots: Slots) -> str:
    """As many pairs as wanted, with and without options, with and without reasons."""
    found = ask(teller, wanted(slots["count"], _USUAL_PAIRS), options=0.35, reasons=0.35)
    told = [
        {"question": one.question, "options": list(one.options), "reasoning": one.reasoning, "answer": one.answer,
         "evidence": one.evidence}
        for one in found
    ]  # fmt: skip
    return to_json({"pairs": told})


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "instruction_synthesis/pairs": (pairs, ("document", "count")),
    "instruction_synthesis/further": (pairs, ("document", "count")),
}
"""Prompt -> what answers it, and the slots it needs."""
