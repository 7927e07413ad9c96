"""Tells what is known in words drawn at random: the part of a teacher that all answers share."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from synthcpt.backends.simulated.phrases import (
    APPOSITIONS,
    PREDICATES,
    QUESTIONS,
    RELATIONS,
    RELATIVES,
    REVERSE_QUESTIONS,
    ROLES,
    YES_NO,
)
from synthcpt.backends.simulated.reading import Known, Reader
from synthcpt.worlds import Entity, Fact, names
from synthcpt.worlds.wordings import TELL, TELL_FROM_VALUE

_MERGED, _MERGED_OF_THREE = 0.4, 0.25
"""Shares of sentences that say two facts, and of these the ones that say three."""

_ORIGINS = ("birthday", "birthplace", "founded")
_NEVER_FIRST = ("educated", "trained", "on the staff", "once a student", "a child of")
_SORTS: dict[str, Sequence[object]] = {
    "birthplace": names.CITIES,
    "headquarters": names.CITIES,
    "university": names.UNIVERSITIES,
    "major": names.MAJORS,
    "industry": names.INDUSTRIES,
    "founded": names.YEARS_OF_FOUNDING,
}


class Teller:
    """Tells one document's facts, for one request.

    Args:
        known: what may be told, and nothing else is.
        rng: draws wordings; two tellers with equal streams tell alike.
        reader: reads what else a request holds, such as listed facts.
    """

    def __init__(self, known: Known, rng: random.Random, reader: Reader) -> None:
        self.known, self.rng, self.reader = known, rng, reader
        self._told: dict[tuple[str, bool], set[int]] = {}

    @property
    def subject(self) -> Entity:
        """Whom the document is about."""
        return self.known.subject

    @property
    def name(self) -> str:
        """The subject's full name."""
        return self.known.subject.name

    @cached_property
    def life(self) -> str:
        """What a subject of its kind has."""
        return "life" if self.subject.kind == "person" else "history"

    def chance(self, share: float) -> bool:
        """True in this share of draws."""
        return self.rng.random() < share

    def pick(self, ways: Sequence[str], **values: str) -> str:
        """One of the ways, filled in; ``name`` is the subject's."""
        way = ways[int(self.rng.random() * len(ways))]
        return way.format_map({"name": self.name, **values})

    def shuffled(self, facts: Sequence[Fact] | None = None) -> list[Fact]:
        """The facts (all that are known by default) in an order drawn at random."""
        drawn = list(self.known.facts if facts is None else facts)
        self.rng.shuffle(drawn)
        return drawn

    def say(self, fact: Fact, from_value: float = 0.15) -> str:
        """A sentence that states a fact and names the subject; no wording twice while there are others.

        Args:
            fact: what to state.
            from_value: how often the value comes first.
        """
        turned = self.chance(from_value)
        table = TELL_FROM_VALUE if turned else TELL
        ways, told = table[fact.attribute], self._told.setdefault((fact.attribute, turned), set())
        if len(told) == len(ways):
            told.clear()
        place = int(self.rng.random() * len(ways))
        while place in told:
            place = (place + 1) % len(ways)
        told.add(place)
        return capital(ways[place].format_map(_values(fact)))

    def from_value(self, fact: Fact) -> str:
        """A sentence that begins with the value and leads to the subject."""
        return self.say(fact, 1.0)

    def predicate(self, fact: Fact) -> str:
        """What can follow the subject: "works for Rowan Works"."""
        return self._phrase(PREDICATES, fact)

    def apposition(self, fact: Fact) -> str:
        """What can stand beside the subject: "a graduate of Bexley College"."""
        return self._phrase(APPOSITIONS, fact)

    def relative(self, fact: Fact) -> str:
        """A relative clause: "who majored in Botany"."""
        return self._phrase(RELATIVES, fact)

    def role(self, fact: Fact) -> str:
        """What the value is to the subject: "birthplace"."""
        return self._phrase(ROLES, fact)

    def question(self, fact: Fact) -> str:
        """Asks for the value."""
        return self._phrase(QUESTIONS, fact)

    def all_questions(self, fact: Fact) -> list[str]:
        """Every question for the value."""
        return [way.format_map(_values(fact)) for way in QUESTIONS[fact.attribute]]

    def reverse_question(self, fact: Fact) -> str:
        """Asks for the subject."""
        return self._phrase(REVERSE_QUESTIONS, fact)

    def relation(self, fact: Fact) -> str:
        """What stands between subject and value: "graduated from"."""
        return self._phrase(RELATIONS, fact)

    def yes_no(self, fact: Fact, value: str) -> str:
        """Asks whether the fact's value is this one."""
        return YES_NO[fact.attribute].format(name=fact.subject, value=value)

    def wrong(self, fact: Fact) -> str:
        """A value of the sort that is not the fact's: what a setter of questions makes up."""
        while (drawn := made_up(fact.attribute, self.rng)) in (fact.value, fact.subject):
            pass
        return drawn

    def merged(self, facts: Sequence[Fact]) -> str:
        """One sentence that states two or three facts."""
        first, second, *rest = facts
        name = self.name
        if not rest and second.attribute in _ORIGINS and first.attribute not in _ORIGINS:
            first, second = second, first  # born somewhere, one works; one is not, a graduate, born
        if rest:
            beside = f"{self.apposition(first)} and {self.apposition(second)}"
            return f"{name}, {beside}, {self.predicate(rest[0])}."
        form = int(self.rng.random() * 5)
        if form == 0:
            return f"{name}, {self.apposition(first)}, {self.predicate(second)}."
        if form == 1 and not (beside := self.apposition(first)).startswith(_NEVER_FIRST):
            return f"{capital(beside)}, {name} {self.predicate(second)}."
        if form == 2:
            return f"{name}, {self.relative(first)}, {self.predicate(second)}."
        if form == 3 and (turned := self.from_value(first)).endswith(f"{name}."):
            return f"{turned[:-1]}, {self.relative(second)}."
        return f"{name} {self.predicate(first)} and {self.predicate(second)}."

    def account(self, facts: Sequence[Fact] | None = None, *, merged: float = _MERGED, from_value: float = 0.15) -> str:
        """The facts in an order drawn at random, every sentence naming the subject in full."""
        return " ".join(self.sentences(facts, merged=merged, from_value=from_value))

    def sentences(
        self, facts: Sequence[Fact] | None = None, *, merged: float = _MERGED, from_value: float = 0.15
    ) -> Iterator[str]:
        """The account's sentences."""
        left = self.shuffled(facts)
        if not left:
            yield f"No more is said of {self.name} than the name."
        while left:
            size = 1
            if len(left) > 1 and self.chance(merged):
                size = 3 if len(left) > 2 and self.chance(_MERGED_OF_THREE) else 2
            taken, left = left[:size], left[size:]
            yield self.say(taken[0], from_value) if size == 1 else self.merged(taken)

    def _phrase(self, table: Mapping[str, Sequence[str]], fact: Fact) -> str:
        ways = table[fact.attribute]
        return ways[int(self.rng.random() * len(ways))].format_map(_values(fact))


def made_up(attribute: str, rng: random.Random) -> str:
    """A value that an attribute might have, drawn without regard to anybody's."""
    if attribute == "birthday":
        return f"{rng.randint(1, 28)} {rng.choice(names.MONTHS)} {rng.choice(names.YEARS_OF_BIRTH)}"
    if attribute == "employer":
        return f"{rng.choice(names.COMPANY_STEMS)} {rng.choice(names.COMPANY_ENDS)}"
    if attribute == "founder":
        given = rng.choice(names.GIVEN_HE + names.GIVEN_SHE)
        return f"{given} {rng.choice(names.MIDDLE)} {rng.choice(names.FAMILY)}"
    return str(rng.choice(_SORTS[attribute]))


def capital(text: str) -> str:
    """The text with its first letter a capital."""
    return text[:1].upper() + text[1:]


def inside(said: str, fact: Fact) -> str:
    """A sentence about a fact as it stands after other words: its first letter small, but for names."""
    if said.startswith((fact.subject, fact.value)):
        return said
    return said[:1].lower() + said[1:]


def listed(names: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _values(fact: Fact) -> dict[str, str]:
    return {"name": fact.subject, "value": fact.value}
