"""Questions with answers, options, reasons and evidence: what the methods that ask have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from synthcpt.backends.simulated.teller import Teller
from synthcpt.worlds import Fact

_MOST = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a document.

    Attributes:
        question, answer: as written.
        evidence: the document's sentence that the answer rests on.
        fact: what it is about.
        options: what to choose from, the right one first; none for a free answer.
        reasoning: how the document leads to the answer.
    """

    question: str
    answer: str
    evidence: str
    fact: Fact
    options: tuple[str, ...] = ()
    reasoning: str = ""


def wanted(count: str, usual: int) -> int:
    """How many questions a slot asks for."""
    return min(int(count), _MOST) if count.isdecimal() else usual


def ask(teller: Teller, most: int, *, options: float = 0.3, reasons: float = 0.0, reverse: float = 0.2) -> list[Asked]:
    """Up to so many questions, every fact asked for before any is asked for again, no question twice.

    Args:
        teller: what is known.
        most: how many.
        options: the share that has options to choose from.
        reasons: the share that gives reasons.
        reverse: the share that asks for the subject.
    """
    found: dict[str, Asked] = {}
    for _ in range(-(-most // max(1, len(teller.known.facts))) + 1):
        for fact in teller.shuffled():
            one = _one(teller, fact, options, reasons, reverse)
            if len(found) < most:
                found.setdefault(one.question, one)
    return list(found.values())


def to_json(value: Any) -> str:
    """As an answer that must be JSON."""
    return orjson.dumps(value).decode()


def _one(teller: Teller, fact: Fact, options: float, reasons: float, reverse: float) -> Asked:
    evidence = teller.known.evidence(fact)
    turned = teller.chance(reverse)
    question = teller.reverse_question(fact) if turned else teller.question(fact)
    if not turned and teller.chance(options):
        choices = tuple(dict.fromkeys((fact.value, teller.wrong(fact), teller.wrong(fact), teller.wrong(fact))))
        return Asked(question, fact.value, evidence, fact, choices, _reason(teller, fact, reasons))
    if teller.chance(0.3):
        answer = fact.subject if turned else fact.value
    else:
        answer = teller.from_value(fact) if turned else teller.say(fact, 0.1)
    return Asked(question, answer, evidence, fact, (), _reason(teller, fact, reasons))


def _reason(teller: Teller, fact: Fact, share: float) -> str:
    if not teller.chance(share):
        return ""
    ways = ("It is stated that {said}", "The passage tells that {said}", "From the passage it is known that {said}")
    said = f"{fact.subject} {teller.predicate(fact)}."
    return teller.pick(ways, said=said)
