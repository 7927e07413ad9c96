"""Host CPU time that HTTP clients spend on one chat completion.

    python benchmarks/http_clients.py            # about 3 minutes; --quick for half a minute

A canned server in a process of its own answers at once. Each client runs in its own process, the clients take
turns, and only the user + system time of the client's process between its first and last request counts, after a
warm-up. Prompts are 8 kB, of which 100 in a row share all but the end, as a document's requests do; answers 4 kB.
The clients of the two packages are slower by an order of magnitude and get a tenth of the requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthcpt.records import Message, Request, Sampling

SERVER = Path(__file__).parent.parent / "tests" / "support" / "llm_server.py"
PROMPT_CHARS, TAIL_CHARS, SHARED_BY = 8000, 120, 100
WARM_UP = 512
ROUNDS = 3

Ask = Callable[[Request], Awaitable[Any]]
Close = Callable[[], Awaitable[Any]]


def prompts(count: int) -> Iterator[Request]:
    """Requests as a method makes them: a system turn, a document with quotes and accents, a short tail."""
    rng = random.Random(0)
    words = ["harbour", "the", "of", '"signal"', "Thorngate", "light\n", "café", "1897,", "keeper", "and"]
    sampling = Sampling(temperature=1.0, max_tokens=1024)
    system = Message("system", ("You are a scholar who explains how the parts of a document hang together. " * 12,))
    document = ""
    for i in range(count):
        if i % SHARED_BY == 0:
            document = " ".join(rng.choice(words) for _ in range(PROMPT_CHARS))[: PROMPT_CHARS - len(system.text)]
        tail = f"\n\n## The entities to write about\n\n- keeper {i}\n- light {i * 7}".ljust(TAIL_CHARS)
        yield Request((system, Message("user", ("## The document: ", "Light", "\n\n", document, tail))), sampling)


def chat(request: Request) -> list[dict[str, str]]:
    """The request's messages as plain JSON."""
    return [{"role": message.role, "content": message.text} for message in request.messages]


async def aiohttp_client(url: str, _concurrency: int) -> tuple[Ask, Close]:
    """Bare aiohttp: the least one can do with it."""
    import aiohttp
    import orjson

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    headers = {"Authorization": "Bearer EMPTY", "Content-Type": "application/json"}

    async def ask(request: Request) -> str:
        body = orjson.dumps({"model": "m", "messages": chat(request), "temperature": 1.0, "max_tokens": 1024})
        async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
            payload = orjson.loads(await response.read())
        text: str = payload["choices"][0]["message"]["content"]
        return text

    return ask, session.close


async def synthcpt_client(url: str, concurrency: int) -> tuple[Ask, Close]:
    """The openai backend of synthcpt, whole."""
    from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions

    backend = OpenAIBackend(OpenAIOptions(base_url=url, concurrency=concurrency))
    await backend.start()
    return backend.complete, backend.close


async def openai_client(url: str, _concurrency: int) -> tuple[Ask, Close]:
    """The openai package on its default transport."""
    import openai

    client = openai.AsyncOpenAI(base_url=url, api_key="EMPTY")

    async def ask(request: Request) -> str | None:
        messages: Any = chat(request)
        answer = await client.chat.completions.create(model="m", messages=messages, temperature=1.0, max_tokens=1024)
        return answer.choices[0].message.content

    return ask, client.close


async def httpx_client(url: str, concurrency: int) -> tuple[Ask, Close]:
    """Bare httpx, its pool as wide as the concurrency."""
    import httpx

    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    client = httpx.AsyncClient(limits=limits, timeout=60, headers={"Authorization": "Bearer EMPTY"})

    async def ask(request: Request) -> str:
        body = {"model": "m", "messages": chat(request), "temperature": 1.0, "max_tokens": 1024}
        response = await client.post(f"{url}/chat/completions", json=body)
        text: str = response.json()["choices"][0]["message"]["content"]
        return text

    return ask, client.aclose


CLIENTS: dict[str, tuple[Callable[[str, int], Awaitable[tuple[Ask, Close]]], int]] = {
    "aiohttp": (aiohttp_client, 1),
    "synthcpt": (synthcpt_client, 1),
    "synthcpt+uvloop": (synthcpt_client, 1),
    "openai": (openai_client, 10),
    "httpx": (httpx_client, 10),
}
"""Name -> what opens it, and what share of the requests it gets (one in so many)."""


async def measure(name: str, url: str, count: int, concurrency: int) -> dict[str, float]:
    """Seconds of CPU and of wall clock a request, in milliseconds."""
    ask, close = await CLIENTS[name][0](url, concurrency)
    await feed(ask, iter(list(prompts(WARM_UP))), concurrency)
    ready = list(prompts(count))
    cpu_s, began_s = cpu_seconds(), time.perf_counter()
    await feed(ask, iter(ready), concurrency)
    cpu_s, wall_s = cpu_seconds() - cpu_s, time.perf_counter() - began_s
    await close()
    return {"cpu_ms": 1000 * cpu_s / count, "wall_ms": 1000 * wall_s / count}


async def feed(ask: Ask, requests: Iterator[Request], concurrency: int) -> None:
    """Keep so many requests under way until there are no more."""

    async def work() -> None:
        for request in requests:
            await ask(request)

    await asyncio.gather(*(work() for _ in range(concurrency)))


def cpu_seconds() -> float:
    """User + system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_client(name: str, url: str, count: int, concurrency: int) -> None:
    """Measure in this process and print one line of JSON."""
    loop_factory = None
    if name.endswith("+uvloop"):
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        print(json.dumps(runner.run(measure(name, url, count, concurrency))))


@contextmanager
def canned_server() -> Iterator[str]:
    """The server's URL, while it runs."""
    command = [sys.executable, str(SERVER), "--canned", "--answer-chars", "4000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the server has no output")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def compare(names: list[str], requests: int, concurrency: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Each client in a process of its own, in turns."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with canned_server() as url:
        for _ in range(rounds):
            for name in names:
                count = max(WARM_UP, requests // CLIENTS[name][1])
                command = [sys.executable, __file__, "--client", name, "--url", url]
                command += ["--requests", str(count), "--concurrency", str(concurrency)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                results[name].append(json.loads(done.stdout))
    return results


def available(name: str) -> bool:
    """Whether the packages a client needs are installed."""
    import importlib.util

    needed = {"synthcpt+uvloop": "uvloop", "openai": "openai", "httpx": "httpx"}.get(name)
    return needed is None or importlib.util.find_spec(needed) is not None


def main() -> None:
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="2,000 requests, one round")
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", action="append", choices=sorted(CLIENTS), help="a client; may be repeated")
    parser.add_argument("--client", choices=sorted(CLIENTS), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        run_client(given.client, given.url, given.requests, given.concurrency)
        return
    names = [name for name in CLIENTS if available(name) and (not given.only or name in given.only)]
    count, rounds = (2_000, 1) if given.quick else (given.requests, given.rounds)
    results = compare(names, count, given.concurrency, rounds)
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores; concurrency "
        f"{given.concurrency}, {count} requests (packages: a tenth), {rounds} round(s)"
    )
    print(f"{'client':<18}{'CPU ms/request':>16}{'min':>8}{'max':>8}{'wall ms/request':>18}")
    for name, runs in results.items():
        cpu, wall = [run["cpu_ms"] for run in runs], statistics.median(run["wall_ms"] for run in runs)
        print(f"{name:<18}{statistics.median(cpu):>16.3f}{min(cpu):>8.3f}{max(cpu):>8.3f}{wall:>18.3f}")


if __name__ == "__main__":
    main()
