"""Many questions put to a backend: how many at once, and again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from synthcpt.errors import TransientError

T = TypeVar("T")

_ATTEMPTS, _LONGEST_WAIT_S = 8, 60.0
_CHUNK_BATCHES = 4


async def ask_all(
    items: Sequence[T],
    ask: Callable[[T], Awaitable[dict[str, Any]]],
    keep: Callable[[list[dict[str, Any]]], None],
    *,
    concurrency: int,
    chunk: int | None = None,
) -> None:
    """Ask every item, and hand the rows on to be kept.

    Args:
        items: what is asked.
        ask: makes the row of one.
        keep: takes rows; called in this thread, as rows come.
        concurrency: how many are under way at once, without a chunk.
        chunk: ask so many together, keep them together and in order, and only then ask the next: so that batches hold
            the same questions whenever the work was begun.

    Raises:
        BackendError: the last attempt's, of a question that cannot be put.
    """
    if chunk is not None:
        for begin in range(0, len(items), chunk):
            keep(await gathered([ask(item) for item in items[begin : begin + chunk]]))
        return
    room = asyncio.Semaphore(concurrency)

    async def one(item: T) -> dict[str, Any]:
        async with room:
            row = await ask(item)
        keep([row])
        return row

    await gathered([one(item) for item in items])


def chunk_of(batch_size: int | None) -> int | None:
    """How many questions are asked together by a backend of this batch size."""
    return None if batch_size is None else _CHUNK_BATCHES * batch_size


async def attempted(call: Callable[[], Awaitable[T]]) -> T:
    """What a call gives, tried again after passing troubles.

    Raises:
        TransientError: the last attempt's, when all failed.
        BackendError: any other, at once.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TransientError), stop=stop_after_attempt(_ATTEMPTS), wait=_wait, reraise=True
    )
    return await retrying(call)


_doubling = wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT_S)


def _wait(state: RetryCallState) -> float:
    """The server's own pause where it names one, otherwise random and doubling."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, TransientError) and error.wait_s is not None:
        return min(error.wait_s, 2 * _LONGEST_WAIT_S)
    return _doubling(state)


async def gathered(calls: Sequence[Awaitable[T]]) -> list[T]:
    """All results, in order; the first error ends the other calls."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also where an event loop runs already (a notebook's)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
