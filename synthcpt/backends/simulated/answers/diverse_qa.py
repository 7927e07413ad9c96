"""Answers for diverse QA: questions of several forms, and the document distilled, taught and listed."""

from __future__ import annotations

from typing import Any

from synthcpt.backends.simulated.questioning import ask, to_json, wanted
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller, capital
from synthcpt.worlds import Fact

_USUAL_QUESTIONS = 8
_LESSONS = (
    "{name} can be known from {count}, and each of them is worth keeping in mind.",
    "To know {name} is to know {count}.",
    "What there is to learn about {name} comes down to {count}.",
)
_COUNTS = ("no facts", "one fact", "two facts", "three facts", "four facts", "five facts")


def questions(teller: Teller, slots: Slots) -> str:
    """Open questions and choices, some answered by yes or no, a comparison and what follows."""
    most = wanted(slots["count"], _USUAL_QUESTIONS)
    other = [_yes_no(teller, fact) for fact in teller.shuffled()[: 1 + teller.chance(0.5)]]
    other += _comparison(teller) + _comprehension(teller)
    plain = [
        {"form": "choice" if one.options else "open", "question": one.question, "options": list(one.options),
         "answer": one.answer, "evidence": one.evidence}
        for one in ask(teller, max(0, most - len(other)))
    ]  # fmt: skip
    told = [*plain, *other][:most]
    teller.rng.shuffle(told)
    return to_json({"questions": told})


def distill(teller: Teller, _: Slots) -> str:
    """The facts in few sentences."""
    text = teller.account(merged=0.9, from_value=0.1)
    return text if len(text.split()) > 20 else f"{text} {teller.account(from_value=0.5)}"


def knowledge(teller: Teller, _: Slots) -> str:
    """A textbook's page: what is to be learnt, then each fact, then the point of it from the other side."""
    count = _COUNTS[len(teller.known.facts)]
    lines = [teller.pick(_LESSONS, count=count), teller.account(merged=0.3)]
    lines += [teller.from_value(fact) for fact in teller.shuffled()[:2]]
    return " ".join(lines)


def listed(teller: Teller, _: Slots) -> str:
    """A statement an item."""
    return "\n".join(f"- {line}" for line in teller.sentences(merged=0.15, from_value=0.25))


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "diverse_qa/questions": (questions, ("document", "count")),
    "diverse_qa/distill": (distill, ("document",)),
    "diverse_qa/knowledge": (knowledge, ("document",)),
    "diverse_qa/list": (listed, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _yes_no(teller: Teller, fact: Fact) -> dict[str, Any]:
    true = teller.chance(0.5)
    said = f"{fact.subject} {teller.predicate(fact)}."
    question = teller.yes_no(fact, fact.value if true else teller.wrong(fact))
    return _question("yes_no", question, f"{'Yes' if true else 'No'}, {said}", teller.known.evidence(fact))


def _comparison(teller: Teller) -> list[dict[str, Any]]:
    facts = teller.shuffled()
    if len(facts) < 2:
        return []
    first, second = facts[:2]
    one, other = teller.role(first), teller.role(second)
    question = f"What are the {one} and the {other} of {teller.name}?"
    answer = f"The {one} of {teller.name} is {first.value}, and the {other} is {second.value}."
    return [_question("comparison", question, answer, teller.known.evidence(first))]


def _comprehension(teller: Teller) -> list[dict[str, Any]]:
    facts = teller.shuffled()
    if len(facts) < 2:
        return []
    first, second = facts[:2]
    who = "person" if teller.subject.kind == "person" else "company"
    question = f"Which {who} is meant: the one {teller.relative(first)} and {teller.relative(second)}?"
    return [_question("comprehension", question, capital(teller.merged([first, second])), teller.known.evidence(first))]


def _question(form: str, question: str, answer: str, evidence: str) -> dict[str, Any]:
    return {"form": form, "question": question, "options": [], "answer": answer, "evidence": evidence}
