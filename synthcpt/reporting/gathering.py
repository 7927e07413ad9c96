"""What a generation run's folder tells of itself, finished or not: counts over all its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from synthcpt.engine.parts import Part
from synthcpt.engine.reading import AnswerCounts, DocumentCounts, JournalReader
from synthcpt.errors import DataCorrupt
from synthcpt.generation.run import Run, add_totals, read_marker

_FINEST_S, _STRETCHES = 0.1, 20_000


@dataclass
class RunFacts:
    """A run's counts.

    Attributes:
        run: the run.
        journals: the parts whose journal is here, in order; what is asked of rows and sources comes from them.
        documents: with the index of their part.
        answers: by prompt and stretch of time, in the order of time.
        row_sizes: tokens a kept text -> texts.
        left_out: (``text``, ``request`` or ``document``; the prompt; the reason) -> how many.
        totals: the markers' sums, of the finished parts whose journal is gone.
    """

    run: Run
    journals: list[Part] = field(default_factory=list)
    documents: list[tuple[int, DocumentCounts]] = field(default_factory=list)
    answers: list[AnswerCounts] = field(default_factory=list)
    row_sizes: Counter[int] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    totals: dict[str, Any] = field(default_factory=dict)

    @property
    def source_tokens(self) -> int:
        """About how many tokens the documents have."""
        return sum(one.source_tokens for _, one in self.documents) + int(self.totals.get("source_tokens", 0))

    @property
    def documents_total(self) -> int:
        """How many documents the run knows of."""
        return len(self.documents) + int(self.totals.get("documents", 0))

    @property
    def documents_done(self) -> int:
        """How many of them are finished."""
        return sum(one.done for _, one in self.documents) + int(self.totals.get("documents", 0))

    @property
    def rows(self) -> int:
        """Texts kept."""
        return sum(one.rows for _, one in self.documents) + int(self.totals.get("rows", 0))

    @property
    def row_tokens(self) -> int:
        """Tokens of the texts kept."""
        return sum(one.row_tokens for _, one in self.documents) + int(self.totals.get("row_tokens", 0))

    def answered(self, name: str) -> int:
        """A sum over all answers: ``answers``, ``prompt_tokens``, ``cached_tokens`` or ``completion_tokens``."""
        return sum(int(getattr(one, name)) for one in self.answers) + int(self.totals.get(name, 0))

    @property
    def cost(self) -> float | None:
        """What the answers cost at the run's prices; None where it was begun without."""
        fresh = self.answered("prompt_tokens") - self.answered("cached_tokens")
        return cost_of(self.run.settings, fresh, self.answered("cached_tokens"), self.answered("completion_tokens"))


def cost_of(settings: dict[str, Any], fresh: int, cached: int, new: int) -> float | None:
    """What so many fresh and cached prompt tokens and new tokens cost; None where the run has no prices."""
    prices = settings.get("prices")
    if not prices:
        return None
    return float(fresh * prices["in"] + cached * prices["cached"] + new * prices["out"]) / 1e6


def gather(folder: Path) -> RunFacts:
    """All counts of a run.

    Raises:
        UserError: the folder holds no run, or a journal is damaged.
        DataCorrupt: run.yaml or a marker cannot be read.
    """
    run = Run(folder)
    if not isinstance(run.settings, dict) or not isinstance(run.settings.get("parts"), int):
        raise DataCorrupt(f"{folder / 'run.yaml'} does not hold a run's settings.")
    facts = RunFacts(run)
    facts.journals = [part for part in run.parts if part.journal.exists()]
    with journals_of(facts) as readers:
        width_s = _stretch(list(readers.values()))
        for index, reader in readers.items():
            facts.documents += [(index, document) for document in reader.documents()]
            facts.answers += reader.answers(width_s)
            facts.row_sizes.update(reader.row_sizes())
            facts.left_out.update({(scope, prompt, reason): n for scope, prompt, reason, n in reader.left_out()})
    facts.answers.sort(key=lambda one: (one.at_s, one.prompt))
    _add_markers(facts)
    return facts


@contextmanager
def journals_of(facts: RunFacts) -> Iterator[dict[int, JournalReader]]:
    """Readers of the run's journals by part, closed at the end."""
    readers: dict[int, JournalReader] = {}
    try:
        for part in facts.journals:
            readers[part.index] = JournalReader(part.journal)
        yield readers
    finally:
        for reader in readers.values():
            reader.__exit__(None, None, None)


def _stretch(readers: list[JournalReader]) -> float:
    """Stretches fine enough for any chart of the whole, and few enough to hold."""
    ends = [end for reader in readers for end in (reader.answered_between() or ())]
    return max(_FINEST_S, (max(ends) - min(ends)) / _STRETCHES) if ends else 1.0


def _add_markers(facts: RunFacts) -> None:
    here = {part.index for part in facts.journals}
    gone = []
    for part in facts.run.parts:
        if part.index in here or not part.marker.exists():
            continue
        try:
            gone.append(read_marker(part)["totals"])
        except (orjson.JSONDecodeError, KeyError) as error:
            raise DataCorrupt(f"{part.marker} cannot be read.") from error
    facts.totals = add_totals(gone)
    for scope, name in (("text", "rejected"), ("request", "failed_requests"), ("document", "failed_documents")):
        for reason, count in facts.totals.get(name, {}).items():
            facts.left_out[scope, "", reason] += count
