"""A language model judges free answers: 2 right, 1 partly, 0 wrong (Knowledge-Instruct, arXiv 2504.05571)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from synthcpt.backends import Backend
from synthcpt.errors import RequestRejected
from synthcpt.evaluation.calling import attempted
from synthcpt.evaluation.parsing import parse_verdict
from synthcpt.evaluation.prompting import Prompter
from synthcpt.evaluation.questions import Question

Row: TypeAlias = dict[str, Any]

JUDGED = ("closed_book", "open_book", "retrieval")
"""The settings with free answers."""

_TRIES = 3


class Judging:
    """Puts answers to a judge.

    Args:
        backend: the judge, started.
        name: its name, for the rows.
        questions: id -> question.
    """

    def __init__(self, backend: Backend, name: str, questions: Mapping[str, Question]) -> None:
        self._backend = backend
        self._name = name
        self._questions = questions
        self._prompter = Prompter()

    async def row(self, answered: Row) -> Row:
        """The judgement of one answered question; its ``judge`` is None where the judge said nothing readable."""
        request = self._prompter.judge(self._questions[answered["id"]], answered["answer"] or "")
        row = {
            "setting": answered["setting"], "id": answered["id"], "answer": answered["answer"], "by": self._name,
            "judge": None, "reason": "",
        }  # fmt: skip
        if not answered["answer"]:
            return row | {"judge": 0, "reason": "no answer"}
        for draw in range(_TRIES):
            try:
                said = await attempted(partial(self._backend.complete, replace(request, draw=draw)))
            except RequestRejected:
                return row
            verdict = parse_verdict(said.text)
            if verdict is not None:
                return row | {"judge": verdict.score, "reason": verdict.reason}
        return row


def to_judge(rows: Sequence[Row], judged: Sequence[Row], name: str) -> list[Row]:
    """The free answers that this judge has not judged yet."""
    done = {(row["setting"], row["id"], row["answer"]) for row in judged if row["by"] == name}
    return [row for row in rows if row["setting"] in JUDGED and (row["setting"], row["id"], row["answer"]) not in done]


def with_judgements(rows: Sequence[Row], judged: Sequence[Row], name: str) -> list[Row]:
    """The rows with what the judge said of them."""
    known = {(row["setting"], row["id"], row["answer"]): row for row in judged if row["by"] == name}
    found = []
    for row in rows:
        plain = {key: value for key, value in row.items() if key not in ("judge", "judge_reason")}
        verdict = known.get((row["setting"], row["id"], row.get("answer")))
        found.append(plain | {"judge": verdict["judge"], "judge_reason": verdict["reason"]} if verdict else plain)
    return found
