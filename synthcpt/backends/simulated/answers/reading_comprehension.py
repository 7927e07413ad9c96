"""Answers to reading comprehension's requests: questions, explanations, conclusions and summaries with evidence."""

from __future__ import annotations

from synthcpt.backends.simulated.questioning import ask, to_json, wanted
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller
from synthcpt.worlds import Fact

_USUAL_TASKS = 3
_EXPLAIN = (
    "Explain what {value} has to do with {name}.",
    "Explain the part that {value} plays for {name}.",
    "Why is {value} named where {name} is spoken of? Explain.",
)
_SUM_UP = (
    "Sum up in two sentences what is told of {name}.",
    "Give a short account of {name}.",
    "Tell somebody in a hurry who or what {name} is.",
    "Write down in brief what is worth knowing of {name}.",
    "Put the account of {name} in a few words for a friend.",
)


def questions(teller: Teller, slots: Slots) -> str:
    """What the passage states."""
    found = ask(teller, wanted(slots["count"], _USUAL_TASKS), options=0.0)
    return _tasks([(one.question, one.answer, one.evidence) for one in found])


def explanations(teller: Teller, slots: Slots) -> str:
    """What a value has to do with the subject."""
    told = []
    for fact in teller.shuffled()[: wanted(slots["count"], _USUAL_TASKS)]:
        question = teller.pick(_EXPLAIN, value=fact.value)
        role = f"{fact.value} is the {teller.role(fact)} of {teller.name}."
        told.append(
            (question, f"{role[:1].upper()}{role[1:]} {_with_other(teller, fact)}", teller.known.evidence(fact))
        )
    return _tasks(told)


def inferences(teller: Teller, slots: Slots) -> str:
    """Who must be meant, from two facts together."""
    told: list[tuple[str, str, str]] = []
    facts = teller.shuffled()
    for first, second in zip(facts, facts[1:] + facts[:1], strict=True):
        if first != second and len(told) < wanted(slots["count"], _USUAL_TASKS):
            who = "person" if teller.subject.kind == "person" else "company"
            question = f"Which {who} must be meant by the one {teller.relative(first)} and {teller.relative(second)}?"
            answer = f"It must be {teller.name}. {teller.from_value(first)} {teller.say(second, 0.3)}"
            told.append((question, answer, teller.known.evidence(first)))
    return _tasks(told)


def summaries(teller: Teller, slots: Slots) -> str:
    """The whole in brief."""
    most, facts = wanted(slots["count"], _USUAL_TASKS), teller.known.facts
    asked = teller.rng.sample(_SUM_UP, min(most, len(_SUM_UP))) if facts else []
    return _tasks(
        [
            (teller.pick([way]), teller.account(merged=0.8, from_value=0.1), teller.known.evidence(facts[0]))
            for way in asked
        ]
    )


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "reading_comprehension/questions": (questions, ("document", "count")),
    "reading_comprehension/explanations": (explanations, ("document", "count")),
    "reading_comprehension/inferences": (inferences, ("document", "count")),
    "reading_comprehension/summaries": (summaries, ("document", "count")),
}
"""Prompt -> what answers it, and the slots it needs."""


def _with_other(teller: Teller, fact: Fact) -> str:
    others = [other for other in teller.shuffled() if other != fact]
    return teller.merged([fact, others[0]]) if others else teller.say(fact)


def _tasks(told: list[tuple[str, str, str]]) -> str:
    return to_json({"tasks": [dict(zip(("question", "answer", "evidence"), one, strict=True)) for one in told]})
