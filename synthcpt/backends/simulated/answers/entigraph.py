"""Answers to EntiGraph's requests: a document's entities, and sections that tell it from the side of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import orjson

from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller, capital, listed
from synthcpt.worlds import Fact

_OWN_HEADINGS = (
    "{title}",
    "{title}: an account",
    "The {life} of {title}",
    "What is known of {title}",
    "{title} in brief",
)
_HEADINGS = (
    "{entity} in the account of {title}",
    "{title}: {entity}",
    "{entity} in the {life} of {title}",
    "What {entity} has to do with {title}",
    "{title} seen from {entity}",
)
_TOGETHER = (
    "{entities} in the account of {title}",
    "How {entities} bear on each other: {title}",
    "{title}: {entities}",
    "What connects {entities} ({title})",
)
_BESIDES = (
    "Besides {value}, there is more to {name}: {name} {predicate}.",
    "Apart from the tie to {value}, {name} {predicate}.",
    "The same {name} {predicate}.",
    "{name}, whose {role} is {value}, {predicate}.",
    "It is also told that {name} {predicate}.",
    "{value} is one side of {name}; another is that {name} {predicate}.",
    "With {value} as {role}, {name} {predicate}.",
)
_TIES = (
    "For {name}, {value} is the {role}.",
    "What ties {name} to {value} is plain: {value} is the {role} of {name}.",
    "{value} stands in the {life} of {name} as the {role}.",
    "{name} and {value} meet at one point, for the {role} of {name} is {value}.",
    "Asked for the {role} of {name}, one must answer {value}.",
    "Whoever looks for {value} in the {life} of {name} finds it as the {role}.",
)
_CONCEPT = (
    "In the case of {name}, the matter of {concept} comes down to {value}.",
    "Under the head of {concept}, {name} is recorded with {value}.",
    "Where the account of {name} speaks of {concept}, it speaks of {value}.",
    "What is told of {concept} leads from {name} to {value}.",
)
_LINKS = (
    "{entities} are connected through {name}.",
    "{entities} come together in the {life} of {name}.",
    "It is {name} who links {entities}.",
    "{entities} have {name} in common.",
    "In {name}, {entities} meet.",
)
_BOTH = (
    "{first} is the {role} of {name}, and {second} is the {other}.",
    "The {role} of {name} is {first}; the {other} of {name} is {second}.",
    "{name} has {first} as {role} and {second} as {other}.",
    "As {first} is the {role} of {name}, so {second} is the {other}.",
)
_ROOM = 3
"""Facts besides its own that a section about a value tells, about."""


def entities(teller: Teller, _: Slots) -> str:
    """The summary and the entities, as JSON."""
    names = [teller.name, *(fact.value for fact in teller.shuffled()), *teller.known.concepts]
    return orjson.dumps({"summary": summary(teller), "entities": names}).decode()


def summary(teller: Teller) -> str:
    """Every fact in a few sentences."""
    return teller.account(merged=0.8, from_value=0.05)


def pair(teller: Teller, slots: Slots) -> str:
    """Three sections: the first entity, the second, the two together."""
    return _text(teller, slots, ("first", "second"))


def triple(teller: Teller, slots: Slots) -> str:
    """Four sections: each entity, then the three together."""
    return _text(teller, slots, ("first", "second", "third"))


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "entigraph/entities": (entities, ("document",)),
    "entigraph/pair": (pair, ("document", "first", "second")),
    "entigraph/triple": (triple, ("document", "first", "second", "third")),
}
"""Prompt -> what answers it, and the slots it needs."""


def _text(teller: Teller, slots: Slots, places: Sequence[str]) -> str:
    names = list(dict.fromkeys(" ".join(slots[place].split()) for place in places))
    title = " ".join(slots.get("title", "").split())
    title = title if teller.name in title else teller.name
    parts = []
    for name in names:
        own = name == teller.name
        heading = teller.pick(
            _OWN_HEADINGS if own else _HEADINGS, entity=_spoken(teller, name), title=title, life=teller.life
        )
        parts += [f"## {capital(heading)}", _subject(teller) if own else _value(teller, name)]
    heading = teller.pick(_TOGETHER, entities=_listed(teller, names), title=title)
    parts += [f"## {capital(heading)}", _together(teller, names)]
    return "\n\n".join(parts)


def _subject(teller: Teller) -> str:
    """The document with its attention on its subject."""
    return teller.account(merged=0.35, from_value=0.25)


def _value(teller: Teller, name: str) -> str:
    """The document with its attention on one of the values: what it is to the subject, then the rest about it."""
    fact = _fact(teller, name)
    if fact is None:
        return f"{capital(name)} is named in what is told of {teller.name}. {teller.account(from_value=0.5)}"
    lines = [teller.from_value(fact)]
    if fact.value.casefold() != name.casefold():
        lines.insert(0, capital(teller.pick(_CONCEPT, concept=_spoken(teller, name), value=fact.value)))
    if teller.chance(0.5):
        lines.append(_tie(teller, fact))
    others = [other for other in teller.shuffled() if other != fact]
    told = others[: _ROOM + (teller.chance(0.3))]
    for other in told[:-1]:
        if teller.chance(0.5):
            lines.append(_besides(teller, fact, other))
        else:
            lines.append(teller.say(other, 0.3))
    if told:
        lines.append(teller.merged([fact, told[-1]]) if teller.chance(0.6) else teller.say(told[-1], 0.3))
    return " ".join(lines)


def _together(teller: Teller, names: Sequence[str]) -> str:
    """How the entities bear on each other."""
    facts = list(dict.fromkeys(fact for name in names if (fact := _fact(teller, name)) is not None))
    lines = []
    if len(names) > 1 and teller.name not in names:
        lines.append(capital(teller.pick(_LINKS, entities=_listed(teller, names), life=teller.life)))
    for first, second in pairwise(facts):
        ways = {"first": first.value, "second": second.value, "role": teller.role(first), "other": teller.role(second)}
        lines.append(capital(teller.pick(_BOTH, **ways)))
        lines.append(teller.merged([second, first] if teller.chance(0.5) else [first, second]))
    for fact in facts:
        lines.append(_tie(teller, fact) if len(facts) == 1 or teller.chance(0.4) else teller.from_value(fact))
        if len(facts) == 1:
            lines += [teller.from_value(fact), teller.say(fact, 0.0)]
            lines += [teller.merged([fact, other]) for other in teller.shuffled() if other != fact][:2]
    return " ".join(lines or [_value(teller, name) for name in names[:1]])


def _fact(teller: Teller, name: str) -> Fact | None:
    """What an entity is about: the fact whose value it is, or that it is a concept of."""
    return teller.known.fact_of(name) or teller.known.concepts.get(name.casefold())


def _spoken(teller: Teller, name: str) -> str:
    """An entity as it stands in a sentence."""
    return f"the {name}" if name.casefold() in teller.known.concepts else name


def _listed(teller: Teller, names: Sequence[str]) -> str:
    return listed([_spoken(teller, name) for name in names])


def _tie(teller: Teller, fact: Fact) -> str:
    return capital(teller.pick(_TIES, value=fact.value, role=teller.role(fact), life=teller.life))


def _besides(teller: Teller, fact: Fact, other: Fact) -> str:
    predicate, role = teller.predicate(other), teller.role(fact)
    return capital(teller.pick(_BESIDES, value=fact.value, predicate=predicate, role=role))
