"""What is asked twice when a run is killed: SIGKILL at half of 1,000 requests, then the same command again.

    python benchmarks/kill.py [--kills 5]

A server in a process of its own answers each request after a random delay and logs it. Of the answers that it had
given when the run was killed, those asked for again are counted, beside what it had answered in the last half second,
which is as much as may be lost. The finished run must hold the same bytes as one that was never killed, so no row is
lost or doubled.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from documents import write_documents
from figures import Figure, progress, script, support

with support():
    from llm_server import serving_in_process

DOCUMENTS, ENTITIES = 44, 8  # about 23 requests a document
CONCURRENCY, LATENCY_S = 64, "0.1:0.4"
LOST_S = 0.5
HALF = 480
"""The first kill comes after so many answers, the next ones a little later, each at another time since a commit."""


@dataclass(frozen=True)
class Kill:
    """One run, killed and gone on with.

    Attributes:
        answered: by the server when it was killed.
        recently: of them, in the last half second.
        again: of them, asked again afterwards.
        same: the shards are those of a run that was not killed.
        rows, ids: how many rows there are, and how many different ones.
    """

    answered: int
    recently: int
    again: int
    same: bool
    rows: int
    ids: int


def measure(given: argparse.Namespace) -> list[Figure]:
    """Several kills, each of a run of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder / "documents.jsonl", DOCUMENTS, words=200, names=ENTITIES)
        with serving_in_process("--entities", str(ENTITIES)) as url:
            if _start(folder / "whole", folder, url).wait() != 0:
                raise SystemExit("The run that is not to be killed failed.")
        kills = [_kill(folder / f"killed-{i}", folder, HALF + 23 * i) for i in range(2 if given.quick else given.kills)]
    kept = sum(kill.same and kill.rows == kill.ids for kill in kills)
    worst = max(kills, key=lambda kill: kill.again - kill.recently)
    return [
        Figure(
            f"kill -9 at about half of 1,000 requests, {len(kills)} times: asked again",
            ", ".join(str(kill.again) for kill in kills),
            "answered in the last 0.5 s: " + ", ".join(str(kill.recently) for kill in kills),
            "no more than those",
            worst.again <= worst.recently,
        ),
        Figure(
            "kill -9: runs that then end with the bytes of one not killed", f"{kept} of {len(kills)}",
            f"{kills[0].rows:,} texts each, of as many requests", "all", kept == len(kills),
        ),
    ]  # fmt: skip


def _kill(output: Path, folder: Path, at: int) -> Kill:
    log = output.with_suffix(".log")
    with serving_in_process("--entities", str(ENTITIES), "--latency", LATENCY_S, "--log", str(log)) as url:
        process = _start(output, folder, url)
        seen: list[tuple[float, int]] = []
        while not seen or seen[-1][1] < at:
            if process.poll() is not None:
                raise SystemExit("The run ended before it could be killed.")
            time.sleep(0.005)
            seen.append((time.monotonic(), _answered(log).total()))
        process.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
        process.wait()
        # What is in flight now is cut off, and the server notes it as such.
        time.sleep(0.6)
        before = _answered(log)
        earlier = max(count for at_s, count in seen if at_s <= killed_s - LOST_S)
        if _start(output, folder, url).wait() != 0:
            raise SystemExit("The second command failed.")
        again = sum(count - before[digest] for digest, count in _asked(log).items() if digest in before)
    same = _hashes(output) == _hashes(folder / "whole")
    kill = Kill(before.total(), before.total() - earlier, again, same, *_count_rows(output))
    progress(str(kill))
    return kill


def _start(output: Path, folder: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "synthcpt", "generate", "--method", "entigraph", "--output", str(output)]
    command += ["--input", str(folder / "documents.jsonl"), "--base-url", url, "--model", "test-model", "--quiet"]
    # The server copies sentences; that gate is not what is looked at here.
    command += ["--concurrency", str(CONCURRENCY), "--set", "max_copied=1.0"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _answered(log: Path) -> Counter[str]:
    """The chats that were answered whole, each as often as it was."""
    return Counter(entry["digest"] for entry in _entries(log) if entry["outcome"] == "ok")


def _asked(log: Path) -> Counter[str]:
    """The chats as often as they were asked, those not counted that were cut off."""
    return Counter(entry["digest"] for entry in _entries(log) if entry["outcome"] != "disconnected")


def _entries(log: Path) -> list[dict[str, str]]:
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _count_rows(output: Path) -> tuple[int, int]:
    import pyarrow.parquet as pq

    ids = [id_ for path in (output / "data").glob("*.parquet") for id_ in pq.read_table(path)["id"].to_pylist()]
    return len(ids), len(set(ids))


def _hashes(output: Path) -> dict[str, str]:
    files = [*(output / "data").iterdir(), *(output / "rejected").iterdir()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=5)


if __name__ == "__main__":
    script(measure, __doc__, _options)
