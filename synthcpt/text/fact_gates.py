"""What a fact, another wording of it, and a question about it must hold to be trained on."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

import yaml

from synthcpt.text import gates, locks
from synthcpt.text.facts import Fact, FactSource, normal_form
from synthcpt.text.mentions import Haystack

ENTITY = "{entity}"
"""Stands for what is asked about, in a request."""
_LINE_START = re.compile(rf"^(#+ )?{re.escape(ENTITY)}", re.MULTILINE)
_LEAST_SHARED = 1 / 3
"""Of a reverse question's longer words; the others are those of asking."""


@lru_cache(maxsize=1)
def shipped_requests() -> tuple[str, ...]:
    """What a user may say to be told a fact, each with `ENTITY` in it."""
    folder = resources.files("synthcpt.prompts") / "knowledge_instruct"
    return tuple(yaml.safe_load((folder / "requests.yaml").read_text(encoding="utf-8"))["requests"])


def request_about(entity: str, request: str) -> str:
    """A request with the entity in it, with a capital where it begins a line."""
    capital = entity[:1].upper() + entity[1:]
    return _LINE_START.sub(lambda match: (match[1] or "") + capital, request).replace(ENTITY, entity)


def is_named(entity: str, text: str) -> bool:
    """Whether a text names an entity: as it is written, or by all of its longer words."""
    return gates.mentioned(Haystack(text), entity)


def stated_verdict(
    fact: str, entity: str, passage: str, source: FactSource, min_support: float
) -> gates.Verdict | None:
    """Why a fact that a model stated is not one of the document's; None if it may be.

    Args:
        fact: the sentence.
        entity: what it is said to be about; where it holds a number or a date, so must the fact.
        passage: what it was read from, with the title.
        source: the document.
        min_support: the least share of its longer words that the document must have.
    """
    missing = locks.invented(entity, fact)
    if missing and missing.reason in ("number_invented", "date_invented"):
        return gates.Verdict("entity_missing", f"{entity!r} is not in it")
    verdict = locks.invented(fact, passage)
    share = source.support(fact)
    if not verdict and share < min_support:
        return gates.Verdict("unsupported", f"the document has {share:.0%} of its longer words")
    return verdict


def wording_verdict(wording: str, fact: Fact) -> gates.Verdict | None:
    """Why a wording must not stand for its fact, or None: something is lost or added, or it is there already."""
    if normal_form(wording) in fact.wordings:
        return gates.Verdict("repeated", "it is there already")
    verdict = locks.lost(wording, fact.text) or locks.invented(wording, fact.text)
    named = [entity for entity in fact.entities if is_named(entity, fact.text)]  # none where only verified by a model
    if not verdict and named and not any(is_named(entity, wording) for entity in named):
        return gates.Verdict("entity_missing", f"{fact.entities[0]!r} is not mentioned")
    return verdict


def asks_for(question: str, fact: Fact) -> bool:
    """Whether a question names what the fact is about and brings in nothing that the fact does not have."""
    return bool(question) and is_named(fact.entities[0], question) and locks.invented(question, fact.text) is None


def asks_for_entity(question: str, fact: Fact) -> bool:
    """Whether a question asks for what the fact is about: it holds words of the fact's, and the entity is not named."""
    if not question or is_named(fact.entities[0], question) or locks.invented(question, fact.text) is not None:
        return False
    return FactSource(fact.text).support(question) >= _LEAST_SHARED
