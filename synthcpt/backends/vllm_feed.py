"""Keeps an in-process engine fed: one thread renders prompts, another owns the engine.

    event loop --inbox--> render thread --ready--> engine thread --one callback a step--> event loop

The engine computes in a process of its own, so these threads only have to stay ahead of it: the window of live
requests is wider than its batch, and a finished request is replaced from prompts that are rendered already.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeAlias

from synthcpt.backends.base import ScoredPiece
from synthcpt.backends.chat import ChatRenderer
from synthcpt.backends.scoring import Continuation, Logprobs, PieceEncoder, Scoring, in_pieces
from synthcpt.errors import BackendError, BackendUnavailable, RequestRejected
from synthcpt.records import Completion, Request

_RENDER_BATCH = 32
"""Prompts tokenised in one call: enough for all cores, few enough that the first ones are not kept waiting."""

_JOIN_TIMEOUT_S = 5.0
"""A step ends within milliseconds; only a thread that waits for an engine that died takes longer, and for ever."""

Outcome: TypeAlias = Completion | Logprobs | BackendError
"""What became of a job: a completion of a request, log-probabilities of a text to score, or an error of either."""


Work: TypeAlias = Request | Continuation | Scoring
"""What an engine is asked for."""


class Engine(Protocol):
    """What `Feed` needs of an engine. `prepare` runs in the render thread, all else in the engine thread."""

    def prepare(self, request: Work, token_ids: list[int]) -> Any:
        """What `add` needs beside the prompt.

        Raises:
            RequestRejected: this request cannot be answered.
        """
        ...

    def add(self, number: str, token_ids: list[int], prepared: Any) -> None:
        """Take a request.

        Raises:
            RequestRejected: the engine refuses it.
        """
        ...

    def step(self) -> Iterable[tuple[str, Outcome]]:
        """Compute a little; the requests that ended by it."""
        ...

    def abort(self, numbers: list[str]) -> None:
        """Forget these requests."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    """One call on its way through; `dropped` is set when it was cancelled."""

    number: str
    request: Work
    future: asyncio.Future[Any]
    token_ids: list[int] = field(default_factory=list)
    prepared: Any = None
    dropped: bool = False


class Feed:
    """The two threads in front of an engine; made and used on one event loop.

    Args:
        engine: what answers.
        renderer: turns messages into tokens; the render thread's own.
        encoder: turns texts to score or to continue into tokens; likewise.
        window: how many requests the engine holds at once, those that wait in it included.
        describe: a failed engine's sentence for the user, from the exception that ended it.
    """

    def __init__(
        self,
        engine: Engine,
        renderer: ChatRenderer,
        encoder: PieceEncoder,
        window: int,
        describe: Callable[[Exception], str],
    ) -> None:
        self._engine = engine
        self._renderer = renderer
        self._encoder = encoder
        self._window = window
        self._describe = describe
        self._loop = asyncio.get_running_loop()
        # As many again are rendered ahead; further calls wait here, so that what they hold stays bounded.
        self._room = asyncio.Semaphore(2 * window)
        self._numbers = itertools.count()
        self._waiting: set[_Job] = set()
        self._failure: BackendUnavailable | None = None
        self._stopping = False
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._ready: SimpleQueue[_Job | None] = SimpleQueue()
        self._dropped: deque[_Job] = deque()
        self._live: dict[str, _Job] = {}
        self._threads = [
            self._start_thread("render", self._render_forever),
            self._start_thread("engine", self._step_forever),
        ]

    async def submit(self, request: Request | Continuation) -> Completion:
        """Answer one request, or go on with one text; a cancelled call is taken out of the engine.

        Raises:
            BackendError: as `Backend.complete` says.
        """
        completion: Completion = await self._pass_through(request)
        return completion

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        """Score one text; a cancelled call is taken out of the engine.

        Raises:
            BackendError: as `Scorer.score` says.
        """
        scoring = Scoring(pieces)
        logprobs: Logprobs = await self._pass_through(scoring)
        return in_pieces(scoring.piece_ids, logprobs)

    async def _pass_through(self, request: Work) -> Any:
        async with self._room:
            if self._failure is not None:
                raise _copy(self._failure)
            job = _Job(str(next(self._numbers)), request, self._loop.create_future())
            self._waiting.add(job)
            self._inbox.put(job)
            try:
                return await job.future
            except asyncio.CancelledError:
                job.dropped = True
                self._dropped.append(job)
                raise
            finally:
                self._waiting.discard(job)

    async def stop(self) -> None:
        """End both threads; calls that still wait get `BackendUnavailable`."""
        self._stopping = True
        self._inbox.put(None)
        self._ready.put(None)
        self._fail(BackendUnavailable("The backend was closed while this request was waiting."))
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _JOIN_TIMEOUT_S)

    def report_failure(self, error: Exception) -> None:
        """Every waiting and every later call fails with this cause; may be called from any thread."""
        failure = BackendUnavailable(self._describe(error))
        failure.__cause__ = error
        self._tell_loop(self._fail, failure)

    def _start_thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        # A daemon, so that a caller who forgets to close can still leave the interpreter.
        thread = threading.Thread(target=self._run, args=(work,), name=f"synthcpt-{name}", daemon=True)
        thread.start()
        return thread

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - not swallowed: every waiting and every later call gets it
            self.report_failure(error)

    def _tell_loop(self, callback: Callable[..., None], argument: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, argument)

    def _fail(self, failure: BackendUnavailable) -> None:
        self._failure = self._failure or failure
        self._settle([(job, _copy(self._failure)) for job in self._waiting])

    @staticmethod
    def _settle(outcomes: Sequence[tuple[_Job, Outcome]]) -> None:
        for job, outcome in outcomes:
            if job.future.done():
                continue
            if isinstance(outcome, BackendError):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)

    # The render thread.

    def _render_forever(self) -> None:
        while (job := self._inbox.get()) is not None:
            jobs = [job, *_take_waiting(self._inbox, _RENDER_BATCH - 1)]
            refused = list(self._render([job for job in jobs if not job.dropped]))
            if refused:
                self._tell_loop(self._settle, refused)

    def _render(self, jobs: Sequence[_Job]) -> Iterable[tuple[_Job, Outcome]]:
        """Pass the jobs on to the engine thread; those that cannot be rendered come back."""
        texts: list[tuple[_Job, str]] = []
        encoded: list[tuple[_Job, list[int]]] = []
        for job in jobs:
            if isinstance(job.request, Scoring):
                job.request.piece_ids = self._encoder.encode(job.request.pieces)
                encoded.append((job, [*self._encoder.lead, *itertools.chain(*job.request.piece_ids)]))
                continue
            try:
                if isinstance(job.request, Continuation):
                    encoded.append((job, self._encoder.prompt(job.request.prompt)))
                else:
                    texts.append((job, self._renderer.text(job.request.messages)))
            except RequestRejected as refusal:
                yield job, refusal
        prompts = self._renderer.encode([text for _, text in texts]) if texts else []
        for job, token_ids in [*encoded, *zip((job for job, _ in texts), prompts, strict=True)]:
            try:
                job.prepared = self._engine.prepare(job.request, token_ids)
            except RequestRejected as refusal:
                yield job, refusal
            else:
                job.token_ids = token_ids
                self._ready.put(job)

    # The engine thread.

    def _step_forever(self) -> None:
        while not self._stopping:
            refused = list(self._admit())
            self._abort_dropped()
            ended = [(self._live.pop(number), outcome) for number, outcome in self._step() if number in self._live]
            if refused or ended:
                self._tell_loop(self._settle, refused + ended)

    def _step(self) -> Iterable[tuple[str, Outcome]]:
        return self._engine.step() if self._live else ()

    def _admit(self) -> Iterable[tuple[_Job, Outcome]]:
        """Fill the window from what is rendered, waiting only where there is nothing else to do."""
        if not self._live:
            first = self._ready.get()
            jobs = [] if first is None else [first, *_take_waiting(self._ready, self._window - 1)]
        else:
            jobs = _take_waiting(self._ready, self._window - len(self._live))
        for job in jobs:
            if job.dropped:
                continue
            try:
                self._engine.add(job.number, job.token_ids, job.prepared)
            except RequestRejected as refusal:
                yield job, refusal
            else:
                self._live[job.number] = job

    def _abort_dropped(self) -> None:
        numbers = [job.number for job in _drain(self._dropped) if self._live.pop(job.number, None)]
        if numbers:
            self._engine.abort(numbers)


def _take_waiting(jobs: SimpleQueue[_Job | None], most: int) -> list[_Job]:
    """Up to this many jobs that are there already."""
    taken: list[_Job] = []
    while len(taken) < most:
        try:
            job = jobs.get_nowait()
        except Empty:
            break
        if job is None:
            jobs.put(None)  # the end, for whoever waits next
            break
        taken.append(job)
    return taken


def _drain(jobs: deque[_Job]) -> Iterable[_Job]:
    while jobs:
        yield jobs.popleft()


def _copy(failure: BackendUnavailable) -> BackendUnavailable:
    """A new exception a caller: one raised in many tasks would gather all their tracebacks."""
    copy = BackendUnavailable(*failure.args)
    copy.__cause__ = failure.__cause__
    return copy
