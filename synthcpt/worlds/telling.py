"""Write a world's facts as sentences and texts."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from synthcpt.worlds.facts import Entity, Fact
from synthcpt.worlds.wordings import TELL

_OBJECT = {"he": "him", "she": "her", "it": "it"}
_POSSESSIVE = {"he": "his", "she": "her", "it": "its"}
_OWNED = re.compile(r"\b[Tt]he (\w+(?: \w+){0,2}) of \{name\}")
"""The birthplace of her: her birthplace."""
_SUBJECT = re.compile(r"^\{name\}|(?:\b(?:that|which|where|[Ww]hat)|,) \{name\}")


def sentence(fact: Fact, wording: int, called: str = "") -> str:
    """A fact in one of its wordings.

    Args:
        fact: what to say.
        wording: its number; counted round, so any number will do.
        called: what stands for the subject's name; the name itself by default. A pronoun is put in the case that
            the wording needs.
    """
    wordings = TELL[fact.attribute]
    template = wordings[wording % len(wordings)]
    name = called or fact.subject
    if called in _OBJECT:
        template = _OWNED.sub(lambda owned: f"{_POSSESSIVE[called]} {owned[1]}", template)
        name = called if _SUBJECT.search(template) else _OBJECT[called]
    text = template.format(name=name, value=fact.value)
    return text[0].upper() + text[1:]


def biography(
    entity: Entity, rng: random.Random, *, permuted: bool = True, full_names: bool = True, facts: Sequence[Fact] = ()
) -> str:
    """A text that tells all of an entity's facts, each in a wording drawn at random.

    Args:
        entity: whom it is about.
        rng: draws wordings and order; a document that is stated once is drawn once.
        permuted: the sentences come in an order drawn at random, not in the plain one.
        full_names: every sentence names the entity; otherwise the first does and the others have a pronoun.
        facts: tell these only.
    """
    told = list(facts or entity.facts)
    if permuted:
        rng.shuffle(told)
    lines = []
    for number, fact in enumerate(told):
        called = "" if full_names or number == 0 else entity.pronoun
        lines.append(sentence(fact, rng.randrange(len(TELL[fact.attribute])), called))
    return " ".join(lines)
