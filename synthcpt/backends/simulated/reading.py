"""What a text states of a world's facts, so that a teacher can tell these and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from synthcpt.backends.simulated.phrases import CONCEPTS
from synthcpt.worlds import Entity, Fact, World

_NAME = re.compile(r"[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WORK = re.compile(
    r"employ|staff|salary|job|desk|works? for|where|position|living|career|team|joined|working|makes|pays"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a text states.

    Attributes:
        subject: whom it is about.
        facts: those of the subject's facts that it states, in the plain order.
        text: itself.
        sentences: fact -> the text's sentence that states it.
        concepts: words of those sentences that a careful reader lists as concepts -> the fact they belong to.
    """

    subject: Entity
    facts: tuple[Fact, ...]
    text: str
    sentences: Mapping[Fact, str]
    concepts: Mapping[str, Fact]

    def fact_of(self, value: str) -> Fact | None:
        """The fact with this value."""
        return next((fact for fact in self.facts if fact.value.casefold() == value.casefold()), None)

    def evidence(self, fact: Fact) -> str:
        """The sentence of the text that states a fact."""
        return self.sentences[fact]


class Reader:
    """Finds a world's facts in texts.

    Args:
        world: whose facts.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._longest = max(len(entity.name.split()) for entity in world.entities)

    def read(self, title: str, text: str) -> Known | None:
        """The facts that a text states of its subject: the thing its title names, else the one it tells most of.

        A fact is stated where its value stands in the text as words of their own. None where the text is about
        nothing of the world.
        """
        titled = self._world.entity(" ".join(title.split()))
        if titled is not None:
            return _known(titled, text)
        named = self.named(text)
        if not named:
            return None
        subject = max(named, key=lambda entity: sum(stands_in(fact.value, text) for fact in entity.facts))
        return _known(subject, text)

    def named(self, text: str) -> list[Entity]:
        """The world's people and companies that a text names, in order."""
        found: dict[str, Entity] = {}
        for run in _NAME.findall(text):
            words = run.split()
            for size in range(min(self._longest, len(words)), 0, -1):
                for start in range(len(words) - size + 1):
                    entity = self._world.entity(" ".join(words[start : start + size]))
                    if entity is not None:
                        found.setdefault(entity.name, entity)
        return list(found.values())

    def stated(self, text: str) -> list[Fact]:
        """The facts that a text's sentences state, each with its subject named in the same sentence."""
        found = dict.fromkeys(fact for sentence in _SENTENCE_END.split(text) for fact in self._stated_in(sentence))
        return list(found)

    def _stated_in(self, sentence: str) -> list[Fact]:
        facts = [fact for entity in self.named(sentence) for fact in entity.facts if stands_in(fact.value, sentence)]
        if {"employer", "founder"} <= {fact.attribute for fact in facts}:
            # Somebody works for the company that they founded: a sentence that names both says one of the two.
            other = "founder" if _WORK.search(sentence) else "employer"
            facts = [fact for fact in facts if fact.attribute != other]
        return facts


def _known(subject: Entity, text: str) -> Known:
    facts = tuple(fact for fact in subject.facts if stands_in(fact.value, text))
    parts = _SENTENCE_END.split(text)
    sentences = {fact: next((one for one in parts if stands_in(fact.value, one)), text) for fact in facts}
    concepts: dict[str, Fact] = {}
    for fact, sentence in sentences.items():  # one a fact at most
        named = (one for one in CONCEPTS[fact.attribute] if one not in concepts and _stands(one, sentence))
        concepts.update(dict.fromkeys(islice(named, 1), fact))
    return Known(subject, facts, text, sentences, concepts)


def stands_in(value: str, text: str) -> bool:
    """Whether a value stands in a text as words of its own; the first letter may be a capital."""
    return _stands(value, text) or (value[:1].islower() and _stands(value[:1].upper() + value[1:], text))


def _stands(value: str, text: str) -> bool:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(value, start + 1)
    return False
