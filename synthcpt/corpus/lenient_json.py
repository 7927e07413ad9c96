"""Parsing JSON as it is found in the wild: strict and fast first, forgiving where that fails."""

from __future__ import annotations

import json
import math

import orjson

from synthcpt.corpus.cleaning import decode_text, replace_surrogates
from synthcpt.records import Json


def parse_json(data: bytes | str) -> Json:
    """Parse one JSON value.

    Beyond the standard it takes a BOM, UTF-16 with a BOM, invalid bytes and lone surrogates (both become U+FFFD), and
    NaN and numbers beyond floating point (both become null).

    Raises:
        json.JSONDecodeError: it is broken all the same.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(decode_text(data) if isinstance(data, bytes) else data)


def _parse_leniently(text: str) -> Json:
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer)
        return orjson.loads(replace_surrogates(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        # `from None`: a thousand frames of the parser say nothing more.
        raise json.JSONDecodeError("Nested too deeply", text, 0) from None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _integer(digits: str) -> int | float | None:
    """As orjson reads it: exact within 64 bits, a float beyond."""
    if len(digits) <= 20 and -(2**63) <= (number := int(digits)) < 2**64:
        return number
    return _finite(digits)
