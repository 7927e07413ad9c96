"""Asks in rounds for what a model missed, and about many things a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from synthcpt.errors import RequestFailed
from synthcpt.methods.protocol import Ask
from synthcpt.records import Request

T = TypeVar("T")
Answered = TypeVar("Answered", bound=BaseModel)
Keys = tuple[str, ...]


async def ask_in_rounds(
    ask: Ask, request: Callable[[list[str]], Request], answer_type: type[BaseModel],
    form: Callable[[str], str], *, rounds: int, least_yield: float,
    fatal: Callable[[RequestFailed], bool] = lambda _: False,
) -> list[tuple[str, Keys]]:  # fmt: skip
    """A list, asked for again and again with what is known already, as long as enough that is new comes.

    Args:
        ask: the method's.
        request: asks for what is not in the list it is given.
        answer_type: its one field is a list of strings.
        form: under which two items are one; empty for an item that does not count.
        rounds: at most so many.
        least_yield: stop after a round that adds less than this share of what was there before it, and in any case
            after one that adds nothing.
        fatal: whether a failure of the first round is raised; else nothing was found.

    Returns:
        Items in the order in which they came, each with the calls of its round. What was found before a later round
        failed is returned.

    Raises:
        RequestFailed: the first round failed, and that is fatal.
    """
    found: dict[str, tuple[str, Keys]] = {}
    for number in range(rounds):
        try:
            answer, keys = await ask.json(request([text for text, _ in found.values()]), answer_type)
        except RequestFailed as failure:
            if number == 0 and fatal(failure):
                raise
            break
        known = len(found)
        for text in map(_one_line, _items(answer)):
            key = form(text)
            if key:
                found.setdefault(key, (text, keys))
        new = len(found) - known
        if new == 0 or new < least_yield * known:
            break
    return list(found.values())


async def ask_about(
    ask: Ask, things: Sequence[T], request: Callable[[Sequence[T]], Request], answer_type: type[BaseModel],
    *, a_call: int, draw: int = 0,
) -> list[tuple[T, Any, Keys]]:  # fmt: skip
    """What a model says of each of many things, a batch a call, all calls at once.

    Args:
        ask: the method's.
        things: what to ask about.
        request: asks about a batch, whose things it numbers from 1.
        answer_type: its one field is a list of objects, each with the ``number`` of what it is about.
        a_call: things a batch.
        draw: tells repeated samples apart.

    Returns:
        Each thing that was answered for, its object and the calls; in the order of the things.
    """

    async def answer(batch: Sequence[T]) -> list[tuple[T, Any, Keys]]:
        try:
            found, keys = await ask.json(replace(request(batch), draw=draw), answer_type)
        except RequestFailed:  # it is in the failures file
            return []
        by_number: Mapping[int, Any] = {item.number: item for item in reversed(_items(found))}
        return [(thing, by_number[n], keys) for n, thing in enumerate(batch, 1) if n in by_number]

    batches = [things[at : at + a_call] for at in range(0, len(things), a_call)]
    return [item for answers in await asyncio.gather(*map(answer, batches)) for item in answers]


def _items(answer: BaseModel) -> list[Any]:
    """The list that is an answer's one field."""
    (name,) = type(answer).model_fields
    return list(getattr(answer, name))


def _one_line(text: str) -> str:
    return " ".join(text.split())
