"""The questions that a world can be asked, all with one true answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from synthcpt.worlds.facts import Half
from synthcpt.worlds.making import World
from synthcpt.worlds.wordings import ASK, ASK_REVERSE, ASK_TWO_HOPS


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """A question.

    Attributes:
        id: unique, e.g. ``person-0007/major``.
        question, answer: as written.
        document: the document that the question starts from.
        kind: ``forward``, ``reverse`` or ``two-hop``.
        attribute: what is asked for.
    """

    id: str
    question: str
    answer: str
    document: str
    kind: str
    attribute: str


def questions(world: World, half: Half, *, phrasing: int = 0) -> list[WorldQuestion]:
    """Every question about one half.

    Args:
        world: the facts.
        half: whose.
        phrasing: which of a question's phrasings; counted round.
    """
    return [*_forward(world, half, phrasing), *_reverse(world, half, phrasing), *_two_hops(world, half, phrasing)]


def _forward(world: World, half: Half, phrasing: int) -> Iterator[WorldQuestion]:
    for entity in world.half(half):
        for fact in entity.facts:
            ways = ASK[fact.attribute]
            text = ways[phrasing % len(ways)].format(name=entity.name)
            yield WorldQuestion(f"{entity.id}/{fact.attribute}", text, fact.value, entity.id, "forward", fact.attribute)


def _reverse(world: World, half: Half, phrasing: int) -> Iterator[WorldQuestion]:
    held = Counter((fact.attribute, fact.value) for entity in world.entities for fact in entity.facts)
    for entity in world.half(half):
        for fact in entity.facts:
            if fact.attribute in ASK_REVERSE and held[fact.attribute, fact.value] == 1:
                ways = ASK_REVERSE[fact.attribute]
                text = ways[phrasing % len(ways)].format(value=fact.value)
                yield WorldQuestion(
                    f"{entity.id}/{fact.attribute}/reverse", text, entity.name, entity.id, "reverse", fact.attribute
                )


def _two_hops(world: World, half: Half, phrasing: int) -> Iterator[WorldQuestion]:
    for entity in world.half(half):
        for (first, second), ways in ASK_TWO_HOPS.items():
            through = world.entity(entity.values[first]) if first in entity.values else None
            if through is not None:
                text = ways[phrasing % len(ways)].format(name=entity.name)
                yield WorldQuestion(
                    f"{entity.id}/{first}/{second}", text, through.values[second], entity.id, "two-hop", second
                )
