"""The numbers that an answered question has, and what they are called."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""A line of answers.jsonl."""


class Metric(NamedTuple):
    """A number that every answered question of a setting has.

    Attributes:
        title: what it is called in tables.
        unit: ``share`` of questions (or of agreement), or ``nats``.
        read: the number of a row; None where the row has none.
        compared: whether it is tested against a baseline's; a rate of attempts is not, it tells of form, not of
            knowledge.
    """

    title: str
    unit: Literal["share", "nats"]
    read: Callable[[Row], float | None]
    compared: bool = True


def _field(name: str) -> Callable[[Row], float | None]:
    def read(row: Row) -> float | None:
        value = row.get(name)
        return float(value) if value is not None and math.isfinite(value) else None

    return read


def _judged_right(row: Row) -> float | None:
    return None if row.get("judge") is None else float(row["judge"] == 2)


def _of_attempted(row: Row) -> float | None:
    """Correct where something was attempted; of many samples, the share of right ones among the readable.

    That share is what picking one readable sample at random gives on average.
    """
    attempted = row.get("attempted")
    return float(row["correct"]) / float(attempted) if attempted and row.get("correct") is not None else None


METRICS: dict[str, Metric] = {
    "exact": Metric("exact match", "share", _field("exact")),
    "f1": Metric("token F1", "share", _field("f1")),
    "contains": Metric("contains", "share", _field("contains")),
    "judge": Metric("judged right", "share", _judged_right),
    "correct": Metric("correct of all", "share", _field("correct")),
    "correct_attempted": Metric("correct of attempted", "share", _of_attempted),
    "attempted": Metric("attempted", "share", _field("attempted"), compared=False),
    "recall": Metric("document found", "share", _field("recall"), compared=False),
    "logprob": Metric("log-probability", "nats", _field("logprob")),
}
"""Name -> metric, in the order of tables. A row's other fields are no metrics."""
