"""Replaces the pronoun a sentence opens with by the name it stands for, where that is beyond reasonable doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from synthcpt.backends.extractive.lexicon import PERSON_NOUNS
from synthcpt.backends.extractive.reading import Sentence
from synthcpt.text.abbreviations import word_set

_OPENING = re.compile(r"(He|She|It|His|Her|Its) ([^\W\d_]+)")
_WORD = re.compile(r"[^\W\d_]+")
_IS_A = re.compile(r"(?: \([^()]{1,200}\))? (?:is|was) (?:a|an|the) ")
_PREDICATES_OF_THINGS = word_set(
    """is was has had stars features follows tells premiered received won took opened grossed includes contains marks
    serves depicts explores centers centres focuses revolves began ended runs ran"""
)
_FILLERS = word_set("that who whether how")


def resolve_openings(
    sentences: Sequence[Sentence], persons: Callable[[int], list[str]], subject: Callable[[int], str]
) -> dict[int, tuple[str, str]]:
    """Leaning sentences that can be told alone: number -> (the name put in, the sentence with it).

    Args:
        sentences: a document's sentences.
        persons: the people a sentence names.
        subject: the name a sentence opens with as its subject, or empty.
    """
    resolved: dict[int, tuple[str, str]] = {}
    for number in range(1, len(sentences)):
        here, before = sentences[number], sentences[number - 1]
        opening = _OPENING.match(here.text) if here.leans and here.kind == "prose" else None
        if opening is None or before.block != here.block:
            continue
        name = resolved[number - 1][0] if number - 1 in resolved else "" if before.leans else subject(number - 1)
        if name and _fits(opening, here, before, name, persons(number - 1), number - 1 in resolved):
            owned = opening[1] in ("His", "Her", "Its")
            resolved[number] = (name, name + ("'s" if owned else "") + here.text[opening.end(1) :])
    return resolved


def _fits(
    opening: re.Match[str], here: Sentence, before: Sentence, name: str, people: list[str], chained: bool
) -> bool:
    if opening[1] in ("It", "Its"):
        filler = opening[1] == "It" and (
            opening[2] not in _PREDICATES_OF_THINGS or not _FILLERS.isdisjoint(_WORD.findall(here.text)[2:6])
        )
        return not filler and name not in people and (chained or bool(_IS_A.match(before.text, _end_of(name, before))))
    others = [person for person in people if person != name]
    bystanders = PERSON_NOUNS.intersection(_WORD.findall(before.text.lower()))
    return not others and not bystanders and (name in people or chained)


def _end_of(name: str, sentence: Sentence) -> int:
    return max(sentence.text.find(name), 0) + len(name)
