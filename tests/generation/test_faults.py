"""Promises 1 and 3 against a server that fails in every way at a rate of 30 %."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from corpora import hashes, read_jsonl, write_documents
from llm_faults import Settings
from llm_server import serving_in_thread

import synthcpt
from synthcpt.errors import BackendUnavailable

FAULTS = {
    "429": 0.06, "500": 0.04, "503": 0.04, "hang": 0.01, "reset": 0.04, "truncated": 0.04, "empty_choices": 0.03,
    "wrong_schema": 0.03, "length": 0.01,
}  # fmt: skip


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "docs", 14, entities=7)


def generate(url: str, output: Path, documents: Path, **settings: object) -> synthcpt.Run:
    options = {"timeout_s": 60.0, **settings.pop("backend_options", {})}  # type: ignore[dict-item]
    return synthcpt.generate(
        "entigraph", input=documents, output=output, base_url=url, model="test-model", backend_options=options,
        truncation="drop", concurrency=24, attempts=14, **settings,
    )  # fmt: skip


def test_at_thirty_percent_faults_nothing_is_lost_and_nothing_asked_again_after_success(
    documents: Path, tmp_path: Path
) -> None:
    assert sum(FAULTS.values()) == pytest.approx(0.3)
    write_documents(documents, 60, entities=7)
    with serving_in_thread(Settings(entities=6)) as server:
        generate(server.url, tmp_path / "calm", documents)
        calm = synthcpt.Run(tmp_path / "calm").manifest["totals"]
    with serving_in_thread(Settings(entities=6, faults=FAULTS, retry_after_s=0.01)) as server:
        run = generate(server.url, tmp_path / "faulty", documents, backend_options={"timeout_s": 3.0})
        assert not server.asked_again_after_success()
        outcomes = server.stats()["outcomes"]
    outcomes["hang"] = outcomes.pop("disconnected", 0)  # the client gave up waiting
    assert all(outcomes.get(fault) for fault in FAULTS), outcomes
    totals = run.manifest["totals"]
    assert not totals["failed_requests"]
    assert not totals["failed_documents"]
    assert totals["rows"] + sum(totals["rejected"].values()) == calm["rows"] + sum(calm["rejected"].values())
    before = {row["id"]: row["text"] for row in synthcpt.Run(tmp_path / "calm").dataset()}
    after = {row["id"]: row["text"] for row in run.dataset()}
    assert {key: text for key, text in after.items() if "/pair-" in key}.items() <= before.items()
    rejected = read_jsonl(run.path / "rejected")
    truncated = {row["id"] for row in rejected if row["reason"] == "truncated"}
    assert truncated
    assert {key for key in before if "/pair-" in key} - after.keys() <= truncated


def test_what_fails_for_good_is_in_the_failures_file_and_the_counts_add_up(documents: Path, tmp_path: Path) -> None:
    faults = {"400": 0.1, "500": 0.3}
    with serving_in_thread(Settings(entities=6, faults=faults)) as server:
        run = synthcpt.generate(
            "entigraph", input=documents, output=tmp_path / "out", base_url=server.url, model="test-model",
            concurrency=8, attempts=2,
        )  # fmt: skip
        asked = {orjson.dumps(body["messages"]) for body in server.bodies}
    totals = run.manifest["totals"]
    failures = read_jsonl(tmp_path / "out/failures")
    requests = [failure for failure in failures if failure["scope"] == "request"]
    assert {failure["reason"] for failure in requests} == {"request_rejected", "transient_error"}
    assert all(failure["detail"] and failure["document"] for failure in failures)
    assert len(requests) == sum(totals["failed_requests"].values())
    # Every request ends as an answer or as a failure, and every document gave texts or is among the failures.
    assert len(asked) == totals["answers"] + len(requests)
    with_texts = {row["source_ids"][0] for row in run.dataset()}
    failed = {failure["document"] for failure in failures if failure["scope"] == "document"}
    assert len(with_texts | failed) == totals["documents"]


def test_passing_failures_can_be_tried_again_in_a_finished_run(documents: Path, tmp_path: Path) -> None:
    def go(attempts: int, **modes: bool) -> synthcpt.Run:
        return synthcpt.generate(
            "entigraph", input=documents, output=tmp_path / "out", base_url=server.url, model="test-model",
            attempts=attempts, **modes,
        )  # fmt: skip

    with serving_in_thread(Settings(entities=6, faults={"500": 0.3})) as server:
        run = go(1)
        failed = run.manifest["totals"]["failed_requests"]
        assert failed.get("transient_error", 0) > 10
        before = len(server.log)
        go(1)
        assert len(server.log) <= before + 1, "a finished run asks nothing"  # but for the list of models
        run = go(30, retry_failed=True)
        assert not run.manifest["totals"]["failed_requests"]
        assert not server.asked_again_after_success()
    with serving_in_thread(Settings(entities=6)) as server:
        calm = synthcpt.generate(
            "entigraph", input=documents, output=tmp_path / "calm", base_url=server.url, model="test-model"
        )
    assert hashes(run.path) == hashes(calm.path)


def test_a_server_that_sends_no_limits_is_filled_from_the_first_second(documents: Path, tmp_path: Path) -> None:
    with serving_in_thread(Settings(entities=6, latency_s=(0.05, 0.05))) as server:
        generate(server.url, tmp_path / "out", documents)
        # The first wave is the documents' entity calls, the following ones are pairs: both fill the window.
        assert max(entry.in_flight for entry in server.log[:14]) == 14
        assert server.stats()["peak_in_flight"] == 24


def test_the_window_shrinks_to_what_a_limited_server_takes(documents: Path, tmp_path: Path) -> None:
    with serving_in_thread(
        Settings(entities=6, latency_s=(0.01, 0.02), max_concurrent=5, retry_after_s=0.01)
    ) as server:
        run = generate(server.url, tmp_path / "out", documents)
        refused = server.stats()["outcomes"].get("limit", 0)
        assert not server.asked_again_after_success()
    assert not run.manifest["totals"]["failed_requests"]
    assert 0 < refused < run.manifest["totals"]["answers"]


def test_nobody_listening_is_one_clear_sentence(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1"):
        generate("http://127.0.0.1:9/v1", tmp_path / "out", documents)


def test_a_server_that_dies_stops_the_run_and_loses_nothing(documents: Path, tmp_path: Path) -> None:
    with serving_in_thread(Settings(entities=6, latency_s=(0.01, 0.02))) as server:
        answers = 0

        def wrong_key_after_forty(*_: object) -> object:
            nonlocal answers
            answers += 1
            if answers > 40:
                from aiohttp import web

                return web.json_response({"error": {"message": "who are you", "code": "invalid_api_key"}}, status=401)
            return None

        server.hook = wrong_key_after_forty  # type: ignore[assignment]
        with pytest.raises(BackendUnavailable):
            generate(server.url, tmp_path / "out", documents)
        server.hook = None
        generate(server.url, tmp_path / "out", documents)
        assert not server.asked_again_after_success()
