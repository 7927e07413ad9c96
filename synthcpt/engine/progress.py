"""What a run is doing now: counters that the engine writes and a display reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthcpt.records import Completion, Rejection, SyntheticDocument


def _free(_prompt_tokens: int, _cached_tokens: int, _completion_tokens: int) -> float:
    return 0.0


@dataclass(slots=True)
class Progress:
    """Counters of a run, over this process and what earlier ones left in the journals.

    Attributes:
        documents, documents_done: in the parts at work.
        answers, replayed: requests answered by the backend; those answered from the journal in this process.
        in_flight, failed, retried, repaired: requests waiting or sent; given up; further attempts; repair turns.
        prompt_tokens, cached_tokens, completion_tokens: of the answers.
        rows, row_tokens: texts kept and their tokens.
        target_tokens: what `row_tokens` should reach, or None.
        rejected: texts dropped, by reason.
        price: cost of (prompt, cached, completion) tokens.
        answers_before, prompt_tokens_before, completion_tokens_before: how much of these was there at the start.
    """

    documents: int = 0
    documents_done: int = 0
    answers: int = 0
    replayed: int = 0
    in_flight: int = 0
    failed: int = 0
    retried: int = 0
    repaired: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    rows: int = 0
    row_tokens: int = 0
    target_tokens: int | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    price: Callable[[int, int, int], float] = _free
    answers_before: int = 0
    prompt_tokens_before: int = 0
    completion_tokens_before: int = 0

    def add_totals(self, totals: Mapping[str, Any], documents_done: int) -> None:
        """Count what a journal holds from before."""
        self.documents += totals["documents"]
        self.documents_done += documents_done
        self.answers += totals["answers"]
        self.prompt_tokens += totals["prompt_tokens"]
        self.cached_tokens += totals["cached_tokens"]
        self.completion_tokens += totals["completion_tokens"]
        self.rows += totals["rows"]
        self.row_tokens += totals["row_tokens"]
        self.rejected.update(totals["rejected"])
        self.failed += sum(totals["failed_requests"].values())

    def begin(self) -> None:
        """What is there now was there before: rates are counted from here."""
        self.answers_before = self.answers
        self.prompt_tokens_before = self.prompt_tokens
        self.completion_tokens_before = self.completion_tokens

    @property
    def cost(self) -> float:
        """What the answers cost so far."""
        return self.price(self.prompt_tokens, self.cached_tokens, self.completion_tokens)

    def answered(self, completion: Completion) -> None:
        """Count an answer."""
        self.answers += 1
        self.prompt_tokens += completion.prompt_tokens
        self.cached_tokens += completion.cached_tokens
        self.completion_tokens += completion.completion_tokens

    def wrote(self, row: SyntheticDocument | Rejection) -> None:
        """Count a text."""
        if isinstance(row, SyntheticDocument):
            self.rows += 1
            self.row_tokens += row.tokens
        else:
            self.rejected[row.reason] += 1
