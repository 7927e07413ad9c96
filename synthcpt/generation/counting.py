"""Runs a method over a document with an `ask` that asks nothing and counts what would be asked."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthcpt.backends import Backend, backend_class
from synthcpt.engine.ask import Ask, Asker
from synthcpt.engine.journal import Journal
from synthcpt.engine.progress import Progress
from synthcpt.engine.retry import RetryPolicy
from synthcpt.engine.slots import Slots
from synthcpt.errors import BackendError, DocumentFailed, RequestFailed
from synthcpt.methods import Answer, Context
from synthcpt.records import Completion, Document, Json, Rejection, Request
from synthcpt.text.tokens import estimate_tokens

if TYPE_CHECKING:
    from synthcpt.generation.stage import Generation

_ASKED_PER_PROMPT = 12  # of each document, where asking is free
_NEW_TOKENS = 700
"""Tokens an answer has, where nothing was measured and the prompt's file does not say."""


@dataclass(slots=True)
class Tally:
    """What one document came to.

    Attributes:
        calls: by prompt.
        lengths: new tokens of answers that a free backend gave, by prompt.
        tokens: ``in``, ``out``, ``cached``, and those of ``rows``.
    """

    calls: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    tokens: Counter[str] = field(default_factory=Counter)


class Counting:
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

    async def run(self, document: Document, quota: int | None) -> Tally:
        work, tally = self.work, Tally()
        context = Context(work.config.seed, work.method.name, document.id, quota, self.survey)
        ask = Ask(_CountingAsker(self, tally), self._notes, 0, 0)
        with contextlib.suppress(DocumentFailed, RequestFailed):
            async for row in work.method.generate(document, ask, work.options, context):
                tally.tokens["rows"] += 0 if isinstance(row, Rejection) else row.tokens
        return tally

    async def complete(self, request: Request, tally: Tally) -> Answer:
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

    async def _expect(self, request: Request, tally: Tally) -> Completion:
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

    def __init__(self, counting: Counting, tally: Tally) -> None:
        work = counting.work
        super().__init__(work.backend, Slots(1), work.run_settings(1), Progress(), RetryPolicy(), work.book)
        self._counting, self._tally = counting, tally

    async def complete(self, journal: Journal, document: int, turn: int, request: Request) -> Answer:  # noqa: ARG002
        return await self._counting.complete(request, self._tally)


_LONGEST_NAME_CHARS = 300
"""What is longer is no name but a second text, and an answer that held it would be a copy."""


def _imagine(request: Request, new_tokens: int) -> str:
    """A text that passes the gates: it names what it was asked about, in the words of the document, out of order."""
    values = [str(value) for value in request.slots.values() if isinstance(value, str)]
    source = max(values, key=len, default="")
    names = [value for value in values if value is not source and len(value) <= _LONGEST_NAME_CHARS]
    words = source.split()[:2000][::-1] or ["text"]
    wanted = max(40, round(new_tokens * 0.75))
    if request.draw:  # draws of one prompt differ
        names.append(str(request.draw))
    return "\n".join(names) + "\n" + " ".join((words * math.ceil(wanted / len(words)))[:wanted])


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
