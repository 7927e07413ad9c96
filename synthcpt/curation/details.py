"""What the reader of a rejected text wants to know besides the reason."""

from __future__ import annotations

from typing import Any

from synthcpt.curation.contamination import QuestionRuns
from synthcpt.curation.scan import Table


class Details:
    """Filled as rows are found to be left out; ids are filled in while the rows are read a last time.

    Args:
        table: of the first reading, with what its gates saw.
    """

    def __init__(self, table: Table) -> None:
        self._told = table.details
        self._like: dict[int, tuple[int, float | None]] = {}
        self._ids: dict[int, str] = {}
        self._runs: QuestionRuns | None = None
        self._asked: dict[int, int] = {}

    def repeats(self, row: int, other: int, share: float | None = None) -> None:
        """The row is an earlier one again; or, with a share, like it."""
        self._like[row] = (other, share)
        self._ids[other] = ""

    def asks(self, runs: QuestionRuns, flagged: dict[int, int]) -> None:
        """These rows contain these runs of words."""
        self._runs, self._asked = runs, flagged

    def see(self, start: int, ids: Any) -> None:
        """Note the ids that later details name; an Arrow array of those from row ``start`` on."""
        if self._ids:
            for at in range(len(ids)):
                if start + at in self._ids:
                    self._ids[start + at] = ids[at].as_py()

    def of(self, row: int) -> str:
        """The row's detail."""
        if row in self._like:
            other, share = self._like[row]
            name = self._ids[other]
            return f"the same as {name}" if share is None else f"Jaccard similarity {share:.2f} to {name}"
        if row in self._asked and self._runs is not None:
            number = self._asked[row]
            question = self._runs.questions[self._runs.askers[number][0]]
            return f"question {question.id} of {question.file}: {self._runs.run_texts[number]!r}"
        return self._told.get(row, "")
