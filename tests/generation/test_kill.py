"""Promise 1: nothing lost, nothing asked twice, whenever the process is killed."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from corpora import hashes, run_with, write_documents

from synthcpt.backends.mock import MockBackend
from synthcpt.records import Completion, Request

KILLS = 20
SCRIPT = Path(__file__).parents[1] / "support" / "killable.py"


def start(output: Path, documents: Path, log: Path, **settings: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), str(output), str(documents), str(log), json.dumps(settings)]
    with log.with_suffix(".stderr").open("ab") as complaints:
        return subprocess.Popen(command, stderr=complaints)


def committed(output: Path) -> set[str]:
    """The keys whose answers a killed process left in the journals."""
    keys: set[str] = set()
    for path in output.glob("journal/*.sqlite"):
        db = sqlite3.connect(path)
        try:
            keys.update(key.hex() for (key,) in db.execute("SELECT key FROM answers"))
        except sqlite3.OperationalError:
            pass  # killed before its tables were made
        finally:
            db.close()
    return keys


def read_keys(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def test_twenty_kills_then_byte_identical_shards_and_no_committed_answer_asked_again(tmp_path: Path) -> None:
    documents = write_documents(tmp_path / "docs", 120, entities=9)
    whole = tmp_path / "whole"
    assert start(whole, documents, tmp_path / "whole.log", parts=3).wait(120) == 0

    output, log, rng, kept = tmp_path / "killed", tmp_path / "killed.log", random.Random(4), set[str]()
    kills, reached = 0, []
    while kills < KILLS:
        process = start(output, documents, log, parts=3)
        before = len(read_keys(log))
        # Somewhere between its start and a quarter of the work after its first request.
        deadline_s = time.monotonic() + 60
        wanted = before + rng.randrange(0, 900)
        while len(read_keys(log)) < wanted and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        again = set(read_keys(log)[before:]) & kept
        assert not again, f"{len(again)} committed answers were asked again"
        kept = committed(output)
        kills += 1
        reached.append(len(kept))
    assert reached[-1] > 0, "no kill came after a commit"
    before = len(read_keys(log))
    last = start(output, documents, log, parts=3)
    assert last.wait(120) == 0, log.with_suffix(".stderr").read_text()
    assert not set(read_keys(log)[before:]) & kept
    assert hashes(output) == hashes(whole)
    assert (output / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()
    asked = Counter(read_keys(log))
    assert set(asked) == set(read_keys(tmp_path / "whole.log"))


async def test_an_answer_is_on_disk_soon_though_the_run_goes_on(tmp_path: Path) -> None:
    """The backend answers forty requests and then falls silent; all forty must be found by another reader."""
    documents, answered, silence = write_documents(tmp_path / "docs", 10, entities=7), 0, asyncio.Event()

    class FallsSilent(MockBackend):
        async def complete(self, request: Request) -> Completion:
            nonlocal answered
            if answered == 40:
                await silence.wait()
            answered += 1
            return await super().complete(request)

    running = asyncio.create_task(run_with(FallsSilent(MockBackend.Options()), tmp_path / "out", documents))
    async with asyncio.timeout(60):
        while len(committed(tmp_path / "out")) < 40:
            await asyncio.sleep(0.05)
    assert not running.done()
    silence.set()
    await running


def test_a_finished_run_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    documents = write_documents(tmp_path / "docs", 5)
    output, log = tmp_path / "out", tmp_path / "log"
    assert start(output, documents, log).wait(60) == 0
    asked, before = len(read_keys(log)), hashes(output, "data", "parts")
    assert start(output, documents, log).wait(60) == 0
    assert len(read_keys(log)) == asked
    assert hashes(output, "data", "parts") == before


def test_a_shard_cut_off_while_written_is_written_again(tmp_path: Path) -> None:
    documents = write_documents(tmp_path / "docs", 5)
    output, log = tmp_path / "out", tmp_path / "log"
    assert start(output, documents, log).wait(60) == 0
    before = hashes(output)
    shard = next((output / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:100])
    for marker in (output / "parts").iterdir():
        marker.unlink()  # the marker is written after the shard, so a crash in the shard leaves none
    (output / "manifest.json").unlink()
    asked = len(read_keys(log))
    assert start(output, documents, log).wait(60) == 0
    assert hashes(output) == before
    assert len(read_keys(log)) == asked
