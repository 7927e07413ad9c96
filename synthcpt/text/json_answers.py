"""Reads a structured answer out of what a model wrote around it."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

Answered = TypeVar("Answered", bound=BaseModel)

_FENCE = re.compile(r"```(?:json)?[^\S\n]*\n", re.IGNORECASE)
_MOST_MENDED_CHARS = 20_000
"""Mending takes time that grows with the square of the length, some seconds at this one."""
_DEEPEST_MENDED = 50


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
    start, end = text.find("{"), text.rfind("}")
    candidates = [text, _fenced(text), text[start : end + 1] if 0 <= start < end else ""]
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


def _fenced(text: str) -> str:
    opening = _FENCE.search(text)
    return text[opening.end() : max(opening.end(), text.find("```", opening.end()))] if opening else ""


def _mend(text: str) -> dict[str, Any]:
    """Trailing commas, single quotes, raw line ends and the like; not for text of unbounded size or depth."""
    import json_repair

    depth = max(accumulate((char in "{[") - (char in "}]") for char in text[: _MOST_MENDED_CHARS + 1]))
    if len(text) > _MOST_MENDED_CHARS or depth > _DEEPEST_MENDED:
        raise MalformedAnswer("it is not valid JSON, and too long or too deep to be mended")
    try:
        mended = json.dumps(json_repair.loads(text), ensure_ascii=False)
        # Through UTF-16, which joins escaped surrogate pairs and replaces lone ones, which no file could hold.
        value = orjson.loads(mended.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except ValueError as error:  # also what JSON does not have: NaN, and numbers of thousands of digits
        raise MalformedAnswer("it is not valid JSON") from error
    if not isinstance(value, dict) or not value:
        raise MalformedAnswer("it is not valid JSON")
    return value
