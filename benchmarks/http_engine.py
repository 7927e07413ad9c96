"""Host CPU time that a whole run takes for a request to an HTTP server, beside that of bare aiohttp.

    python benchmarks/http_engine.py            # 20,000 requests a pass, three passes of each side

A server in a process of its own answers at once with 600 characters. One side is an EntiGraph run through the openai
backend, journal, gates and shards included; the other posts the same chats with aiohttp and reads the texts, and does
nothing else. Each pass is a process of its own; only CPU time counts, without that of starting up.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from documents import write_documents
from figures import Figure, Spent, alternating, apart, progress, script, support
from http_clients import aiohttp_client, feed

from synthcpt.records import Request

with support():
    from llm_server import serving_in_process

ENTITIES = 30
PAIRS = ENTITIES * (ENTITIES - 1) // 2
CONCURRENCY = 256
MOST_CPU_MS = 0.5


def measure(given: argparse.Namespace) -> list[Figure]:
    """Alternating passes of both sides, each against a new server."""
    documents, rounds = (5, 1) if given.quick else (-(-given.requests // (PAIRS + 1)), 3)
    passes: dict[str, list[float]] = {"engine": [], "aiohttp": []}
    for side in alternating(list(passes), rounds):
        with serving_in_process("--entities", str(ENTITIES), "--answer-chars", "600") as url:
            passes[side].append(apart(run_engine if side == "engine" else run_bare, url, documents))
        progress(f"{side}: {passes[side][-1]:.3f} ms of CPU a request")
    ours, bare = (statistics.median(passes[side]) for side in passes)
    return [
        Figure(
            "engine over HTTP, CPU a request", f"{ours:.3f} ms", f"bare aiohttp {bare:.3f} ms", f"<= {MOST_CPU_MS} ms",
            ours <= MOST_CPU_MS,
        )
    ]  # fmt: skip


def run_engine(url: str, documents: int) -> float:
    """Milliseconds of CPU a request of a whole run."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_generation(Path(folder) / "tiny", url, 1).run())
        with Spent() as spent:
            run = asyncio.run(_generation(Path(folder) / "run", url, documents).run())
        totals = run.manifest["totals"]
        if totals["rows"] < 0.98 * totals["answers"]:
            raise SystemExit(f"too few answers became texts: {totals}")
        return 1000 * spent.cpu_s / float(totals["answers"])


def run_bare(url: str, documents: int) -> float:
    """Milliseconds of CPU a request with aiohttp alone."""
    with tempfile.TemporaryDirectory() as folder:
        requests = pair_requests(Path(folder), documents)

    async def post() -> float:
        ask, close = await aiohttp_client(url, CONCURRENCY)
        await feed(ask, iter(requests[:PAIRS]), CONCURRENCY)
        with Spent() as spent:
            await feed(ask, iter(requests), CONCURRENCY)
        await close()
        return spent.cpu_s

    return 1000 * asyncio.run(post()) / len(requests)


def pair_requests(folder: Path, documents: int) -> list[Request]:
    """The chats that a run sends, but for one a document."""
    import json
    from itertools import combinations

    from documents import NAMES

    from synthcpt.templates import PromptBook

    prompt, requests = PromptBook().load("entigraph/pair"), []
    for line in _documents(folder, documents).read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        for first, second in combinations(NAMES[:ENTITIES], 2):
            requests.append(
                prompt.render(title=document["title"], document=document["text"], first=first, second=second)
            )
    return requests


def _documents(folder: Path, count: int) -> Path:
    return write_documents(folder / "documents.jsonl", count, words=1000, names=ENTITIES)


def _generation(folder: Path, url: str, documents: int) -> Any:
    from synthcpt.config import make_config
    from synthcpt.generation import Generation

    return Generation(
        make_config({
            "method": "entigraph", "input": str(_documents(folder, documents)), "output": folder / "out",
            "backend": "openai", "base_url": url, "model": "test-model", "concurrency": CONCURRENCY,
            # The server copies sentences, and the gate against that would end the work on a text early.
            "options": {"max_copied": 1.0},
        })
    )  # fmt: skip


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=20_000)


if __name__ == "__main__":
    script(measure, __doc__, _options)
