"""Rows that hold several questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthcpt.evaluation.question_rows import ROLES, is_empty

_NESTS = ("data", "paragraphs", "qas", "questions")
"""Fields that hold a list of rows."""


def spread(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """One row a question, where a set nests them.

    QuALITY and SQuAD nest them in articles, WikiDYK in a fact by their kind; ARC nests the options in the question.
    """
    for name in _NESTS:
        nested = row.get(name)
        if isinstance(nested, list) and nested and all(isinstance(item, Mapping) for item in nested):
            shared = _shared(row, name)
            for item in nested:
                yield from spread({**shared, **item})
            return
    by_kind, stem = row.get("eval"), row.get("question")
    if isinstance(by_kind, Mapping) and by_kind and all(isinstance(item, Mapping) for item in by_kind.values()):
        shared = _shared(row, "eval")
        yield from ({**shared, "kind": kind, **item} for kind, item in by_kind.items() if item)
    elif isinstance(stem, Mapping) and "stem" in stem:
        yield {**row, **stem, "question": stem["stem"]}
    else:
        yield row


def _shared(row: Mapping[str, Any], nest: str) -> dict[str, Any]:
    """What the questions of a row have in common; the row's own id is not theirs, but names their document."""
    shared = {name: value for name, value in row.items() if name != nest and name not in ROLES["id"]}
    own = next((row[name] for name in ROLES["id"] if not is_empty(row.get(name))), None)
    if own is not None and not any(name in shared for name in ROLES["document"]):
        shared["document_id"] = own
    return shared
