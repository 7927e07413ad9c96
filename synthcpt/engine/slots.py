"""Who may ask now: a bounded number of requests, the earliest document first, fewer while a server is overloaded."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

_SHRINK = 0.7
_MAX_PAUSE_S = 120.0


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
        self._hungry: asyncio.Event = asyncio.Event()
        self._hungry.set()

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return len(self._waiting)

    async def acquire(self, priority: int) -> int:
        """Wait for a slot; the number returned tells `overloaded` which requests were sent before it shrank."""
        if self._waiting or self.in_use >= self.limit or self._held():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, next(self._arrivals), future))
            self._update_hunger()
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

    async def hungry(self) -> None:
        """Wait until fewer requests are waiting than could be sent: time to start another document."""
        await self._hungry.wait()

    def _grant(self) -> None:
        while self._waiting and self.in_use < self.limit and not self._held():
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                self.in_use += 1
                future.set_result(None)
        self._update_hunger()

    def _update_hunger(self) -> None:
        if len(self._waiting) < self.limit:
            self._hungry.set()
        else:
            self._hungry.clear()

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
