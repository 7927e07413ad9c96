"""Answers to the requests for latent thoughts: what somebody knows and reasons who is about to write the text."""

from __future__ import annotations

from synthcpt.backends.simulated.reading import stands_in
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller
from synthcpt.worlds import Fact

_STARTS = {
    "person": (
        "{name} is a person, and a person is told from others by {roles}.",
        "Whoever wants to tell of {name} must have {roles} at hand.",
        "To place {name}, one needs {roles}.",
    ),
    "company": (
        "{name} is a company, and a company is told from others by {roles}.",
        "Whoever wants to tell of {name} must have {roles} at hand.",
        "To place {name}, one needs {roles}.",
    ),
}
_STEPS = (
    "As for the {role}, it is settled: {said}",
    "The {role} comes to mind: {said}",
    "Then there is the {role}. {said}",
    "It follows from the records on the {role} that {plain}",
    "Nothing else fits the {role}: {said}",
)


def opening(teller: Teller, _: Slots) -> str:
    """What must be known before the first sentence."""
    return _thinking(teller, teller.shuffled())


def thought(teller: Teller, slots: Slots) -> str:
    """What leads to the second piece: its facts, for the first piece's are told."""
    new = [fact for fact in teller.known.facts if stands_in(fact.value, slots["chunk"])]
    return _thinking(teller, teller.shuffled(new or None))


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "latent_thoughts/thought": (thought, ("document", "chunk")),
    "latent_thoughts/opening": (opening, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _thinking(teller: Teller, facts: list[Fact]) -> str:
    roles = [f"the {teller.role(fact)}" for fact in facts]
    lines = [teller.pick(_STARTS[teller.subject.kind], roles=", ".join(roles[:-1]) + f" and {roles[-1]}")] if (
        len(roles) > 1
    ) else [f"{teller.name} has to be placed first."]  # fmt: skip
    for fact in facts:
        plain = f"{fact.subject} {teller.predicate(fact)}."
        lines.append(teller.pick(_STEPS, role=teller.role(fact), said=teller.say(fact, 0.4), plain=plain))
    return " ".join(lines) if facts else f"{lines[0]} Nothing else is known of {teller.name} at this point."
