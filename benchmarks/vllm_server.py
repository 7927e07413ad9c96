"""New tokens a second that a whole run gets out of a vLLM server, beside a bare client that asks the same.

    python benchmarks/vllm_server.py [--pairs 3]

Starts vLLM's OpenAI server with a tiny random model. One side is an EntiGraph run through the openai backend with
journal, gates and shards; the other posts the very same chats with aiohttp, as many at once, and reads the texts. About
1,000 requests of 64 new tokens; passes alternate, and the server's prefix cache is emptied before each. As all answers
are equally long, the batch ends as one; both sides hold twice as many requests as the server computes at once, or it
would stand still meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import orjson
from documents import write_documents
from figures import Figure, Spent, alternating, progress, script, support
from http_clients import chat, feed
from known_entities import KnownEntities, generation

from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions
from synthcpt.records import Request

with support():
    from tiny_model import build_tiny_model

DOCUMENTS, ENTITIES, NEW_TOKENS, BATCH, CONCURRENCY = 36, 8, 64, 128, 256
EXTRA = {"ignore_eos": True}
LEAST_RATIO = 0.97
LOADING_S = 300


def measure(given: argparse.Namespace) -> list[Figure]:
    """Alternating passes against one server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = build_tiny_model(folder / "model")
        write_documents(folder / "documents.jsonl", DOCUMENTS, words=60, names=ENTITIES)
        with serving(model, folder / "server.log") as url:
            passes = asyncio.run(_passes(folder, url, str(model), 1 if given.quick else given.pairs))
    ratios = [ours / bare for ours, bare in zip(passes["engine"], passes["aiohttp"], strict=True)]
    ours, bare = (statistics.median(passes[side]) for side in passes)
    ratio = statistics.median(ratios)
    return [
        Figure(
            "engine through a vLLM server, new tokens a second over bare aiohttp's", f"{ratio:.3f}",
            f"{ours:,.0f} and {bare:,.0f} tokens/s; pairs {', '.join(f'{one:.3f}' for one in ratios)}",
            f">= {LEAST_RATIO}", ratio >= LEAST_RATIO,
        )
    ]  # fmt: skip


async def _passes(folder: Path, url: str, model: str, pairs: int) -> dict[str, list[float]]:
    requests = (await run_engine(folder, "warm-up", url, model)).asked
    passes: dict[str, list[float]] = {"engine": [], "aiohttp": []}
    for number, side in enumerate(alternating(list(passes), pairs)):
        await _empty_prefix_cache(url)
        with Spent() as spent:
            if side == "engine":
                tokens = (await run_engine(folder, f"run-{number}", url, model)).new_tokens
            else:
                tokens = await run_bare(requests, url, model)
        passes[side].append(tokens / spent.wall_s)
        progress(f"{side}: {tokens:,} new tokens, {passes[side][-1]:,.0f} tokens/s, CPU {spent.cpu_s:.2f} s")
    return passes


async def run_engine(folder: Path, name: str, url: str, model: str) -> KnownEntities:
    """A whole run; gives back what knows what was asked and answered."""
    options = OpenAIOptions(base_url=url, model=model, extra_body=EXTRA, concurrency=CONCURRENCY)
    server = OpenAIBackend(options)
    backend, source = KnownEntities(server), folder / "documents.jsonl"
    await generation(source, folder / name, backend, max_tokens=NEW_TOKENS, concurrency=CONCURRENCY).run()
    await server.close()
    return backend


async def run_bare(requests: Sequence[Request], url: str, model: str) -> int:
    """The same chats, in the same order, with aiohttp alone; gives back the new tokens."""
    tokens: list[int] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(request: Request) -> None:
            body = {"model": model, "messages": chat(request), "temperature": 1.0, "max_tokens": NEW_TOKENS, **EXTRA}
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{url}/chat/completions", data=orjson.dumps(body), headers=headers) as response:
                payload = orjson.loads(await response.read())
            tokens.append(payload["usage"]["completion_tokens"])

        await feed(ask, iter(requests), CONCURRENCY)
    return sum(tokens)


async def _empty_prefix_cache(url: str) -> None:
    address = url.removesuffix("/v1") + "/reset_prefix_cache"
    async with aiohttp.ClientSession() as session, session.post(address) as done:
        done.raise_for_status()


@contextmanager
def serving(model: Path, log: Path) -> Iterator[str]:
    """The URL of vLLM's OpenAI server, once it answers; what it says goes to the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--dtype", "bfloat16", "--enforce-eager", "--max-model-len", "1024"]
    command += ["--gpu-memory-utilization", "0.2", "--max-num-seqs", str(BATCH), "--disable-uvicorn-access-log"]
    environment = {**os.environ, "VLLM_SERVER_DEV_MODE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    # For machines without a GPU; elsewhere it is ignored.
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    with log.open("wb") as file, subprocess.Popen(command, env=environment, stdout=file, stderr=file) as process:
        try:
            if not _comes_up(process, f"http://127.0.0.1:{port}/health"):
                raise SystemExit(f"vLLM's server did not start:\n{log.read_text(errors='replace')[-4000:]}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _comes_up(process: subprocess.Popen[bytes], url: str) -> bool:
    from urllib.error import URLError
    from urllib.request import urlopen

    began_s = time.monotonic()
    while process.poll() is None and time.monotonic() - began_s < LOADING_S:
        try:
            urlopen(url, timeout=5).close()
            return True
        except (URLError, ConnectionError):
            time.sleep(0.5)
    return False


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=int, default=3, help="passes of each side")


if __name__ == "__main__":
    script(measure, __doc__, _options)
