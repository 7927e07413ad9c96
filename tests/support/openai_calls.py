"""Short ways to put one request to the openai backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from llm_server import LLMServer, Settings, completion

from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions
from synthcpt.records import Completion, Message, Request, Sampling

KEY = "sk-test-0123456789abcdef"
LIGHT = "The Corrane Light stands on Skerrow. Dorothea Vane kept it from 1891. The Amity Lorne was lost below it."
CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "entities": {"type": "array", "items": {"type": "string"}}},
    "required": ["summary", "entities"],
    "additionalProperties": False,
}


def request_of(text: str = LIGHT, schema: Any = None, **sampling: Any) -> Request:
    """A chat about a document; further arguments go into its sampling."""
    messages = (Message("system", ("Be exact.",)), Message("user", ("## The document: ", "Light", "\n\n", text)))
    return Request(messages, Sampling(**{"max_tokens": 512, **sampling}), schema)


async def started(server: LLMServer, **options: Any) -> OpenAIBackend:
    """A started backend for the server, with these options."""
    backend = OpenAIBackend(OpenAIOptions(**{"base_url": server.url, **options}))
    await backend.start()
    return backend


async def asked(settings: Settings, request: Request, **options: Any) -> Completion:
    """What one request gets from a server of these settings."""
    async with LLMServer(settings) as server:
        backend = await started(server, **options)
        try:
            return await backend.complete(request)
        finally:
            await backend.close()


async def answered_with(reply: Callable[[], web.Response], **options: Any) -> Completion:
    """What the backend makes of one given HTTP answer."""
    async with LLMServer(hook=lambda *_: reply()) as server:
        backend = await started(server, **options)
        try:
            return await backend.complete(request_of())
        finally:
            await backend.close()


def error_reply(status: int, code: Any = None, param: str | None = None, **headers: str) -> Callable[[], web.Response]:
    """Makes an HTTP error as OpenAI words it; further arguments are headers."""
    error = {"message": "the server's words", "type": "some_error", "code": code, "param": param}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.json_response({"error": error}, status=status, headers=names)


def answer_reply(**changes: Any) -> Callable[[], web.Response]:
    """Makes a completion in which these fields are changed."""
    payload = completion("An answer.", "x", {"messages": [], "model": "test-model"}) | changes
    return lambda: web.json_response(payload)


def choice(content: Any, finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    """The field `choices` of a completion with this message."""
    body = {"role": "assistant", "content": content, **message}
    return {"choices": [{"index": 0, "message": body, "finish_reason": finish_reason}]}
