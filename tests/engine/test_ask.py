"""`ask` itself: one answer a key, whoever asks, and whatever becomes of who asked first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from synthcpt.backends.mock import MockBackend
from synthcpt.engine.ask import Ask, Asker, Settings
from synthcpt.engine.journal import Journal
from synthcpt.engine.progress import Progress
from synthcpt.engine.retry import RetryPolicy
from synthcpt.engine.slots import Slots
from synthcpt.errors import BackendUnavailable, RequestFailed, TransientError
from synthcpt.methods import Answer
from synthcpt.records import Completion, Document, Message, Request
from synthcpt.templates import PromptBook


def request(text: str) -> Request:
    return Request((Message("user", (text,)),), prompt="test/any")


class Bench:
    """An `Asker` over a journal with two documents."""

    def __init__(self, path: Path, backend: MockBackend, **policy: float) -> None:
        self.backend, self.journal, self.slots = backend, Journal(path), Slots(4)
        for name in ("a", "b"):
            self.journal.add_document(Document(name, f"text of {name}"), 3)
        self.progress = Progress()
        retries = RetryPolicy(**policy)  # type: ignore[arg-type]
        self.asker = Asker(backend, self.slots, Settings(), self.progress, retries, PromptBook())

    def ask(self, document: int = 1) -> Ask:
        return Ask(self.asker, self.journal, document, document)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "journal.sqlite", MockBackend(MockBackend.Options(latency_s=0.01), lambda r: "an answer"))
    yield made
    made.journal.close()


async def test_what_two_documents_ask_at_once_is_asked_once(bench: Bench) -> None:
    answers = await asyncio.gather(bench.ask(1)(request("same")), bench.ask(2)(request("same")))
    assert [answer.text for answer in answers] == ["an answer"] * 2
    assert bench.backend.asked == 1


async def test_when_who_asked_first_is_called_off_the_next_one_asks(bench: Bench) -> None:
    first = asyncio.create_task(bench.ask(1)(request("same")))
    second = asyncio.create_task(bench.ask(2)(request("same")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    assert (await asyncio.wait_for(second, 10)).text == "an answer"


async def test_a_failure_is_shared_too_and_nothing_is_left_under_way(tmp_path: Path) -> None:
    def fail(_: Request) -> str:
        raise TransientError("no", wait_s=0.001)

    bench = Bench(tmp_path / "j.sqlite", MockBackend(MockBackend.Options(), fail), attempts=2)
    results = await asyncio.gather(bench.ask(1)(request("x")), bench.ask(2)(request("x")), return_exceptions=True)
    assert all(isinstance(result, RequestFailed) for result in results)
    assert {failure["document"] for failure in bench.journal.failures()} == {"a", "b"}
    assert bench.slots.in_use == 0
    assert bench.progress.in_flight == 0
    bench.journal.close()


async def test_an_answer_that_utf8_cannot_hold_is_the_same_now_and_when_read_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j.sqlite", MockBackend(MockBackend.Options(), lambda r: "half \ud83d of a pair"))
    now = await bench.ask()(request("x"))
    again = await bench.ask()(request("x"))
    assert now.text == again.text == "half ? of a pair"
    assert bench.backend.asked == 1
    bench.journal.close()


class Pet(BaseModel):
    name: str


async def test_a_structured_answer_that_was_cut_off_is_never_used_though_it_could_be_mended(tmp_path: Path) -> None:
    def cut_off(_: Request) -> Completion:
        return Completion('{"name": "Rex the', "length", 5, 5)

    bench = Bench(tmp_path / "j.sqlite", MockBackend(MockBackend.Options(), cut_off))
    with pytest.raises(RequestFailed, match="cut off"):
        await bench.ask().json(request("x"), Pet)
    assert bench.backend.asked == 3
    bench.journal.close()


async def test_each_is_lazy_bounded_and_gives_every_tag_back(bench: Bench) -> None:
    drawn = 0

    def numbers() -> object:
        nonlocal drawn
        for i in range(100):
            drawn += 1
            yield i, request(str(i))

    seen = []
    async for tag, answer in bench.ask().each(numbers()):  # type: ignore[arg-type]
        assert isinstance(answer, Answer)
        seen.append(tag)
        assert drawn <= len(seen) + 4 + 9 + 4  # sent, waiting, and come but not looked at yet
    assert sorted(seen) == list(range(100))


async def test_leaving_each_early_calls_the_rest_off(bench: Bench) -> None:
    results = bench.ask().each((i, request(str(i))) for i in range(50))
    async for _ in results:
        break
    await results.aclose()  # type: ignore[attr-defined]
    assert bench.slots.in_use == 0
    assert not bench.asker._in_flight


async def test_an_outage_stops_the_run_instead_of_failing_every_request(tmp_path: Path) -> None:
    def fail(_: Request) -> str:
        raise TransientError("connection refused", wait_s=0.0)

    bench = Bench(tmp_path / "j.sqlite", MockBackend(MockBackend.Options(), fail), attempts=1000, outage_s=0.0)
    asking = asyncio.create_task(bench.ask()(request("x")))
    reason = await asyncio.wait_for(bench.asker.stopped, 10)
    assert isinstance(reason, BackendUnavailable)
    assert "connection refused" in str(reason)
    assert not asking.done(), "the method sees no failure: it is run again when the server is back"
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert bench.journal.totals()["failed_requests"] == {}
    bench.journal.close()
