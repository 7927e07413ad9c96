"""Who may ask now: a bounded number of requests, the earliest document first, fewer while a server is overloaded."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

_SHRINK = 0.7
_MAX_PAUSE_S = 120.0
_DEPTH = 2
"""Requests in store, in windows."""


class Slots:
    """Admission of requests to a backend.

    The window starts at its ceiling, so a server that says nothing of limits is kept full from the first second. It
    shrinks on `OverloadError` alone, at most once a round trip (multiplicative), and grows back by one request a
    window answered (additive): AIMD, as TCP does.

    Waiters are served by priority, then in order of arrival. The priority is the document's turn, so that one
    document's requests reach the server together and find its text in the prefix cache.

    Args:
        ceiling: the most requests at once.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.limit = float(ceiling)
        self.in_use = 0
        self.shrunk = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._grants = 0
        self._closed = False
        self._shrunk_at_grant = -1
        self._paused_until_s = 0.0
        self._resume: asyncio.TimerHandle | None = None
        self._feeders: list[tuple[int, int, asyncio.Future[None]]] = []
        self._feeding = False

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return len(self._waiting)

    async def acquire(self, priority: int) -> int:
        """Wait for a slot; the number returned tells `overloaded` which requests were sent before it shrank."""
        if self._waiting or self.in_use >= self.limit or self._held():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._arrivals), future))
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self.release()  # the slot was granted in the same moment; hand it on
                raise
        else:
            self.in_use += 1
        self._grants += 1
        return self._grants

    def release(self) -> None:
        """Give a slot back."""
        self.in_use -= 1
        self._grant()

    def succeeded(self) -> None:
        """An answer came: grow back by one request a window."""
        if self.limit < self.ceiling:
            self.limit = min(self.ceiling, self.limit + 1 / self.limit)
            self._grant()

    def overloaded(self, grant: int, wait_s: float | None) -> None:
        """The server pushed back on the request that was granted as number ``grant``."""
        if grant > self._shrunk_at_grant:
            self.limit = max(1.0, min(self.limit, self.in_use) * _SHRINK)
            self._shrunk_at_grant = self._grants
            self.shrunk += 1
        if wait_s:
            self._pause(min(wait_s, _MAX_PAUSE_S))

    def close(self) -> None:
        """Grant nothing more; waiters wait until they are cancelled."""
        self._closed = True

    async def hungry(self, turn: int) -> int:
        """Wait until more requests should be made, and it is this turn's to make them; tells how many.

        Of all who have more to ask, the earliest document comes first, and one at a time: so the requests in memory are
        a few windows, however many documents are under way. Whoever returns from here calls `fed` when its requests
        are waiting.
        """
        if self._feeding or self._feeders or self._room() <= 0:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._feeders, (turn, next(self._arrivals), future))
            self._call_feeder()
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self.fed()
                raise
        else:
            self._feeding = True
        return max(1, self._room())

    def fed(self) -> None:
        """The requests that `hungry` asked for are made: the next in turn may make more."""
        self._feeding = False
        self._call_feeder()

    def _room(self) -> int:
        """How many more requests should wait: enough that none is missing while a document's first is answered."""
        return int(_DEPTH * self.limit) + 1 - len(self._waiting)

    def _call_feeder(self) -> None:
        while self._feeders and not self._feeding and self._room() > 0 and not self._closed:
            _, _, future = heapq.heappop(self._feeders)
            if not future.done():
                self._feeding = True
                future.set_result(None)

    def _grant(self) -> None:
        while self._waiting and self.in_use < self.limit and not self._held():
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                self.in_use += 1
                future.set_result(None)
        self._call_feeder()

    def _held(self) -> bool:
        return self._closed or (self._paused_until_s > 0 and time.monotonic() < self._paused_until_s)

    def _pause(self, wait_s: float) -> None:
        until_s = time.monotonic() + wait_s
        if until_s <= self._paused_until_s:
            return
        self._paused_until_s = until_s
        if self._resume is not None:
            self._resume.cancel()
        self._resume = asyncio.get_running_loop().call_later(wait_s + 0.001, self._end_pause)

    def _end_pause(self) -> None:
        self._paused_until_s = 0.0
        self._grant()
