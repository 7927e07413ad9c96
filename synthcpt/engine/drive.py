"""Runs a method over the documents of several parts at once, keeping the backend full to the last request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from synthcpt.engine.ask import Ask, Asker
from synthcpt.engine.journal import Journal, StoredDocument
from synthcpt.engine.parts import Part
from synthcpt.engine.slots import Slots
from synthcpt.errors import BudgetReached, DocumentFailed, RequestFailed, SynthcptError
from synthcpt.records import Rejection, SyntheticDocument

COMMIT_EVERY_S = 0.1
"""Answers younger than this may be lost to SIGKILL, and are then asked again; the promise is half a second. A commit
takes about a millisecond, whatever it holds."""

GRACE_S = 5.0
"""How long a run that must stop waits for what is in flight; at its spend cap it waits for all that is paid for."""

Rows = AsyncIterator[SyntheticDocument | Rejection]


@dataclass(slots=True, eq=False)
class PartWork:
    """One part under way.

    Attributes:
        part: where its files are.
        journal: open and locked.
        live: documents being worked on.
        fed: all its documents have been started.
    """

    part: Part
    journal: Journal
    live: int = 0
    fed: bool = False


class Driver:
    """One process's work on a run.

    Args:
        work: the parts, in the order to work on.
        generate: the method, applied to a document and its `Ask`.
        mark: what a finished document is marked with; documents that bear it, or more, are not run again.
        asker, slots: the way to the backend.
        finish_part: called on a thread when all documents of a part are done.
    """

    def __init__(
        self,
        work: Sequence[PartWork],
        generate: Callable[[StoredDocument, Ask], Rows],
        mark: float,
        asker: Asker,
        slots: Slots,
        finish_part: Callable[[PartWork], None],
    ) -> None:
        self._work = work
        self._generate = generate
        self._mark = mark
        self._asker = asker
        self._slots = slots
        self._finish_part = finish_part
        self._tasks: set[asyncio.Task[None]] = set()
        self._live_room = asyncio.Semaphore(2 * slots.ceiling + 16)
        self._turns = 0

    async def run(self) -> None:
        """Work until all parts are finished.

        Raises:
            RunStopped, BackendUnavailable: it ended early; everything answered is stored.
            SynthcptError: a method broke on a document, which the message names.
        """
        ticker = asyncio.create_task(self._commit_regularly(), name="the journal")
        ticker.add_done_callback(self._document_ended)
        feeding = asyncio.create_task(self._feed())
        stopped = self._asker.stopped
        try:
            await asyncio.wait((feeding, stopped), return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                await self._drain(600.0 if isinstance(stopped.result(), BudgetReached) else GRACE_S)
                raise stopped.result()
            await feeding
        finally:
            for task in (ticker, feeding, *self._tasks):
                task.cancel()
            await asyncio.gather(ticker, feeding, *self._tasks, return_exceptions=True)
            for work in self._work:
                work.journal.close()

    async def _feed(self) -> None:
        """Start documents whenever fewer requests wait than the backend could take."""
        for work in self._work:
            for stored in work.journal.documents(unfinished_for=self._mark):
                await self._live_room.acquire()
                await self._slots.hungry(self._turns)
                work.live += 1
                task = asyncio.create_task(self._run_document(work, stored, self._turns), name=stored.document.id)
                self._turns += 1
                self._tasks.add(task)
                task.add_done_callback(self._document_ended)
                await asyncio.sleep(0)  # lets it reach its first request, so that hunger is known
                self._slots.fed()
            work.fed = True
            if not work.live:
                await self._finish(work)
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _run_document(self, work: PartWork, stored: StoredDocument, turn: int) -> None:
        journal, progress = work.journal, self._asker.progress
        ask = Ask(self._asker, journal, stored.number, turn)
        journal.begin_document(stored.number)
        try:
            async with contextlib.aclosing(self._generate(stored, ask)) as rows:  # type: ignore[type-var]
                async for row in rows:
                    journal.put_row(stored.number, row)
                    progress.wrote(row)
        except (DocumentFailed, RequestFailed) as failure:
            journal.put_failure(stored.number, "document", failure.reason, failure.detail)
        journal.finish_document(stored.number, self._mark)
        progress.documents_done += 1
        work.live -= 1
        self._live_room.release()
        if work.fed and not work.live:
            await self._finish(work)

    def _document_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if not isinstance(error, SynthcptError):
            broken = SynthcptError(
                f"Stopped at document {task.get_name()!r}: {type(error).__name__}: {error}. Nothing answered is lost."
            )
            broken.__cause__ = error
            error = broken
        self._asker.request_stop(error)

    async def _finish(self, work: PartWork) -> None:
        work.journal.commit()
        await asyncio.to_thread(self._finish_part, work)

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            for work in self._work:
                work.journal.commit()

    async def _drain(self, patience_s: float) -> None:
        """Let what was sent be answered."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + patience_s
        while self._slots.in_use and loop.time() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
