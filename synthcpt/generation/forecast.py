"""What a run would take, before anything is spent.

The method itself is run over a sample of the documents with an `ask` that only counts: it estimates each prompt's
tokens, sees which prompts share a prefix that a server would have cached, and makes up answers of the length that is
to be expected. What it makes up, it takes from the best there is: answers that the run's journal holds already; the
backend's own where asking is free; else the embedded backend's entities and the lengths the papers report.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from synthcpt.backends import Backend, backend_class
from synthcpt.engine.ask import Ask, Asker
from synthcpt.engine.journal import Journal
from synthcpt.engine.progress import Progress
from synthcpt.engine.retry import RetryPolicy
from synthcpt.engine.slots import Slots
from synthcpt.errors import BackendError, DocumentFailed, RequestFailed
from synthcpt.generation.ingest import open_corpus
from synthcpt.generation.run import SETTINGS, Run
from synthcpt.generation.sample import Sample, extrapolate
from synthcpt.methods import Answer, Context, CorpusSurvey
from synthcpt.records import Completion, Document, Json, Rejection, Request
from synthcpt.text.tokens import estimate_tokens

if TYPE_CHECKING:
    from synthcpt.generation.stage import Generation

_ENOUGH_ANSWERED = 3
"""From so many finished documents on, a forecast rests on them alone."""
_ASKED_PER_PROMPT = 12  # of each document, where asking is free
_NEW_TOKENS = 700
"""Tokens an answer has, where nothing was measured and the prompt's file does not say."""
_TOKENS_A_SECOND = 2500.0
"""Output of one current GPU running an 8B model in batches, where nothing was measured."""

T = TypeVar("T")
Answered = TypeVar("Answered", bound=BaseModel)


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
        counting = _Counting(work, journals)
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


@dataclass(slots=True)
class _Tally:
    """What one document came to.

    Attributes:
        calls: by prompt.
        lengths: new tokens of answers that a free backend gave, by prompt.
        tokens: ``in``, ``out``, ``cached``, and those of ``rows``.
    """

    calls: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    tokens: Counter[str] = field(default_factory=Counter)


class _Counting:
    """Runs the method with an `ask` that counts; one for the whole sample."""

    def __init__(self, work: Generation, journals: Sequence[Journal]) -> None:
        self.work = work
        self.journals = journals
        self.free = work.backend.name in ("extractive", "mock")
        self.answerer: Backend = work.backend if self.free else _embedded()
        self.measured = _measured(journals)
        self.found = 0
        self._notes = Journal(Path(":memory:"))
        self.ratio = 1.0
        self.survey: Json = None
        self._prefixes: dict[tuple[str, ...], int] = {}

    async def start(self, text: str) -> None:
        """Get ready; ``text`` is a piece of the corpus, to try the model's tokenizer on."""
        await self.answerer.start()
        if not self.free:
            self.ratio = _tokenizer_ratio(self.work.config.model, text)

    async def run(self, document: Document, quota: int | None) -> _Tally:
        work, tally = self.work, _Tally()
        context = Context(work.config.seed, work.method.name, document.id, quota, self.survey)
        ask = Ask(_CountingAsker(self, tally), self._notes, 0, 0)
        with contextlib.suppress(DocumentFailed, RequestFailed):
            async for row in work.method.generate(document, ask, work.options, context):
                tally.tokens["rows"] += 0 if isinstance(row, Rejection) else row.tokens
        return tally

    async def complete(self, request: Request, tally: _Tally) -> Answer:
        """An answer to count with: from the journal, from a free backend, or made up."""
        key = request.key(self.work.backend.model)
        known = next((found for journal in self.journals if (found := journal.find(key)) is not None), None)
        self.found += known is not None
        completion = known or await self._expect(request, tally)
        tally.calls[request.prompt] += 1
        prompt_tokens = completion.prompt_tokens if known or self.free else round(self.ratio * _prompt_tokens(request))
        tally.tokens["in"] += prompt_tokens
        tally.tokens["out"] += completion.completion_tokens
        tally.tokens["cached"] += self._cached(request, prompt_tokens)
        return Answer(completion, key)

    async def _expect(self, request: Request, tally: _Tally) -> Completion:
        lengths = tally.lengths[request.prompt]
        if request.schema is not None or (self.free and tally.calls[request.prompt] < _ASKED_PER_PROMPT):
            with contextlib.suppress(BackendError):
                completion = await self.answerer.complete(request)
                lengths.append(completion.completion_tokens)
                if self.free:
                    return completion
                return replace(completion, completion_tokens=self._new_tokens(request))
        new_tokens = round(sum(lengths) / len(lengths)) if self.free and lengths else self._new_tokens(request)
        text = _imagine(request, new_tokens)
        prompt_tokens = _prompt_tokens(request)
        return Completion(text, "stop", prompt_tokens, new_tokens)

    def _new_tokens(self, request: Request) -> int:
        if request.prompt in self.measured:
            return self.measured[request.prompt]
        expected = round(self.ratio * (self.work.book.load(request.prompt).new_tokens or _NEW_TOKENS))
        limit = request.sampling.max_tokens
        return min(expected, limit) if limit else expected

    def _cached(self, request: Request, prompt_tokens: int) -> int:
        """The tokens of the prefix, if one of the last requests had it too."""
        if not self.work.backend.capabilities.prefix_cache and self.free:
            return 0
        *head, last = request.messages
        prefix = (*(part for message in head for part in message.parts), *last.parts[:-1])
        seen = prefix in self._prefixes
        if not seen:
            if len(self._prefixes) > 256:
                self._prefixes.clear()
            self._prefixes[prefix] = sum(estimate_tokens(part) for part in prefix)
        share = self._prefixes[prefix] / max(1, _prompt_tokens(request))
        return int(prompt_tokens * share) // 16 * 16 if seen else 0


class _CountingAsker(Asker):
    """Answers one document's requests by counting them; repairs and second tries are those of a real run."""

    def __init__(self, counting: _Counting, tally: _Tally) -> None:
        work = counting.work
        super().__init__(work.backend, Slots(1), work.run_settings(1), Progress(), RetryPolicy(), work.book)
        self._counting, self._tally = counting, tally

    async def complete(self, journal: Journal, document: int, turn: int, request: Request) -> Answer:  # noqa: ARG002
        return await self._counting.complete(request, self._tally)


def _imagine(request: Request, new_tokens: int) -> str:
    """A text that passes the gates: it names what it was asked about, in the words of the document, out of order."""
    values = [str(value) for value in request.slots.values() if isinstance(value, str)]
    source = max(values, key=len, default="")
    names = [value for value in values if value is not source]
    words = source.split()[:2000][::-1] or ["text"]
    wanted = max(40, round(new_tokens * 0.75))
    return "\n".join(names) + "\n" + " ".join((words * math.ceil(wanted / len(words)))[:wanted])


def _scale(result: Forecast, tallies: Sequence[_Tally], sample: Sequence[Document]) -> None:
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


def _price(result: Forecast, work: Generation, counting: _Counting) -> None:
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
            "How many entities the model finds, and how long it writes, is a guess. Run with --limit 5 first; the "
            "forecast then uses what was measured, and --extend goes on from there (give --parts at the start, if "
            "batch jobs shall share the work)."
        )


def _embedded() -> Backend:
    cls = backend_class("extractive")
    return cls(cls.Options())


def _prompt_tokens(request: Request) -> int:
    return sum(estimate_tokens(part) for message in request.messages for part in message.parts)


def _measured(journals: Sequence[Journal]) -> dict[str, int]:
    """Mean new tokens by prompt, where enough was answered."""
    counts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for journal in journals:
        for prompt, (count, _, mean_out) in journal.answers_by_prompt().items():
            counts[prompt].append((count, mean_out))
    totals = {prompt: (sum(n for n, _ in seen), sum(n * mean for n, mean in seen)) for prompt, seen in counts.items()}
    return {prompt: round(tokens / count) for prompt, (count, tokens) in totals.items() if count >= 3}


def _tokenizer_ratio(model: str, text: str) -> float:
    """The model's own tokens to our estimate, where its tokenizer lies on this machine; 1 otherwise."""
    path = Path(model) / "tokenizer.json"
    if not path.is_file():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        with contextlib.suppress(HFValidationError):
            cached = try_to_load_from_cache(model, "tokenizer.json") if model else None
            path = Path(cached) if isinstance(cached, str) else path
    if not path.is_file():
        return 1.0
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return 1.0
    return float(len(Tokenizer.from_file(str(path)).encode(text).ids) / max(1, estimate_tokens(text)))


@contextlib.contextmanager
def _closing(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()
