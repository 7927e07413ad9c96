"""Who waits for a model in this process, and which of them share its next batch."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

from synthcpt.backends.transformers_batch import LoadedModel, Row, generate, score
from synthcpt.errors import BackendUnavailable
from synthcpt.records import Sampling

_SCORED_TOKENS = 8192
_SCORED_LOGITS = 2**27
"""What one forward pass over texts to score may hold: slots, and slots times words of the vocabulary."""


@dataclass(slots=True, eq=False)
class Job:
    """One call that waits.

    Attributes:
        row: the tokens.
        sampling: how to draw, without the number of tokens; None for a text that is scored.
        future: gets the completion, or the log-probabilities.
    """

    row: Row
    sampling: Sampling | None
    future: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class BatchQueue:
    """Gathers calls of one event loop into batches, computed one at a time in a thread.

    Args:
        loaded: the model.
        thread: of one worker, which alone touches the model.
        batch_size: the most requests answered at once.
        context_tokens: the longest prompt + answer; None where unknown.
        seed: of the random numbers; see `_seed_of`.
        describe: a failed batch's sentence for the user, from the exception that ended it.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        thread: ThreadPoolExecutor,
        batch_size: int,
        context_tokens: int | None,
        seed: int,
        describe: Callable[[BaseException], str],
    ) -> None:
        self._loaded = loaded
        self._thread = thread
        self._batch_size = batch_size
        self._context_tokens = context_tokens
        self._seed = seed
        self._describe = describe
        self._seen: Counter[bytes] = Counter()
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._closed = False

    async def submit(self, job: Job) -> Any:
        """Wait for a job's turn, and for its outcome; a cancelled one ends at once, or is not begun.

        Raises:
            BackendUnavailable: the model failed, or the queue was closed.
        """
        self._waiting.append(job)
        # Not at once: the calls of this turn of the event loop shall meet in one batch.
        asyncio.get_running_loop().call_soon(self._start_batch)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.row.dropped = True
            raise

    def close(self) -> None:
        """Answer all who wait with `BackendUnavailable`; the batch that runs ends after its next token."""
        self._closed = True
        for job in [*self._running, *self._waiting]:
            job.row.dropped = True
            if not job.future.done():
                job.future.set_exception(BackendUnavailable("The backend was closed while this request was waiting."))
        self._waiting.clear()

    def _start_batch(self) -> None:
        self._waiting = [job for job in self._waiting if not job.row.dropped]
        if self._running or not self._waiting or self._closed:
            return
        self._running = jobs = self._next_batch()
        rows, sampling = [job.row for job in jobs], jobs[0].sampling
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._compute, rows, sampling)
        work.add_done_callback(partial(self._end_batch, jobs))

    def _next_batch(self) -> list[Job]:
        """The call that waited longest, and those most like it in length that share its sampling."""
        oldest = self._waiting[0]
        alike = [job for job in self._waiting[1:] if job.sampling == oldest.sampling]
        alike.sort(key=lambda job: abs(len(job.row.token_ids) - len(oldest.row.token_ids)))
        beside = self._fitting(oldest, alike) if oldest.sampling is None else self._in_context(oldest, alike)
        jobs = [oldest, *beside]
        taken = set(map(id, jobs))
        self._waiting = [job for job in self._waiting if id(job) not in taken]
        return jobs

    def _fitting(self, oldest: Job, alike: Sequence[Job]) -> Sequence[Job]:
        """Of texts to score, those that fit beside it."""
        slots = min(_SCORED_TOKENS, _SCORED_LOGITS // max(1, self._loaded.vocabulary))
        width = len(oldest.row.token_ids)
        for count, job in enumerate(alike):
            width = max(width, len(job.row.token_ids))
            if (count + 2) * width > slots:
                return alike[:count]
        return alike

    def _in_context(self, oldest: Job, alike: Sequence[Job]) -> list[Job]:
        """Of requests, as many as a batch takes whose longest prompt and longest answer fit the context together.

        Rows that have ended count on while others are answered, and a model may have no position beyond its context.
        """
        jobs = [oldest]
        prompt, answer = len(oldest.row.token_ids), oldest.row.new_tokens
        for job in alike:
            if len(jobs) == self._batch_size:
                break
            longest = max(prompt, len(job.row.token_ids)), max(answer, job.row.new_tokens)
            if self._context_tokens is None or sum(longest) <= self._context_tokens:
                jobs.append(job)
                prompt, answer = longest
        return jobs[1:]

    def _compute(self, rows: Sequence[Row], sampling: Sampling | None) -> Sequence[Any]:
        if sampling is None:
            return score(self._loaded, [row.token_ids for row in rows])
        if sampling.temperature > 0:
            import torch

            torch.manual_seed(self._seed_of(rows))
        return generate(self._loaded, rows, sampling)

    def _seed_of(self, rows: Sequence[Row]) -> int:
        """A batch draws by what is in it, so that work that goes on after a kill draws as it would have.

        One that comes again, an answer that is asked for once more, draws otherwise.
        """
        digest = blake2b(str(self._seed).encode(), digest_size=8)
        for row in rows:
            digest.update(f"{row.draw}:{row.token_ids}|".encode())
        found = digest.digest()
        self._seen[found] += 1
        return (int.from_bytes(found, "big") + self._seen[found]) % 2**63

    def _end_batch(self, jobs: Sequence[Job], work: asyncio.Future[Sequence[Any]]) -> None:
        self._running = []
        error = work.exception()
        answers = [] if error else work.result()
        for index, job in enumerate(jobs):
            if job.future.done():
                continue
            if error is not None:
                failure = BackendUnavailable(self._describe(error))
                failure.__cause__ = error
                job.future.set_exception(failure)
            else:
                job.future.set_result(answers[index])
        self._start_batch()
