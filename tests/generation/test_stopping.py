"""Ctrl-C, the spend cap, locks, and the refusal to mix two runs in one folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from corpora import generate_mock, hashes, run_with, write_documents

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.engine.parts import Part, part_lock
from synthcpt.errors import (
    BackendUnavailable,
    BudgetReached,
    ConfigError,
    RunIncomplete,
    RunLocked,
    RunMismatch,
    SynthcptError,
    UserError,
)
from synthcpt.records import Completion, Request

SCRIPT = Path(__file__).parents[1] / "support" / "killable.py"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "docs", 12, entities=7)


# ------------------------------------------------------------------ stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_is_in_flight_and_says_how_to_go_on(
    number: int, documents: Path, tmp_path: Path
) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    command = [
        sys.executable, "-m", "synthcpt", "generate", "--method", "entigraph", "-i", str(documents), "-o", str(output),
        "--backend", "mock", "--backend-option", "latency_s=0.15", "--concurrency", "8",
    ]  # fmt: skip
    with log.open("wb") as complaints:
        process = subprocess.Popen(command, stderr=complaints, cwd=tmp_path)
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s and not list(output.glob("journal/*.sqlite-wal")):
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(number)
    started_s = time.monotonic()
    assert process.wait(20) == 130
    assert time.monotonic() - started_s < 10
    assert "run the same command again" in log.read_text()
    asked = _answers(output)
    assert asked > 0
    assert subprocess.run(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=tmp_path).returncode == 0
    whole = generate_mock(tmp_path / "whole", documents)
    assert hashes(output) == hashes(whole.path)


def _answers(output: Path) -> int:
    import sqlite3

    total = 0
    for path in output.glob("journal/*.sqlite"):
        db = sqlite3.connect(path)
        total += db.execute("SELECT count(*) FROM answers").fetchone()[0]
        db.close()
    return total


async def test_the_spend_cap_stops_cleanly_and_a_higher_one_goes_on(documents: Path, tmp_path: Path) -> None:
    prices = {"price_in": 1.0, "price_out": 4.0}
    whole, work = await run_with(MockBackend(MockBackend.Options()), tmp_path / "whole", documents, **prices)
    cost = work.progress.cost
    backend = MockBackend(MockBackend.Options(latency_s=0.001))
    with pytest.raises(BudgetReached):
        await run_with(backend, tmp_path / "out", documents, max_cost=cost / 2, concurrency=4, **prices)
    asked = backend.asked
    # What was in flight when the cap was reached is paid for and kept: at most a window of requests over the cap.
    assert _answers(tmp_path / "out") == asked
    with pytest.raises(RunIncomplete):
        synthcpt.Run(tmp_path / "out").dataset()
    await run_with(backend, tmp_path / "out", documents, max_cost=cost * 2, **prices)
    assert backend.asked == whole.manifest["totals"]["answers"]
    assert hashes(tmp_path / "out") == hashes(whole.path)


def test_a_cap_without_prices_is_refused(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="price"):
        generate_mock(tmp_path / "out", documents, max_cost=1.0)


async def test_a_method_that_breaks_names_the_document_and_loses_nothing(documents: Path, tmp_path: Path) -> None:
    def break_once(request: object) -> str:
        raise KeyError("a bug")

    with pytest.raises(SynthcptError, match=r"doc-\d+\.txt.*KeyError"):
        await run_with(MockBackend(MockBackend.Options(), break_once), tmp_path / "out", documents)  # type: ignore[arg-type]
    run, _ = await run_with(MockBackend(MockBackend.Options()), tmp_path / "out", documents)
    assert run.complete


# ------------------------------------------------------------------ locks


def test_a_second_process_on_a_part_is_refused_and_a_dead_ones_lock_does_not_block(
    documents: Path, tmp_path: Path
) -> None:
    output, log = tmp_path / "out", tmp_path / "log"
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(output), str(documents), str(log), '{"parts": 2}'])
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s and not (log.exists() and log.read_text()):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(RunLocked, match=str(process.pid)):
            generate_mock(output, documents, backend_options={"entities": 8, "words": 60, "latency_s": 0.012}, parts=2)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert list(output.glob("journal/*.lock")), "the dead process left its lock files"
    command = [sys.executable, str(SCRIPT), str(output), str(documents), str(log), '{"parts": 2}']
    assert subprocess.run(command).returncode == 0


def test_settings_that_change_no_text_may_differ(documents: Path, tmp_path: Path) -> None:
    before = hashes(generate_mock(tmp_path / "out", documents, concurrency=3).path)
    again = generate_mock(tmp_path / "out", documents, concurrency=5, backend_options={"latency_s": 0.001}, attempts=3)
    assert again.complete
    assert hashes(again.path) == before


def test_another_part_is_not_locked(documents: Path, tmp_path: Path) -> None:
    with part_lock(Part(tmp_path / "out", 0, 2)):
        generate_mock(tmp_path / "out", documents, part="2/2")
        with pytest.raises(RunLocked):
            generate_mock(tmp_path / "out", documents, part="1/2")


# ------------------------------------------------------------------ one folder, one run

CHANGES = [
    ({"options": {"max_pairs": 3}}, "options.max_pairs"),
    ({"seed": 5}, "seed"),
    ({"temperature": 0.3}, "sampling.temperature"),
    ({"backend_options": {"words": 50}}, "answers_shaped_by.words"),
    ({"truncation": "drop"}, "truncation"),
    ({"model": "other"}, "model"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES, ids=[named for _, named in CHANGES])
def test_a_rerun_with_another_setting_is_refused_with_the_difference(
    change: dict[str, object], named: str, documents: Path, tmp_path: Path
) -> None:
    run = generate_mock(tmp_path / "out", documents)
    before = hashes(run.path)
    with pytest.raises(RunMismatch, match=named.replace(".", r"\.")):
        generate_mock(tmp_path / "out", documents, **change)
    assert hashes(run.path) == before
    generate_mock(tmp_path / "out", documents, overwrite=True, **change)


def test_a_rerun_with_an_edited_prompt_is_refused(documents: Path, tmp_path: Path) -> None:
    from importlib import resources

    generate_mock(tmp_path / "out", documents)
    folder = tmp_path / "prompts" / "entigraph"
    folder.mkdir(parents=True)
    text = resources.files("synthcpt.prompts").joinpath("entigraph/pair.md").read_text()
    (folder / "pair.md").write_text(text.replace("scholar", "teacher"))
    with pytest.raises(RunMismatch, match="entigraph/pair"):
        generate_mock(tmp_path / "out", documents, prompts=tmp_path / "prompts")


def test_a_changed_or_smaller_corpus_is_refused_by_name(documents: Path, tmp_path: Path) -> None:
    generate_mock(tmp_path / "out", documents)
    path = documents / "doc-003.txt"
    text = path.read_text()
    path.write_text(text + " More.")
    (tmp_path / "out/manifest.json").unlink()
    next((tmp_path / "out/parts").iterdir()).unlink()
    with pytest.raises(RunMismatch, match=r"changed: doc-003\.txt"):
        generate_mock(tmp_path / "out", documents, extend=True)
    path.unlink()
    with pytest.raises(RunMismatch, match="removed: 1"):
        generate_mock(tmp_path / "out", documents, extend=True)
    path.write_text(text)
    assert generate_mock(tmp_path / "out", documents).complete


async def test_extend_takes_new_documents_and_asks_nothing_of_the_old_ones_again(
    documents: Path, tmp_path: Path
) -> None:
    backend = MockBackend(MockBackend.Options())
    await run_with(backend, tmp_path / "out", documents, target_tokens=12_000, parts=2)
    first = backend.asked
    before = {row["id"]: row["text"] for row in synthcpt.Run(tmp_path / "out").dataset()}
    write_documents(documents, 15, entities=7)
    with pytest.raises(RunMismatch, match="--extend"):
        await run_with(backend, tmp_path / "out", documents, target_tokens=12_000, parts=2)
    run, _ = await run_with(backend, tmp_path / "out", documents, target_tokens=12_000, parts=2, extend=True)
    after = {row["id"]: row["text"] for row in run.dataset()}
    assert before.items() < after.items()
    assert backend.asked == run.manifest["totals"]["answers"] > first
    assert yaml.safe_load((tmp_path / "out/run.yaml").read_text())["corpus"]["documents"] == 15


async def test_extend_takes_a_higher_target_and_keeps_every_text(documents: Path, tmp_path: Path) -> None:
    backend = MockBackend(MockBackend.Options(entities=12))
    await run_with(backend, tmp_path / "out", documents, target_tokens=8_000)
    before = {row["id"] for row in synthcpt.Run(tmp_path / "out").dataset()}
    with pytest.raises(RunMismatch, match="--extend"):
        await run_with(backend, tmp_path / "out", documents, target_tokens=16_000)
    with pytest.raises(RunMismatch, match="lower"):
        await run_with(backend, tmp_path / "out", documents, target_tokens=4_000, extend=True)
    run, _ = await run_with(backend, tmp_path / "out", documents, target_tokens=16_000, extend=True)
    assert before < {row["id"] for row in run.dataset()}
    assert backend.asked == run.manifest["totals"]["answers"]


def test_extending_part_by_part_reopens_each_part(documents: Path, tmp_path: Path) -> None:
    generate_mock(tmp_path / "out", documents, parts=3)
    write_documents(documents, 20, entities=7)
    generate_mock(tmp_path / "out", documents, part="1/3", extend=True)
    run = synthcpt.Run(tmp_path / "out")
    assert not run.complete, "the other parts lack their new documents"
    # run.yaml names the new corpus now, so the other jobs need not say that they extend.
    generate_mock(tmp_path / "out", documents, part="2/3")
    run = generate_mock(tmp_path / "out", documents, part="3/3")
    assert run.complete
    assert {row["source_ids"][0] for row in run.dataset()} == {path.name for path in documents.iterdir()}
    whole = generate_mock(tmp_path / "whole", documents, parts=3)
    assert hashes(run.path) == hashes(whole.path)


async def test_a_run_stopped_while_extended_is_not_complete_and_goes_on(documents: Path, tmp_path: Path) -> None:
    prices = {"price_in": 1.0, "price_out": 1.0}
    _, work = await run_with(MockBackend(MockBackend.Options()), tmp_path / "out", documents, **prices)
    write_documents(documents, 20, entities=7)
    cap = work.progress.cost * 1.2
    backend = MockBackend(MockBackend.Options(latency_s=0.001))
    with pytest.raises(BudgetReached):
        await run_with(backend, tmp_path / "out", documents, extend=True, max_cost=cap, concurrency=4, **prices)
    assert not synthcpt.Run(tmp_path / "out").complete
    run, _ = await run_with(backend, tmp_path / "out", documents, **prices)
    assert run.manifest["totals"]["documents"] == 20
    tokens = run.manifest["totals"]
    expected = (tokens["prompt_tokens"] + tokens["completion_tokens"]) / 1e6
    assert run.manifest["cost"] == pytest.approx(expected, abs=1e-5)


def test_overwrite_deletes_a_run_and_nothing_else(documents: Path, tmp_path: Path) -> None:
    generate_mock(tmp_path / "out", documents)
    (tmp_path / "out/notes.txt").write_text("mine")
    generate_mock(tmp_path / "out", documents, overwrite=True, seed=3)
    assert (tmp_path / "out/notes.txt").read_text() == "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="no run"):
        generate_mock(tmp_path / "other", documents, overwrite=True)
    assert (tmp_path / "other/thesis.tex").exists()


def test_run_yaml_holds_no_key_and_enough_to_repeat_the_run(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    run = generate_mock(tmp_path / "out", documents, options={"max_pairs": 4}, seed=9, temperature=0.5)
    for path in run.path.rglob("*"):
        if path.is_file():
            assert b"sk-secret" not in path.read_bytes()
    settings = run.settings
    again = synthcpt.generate(
        settings["method"], input=settings["input"], output=tmp_path / "again", backend=settings["backend"],
        options=settings["options"], seed=settings["seed"], **settings["sampling"],
    )  # fmt: skip
    assert hashes(again.path) == hashes(run.path)


def test_generate_works_inside_a_running_loop(documents: Path, tmp_path: Path) -> None:
    async def notebook() -> synthcpt.Run:
        return generate_mock(tmp_path / "out", documents)

    assert asyncio.run(notebook()).complete


def test_the_run_object_says_what_it_is(documents: Path, tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "out", documents)
    assert repr(run) == f"Run({str(tmp_path / 'out')!r}, complete)"
    assert json.loads((tmp_path / "out/manifest.json").read_text())["totals"]["rows"] == len(run.dataset())
    with pytest.raises(UserError, match="no run"):
        synthcpt.Run(tmp_path)


# ------------------------------------------------------------------ what a fresh pair of eyes found


async def test_a_trial_with_a_limit_and_a_target_then_the_whole_meets_the_target(
    documents: Path, tmp_path: Path
) -> None:
    backend = MockBackend(MockBackend.Options(entities=12))
    await run_with(backend, tmp_path / "out", documents, target_tokens=6_000, limit=3)
    before = {row["id"] for row in synthcpt.Run(tmp_path / "out").dataset()}
    run, _ = await run_with(backend, tmp_path / "out", documents, target_tokens=12_000, extend=True)
    assert before <= {row["id"] for row in run.dataset()}
    # The first three keep what they had; the others get their share of the target, and no more.
    assert run.manifest["totals"]["row_tokens"] < 12_000 + 6_000


async def test_the_spend_cap_counts_parts_that_were_finished_before(documents: Path, tmp_path: Path) -> None:
    prices = {"price_in": 1.0, "price_out": 4.0}
    backend = MockBackend(MockBackend.Options())
    _, work = await run_with(backend, tmp_path / "whole", documents, parts=4, **prices)
    cost = work.progress.cost
    for _ in range(3):
        with pytest.raises(BudgetReached):
            await run_with(
                MockBackend(MockBackend.Options(latency_s=0.001)), tmp_path / "out", documents, parts=4,
                max_cost=cost * 0.6, concurrency=2, **prices,
            )  # fmt: skip
    assert _answers(tmp_path / "out") < 0.8 * backend.asked


def test_overwrite_waits_for_nobody_and_deletes_nothing_in_use(documents: Path, tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "out", documents, parts=2)
    before = hashes(run.path)
    with part_lock(run.parts[1]), pytest.raises(RunLocked):
        generate_mock(tmp_path / "out", documents, overwrite=True, seed=2)
    with pytest.raises(ConfigError, match="part"):
        generate_mock(tmp_path / "out", documents, overwrite=True, part="1/2")
    with pytest.raises(UserError):
        generate_mock(tmp_path / "out", tmp_path / "no-such-folder", overwrite=True)
    assert hashes(run.path) == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        generate_mock(tmp_path / "file", documents, overwrite=True)


def test_an_output_inside_the_input_is_refused(documents: Path) -> None:
    with pytest.raises(ConfigError, match="inside"):
        generate_mock(documents / "out", documents)


def test_a_finished_run_names_what_changed_in_its_corpus(documents: Path, tmp_path: Path) -> None:
    generate_mock(tmp_path / "out", documents)
    path = documents / "doc-004.txt"
    path.write_text(path.read_text() + " More.")
    with pytest.raises(RunMismatch, match=r"changed: doc-004\.txt"):
        generate_mock(tmp_path / "out", documents)


def test_another_part_cannot_slip_a_changed_document_in(documents: Path, tmp_path: Path) -> None:
    from synthcpt.engine.parts import part_of

    generate_mock(tmp_path / "out", documents, parts=2)
    changed = next(path for path in sorted(documents.iterdir()) if part_of(path.name, 2) == 1)
    changed.write_text(changed.read_text() + " More.")
    (documents / "new.txt").write_text("Arden Vale met Bellis Reach.")
    generate_mock(tmp_path / "out", documents, part="1/2", extend=True)
    with pytest.raises(RunMismatch, match=changed.name):
        generate_mock(tmp_path / "out", documents, part="2/2", extend=True)


async def test_a_start_that_failed_does_not_bind_the_folder(documents: Path, tmp_path: Path) -> None:
    class Broken(MockBackend):
        async def start(self) -> None:
            raise BackendUnavailable("no such model")

    options = MockBackend.Options(model="typo")
    with pytest.raises(BackendUnavailable):
        await run_with(Broken(options), tmp_path / "out", documents, model="typo")
    assert generate_mock(tmp_path / "out", documents, model="right").complete


async def test_failures_are_forgotten_in_every_part_and_kept_when_the_backend_cannot_start(
    documents: Path, tmp_path: Path
) -> None:
    class Broken(MockBackend):
        async def start(self) -> None:
            raise BackendUnavailable("not now")

    failing = MockBackend(MockBackend.Options(transient_rate=0.3))
    run, _ = await run_with(failing, tmp_path / "out", documents, attempts=1, parts=2)
    failed = run.manifest["totals"]["failed_requests"]["transient_error"]
    assert failed > 5
    with pytest.raises(BackendUnavailable):
        await run_with(Broken(MockBackend.Options()), tmp_path / "out", documents, retry_failed=True)
    assert synthcpt.Run(tmp_path / "out").manifest["totals"]["failed_requests"] == {"transient_error": failed}
    run, _ = await run_with(MockBackend(MockBackend.Options()), tmp_path / "out", documents, retry_failed=True)
    assert not run.manifest["totals"]["failed_requests"]


def test_the_embedded_backend_takes_no_model(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model"):
        synthcpt.generate("entigraph", input=documents, output=tmp_path / "out", backend="extractive", model="m")


def test_a_full_disk_is_one_sentence_and_loses_nothing(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthcpt.engine.database import Database

    write, left = Database.write, 60

    def until_full(database: Database, statement: str, values: tuple[object, ...]) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            database._broken = UserError("journal cannot be written: is the disk full?")
        write(database, statement, values)

    monkeypatch.setattr(Database, "write", until_full)
    with pytest.raises(UserError, match="is the disk full"):
        generate_mock(tmp_path / "out", documents)
    monkeypatch.undo()
    run = generate_mock(tmp_path / "out", documents)
    assert hashes(run.path) == hashes(generate_mock(tmp_path / "whole", documents).path)


async def test_many_large_documents_at_a_wide_window_keep_few_requests_in_memory(tmp_path: Path) -> None:
    """Entity calls go first, so many documents stand ready to ask for hundreds of pairs each."""
    starts, ends = ["Ar", "Be", "Co", "Du", "El"], ["lan", "mer", "nor", "pel", "ris", "sun"]
    names = [f"{start}{end} House" for start in starts for end in ends]
    (tmp_path / "docs").mkdir()
    for i in range(120):
        text = ". ".join(f"{name} stands by road {i}" for name in names)
        (tmp_path / f"docs/{i}.txt").write_text(text + ".")
    most = 0

    class Watching(MockBackend):
        async def complete(self, request: Request) -> Completion:
            nonlocal most
            most = max(most, len(asyncio.all_tasks()))
            await asyncio.sleep(0.05)
            if most and self.asked > 600:
                raise BackendUnavailable("enough seen")
            return await super().complete(request)

    backend = Watching(MockBackend.Options(entities=30))
    with pytest.raises(BackendUnavailable):
        await run_with(backend, tmp_path / "out", tmp_path / "docs", concurrency=40)
    # In flight, in store, and two tasks for each of the documents that stand ready; not a window for each.
    assert most < 40 + 2 * 40 + 2 * (2 * 40 + 16) + 50
