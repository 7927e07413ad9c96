"""The durable `ask`: a method's only way to a language model.

An answer that is in the journal returns at once, so a method's coroutine can be run again after a crash and walks to
where it was. An answer that is not is fetched, retried where that may help, stored, and returned.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from synthcpt.backends import Backend, Capabilities
from synthcpt.engine.journal import Journal
from synthcpt.engine.progress import Progress
from synthcpt.engine.retry import Attempts, RetryPolicy
from synthcpt.engine.slots import Slots
from synthcpt.errors import (
    BackendUnavailable,
    BudgetReached,
    RequestFailed,
    RequestRejected,
    SynthcptError,
    TransientError,
)
from synthcpt.methods import Answer
from synthcpt.records import Completion, Message, Request, Sampling
from synthcpt.templates import Prompt, PromptBook
from synthcpt.text.json_answers import MalformedAnswer, parse_answer

Truncation = Literal["drop", "retry"]

_AT_ONCE = -1
"""The turn of a request that its document waits for alone: what the document asks next depends on it, so it goes before
all that was asked in bulk. That keeps work in store for the backend until the last document."""

T = TypeVar("T")
Answered = TypeVar("Answered", bound=BaseModel)

_REPAIR = (
    "That answer cannot be used: {problem}. Answer again, with one JSON object that follows this schema and nothing "
    "else: {schema}"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What applies to every request of a run.

    Attributes:
        sampling: fields that override the prompts' own defaults; those left None do not.
        truncation: what to do about an answer that hit its token limit: ``"retry"`` asks once more with twice the
            room, ``"drop"`` does not. Either way a truncated answer is handed out as such, for the gates to reject.
        repairs: how often a malformed structured answer is sent back with what is wrong.
        max_cost: stop asking at this spend.
        price_in, price_cached, price_out: per million tokens, in the same currency.
    """

    sampling: dict[str, Any] = field(default_factory=dict)
    truncation: Truncation = "retry"
    repairs: int = 2
    max_cost: float | None = None
    price_in: float = 0.0
    price_cached: float = 0.0
    price_out: float = 0.0

    def cost(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """What these tokens cost."""
        fresh = prompt_tokens - cached_tokens
        total = fresh * self.price_in + cached_tokens * self.price_cached + completion_tokens * self.price_out
        return total / 1e6


class Asker:
    """What all documents of a run ask through.

    Args:
        backend: started.
        slots: admission to it.
        settings: what applies to every request.
        progress: counters for people to watch.
        policy: how long a request is tried.
        prompts: the run's prompts.

    Attributes:
        stopped: done with the reason once the run must end early.
    """

    def __init__(
        self,
        backend: Backend,
        slots: Slots,
        settings: Settings,
        progress: Progress,
        policy: RetryPolicy,
        prompts: PromptBook,
    ) -> None:
        self.backend = backend
        self.settings = settings
        self.progress = progress
        self.prompts = prompts
        self.stopped: asyncio.Future[SynthcptError] = asyncio.get_running_loop().create_future()
        self.slots = slots
        self._attempts = Attempts(backend, slots, policy)
        self._in_flight: dict[tuple[str, str], asyncio.Future[Completion]] = {}
        self._without_pause = 0

    async def complete(self, journal: Journal, document: int, turn: int, request: Request) -> Answer:
        """The journal's answer to a request, or the backend's.

        Raises:
            RequestFailed: it was given up for good, now or in an earlier run.
        """
        key = request.key(self.backend.model)
        known = journal.find(key)
        if known is not None:
            self.progress.replayed += 1
            await self._breathe()
            return Answer(known, key)
        failure = journal.find_failure(document, key)
        if failure is not None:
            raise RequestFailed(failure.reason, failure.detail, key, transient=failure.transient)
        # Two documents, or two steps, may ask the same thing at the same time: it is asked once.
        flight = (str(journal.path), key)
        while (under_way := self._in_flight.get(flight)) is not None:
            await asyncio.wait((under_way,))
            if not under_way.cancelled():
                return Answer(self._shared_result(under_way, journal, document, request, key), key)
            # Whoever asked first was called off; the next one asks in its place.
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._in_flight[flight] = future
        try:
            completion = await self._fetch(journal, document, turn, request, key)
            future.set_result(completion)
            return Answer(completion, key)
        except BaseException as error:
            if isinstance(error, Exception):
                future.set_exception(error)
                future.exception()  # retrieved: nobody else may be waiting
            else:
                future.cancel()
            raise
        finally:
            del self._in_flight[flight]

    def _shared_result(
        self, future: asyncio.Future[Completion], journal: Journal, document: int, request: Request, key: str
    ) -> Completion:
        """What another document's call brought; where it failed, it failed for this one too."""
        try:
            return future.result()
        except RequestFailed as failure:
            journal.put_failure(
                document, "request", failure.reason, failure.detail,
                key=key, request=request, transient=failure.transient,
            )  # fmt: skip
            raise

    async def _fetch(self, journal: Journal, document: int, turn: int, request: Request, key: str) -> Completion:
        await self._check_budget()
        self.progress.in_flight += 1
        try:
            completion, attempts = await self._attempts.complete(request, turn)
        except BackendUnavailable as error:
            await self.stop(error)
            raise
        except (TransientError, RequestRejected) as error:
            transient = isinstance(error, TransientError)
            reason = _slug(type(error).__name__)
            journal.put_failure(document, "request", reason, str(error), key=key, request=request, transient=transient)
            self.progress.failed += 1
            raise RequestFailed(reason, str(error), key, transient=transient) from error
        finally:
            self.progress.in_flight -= 1
            self.progress.retried = self._attempts.retried
        completion = _storable(completion)
        journal.put_answer(document, key, request, completion, attempts)
        self.progress.answered(completion)
        await self._breathe()
        return completion

    async def _check_budget(self) -> None:
        cap, progress = self.settings.max_cost, self.progress
        if cap is not None and progress.cost >= cap:
            await self.stop(BudgetReached(f"The spend cap of {cap:g} is reached ({progress.cost:.4g} spent)."))

    def request_stop(self, reason: SynthcptError) -> None:
        """Send nothing more; what is under way may still be answered and is stored."""
        self.slots.close()
        if not self.stopped.done():
            self.stopped.set_result(reason)

    async def stop(self, reason: SynthcptError) -> None:
        """Stop the run from inside a request: returns only by cancellation, so no method sees a failure."""
        self.request_stop(reason)
        await asyncio.get_running_loop().create_future()

    async def _breathe(self) -> None:
        """Let the event loop turn now and then where answers come at once: from the journal, or by rules."""
        self._without_pause += 1
        if self._without_pause >= 64:
            self._without_pause = 0
            await asyncio.sleep(0)


class Ask:
    """`ask`, bound to one document.

    Args:
        asker: what the run asks through.
        journal: the document's part.
        document: its number in the journal.
        turn: its place in the order of work; the lower, the sooner its requests are sent.
    """

    def __init__(self, asker: Asker, journal: Journal, document: int, turn: int) -> None:
        self._asker = asker
        self._journal = journal
        self._document = document
        self.turn = turn

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do."""
        return self._asker.backend.capabilities

    @property
    def max_tokens(self) -> int | None:
        """The run's own limit on new tokens, where one was set."""
        limit = self._asker.settings.sampling.get("max_tokens")
        return None if limit is None else int(limit)

    def prompt(self, name: str) -> Prompt:
        """A prompt of the run: the user's version where there is one."""
        return self._asker.prompts.load(name)

    async def __call__(self, request: Request) -> Answer:
        """The answer to a request.

        One that was cut off by the token limit is asked again once with twice the room, if the run's truncation
        policy says so; the answer's ``finish_reason`` tells whether it is whole.

        Raises:
            RequestFailed: given up for good, after bounded retries; it is in the failures file.
        """
        return await self.at_turn(_AT_ONCE, request)

    async def at_turn(self, turn: int, request: Request) -> Answer:
        """The answer to a request, which waits for its turn; see `__call__`."""
        request = self._with_run_sampling(request)
        answer = await self._asker.complete(self._journal, self._document, turn, request)
        more = self._more_room(request, answer)
        if more is None:
            return answer
        roomier = replace(request, sampling=replace(request.sampling, max_tokens=more))
        return await self._asker.complete(self._journal, self._document, turn, roomier)

    def _more_room(self, request: Request, answer: Answer) -> int | None:
        """The token limit to try once more with, or None: twice the first, as far as the context holds it."""
        limit, completion = request.sampling.max_tokens, answer.completion
        if completion.finish_reason != "length" or not limit or self._asker.settings.truncation == "drop":
            return None
        context_tokens = self.capabilities.context_tokens
        left = 2 * limit if context_tokens is None else context_tokens - completion.prompt_tokens
        return min(2 * limit, left) if left > limit else None

    async def json(self, request: Request, answer_type: type[Answered]) -> tuple[Answered, tuple[str, ...]]:
        """A structured answer, validated, and the keys of the calls it took.

        A malformed one is sent back with what is wrong, a bounded number of times.

        Raises:
            RequestFailed: as `__call__`; or no attempt gave a valid answer (``malformed_answer``).
        """
        schema = answer_type.model_json_schema()
        request = replace(request, schema=schema)
        keys: list[str] = []
        for repair in range(self._asker.settings.repairs + 1):
            answer = await self(request)
            keys.append(answer.key)
            try:
                if answer.completion.finish_reason != "stop":
                    raise MalformedAnswer("it was cut off")  # even where what is there could be mended
                return parse_answer(answer.text, answer_type), tuple(keys)
            except MalformedAnswer as error:
                problem = str(error)
            self._asker.progress.repaired += repair < self._asker.settings.repairs
            complaint = _REPAIR.format(problem=problem, schema=schema)
            turns = (Message("assistant", (answer.text[:4000],)), Message("user", (complaint,)))
            request = replace(request, messages=(*request.messages, *turns))
        self._journal.put_failure(
            self._document, "request", "malformed_answer", problem, key=keys[-1], request=request, attempts=len(keys)
        )
        self._asker.progress.failed += 1
        raise RequestFailed("malformed_answer", problem, keys[-1])

    async def each(self, requests: Iterable[tuple[T, Request]]) -> AsyncIterator[tuple[T, Answer | RequestFailed]]:
        """Ask many, a bounded number at once; yields each tag with its answer or failure as it comes.

        ``requests`` is consumed as there is room, so it may be lazy and long.
        """
        async with _Bulk(self, requests, self._asker.slots) as bulk:
            async for result in bulk:
                yield result

    def _with_run_sampling(self, request: Request) -> Request:
        overrides = self._asker.settings.sampling
        return (
            replace(request, sampling=_override(request.sampling, tuple(overrides.items()))) if overrides else request
        )


class _Bulk(Generic[T]):
    """Draws from one iterator as requests are wanted, a task each, and reports in the order of completion."""

    def __init__(self, ask: Ask, requests: Iterable[tuple[T, Request]], slots: Slots) -> None:
        self._ask = ask
        self._requests = iter(requests)
        self._slots = slots
        self._results: deque[tuple[T, Answer | RequestFailed]] = deque()
        self._ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    async def __aenter__(self) -> _Bulk[T]:
        self._start(self._draw())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _draw(self) -> None:
        exhausted = False
        while not exhausted:
            wanted = await self._slots.hungry(self._ask.turn)
            try:
                batch = list(islice(self._requests, wanted))
                exhausted = len(batch) < wanted
                for tag, request in batch:
                    self._start(self._answer(tag, request))
                await asyncio.sleep(0)  # lets them reach their slots, so that hunger is known
            finally:
                self._slots.fed()

    async def _answer(self, tag: T, request: Request) -> None:
        try:
            answer = await self._ask.at_turn(self._ask.turn, request)
            self._results.append((tag, answer))
        except RequestFailed as failure:
            self._results.append((tag, failure))
        self._ready.set()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = self._error or task.exception()
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[tuple[T, Answer | RequestFailed]]:
        while self._tasks or self._results:
            if self._error is not None:
                raise self._error
            if not self._results:
                self._ready.clear()
                if self._tasks:
                    await self._ready.wait()
                continue
            while self._results:
                yield self._results.popleft()
        if self._error is not None:
            raise self._error


def _storable(completion: Completion) -> Completion:
    """With text that UTF-8 can hold: what is used now must be what a resumed run reads back."""
    try:
        completion.text.encode()
    except UnicodeEncodeError:
        return replace(completion, text=completion.text.encode("utf-8", "replace").decode())
    return completion


@lru_cache(maxsize=64)
def _override(sampling: Sampling, overrides: tuple[tuple[str, Any], ...]) -> Sampling:
    return replace(sampling, **dict(overrides))


def _slug(class_name: str) -> str:
    """``PromptTooLong`` -> ``prompt_too_long``."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in class_name).lstrip("_")
