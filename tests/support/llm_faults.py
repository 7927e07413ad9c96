"""What the test server is told to be like, and the payloads it sends when things go right or wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from llm_answers import count_tokens, shorten

FAULTS = (
    "400", "401", "429", "500", "503", "hang", "reset", "truncated", "empty_choices", "wrong_schema", "length"
)  # fmt: skip
"""What can go wrong, as named in `Settings.faults`."""

STATUS_ERRORS = {
    "400": (400, "The request cannot be understood.", "invalid_request_error"),
    "401": (401, "The key is not known.", "invalid_api_key"),
    "429": (429, "Too many requests.", "rate_limit_exceeded"),
    "500": (500, "The server stumbled.", "server_error"),
    "503": (503, "The server is starting.", "overloaded"),
}


@dataclass
class Settings:
    """What the server is like.

    Attributes:
        faults: how probable each of `FAULTS` is; they are drawn from the seed, the chat and how often it was asked.
        seed: of the faults and the latencies.
        latency_s: from and to, in seconds; drawn evenly.
        retry_after_s: what a 429 and a 503 tell the client to wait, in seconds; fractions are sent as such.
        max_concurrent: further requests at the same time get a 429; None for no limit.
        strict: refuse unknown fields with a 400 that names them.
        refused: fields refused with a 400, also known ones; ``response_format.json_schema`` refuses that type.
        names_the_refused: whether such a 400 says which field, in `param`.
        models: what GET /models lists; None answers 404 there.
        max_model_len: as vLLM gives it in that list.
        api_key: the only key let in; None lets all in.
        entities: how many an answer lists.
        answer_chars: about how long texts are.
        canned: skip all of the above but the key: one prepared answer for every request, for timing clients.
        log_path: a file that gets one JSON line a request.
    """

    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    latency_s: tuple[float, float] = (0.0, 0.0)
    retry_after_s: float = 0.05
    max_concurrent: int | None = None
    strict: bool = False
    refused: Sequence[str] = ()
    names_the_refused: bool = True
    models: Sequence[str] | None = ("test-model",)
    max_model_len: int | None = 8192
    api_key: str | None = None
    entities: int = 6
    answer_chars: int = 1200
    canned: bool = False
    log_path: Path | None = None

    def __post_init__(self) -> None:
        unknown = set(self.faults) - set(FAULTS)
        if unknown:
            raise ValueError(f"unknown faults: {sorted(unknown)}")


def completion(text: str, digest: str, body: dict[str, Any]) -> dict[str, Any]:
    """A chat completion, cut off where the request's limit says so."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    short = shorten(text, limit) if limit else text
    prompt_tokens = sum(count_tokens(message["content"]) for message in body["messages"])
    completion_tokens = count_tokens(short)
    message = {"role": "assistant", "content": short, "refusal": None}
    reason = "stop" if short == text else "length"
    return {
        "id": f"chatcmpl-{digest}",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "test-model"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def failure(
    status: int, message: str, code: str | None, param: str | None = None, retry_after_s: float | None = None
) -> web.Response:
    """An error as OpenAI words it."""
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


def draw_fault(u: float, faults: Mapping[str, float]) -> str:
    """The fault that a number in [0, 1) stands for, or ``ok``."""
    for name, probability in faults.items():
        if u < probability:
            return name
        u -= probability
    return "ok"


async def broken_off(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send half a body and reset the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    await asyncio.sleep(0.01)
    if request.transport is not None:
        request.transport.abort()
    return response
