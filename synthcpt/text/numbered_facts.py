"""Facts as they are put before a model, many at once, each under a number; and the forms of the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

_LINE = re.compile(r"^(\d+)\. \[([^\]\n]*)\] (.+)$", re.MULTILINE)
_MOST_ITEMS = 400
_MOST_CHARS = 4000


class Listed(NamedTuple):
    """One fact of a list: its number, from 1; what it is about; the sentence."""

    number: int
    entity: str
    fact: str


def number_facts(facts: Iterable[tuple[str, str]]) -> str:
    """A line for each (entity, fact): ``1. [Corrane Light] The Corrane Light was lit in 1841.``"""
    return "\n".join(
        f"{number}. [{one_line(entity).replace('[', '(').replace(']', ')')}] {one_line(fact)}"
        for number, (entity, fact) in enumerate(facts, 1)
    )


def listed_facts(text: str) -> list[Listed]:
    """What `number_facts` wrote."""
    return [Listed(int(match[1]), match[2], match[3]) for match in _LINE.finditer(text)]


def bullets(items: Iterable[str]) -> str:
    """A line for each item, or a word that says there are none."""
    return "\n".join(f"- {one_line(item)}" for item in items) or "(none)"


def one_line(text: str) -> str:
    """With every run of whitespace as one space."""
    return " ".join(text.split())


def _config(title: str) -> ConfigDict:
    return ConfigDict(title=title, extra="ignore", strict=True)


class EntityList(BaseModel):
    """What a document speaks of."""

    model_config = _config("entities")
    entities: list[str] = Field(max_length=_MOST_ITEMS)


class FactList(BaseModel):
    """Facts about one entity."""

    model_config = _config("facts")
    facts: list[str] = Field(max_length=_MOST_ITEMS)


class NumberedFact(BaseModel):
    """A fact, written anew."""

    model_config = _config("fact")
    number: int
    fact: str = Field(max_length=_MOST_CHARS)


class NumberedFacts(BaseModel):
    """Facts, written anew."""

    model_config = _config("numbered_facts")
    facts: list[NumberedFact] = Field(max_length=_MOST_ITEMS)


class Naming(BaseModel):
    """Whether a fact names its entity."""

    model_config = _config("naming")
    number: int
    reason: str = Field(max_length=_MOST_CHARS)
    named: bool


class Namings(BaseModel):
    """Which facts name their entities."""

    model_config = _config("namings")
    verdicts: list[Naming] = Field(max_length=_MOST_ITEMS)


class FactVersions(BaseModel):
    """One fact in other words."""

    model_config = _config("versions_of_one")
    number: int
    versions: list[str] = Field(max_length=50)


class Versions(BaseModel):
    """Facts in other words."""

    model_config = _config("versions")
    facts: list[FactVersions] = Field(max_length=_MOST_ITEMS)


class FactQuestions(BaseModel):
    """Questions that one fact answers; empty where there is no good one."""

    model_config = _config("questions_for_one")
    number: int
    question: str = Field(max_length=_MOST_CHARS)
    reverse: str = Field(max_length=_MOST_CHARS)


class Questions(BaseModel):
    """Questions that facts answer."""

    model_config = _config("questions")
    facts: list[FactQuestions] = Field(max_length=_MOST_ITEMS)


class ProbeQuestion(BaseModel):
    """A question about a document, with its right answer."""

    model_config = _config("probe_question")
    question: str = Field(max_length=_MOST_CHARS)
    answer: str = Field(max_length=_MOST_CHARS)


class Probe(BaseModel):
    """Questions about a document."""

    model_config = _config("probe")
    questions: list[ProbeQuestion] = Field(max_length=_MOST_ITEMS)


class ProbeAnswer(BaseModel):
    """An answer to a question of a probe; empty where the material does not hold it."""

    model_config = _config("probe_answer")
    number: int
    answer: str = Field(max_length=_MOST_CHARS)


class ProbeAnswers(BaseModel):
    """The answers to a probe."""

    model_config = _config("probe_answers")
    answers: list[ProbeAnswer] = Field(max_length=_MOST_ITEMS)


class Mark(BaseModel):
    """Whether an answer is right."""

    model_config = _config("mark")
    number: int
    reason: str = Field(max_length=_MOST_CHARS)
    right: bool


class Marks(BaseModel):
    """Which answers are right."""

    model_config = _config("marks")
    verdicts: list[Mark] = Field(max_length=_MOST_ITEMS)
