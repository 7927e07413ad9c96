"""The threads in front of an engine, with an engine that does as told."""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from synthcpt.backends.vllm_feed import Feed, Outcome
from synthcpt.backends.vllm_guard import EngineGuard
from synthcpt.errors import BackendUnavailable, RequestRejected
from synthcpt.records import Completion, Message, Request


class WordRenderer:
    """One token a word."""

    def text(self, messages: Iterable[Message]) -> str:
        text = " ".join(message.text for message in messages)
        if "untellable" in text:
            raise RequestRejected("the template refuses it")
        return text

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        return [[len(word) for word in text.split()] for text in texts]


class ToyEngine:
    """Answers everything in one step, once `gate` is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.live: dict[str, int] = {}
        self.most_live = 0
        self.aborted: list[str] = []
        self.error: Exception | None = None

    def prepare(self, request: Request, token_ids: list[int]) -> Any:
        return request.draw

    def add(self, number: str, token_ids: list[int], prepared: Any) -> None:
        if prepared < 0:
            raise RequestRejected("a negative draw")
        self.live[number] = prepared
        self.most_live = max(self.most_live, len(self.live))

    def step(self) -> Iterable[tuple[str, Outcome]]:
        time.sleep(0.001)
        if self.error is not None:
            raise self.error
        if not self.gate.is_set():
            return []
        ended, self.live = self.live, {}
        return [(number, Completion(str(draw), "stop", 1, 1)) for number, draw in ended.items()]

    def abort(self, numbers: list[str]) -> None:
        self.aborted += numbers
        for number in numbers:
            del self.live[number]


def ask(draw: int, text: str = "a word") -> Request:
    """A request that the toy engine answers with its draw."""
    return Request((Message("user", (text,)),), draw=draw)


@asynccontextmanager
async def running(engine: ToyEngine, window: int = 8) -> AsyncIterator[Feed]:
    """A feed that is stopped at the end."""
    feed = Feed(engine, WordRenderer(), None, window, lambda error: f"broken: {error}")  # type: ignore[arg-type]
    yield feed
    await feed.stop()


async def test_every_call_gets_its_own_answer_and_the_window_holds() -> None:
    engine = ToyEngine()
    async with running(engine, window=8) as feed:
        answers = await asyncio.gather(*(feed.submit(ask(draw)) for draw in range(500)))
    assert [answer.text for answer in answers] == [str(draw) for draw in range(500)]
    assert engine.most_live <= 8


async def test_refusals_reach_their_own_call_alone() -> None:
    async with running(ToyEngine()) as feed:
        calls = [feed.submit(ask(1)), feed.submit(ask(-1)), feed.submit(ask(2, "untellable")), feed.submit(ask(3))]
        first, negative, untellable, last = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)
    assert isinstance(negative, RequestRejected)
    assert isinstance(untellable, RequestRejected)


async def test_an_engine_that_fails_fails_waiting_and_later_calls() -> None:
    engine = ToyEngine()
    engine.gate.clear()
    async with running(engine) as feed:
        calls = [asyncio.create_task(feed.submit(ask(draw))) for draw in range(20)]
        while not engine.live:
            await asyncio.sleep(0.001)
        engine.error = RuntimeError("out of memory")
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, BackendUnavailable) for outcome in outcomes)
        with pytest.raises(BackendUnavailable, match="broken: out of memory"):
            await feed.submit(ask(1))


async def test_a_cancelled_call_is_aborted() -> None:
    engine = ToyEngine()
    engine.gate.clear()
    async with running(engine) as feed:
        call = asyncio.create_task(feed.submit(ask(1)))
        while not engine.live:
            await asyncio.sleep(0.001)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(10):
            while engine.live:
                await asyncio.sleep(0.001)
        engine.gate.set()
        assert (await feed.submit(ask(2))).text == "2"
    assert engine.aborted == ["0"]


async def test_stopping_answers_those_who_wait() -> None:
    engine = ToyEngine()
    engine.gate.clear()
    async with running(engine) as feed:
        calls = [asyncio.create_task(feed.submit(ask(draw))) for draw in range(40)]
        await asyncio.sleep(0.01)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, BackendUnavailable) for outcome in outcomes)


async def test_an_engine_process_that_is_killed_is_noticed() -> None:
    engine = ToyEngine()
    engine.gate.clear()
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    async with running(engine) as feed:
        guard = EngineGuard([process], feed.report_failure)
        call = asyncio.create_task(feed.submit(ask(1)))
        process.kill()
        with pytest.raises(BackendUnavailable, match="process ended"):
            await call
    guard.release()
    process.join()


GUARDING = """
import multiprocessing, os, signal, sys, time
from synthcpt.backends.vllm_guard import EngineGuard
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(900,))
    child.start()
    guard = EngineGuard([child], lambda error: None)
    print("guarded", flush=True)
    time.sleep(900)
"""


def test_an_engine_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "guarding.py"
    script.write_text(GUARDING)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"guarded\n"
        parent.kill()
        # The engine holds the other end of this pipe too: the read comes back when it is dead.
        assert parent.stdout.read() == b""


def test_a_released_guard_ends_nothing() -> None:
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    EngineGuard([process], lambda error: None).release()
    process.join(timeout=0.3)
    assert process.is_alive()
    process.kill()
    process.join()
