"""A local OpenAI-compatible server that answers at once, always alike, and fails on request.

In a test's own event loop: `async with LLMServer(Settings(...)) as server: ... server.url`. For code that runs a
loop of its own: `with serving_in_thread(Settings(...)) as server`. As a process of its own, which prints its URL
as its first line: `python tests/support/llm_server.py --port 0 --faults 429=0.1,500=0.05` (see --help), or
`with serving_in_process("--faults", "429=0.1") as url`.

What happened is in `server.log`, at GET /stats, and in the file that `Settings.log_path` names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web
from llm_answers import answer_to, count_tokens, digest_of, wants_json
from llm_faults import FAULTS, STATUS_ERRORS, Settings, broken_off, completion, draw_fault, failure

_KNOWN_FIELDS = {
    "model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "n", "stream", "seed",
    "response_format", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "user",
}  # fmt: skip
__all__ = [
    "FAULTS",
    "Entry",
    "LLMServer",
    "Settings",
    "completion",
    "failure",
    "serving_in_process",
    "serving_in_thread",
]

Hook = Callable[[web.Request, dict[str, Any]], "web.StreamResponse | None"]


@dataclass(frozen=True)
class Entry:
    """One request that arrived.

    Attributes:
        digest: of its messages; requests that differ only in sampling or draw share it.
        attempt: how often this digest came before, from 0.
        outcome: ``ok``, a fault's name, ``refused_field``, ``limit`` (too many at once), ``hook``, ``wrong_key``,
            or ``disconnected``.
        in_flight: how many were under way when it came, itself included.
    """

    digest: str
    attempt: int
    outcome: str
    in_flight: int


class LLMServer:
    """The server, on 127.0.0.1; an asynchronous context manager.

    Attributes:
        url: the base URL, known once it serves.
        log: an entry a request, in the order in which they ended.
        bodies: the decoded request bodies in the order of arrival (not when canned).
        hook: called with each chat request; a response it returns is sent instead of the server's own.
    """

    def __init__(self, settings: Settings | None = None, hook: Hook | None = None) -> None:
        self.settings = settings or Settings()
        self.hook = hook
        self.url = ""
        self.log: list[Entry] = []
        self.bodies: list[dict[str, Any]] = []
        self.in_flight = 0
        self._attempts: Counter[str] = Counter()
        self._canned = json.dumps(completion("Answered in a canned way. " * 160, "canned", {"messages": []})).encode()
        self._runner: web.AppRunner | None = None
        self._log_file: TextIO | None = None

    async def __aenter__(self) -> LLMServer:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, port: int = 0) -> None:
        """Begin to serve; port 0 takes any that is free."""
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/v1/chat/completions", self._canned_chat if self.settings.canned else self._chat)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/stats", self._show_stats)
        if self.settings.log_path:
            self._log_file = self.settings.log_path.open("a", encoding="utf-8")
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, backlog=4096).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def close(self) -> None:
        """Drop whoever is still connected."""
        if self._runner:
            await self._runner.cleanup()
        if self._log_file:
            self._log_file.close()

    def stats(self) -> dict[str, Any]:
        """Counts of what happened, as GET /stats gives them."""
        return {
            "requests": len(self.log),
            "chats": len(self._attempts),
            "outcomes": dict(sorted(Counter(entry.outcome for entry in self.log).items())),
            "peak_in_flight": max((entry.in_flight for entry in self.log), default=0),
            "asked_again_after_success": len(self.asked_again_after_success()),
        }

    def asked_again_after_success(self) -> list[str]:
        """The digests of chats that were asked once more after an answer to them had gone out whole."""
        answered: set[str] = set()
        again = []
        for entry in self.log:
            if entry.digest in answered:
                again.append(entry.digest)
            if entry.outcome in ("ok", "length"):
                answered.add(entry.digest)
        return again

    async def _list_models(self, request: web.Request) -> web.Response:
        if not self._lets_in(request):
            return failure(*STATUS_ERRORS["401"])
        if self.settings.models is None:
            return failure(404, "There is no such route.", "not_found")
        entry = {"object": "model", "created": 0, "owned_by": "synthcpt-tests"}
        if self.settings.max_model_len:
            entry |= {"max_model_len": self.settings.max_model_len}
        return web.json_response({"object": "list", "data": [{"id": name, **entry} for name in self.settings.models]})

    def _lets_in(self, request: web.Request) -> bool:
        return (
            self.settings.api_key is None or request.headers.get("Authorization") == f"Bearer {self.settings.api_key}"
        )

    async def _show_stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats())

    async def _canned_chat(self, request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=self._canned, content_type="application/json")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        digest = digest_of(body.get("messages"))
        attempt = self._attempts[digest]
        self._attempts[digest] += 1
        self.bodies.append(body)
        self.in_flight += 1
        in_flight, outcome = self.in_flight, "disconnected"
        try:
            outcome, response = await self._respond(request, body, digest, attempt)
            if not response.prepared:
                await response.prepare(request)
                await response.write_eof()
        except (asyncio.CancelledError, ConnectionError):
            outcome = "disconnected"
            raise
        finally:
            self.in_flight -= 1
            self._note(Entry(digest, attempt, outcome, in_flight))
        return response

    def _note(self, entry: Entry) -> None:
        self.log.append(entry)
        if self._log_file:
            self._log_file.write(json.dumps(vars(entry)) + "\n")
            self._log_file.flush()

    async def _respond(
        self, request: web.Request, body: dict[str, Any], digest: str, attempt: int
    ) -> tuple[str, web.StreamResponse]:
        """What became of a request, and what to send."""
        settings = self.settings
        if not self._lets_in(request):
            return "wrong_key", failure(*STATUS_ERRORS["401"])
        hooked = self.hook(request, body) if self.hook else None
        if hooked is not None:
            return "hook", hooked
        refused = self._refused_field(body)
        if refused:
            return "refused_field", failure(
                400, "A field is not supported.", "unsupported_parameter" if settings.names_the_refused else None,
                param=refused if settings.names_the_refused else None,
            )  # fmt: skip
        if settings.max_concurrent is not None and self.in_flight > settings.max_concurrent:
            return "limit", failure(*STATUS_ERRORS["429"], retry_after_s=settings.retry_after_s)
        rng = random.Random(f"{settings.seed}:{digest}:{attempt}")
        await asyncio.sleep(rng.uniform(*settings.latency_s))
        fault = draw_fault(rng.random(), settings.faults)
        if fault in STATUS_ERRORS:
            wait_s = settings.retry_after_s if fault in ("429", "503") else None
            return fault, failure(*STATUS_ERRORS[fault], retry_after_s=wait_s)
        return await self._answer(request, body, digest, fault)

    async def _answer(
        self, request: web.Request, body: dict[str, Any], digest: str, fault: str
    ) -> tuple[str, web.StreamResponse]:
        if fault == "hang":
            await asyncio.sleep(3600)
        text = answer_to(body, self.settings.entities, self.settings.answer_chars)
        if fault == "wrong_schema":
            text, fault = ('{"topics": "none"}', fault) if wants_json(body) else (text, "ok")
        payload = completion(text, digest, body)
        if fault == "length":
            payload = completion(text, digest, body | {"max_tokens": count_tokens(text) // 2})
        if fault == "empty_choices":
            payload["choices"] = []
        data = json.dumps(payload).encode()
        if fault == "reset":
            return fault, await broken_off(request, data)
        data = data[: len(data) // 2] if fault == "truncated" else data
        return fault, web.Response(body=data, content_type="application/json")

    def _refused_field(self, body: dict[str, Any]) -> str | None:
        kind = (body.get("response_format") or {}).get("type")
        sent = [*body, *([f"response_format.{kind}"] if kind else [])]
        unknown = [name for name in body if self.settings.strict and name not in _KNOWN_FIELDS]
        return next(iter([*unknown, *(name for name in sent if name in self.settings.refused)]), None)


@contextmanager
def serving_in_thread(settings: Settings | None = None, hook: Hook | None = None) -> Iterator[LLMServer]:
    """The server in a thread with a loop of its own, for callers that run theirs."""
    server, loop, ready = LLMServer(settings, hook), asyncio.new_event_loop(), threading.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(server.open())
        finally:
            ready.set()
        loop.run_forever()
        loop.run_until_complete(server.close())
        loop.close()

    thread = threading.Thread(target=serve, name="llm-server", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def serving_in_process(*arguments: str) -> Iterator[str]:
    """The server in a process of its own, given this script's arguments; yields its URL."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            stdout = process.stdout
            yield stdout.readline().strip() if stdout else ""
        finally:
            process.terminate()


async def _serve_until_told(settings: Settings, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server, parent = LLMServer(settings), os.getppid()
    await server.open(port)
    print(server.url, flush=True)
    while not stop.is_set() and os.getppid() == parent:  # a parent that was killed cannot end us
        try:
            await asyncio.wait_for(stop.wait(), timeout=1.0)
        except TimeoutError:
            continue
    await server.close()


def _rates(text: str) -> dict[str, float]:
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    return {name: float(probability) for name, probability in pairs}


def _span(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    return float(low), float(high or low)


def main() -> None:
    """Serve until terminated, or until the parent process is gone."""
    parser = argparse.ArgumentParser(description="A local OpenAI-compatible server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=_rates, default={}, help=f"e.g. 429=0.1,500=0.05; of {', '.join(FAULTS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=_span, default=(0.0, 0.0), help="seconds, or from:to")
    parser.add_argument("--max-concurrent", type=int)
    parser.add_argument("--strict", action="store_true", help="refuse unknown fields")
    parser.add_argument("--refuse", action="append", default=[], help="a field to refuse; may be repeated")
    parser.add_argument("--model", action="append", help="a model to list; may be repeated")
    parser.add_argument("--no-models", action="store_true", help="answer 404 to GET /models")
    parser.add_argument("--entities", type=int, default=6)
    parser.add_argument("--answer-chars", type=int, default=1200)
    parser.add_argument("--canned", action="store_true", help="one prepared answer for all, for timing clients")
    parser.add_argument("--log", type=Path, help="a file that gets one JSON line a request")
    given = parser.parse_args()
    settings = Settings(
        faults=given.faults, seed=given.seed, latency_s=given.latency, max_concurrent=given.max_concurrent,
        strict=given.strict, refused=given.refuse, models=None if given.no_models else given.model or ("test-model",),
        entities=given.entities, answer_chars=given.answer_chars, canned=given.canned, log_path=given.log,
    )  # fmt: skip
    asyncio.run(_serve_until_told(settings, given.port))


if __name__ == "__main__":
    main()
