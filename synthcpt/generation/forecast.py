"""What a run would take, before anything is spent.

The method itself is run over a sample of the documents with an `ask` that only counts: it estimates each prompt's
tokens, sees which prompts share a prefix that a server would have cached, and makes up answers of the length that is
to be expected. What it makes up, it takes from the best there is: answers that the run's journal holds already; the
backend's own where asking is free; else the embedded backend's entities and the lengths the papers report.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synthcpt.engine.journal import Journal
from synthcpt.generation.counting import Counting, Tally
from synthcpt.generation.ingest import open_corpus
from synthcpt.generation.run import SETTINGS, Run
from synthcpt.generation.sample import Sample, extrapolate
from synthcpt.methods import CorpusSurvey
from synthcpt.records import Document
from synthcpt.text.tokens import estimate_tokens

if TYPE_CHECKING:
    from synthcpt.generation.stage import Generation

_ENOUGH_ANSWERED = 3
"""From so many finished documents on, a forecast rests on them alone."""
_TOKENS_A_SECOND = 2500.0
"""Output of one current GPU running an 8B model in batches, where nothing was measured."""


@dataclass(slots=True)
class Forecast:
    """What a run would take.

    Attributes:
        documents, source_tokens: of the corpus.
        sampled: how many documents the forecast looked at.
        calls: requests, by prompt.
        prompt_tokens, cached_tokens, completion_tokens: of all requests; cached ones a prefix cache would serve.
        row_tokens: of the texts that would be kept.
        cost: in the currency of the prices; None without prices.
        seconds: at the measured or assumed speed; None where the backend is free and quick.
        spread: the true figures may be this many times less or more.
        notes: what it rests on, for a reader.
    """

    documents: int = 0
    source_tokens: int = 0
    sampled: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    row_tokens: int = 0
    cost: float | None = None
    seconds: float | None = None
    spread: float = 1.0
    notes: list[str] = field(default_factory=list)

    def facts(self) -> list[tuple[str, str]]:
        """Name and value, for a table."""
        by_prompt = ", ".join(f"{count:,} {name.split('/')[-1]}" for name, count in self.calls.items())
        cached = (
            f"; {self.cached_tokens / self.prompt_tokens:.0%} can come from a prefix cache"
            if self.cached_tokens
            else ""
        )
        growth = self.row_tokens / max(1, self.source_tokens)
        facts = [
            ("documents", f"{self.documents:,} of about {self.source_tokens:,} tokens"),
            ("calls", f"{self._range(sum(self.calls.values()))} ({by_prompt})"),
            ("tokens in", f"{self._range(self.prompt_tokens)}{cached}"),
            ("tokens out", self._range(self.completion_tokens)),
            ("texts", f"about {self.row_tokens:,} tokens, {growth:.1f} times the documents"),
        ]
        if self.cost is not None:
            facts.append(("cost", self._range(self.cost, 2)))
        if self.seconds is not None:
            facts.append(("time", self._hours()))
        return facts

    def _range(self, value: float, digits: int = 0) -> str:
        if self.spread <= 1:
            return f"{value:,.{digits}f}"
        low, high = value / self.spread, value * self.spread
        return f"{value:,.{digits}f} (between {low:,.{digits}f} and {high:,.{digits}f})"

    def _hours(self) -> str:
        hours = (self.seconds or 0) / 3600
        return f"{hours * 60:,.1f} minutes" if hours < 1 else f"{hours:,.1f} hours"


async def forecast(work: Generation) -> Forecast:
    """Forecast a run that `Generation` has checked, reading its corpus and at most a sample of its journal.

    Raises:
        CorpusError: the input cannot be read.
    """
    before = Run(work.config.output) if (work.config.output / SETTINGS).exists() else None
    with contextlib.ExitStack() as stack:
        journals = (
            [stack.enter_context(_closing(part.journal)) for part in before.parts if part.journal.exists()]
            if before
            else []
        )
        documents = open_corpus(work.config).documents
        result = Forecast()
        survey = work.begin_survey() if before is None or before.survey is None else None
        sample = _sample(documents, result, journals, survey)
        counting = Counting(work, journals)
        counting.survey = survey.result() if survey is not None else before.survey if before is not None else None
        await counting.start("\n".join(document.text for document in sample)[:100_000])
        expansion = work.expansion(before.settings if before else None, result.source_tokens)
        tallies = [await counting.run(document, _quota(expansion, document)) for document in sample]
    _scale(result, tallies, sample)
    _price(result, work, counting)
    return result


def _sample(
    documents: Iterable[Document], result: Forecast, journals: Sequence[Journal], survey: CorpusSurvey | None
) -> list[Document]:
    """The documents that were finished before, if they are enough, else those whose hashes come first.

    Counts all documents, and shows all to the survey.
    """
    answered, others = Sample(), Sample()
    for document in documents:
        if survey is not None:
            survey.see(document)
        result.documents += 1
        result.source_tokens += estimate_tokens(document.text)
        known = any(journal.is_done(document.id) for journal in journals)
        (answered if known else others).offer(document)
    enough = len(answered.documents) >= _ENOUGH_ANSWERED
    sample = answered.documents if enough else [*answered.documents, *others.documents]
    result.sampled = len(sample)
    return sample


def _quota(expansion: float | None, document: Document) -> int | None:
    return None if expansion is None else round(expansion * estimate_tokens(document.text))


def _scale(result: Forecast, tallies: Sequence[Tally], sample: Sequence[Document]) -> None:
    sizes = [estimate_tokens(document.text) for document in sample]

    def total(values: Sequence[int]) -> int:
        return round(extrapolate(values, sizes, result.documents, result.source_tokens))

    prompts = sorted({prompt for tally in tallies for prompt in tally.calls})
    result.calls = {prompt: total([tally.calls[prompt] for tally in tallies]) for prompt in prompts}
    result.prompt_tokens = total([tally.tokens["in"] for tally in tallies])
    result.cached_tokens = total([tally.tokens["cached"] for tally in tallies])
    result.completion_tokens = total([tally.tokens["out"] for tally in tallies])
    result.row_tokens = total([tally.tokens["rows"] for tally in tallies])
    result.notes.append(f"From {result.sampled:,} of {result.documents:,} documents.")


def _price(result: Forecast, work: Generation, counting: Counting) -> None:
    config, settings = work.config, work.run_settings(1)
    if config.prices():
        result.cost = settings.cost(result.prompt_tokens, result.cached_tokens, result.completion_tokens)
        uncached = settings.cost(result.prompt_tokens, 0, result.completion_tokens)
        if uncached > result.cost:
            result.notes.append(f"Without a prefix cache it would cost {uncached:,.2f}.")
    elif not counting.free:
        result.notes.append("For the cost, give --price-in and --price-out (and --price-cached), per million tokens.")
    if counting.free:
        return
    result.seconds = result.completion_tokens / _TOKENS_A_SECOND
    result.notes.append(
        f"Time at {_TOKENS_A_SECOND:,.0f} output tokens a second, as one current GPU gives with an 8B model."
    )
    if counting.measured:
        result.notes.append(f"Lengths are those of {counting.found:,} answers this run holds already.")
    else:
        result.spread = 1.0 if config.target_tokens else 2.0
        result.notes.append(
            "How much the model finds, and how long it writes, is a guess. Run with --limit 5 first; the "
            "forecast then uses what was measured, and --extend goes on from there (give --parts at the start, if "
            "batch jobs shall share the work)."
        )


@contextlib.contextmanager
def _closing(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()
