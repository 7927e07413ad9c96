"""Reads a structured answer out of what a model wrote around it."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

Answered = TypeVar("Answered", bound=BaseModel)

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL | re.IGNORECASE)


class MalformedAnswer(ValueError):
    """The text holds no JSON object of the wanted form; the message says what is wrong, for the model to read."""


def parse_answer(text: str, answer_type: type[Answered]) -> Answered:
    """The object that ``text`` holds: bare, fenced, or between other words; slightly broken JSON is mended.

    Raises:
        MalformedAnswer: there is none, or it does not validate.
    """
    value = _find_object(text)
    try:
        return answer_type.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the object"
        raise MalformedAnswer(f"{where}: {first['msg']}") from error


def _find_object(text: str) -> dict[str, Any]:
    fenced = _FENCE.search(text)
    start, end = text.find("{"), text.rfind("}")
    candidates = [text, fenced.group(1) if fenced else "", text[start : end + 1] if 0 <= start < end else ""]
    for candidate in candidates:
        try:
            value = orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            return value
    if start < 0:
        raise MalformedAnswer("there is no JSON object in it")
    return _mend(text[start : end + 1] if end > start else text[start:])


def _mend(text: str) -> dict[str, Any]:
    """Trailing commas, single quotes, raw line ends and the like; not for text of unbounded size."""
    import json_repair

    value = json_repair.loads(text[:200_000])
    if not isinstance(value, dict) or not value:
        raise MalformedAnswer("it is not valid JSON")
    return value
