"""Promises 3 to 7: nothing silent, traceable, bounded, fast (by counting, never by the clock), honest."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections import Counter, deque
from pathlib import Path

import orjson
import pytest
import yaml
from corpora import EXAMPLE, generate_mock, read_jsonl, run_with, write_documents

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.engine.journal import Journal
from synthcpt.errors import BackendUnavailable
from synthcpt.records import Completion, Request


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "docs", 10, entities=7)


# ------------------------------------------------------------------ 3: nothing silent


async def test_every_answer_is_a_row_or_a_rejection_and_the_counts_add_up(documents: Path, tmp_path: Path) -> None:
    """One answer in seven is cut off, one in five a refusal, one document has no text."""
    (documents / "blank.txt").write_text(" \n ")
    numbers = Counter[str]()

    def script(request: Request) -> Completion | str:
        if request.prompt != "entigraph/pair":
            return plain._write(request)
        numbers["pairs"] += 1
        if numbers["pairs"] % 7 == 0:
            return Completion("cut off here", "length", 10, 5)
        return "I cannot help with that." if numbers["pairs"] % 5 == 0 else plain._write(request)

    plain = MockBackend(MockBackend.Options())
    run, _ = await run_with(
        MockBackend(MockBackend.Options(), script), tmp_path / "out", documents, truncation="drop", parts=2
    )
    totals = run.manifest["totals"]
    rejected = read_jsonl(run.path / "rejected")
    data = run.dataset()
    assert len(data) == totals["rows"]
    assert Counter(row["reason"] for row in rejected) == totals["rejected"]
    assert totals["rejected"]["truncated"] == numbers["pairs"] // 7
    assert totals["rejected"]["refusal"] > 0
    assert totals["failed_documents"] == {"empty_document": 1}
    # Each answer became exactly one row, kept or rejected.
    used = Counter(key for row in [*data, *rejected] for key in row["request_keys"])
    assert set(used.values()) == {1}
    assert len(used) == totals["answers"]
    for text in data["text"]:
        assert "cut off here" not in text
        assert "I cannot help" not in text
    # The card repeats the reasons.
    card = (run.path / "README.md").read_text()
    for reason in ("truncated", "refusal", "empty_document"):
        assert reason in card


# ------------------------------------------------------------------ 4: traceable


def test_from_any_row_to_source_prompts_model_sampling_and_raw_answer(documents: Path, tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "out", documents, temperature=0.7, options={"max_triples": 2}, parts=2)
    for row in run.dataset():
        found = run.trace(row["id"])
        assert found["source"].text == (documents / row["source_ids"][0]).read_text()
        assert found["calls"]
        for call in found["calls"]:
            assert [message["role"] for message in call["messages"]] == ["system", "user"]
            assert found["source"].text in call["messages"][1]["content"]
            assert call["sampling"]["temperature"] == 0.7
            assert call["answer"]["model"] == row["model"] == "mock"
        if json.loads(row["meta"])["step"] != "summary":
            assert found["calls"][0]["answer"]["text"].strip() in row["text"]


def test_a_rejected_text_can_be_traced_too(documents: Path, tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "out", documents, options={"min_words": 1000})
    line = next((run.path / "rejected").iterdir()).read_bytes().splitlines()[0]
    assert run.trace(orjson.loads(line)["id"])["row"]["reason"] == "near_empty"


# ------------------------------------------------------------------ 5: bounded


async def test_memory_does_not_grow_with_the_number_of_requests(tmp_path: Path) -> None:
    """Four times the requests, the same memory; benchmarks/engine.py does it with a million."""

    async def peak(count: int) -> int:
        folder = write_documents(tmp_path / f"docs{count}", count, entities=6)
        backend = MockBackend(MockBackend.Options(entities=6, words=200))
        tracemalloc.start()
        await run_with(backend, tmp_path / f"out{count}", folder, concurrency=32)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        gc.collect()
        return most

    await peak(4)  # caches fill, modules load
    few, many = await peak(150), await peak(600)
    assert many < few * 1.8


async def test_a_document_with_thousands_of_pairs_keeps_a_bounded_number_under_way(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    names = [
        f"{a}{b} House"
        for a in ("Ar", "Be", "Co", "Du", "El", "Fa", "Ga", "Ho")
        for b in ("lan", "mer", "nor", "pel", "ris", "sun")
    ]
    (folder / "d.txt").write_text(". ".join(f"{name} stands by the road" for name in names) + ".")
    under_way, most = 0, 0

    class Watching(MockBackend):
        async def complete(self, request: Request) -> Completion:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await super().complete(request)
            finally:
                under_way -= 1

    backend = Watching(MockBackend.Options(entities=48, latency_s=0.0005))
    run, _ = await run_with(backend, tmp_path / "out", folder, concurrency=20)
    assert run.manifest["totals"]["answers"] == 1 + 48 * 47 // 2
    assert most == 20


async def test_retries_are_bounded(documents: Path, tmp_path: Path) -> None:
    backend = MockBackend(MockBackend.Options(transient_rate=1.0))
    run, _ = await run_with(backend, tmp_path / "out", documents, attempts=4)
    assert backend.asked == 4 * 10
    assert run.manifest["totals"]["failed_requests"] == {"transient_error": 10}


# ------------------------------------------------------------------ 6: fast


class Lockstep(MockBackend):
    """Answers one request whenever no more arrive, and notes how many it then held."""

    def __init__(self, options: MockBackend.Options) -> None:
        super().__init__(options)
        self.held: list[int] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._conductor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._conductor = asyncio.create_task(self._conduct())

    async def close(self) -> None:
        if self._conductor:
            self._conductor.cancel()

    async def complete(self, request: Request) -> Completion:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
        return await super().complete(request)

    async def _conduct(self) -> None:
        while True:
            quiet_turns, seen = 0, len(self._waiting)
            while quiet_turns < 40:
                await asyncio.sleep(0)
                quiet_turns = quiet_turns + 1 if len(self._waiting) == seen else 0
                seen = len(self._waiting)
            if self._waiting:
                self.held.append(len(self._waiting))
                self._waiting.popleft().set_result(None)


async def test_the_backend_is_full_to_the_last_request_across_documents_stages_and_parts(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "docs", 40, entities=7)
    backend = Lockstep(MockBackend.Options())
    run, _ = await run_with(backend, tmp_path / "out", folder, concurrency=16, parts=4)
    assert len(backend.held) == run.manifest["totals"]["answers"] > 500
    assert set(backend.held[:-16]) == {16}
    assert backend.held[-16:] == list(range(16, 0, -1))


async def test_the_first_documents_pairs_are_asked_while_the_last_ones_entities_are_not(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "docs", 60, entities=7)
    order: list[str] = []

    def script(request: Request) -> str:
        order.append(request.prompt)
        return plain._write(request)

    plain = MockBackend(MockBackend.Options())
    await run_with(MockBackend(MockBackend.Options(latency_s=0.001), script), tmp_path / "out", folder, concurrency=8)
    last_entities = max(i for i, prompt in enumerate(order) if prompt == "entigraph/entities")
    assert order.index("entigraph/pair") < last_entities / 4


async def test_a_documents_requests_reach_the_server_together(tmp_path: Path) -> None:
    """What the prefix cache lives on: a request mostly follows one of the same document."""
    folder = write_documents(tmp_path / "docs", 30, entities=7)
    order: list[str] = []

    def script(request: Request) -> str:
        if request.prompt == "entigraph/pair":
            order.append(str(request.slots["document"]))
        return plain._write(request)

    plain = MockBackend(MockBackend.Options())
    await run_with(MockBackend(MockBackend.Options(latency_s=0.001), script), tmp_path / "out", folder, concurrency=8)
    recent = [order[i] in order[max(0, i - 8) : i] for i in range(1, len(order))]
    assert sum(recent) / len(recent) > 0.85


async def test_answers_are_committed_in_groups(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = 0
    commit = Journal.commit

    def counting(journal: Journal) -> None:
        nonlocal commits
        commits += journal._db.writing
        commit(journal)

    monkeypatch.setattr(Journal, "commit", counting)
    run, _ = await run_with(MockBackend(MockBackend.Options()), tmp_path / "out", documents)
    assert commits < run.manifest["totals"]["answers"] / 10


# ------------------------------------------------------------------ 7: honest


def test_what_made_a_text_is_in_its_row_its_card_and_its_settings(documents: Path, tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "out", documents, model="a-model-of-mine")
    assert set(run.dataset()["model"]) == {"a-model-of-mine"}
    assert set(run.dataset()["backend"]) == {"mock"}
    card = (run.path / "README.md").read_text()
    assert "a-model-of-mine, through mock" in card
    assert yaml.safe_load((run.path / "run.yaml").read_text())["model"] == "a-model-of-mine"


def test_the_embedded_backend_says_what_it_is(tmp_path: Path) -> None:
    run = synthcpt.generate("entigraph", input=EXAMPLE, output=tmp_path / "out", limit=2)
    assert set(run.dataset()["backend"]) == {"extractive"}
    assert "extractive" in (run.path / "README.md").read_text()


def test_no_backend_is_swapped_for_another(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable):
        synthcpt.generate(
            "entigraph", input=documents, output=tmp_path / "out", base_url="http://127.0.0.1:9/v1", model="m"
        )
    assert not list((tmp_path / "out").glob("data/*"))
