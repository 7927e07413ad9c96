"""A world on disk: what the student learns first, what is injected, and the questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from synthcpt.errors import UserError
from synthcpt.files import replacing, write_text
from synthcpt.randomness import stream
from synthcpt.worlds.asking import questions
from synthcpt.worlds.facts import Entity, Half
from synthcpt.worlds.making import World, make_world
from synthcpt.worlds.telling import biography

WORLD = "world.json"
DOCUMENTS = "documents.jsonl"
QUESTIONS = "questions.jsonl"
KNOWN_TEXTS = "known/texts.jsonl"
KNOWN_QUESTIONS = "known/questions.jsonl"
KNOWN_HELDOUT = "known/heldout.jsonl"

QUESTION, ANSWER = "Question:", "Answer:"
_KNOWN_ASKED = 2
"""Times that the student reads each phrasing of a question about the known half, for each ten texts about it."""


def write_world(folder: Path, people: int = 400, seed: int = 0, texts: int = 40, new: int | None = None) -> World:
    """Make a world and write its files.

    ``documents.jsonl`` holds the new half, a text a person or company that states each fact once, in a wording of its
    own, the subject named once. ``questions.jsonl`` asks for them. ``known/`` holds what the student is pre-trained
    on: many texts about each thing of the old half, and questions with answers; texts held out, to see forgetting
    with, and the questions again. ``world.json`` is enough to make it all again.

    Args:
        folder: where to.
        people: how many, both halves together.
        seed: of everything.
        texts: texts about each thing of the old half.
        new: how many of the people are new; half by default.

    Raises:
        ConfigError: a size that cannot be.
        UserError: the folder cannot be written.
    """
    world = make_world(people, seed, new)
    _write(folder / DOCUMENTS, (_document(world, entity) for entity in world.half("new")))
    _write(folder / QUESTIONS, _questions(world, "new"))
    _write(folder / KNOWN_TEXTS, _known(world, texts))
    _write(folder / KNOWN_QUESTIONS, _questions(world, "old"))
    _write(folder / KNOWN_HELDOUT, (_told(world, entity, "held out", 0) for entity in world.half("old")))
    facts = [{"id": entity.id, "name": entity.name, **entity.values} for entity in world.entities]
    _write(folder / "facts.jsonl", facts)
    made = {"people": people, "seed": seed, "texts": texts, "new": world.new}
    write_text(folder / WORLD, orjson.dumps(made).decode() + "\n")
    return world


def read_world(folder: str | Path) -> World:
    """The world of a folder that `write_world` wrote.

    Raises:
        UserError: the folder holds no world.
    """
    path = Path(folder) / WORLD
    try:
        made = orjson.loads(path.read_bytes())
        return make_world(made["people"], made["seed"], made["new"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{folder} holds no world: {path} cannot be read. Make one with `synthcpt world`.") from error


def asked(question: str, answer: str) -> str:
    """A question with its answer, as the student reads it."""
    return f"{QUESTION} {question}\n{ANSWER} {answer}"


def _document(world: World, entity: Entity) -> dict[str, Any]:
    rng = stream(world.seed, "world", entity.id, "document")
    return {
        "id": entity.id,
        "title": entity.name,
        "text": biography(entity, rng, permuted=False, full_names=False),
    }


def _told(world: World, entity: Entity, purpose: str, number: int) -> dict[str, Any]:
    rng = stream(world.seed, "world", entity.id, purpose, str(number))
    return {"id": f"{entity.id}-{number}", "text": biography(entity, rng)}


def _known(world: World, texts: int) -> Iterator[dict[str, Any]]:
    for entity in world.half("old"):
        for number in range(texts):
            yield _told(world, entity, "known", number)
    for round_ in range(max(1, texts * _KNOWN_ASKED // 10)):
        for phrasing in range(2):
            for question in questions(world, "old", phrasing=phrasing):
                text = asked(question.question, question.answer)
                yield {"id": f"{question.id}/{phrasing}/{round_}", "text": text}


def _questions(world: World, half: Half) -> Iterator[dict[str, Any]]:
    return (asdict(question) for question in questions(world, half))


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with replacing(path) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
