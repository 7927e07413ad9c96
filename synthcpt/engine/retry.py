"""One request to one answer: bounded, typed retries around a backend that makes single attempts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from synthcpt.backends import Backend
from synthcpt.engine.slots import Slots
from synthcpt.errors import BackendUnavailable, OverloadError, TransientError
from synthcpt.records import Completion, Request

_MAX_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to try.

    Attributes:
        attempts: the most attempts of one request.
        first_wait_s, longest_wait_s: bounds of the random exponential pause between attempts, where the server
            names none.
        outage_s: with no answer to any request for this long, and failures meanwhile, the backend counts as gone.
    """

    attempts: int = 10
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    outage_s: float = 180.0


@dataclass(slots=True)
class _Call:
    """A request on its way."""

    request: Request
    priority: int
    attempts: int = 0
    first_error: TransientError | None = None


class Attempts:
    """Sends requests through the slots, again where an error says that it may help.

    Attributes:
        retried: attempts beyond a request's first.
    """

    def __init__(self, backend: Backend, slots: Slots, policy: RetryPolicy) -> None:
        self._backend = backend
        self._slots = slots
        self._outage_s = policy.outage_s
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(policy.attempts),
            wait=_Wait(policy),
            reraise=True,
        )
        self._last_answer_s = time.monotonic()
        self._failures_since_answer = 0
        self.retried = 0

    async def complete(self, request: Request, priority: int) -> tuple[Completion, int]:
        """The answer and the number of attempts it took.

        Raises:
            TransientError: the last attempt's, when all failed.
            RequestRejected: at once, from any attempt.
            BackendUnavailable: from any attempt, or nothing has been answered for `RetryPolicy.outage_s`.
        """
        call = _Call(request, priority)
        try:
            return await self._attempt(call), 1
        except TransientError as error:
            call.first_error = error
        return await self._retrying(self._attempt_again, call), call.attempts

    async def _attempt_again(self, call: _Call) -> Completion:
        """Hand tenacity the first attempt's error, so that it waits, then try: a success at once never pays for it."""
        if call.first_error is not None:
            error, call.first_error = call.first_error, None
            raise error
        return await self._attempt(call)

    async def _attempt(self, call: _Call) -> Completion:
        grant = await self._slots.acquire(call.priority)
        call.attempts += 1
        self.retried += call.attempts > 1
        try:
            completion = await self._backend.complete(call.request)
        except TransientError as error:
            if isinstance(error, OverloadError):
                self._slots.overloaded(grant, error.wait_s)
            self._note_failure(error)
            raise
        finally:
            self._slots.release()
        self._slots.succeeded()
        self._last_answer_s = time.monotonic()
        self._failures_since_answer = 0
        return completion

    def _note_failure(self, error: TransientError) -> None:
        self._failures_since_answer += 1
        silent_s = time.monotonic() - self._last_answer_s
        if self._failures_since_answer >= 20 and silent_s > self._outage_s:
            raise BackendUnavailable(
                f"No request has been answered for {silent_s:.0f} s; the last error: {error}. "
                "Nothing is lost: run the same command again when the server is back."
            ) from error


class _Wait(wait_random_exponential):
    """The server's own pause where it names one, otherwise random and doubling."""

    def __init__(self, policy: RetryPolicy) -> None:
        super().__init__(multiplier=policy.first_wait_s, max=policy.longest_wait_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, TransientError) and error.wait_s is not None:
            return min(error.wait_s, _MAX_WAIT_S)
        return super().__call__(retry_state)
