"""Answers to the request for triples: each fact with the document's sentence that states it."""

from __future__ import annotations

from synthcpt.backends.simulated.questioning import to_json
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller


def extract(teller: Teller, _: Slots) -> str:
    """The facts in the document's order."""
    known = teller.known
    told = [
        {"subject": fact.subject, "relation": teller.relation(fact), "object": fact.value,
         "sentence": known.evidence(fact)}
        for fact in sorted(known.facts, key=lambda fact: known.text.find(fact.value))
    ]  # fmt: skip
    return to_json({"triples": told})


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {"triples/extract": (extract, ("document",))}
"""Prompt -> what answers it, and the slots it needs."""
