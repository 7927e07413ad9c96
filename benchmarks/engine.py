"""Host CPU time and memory that the engine takes for a request, with a backend that answers at once.

    python benchmarks/engine.py                        # milliseconds of CPU a request, 20,000 requests
    python benchmarks/engine.py --requests 1000000     # and the memory as a run grows; about four minutes

Whole EntiGraph runs with the mock backend: documents of 1,000 words and 30 entities (435 pairs, so 436 requests),
journal, gates and shards included. Only the CPU time of the process counts, without that of starting up.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import threading
from pathlib import Path
from typing import Any

from documents import write_documents
from figures import Figure, Spent, apart, progress, script

ENTITIES = 30
REQUESTS_A_DOCUMENT = 1 + ENTITIES * (ENTITIES - 1) // 2
MOST_CPU_MS, MOST_RSS_MB, MOST_GROWTH = 0.15, 600, 1.15
MILESTONES = [100_000, 250_000, 500_000, 1_000_000]


def measure(given: argparse.Namespace) -> list[Figure]:
    """CPU for short and for usual answers; with many requests, memory instead."""
    if given.requests >= MILESTONES[0]:
        return _memory(given.requests)
    requests, rounds = (5_000, 1) if given.quick else (given.requests, 3)
    return [_cpu(words, requests, rounds) for words in (20, 120)]


def _cpu(words: int, requests: int, rounds: int) -> Figure:
    runs = [apart(run_mock, requests, words)["cpu_ms"] for _ in range(rounds)]
    progress(f"{words} words: " + ", ".join(f"{run:.3f}" for run in runs) + " ms")
    value = statistics.median(runs)
    spread = f"{min(runs):.3f} to {max(runs):.3f}"
    return Figure(
        f"engine, CPU a request, answers of {words} words", f"{value:.3f} ms", f"{rounds} runs, {spread}",
        f"<= {MOST_CPU_MS} ms", value <= MOST_CPU_MS,
    )  # fmt: skip


def _memory(requests: int) -> list[Figure]:
    result = apart(run_mock, requests, 20)
    at = {wanted: rss for wanted, rss in result["rss_mb"].items() if wanted <= requests}
    progress(f"{result['wall_s']:.0f} s, {result['cpu_ms']:.3f} ms of CPU a request")
    peak, steady = result["peak_mb"], max(at.values()) / at[MILESTONES[0]]
    sampled = ", ".join(f"{rss:.0f} MB at {count:,}" for count, rss in at.items())
    return [
        Figure(
            f"engine, peak memory of {requests:,} requests", f"{peak:.0f} MB", "", f"<= {MOST_RSS_MB} MB",
            peak <= MOST_RSS_MB,
        ),
        Figure(
            f"engine, memory from {MILESTONES[0]:,} requests on", f"{steady:.2f} times", sampled,
            f"<= {MOST_GROWTH} times", steady <= MOST_GROWTH,
        ),
    ]  # fmt: skip


def run_mock(requests: int, words: int) -> dict[str, Any]:
    """A small run to warm up, then the one that is measured; in this process."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_generation(Path(folder) / "tiny", 2, words).run())
        work = _generation(Path(folder) / "run", -(-requests // REQUESTS_A_DOCUMENT), words)
        memory = _Memory(work)
        with Spent() as spent:
            run = asyncio.run(work.run())
        answers, rows = run.manifest["totals"]["answers"], run.manifest["totals"]["rows"]
        if rows < answers:
            raise SystemExit(f"only {rows} of {answers} answers became texts: {run.manifest['totals']}")
        peak_mb = memory.end()
        return {
            "cpu_ms": 1000 * spent.cpu_s / answers, "wall_s": spent.wall_s, "rss_mb": memory.at, "peak_mb": peak_mb
        }  # fmt: skip


def _generation(folder: Path, documents: int, words: int) -> Any:
    from synthcpt.config import make_config
    from synthcpt.generation import Generation

    source = write_documents(folder / "documents.jsonl", documents, words=1000, names=ENTITIES)
    return Generation(
        make_config({
            "method": "entigraph", "input": str(source), "output": folder / "out", "backend": "mock",
            "backend_options": {"entities": ENTITIES, "words": words}, "options": {"min_words": 10},
        })
    )  # fmt: skip


class _Memory:
    """Looks at this process's memory, on a thread, as a run's count of answers passes the milestones."""

    def __init__(self, work: Any) -> None:
        self.at: dict[int, float] = {}
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        todo = list(MILESTONES)
        while todo and not self._ended.wait(0.1):
            if self._work.progress.answers >= todo[0]:
                self.at[todo.pop(0)] = resident_mb("VmRSS")

    def end(self) -> float:
        """The peak, in megabytes."""
        self._ended.set()
        self._thread.join()
        return resident_mb("VmHWM")


def resident_mb(line: str) -> float:
    """``VmRSS``, the resident memory of this process now, or ``VmHWM``, its peak; in megabytes."""
    for entry in Path("/proc/self/status").read_text().splitlines():
        if entry.startswith(line + ":"):
            return int(entry.split()[1]) * 1024 / 1e6
    raise SystemExit("This machine does not tell a process's memory in /proc/self/status.")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=20_000, help="from 100,000 on, memory is measured")


if __name__ == "__main__":
    script(measure, __doc__, _options)
