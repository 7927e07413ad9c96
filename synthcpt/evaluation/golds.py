"""Answers and options as the published sets write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synthcpt.corpus.cleaning import clean_line
from synthcpt.text.choices import bare_options, right_option

_GOLD_KEYS = ("value", "text", "answer", "aliases", "normalized_aliases")
"""Where a gold that is an object holds its wordings: TriviaQA's and SQuAD's."""


def gold_texts(value: Any) -> Iterator[str]:
    """Every wording that a value holds: a text, a number, a list, a list written as JSON, an object of these."""
    if isinstance(value, str):
        parsed = _parsed_list(value)
        if parsed is None:
            yield clean_line(value)
        else:
            yield from gold_texts(parsed)
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, Mapping):
        for key in _GOLD_KEYS:
            if key in value:
                yield from gold_texts(value[key])
    elif isinstance(value, Sequence):
        for item in value:
            yield from gold_texts(item)


def options_of(value: Any) -> tuple[str, ...]:
    """The options that a value holds, without letters of their own: a list, ARC's object, letters to texts, JSON."""
    if isinstance(value, str):
        parsed = _parsed_list(value)
        return options_of(parsed) if parsed is not None else ()
    if isinstance(value, Mapping):
        texts = value["text"] if isinstance(value.get("text"), list) else [value[key] for key in sorted(value)]
    else:
        texts = list(value) if isinstance(value, Sequence) else []
    options = [next(gold_texts(text), "") for text in texts]
    return tuple(bare_options(options)) if all(options) else ()


def option_place(
    value: Any, options: Sequence[str], first: int, *, number_first: bool, row: Mapping[str, Any]
) -> int | None:
    """The place of the right option, from 0, given by its text, its letter or its number; None if it is none.

    Args:
        value: what the row says.
        options: all of them.
        first: what the first option's number is.
        number_first: digits are a number even where an option is written so; the field is for places, not for texts.
        row: the whole row; ARC names its options' labels.
    """
    if isinstance(value, list | tuple):
        return option_place(value[0], options, first, number_first=number_first, row=row) if len(value) == 1 else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = clean_line(str(int(value) if isinstance(value, float) and value.is_integer() else value))
    for name in ("choices", "options"):
        labels = row[name].get("label") if isinstance(row.get(name), Mapping) else None
        if isinstance(labels, list) and len(labels) == len(options) and text in labels:
            return labels.index(text)
    if text.isdecimal() and (number_first or not isinstance(value, str) or text not in options):
        place = int(text) - first
        return place if 0 <= place < len(options) else None
    return right_option(options, text)


def _parsed_list(text: str) -> list[Any] | None:
    """A list (or an object) that is written as JSON, as PopQA's aliases are; None for any other text."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        return None
    try:
        value = json.loads(stripped)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, list) else None
