"""From the names a model listed to the entities of a document: merged, found in the text, ranked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synthcpt.text.gates import mentioned
from synthcpt.text.mentions import Haystack, canonical, find_mentions

_MAX_NAME_CHARS = 200
_ACRONYM = re.compile(r"^(.*\S)\s*\(([^()\s]{2,12})\)$")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing a document speaks of.

    Attributes:
        name: its fullest form.
        aliases: canonical forms that mean the same.
        passages: the passages it occurs in, by number.
        mentions: how often it occurs, by any alias.
        span: its first mention, characters of the first passage that holds it; None where only its words occur.
    """

    name: str
    aliases: frozenset[str]
    passages: frozenset[int]
    mentions: int
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Grounding:
    """The entities of a document, the most prominent first, and the names that were dropped."""

    entities: list[Entity]
    ungrounded: list[str]


def ground_entities(named: Sequence[tuple[int, str]], passages: Sequence[str], *, keep_ungrounded: bool) -> Grounding:
    """Merge names that mean one thing, find each in the text, and rank them by mentions.

    Args:
        named: (passage, name) as a model listed them.
        passages: the document's text in pieces.
        keep_ungrounded: keep names that occur nowhere, ranked last, for the passage they were listed with.
    """
    haystacks = [Haystack(passage) for passage in passages]
    entities, ungrounded = [], []
    for names in _merge(named).values():
        entity = _ground(names, passages, haystacks)
        if entity.passages:
            entities.append(entity)
        elif keep_ungrounded:
            listed_with = frozenset(passage for passage, _ in names)
            entities.append(Entity(entity.name, entity.aliases, listed_with, 0, None))
        else:
            ungrounded.append(entity.name)
    entities.sort(key=lambda entity: -entity.mentions)  # stable: the model's own order decides between equals
    return Grounding(entities, ungrounded)


def _merge(named: Sequence[tuple[int, str]]) -> dict[str, list[tuple[int, str]]]:
    """Group names by canonical form, then short forms with the one long form they end ("Ellinghaus")."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for passage, name in named:
        name = " ".join(name.split())
        form = canonical(name)
        if form and len(name) <= _MAX_NAME_CHARS:
            groups.setdefault(form, []).append((passage, name))
    long_forms = _long_forms(groups)
    # The longest first, so that of "Ellinghaus", "Ada Ellinghaus" and "Dr Ada Ellinghaus" all three are one.
    for form in sorted(groups, key=len, reverse=True):
        endings_count = groups[form][0][1][:1].isupper() and len(form) > 2
        longer = {
            other: None
            for other, is_ending in long_forms.get(form, ())
            if other in groups and other != form and (endings_count or not is_ending)
        }
        if len(longer) == 1:
            groups[next(iter(longer))] += groups.pop(form)
    return groups


def _long_forms(forms: Iterable[str]) -> dict[str, list[tuple[str, bool]]]:
    """Short form -> forms that it may stand for: those it ends (True), and those that give it in parentheses.

    An ending is a short form only of a capitalised name.
    """
    found: dict[str, list[tuple[str, bool]]] = {}
    for form in forms:
        acronym = _ACRONYM.match(form)
        for short in acronym.groups() if acronym else ():
            found.setdefault(short, []).append((form, False))
        for space in range(len(form)):
            if form[space] == " ":
                found.setdefault(form[space + 1 :], []).append((form, True))
    return found


def _apart(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, without those inside another: a full name holds its short form."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def _ground(names: Sequence[tuple[int, str]], passages: Sequence[str], haystacks: Sequence[Haystack]) -> Entity:
    forms = list(dict.fromkeys(name for _, name in names))
    longest = max(forms, key=len)
    held, mentions, span = set(), 0, None
    for i, (passage, haystack) in enumerate(zip(passages, haystacks, strict=True)):
        found = _apart({place for form in forms for place in find_mentions(form, passage)})
        mentions += len(found)
        if found and span is None:
            span = found[0]
        if found or mentioned(haystack, longest):
            held.add(i)
    return Entity(longest, frozenset(canonical(form) for form in forms), frozenset(held), mentions, span)
