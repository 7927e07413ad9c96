"""What the openai backend sends, and how it learns what a server takes."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from llm_server import LLMServer, Settings
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai_calls import (
    CLOSED,
    LIGHT,
    asked,
    error_reply,
    request_of,
    started,
)
from pydantic import TypeAdapter

from synthcpt.backends.openai import OpenAIBackend
from synthcpt.backends.openai_dialect import fits_strict_mode
from synthcpt.errors import (
    RequestRejected,
)


async def test_prompts_arrive_as_they_are() -> None:
    text = 'Größe 灯台 \U0001f600 "quoted" \\ back\ttab\x00nul\x1b[0m \u2028 end'
    async with LLMServer() as server:
        backend = await started(server)
        await backend.complete(request_of(text))
        await backend.complete(request_of("lone \ud800, pair \ud83d\ude00"))
        await backend.close()
    sent = [body["messages"][1]["content"].split("\n\n", 1)[1] for body in server.bodies]
    assert sent == [text, "lone \ufffd, pair \U0001f600"]


async def test_the_body_is_what_the_protocol_describes() -> None:
    async with LLMServer() as server:
        backend = await started(server, extra_body={"seed": 7}, thinking="on")
        await backend.complete(request_of(schema=CLOSED, temperature=0.3, top_p=0.9, stop=("END",)))
        await backend.close()
    (body,) = server.bodies
    TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(body)
    assert body == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be exact."},
            {"role": "user", "content": "## The document: Light\n\n" + LIGHT},
        ],
        "temperature": 0.3,
        "max_tokens": 512,
        "top_p": 0.9,
        "stop": ["END"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
        },
        "seed": 7,
    }


async def test_optional_sampling_is_sent_only_where_set() -> None:
    async with LLMServer() as server:
        backend = await started(server)
        await backend.complete(request_of(top_k=40, min_p=0.05))
        await backend.complete(request_of(max_tokens=None))
        await backend.close()
    first, second = server.bodies
    assert (first["top_k"], first["min_p"]) == (40, 0.05)
    assert second.keys() == {"model", "messages", "temperature", "chat_template_kwargs"}


async def bodies_after_refusals(settings: Settings, **options: Any) -> tuple[list[dict[str, Any]], OpenAIBackend]:
    """What is sent for two requests with a schema, where the server refuses some fields."""
    async with LLMServer(settings) as server:
        backend = await started(server, **options)
        for text in (LIGHT, LIGHT + " More."):
            await backend.complete(request_of(text, CLOSED))
        await backend.close()
    return server.bodies, backend


def shape(body: dict[str, Any]) -> str:
    """The optional fields of a body, in short."""
    form = body.get("response_format", {})
    strict = "!" if form.get("json_schema", {}).get("strict") else ""
    limit = "new" if "max_completion_tokens" in body else "old"
    return f"{form.get('type', 'none')}{strict} {'switch' if 'chat_template_kwargs' in body else 'plain'} {limit}"


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        (Settings(strict=True), ["json_schema! switch old"], "json_schema! plain old"),
        (Settings(strict=True, names_the_refused=False), ["json_schema! switch old"], "json_schema! plain old"),
        (
            Settings(refused=["response_format.json_schema"]),
            ["json_schema! switch old", "json_schema switch old"],
            "json_object switch old",
        ),
        (
            Settings(refused=["response_format"], strict=True),
            [
                "json_schema! switch old",
                "json_schema! plain old",
                "json_schema plain old",
                "json_object plain old",
            ],
            "none plain old",
        ),
        (Settings(refused=["max_tokens"]), ["json_schema! switch old"], "json_schema! switch new"),
    ],
    ids=["unknown field", "unknown field, unnamed", "no json_schema", "no JSON and no switch", "new limit name"],
)
async def test_a_refused_field_is_left_out_once_and_for_all(settings: Settings, first: list[str], last: str) -> None:
    bodies, _ = await bodies_after_refusals(settings)
    assert [shape(body) for body in bodies] == [*first, last, last]


async def test_unnamed_refusals_change_as_little_as_possible() -> None:
    refuse_json = Settings(refused=["response_format.json_schema"], names_the_refused=False)
    bodies, backend = await bodies_after_refusals(refuse_json)
    assert shape(bodies[-1]) == "json_object switch old"
    assert shape(bodies[-2]) == "json_object switch old"
    assert not backend.capabilities.schema


async def test_what_once_succeeded_is_not_given_up_for_a_bad_request() -> None:
    refused: list[str] = []

    def refuse_the_bad_one(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        if "BAD" not in body["messages"][1]["content"]:
            return None
        refused.append(shape(body))
        return error_reply(400)()

    async with LLMServer(hook=refuse_the_bad_one) as server:
        backend = await started(server)
        await backend.complete(request_of(schema=CLOSED))
        with pytest.raises(RequestRejected):
            await backend.complete(request_of("BAD", CLOSED))
        await backend.close()
    assert refused == ["json_schema! switch old"]


async def test_a_request_that_is_refused_in_every_dialect_teaches_nothing() -> None:
    def refuse_the_bad_one(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        return error_reply(400)() if "BAD" in body["messages"][1]["content"] else None

    async with LLMServer(hook=refuse_the_bad_one) as server:
        backend = await started(server)
        with pytest.raises(RequestRejected):
            await backend.complete(request_of("BAD", CLOSED))
        attempts = len(server.bodies)
        await backend.complete(request_of(schema=CLOSED))
        await backend.close()
    assert shape(server.bodies[-1]) == "json_schema! switch old"
    assert attempts <= 9


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"thinking": "on"}, "json_schema! plain old"),
        ({"thinking": "off"}, "json_schema! switch old"),
        ({"json_mode": "json_object"}, "json_object switch old"),
        ({"json_mode": "none"}, "none switch old"),
        ({"json_mode": "json_schema"}, "json_schema! switch old"),
    ],
)
async def test_options_choose_the_dialect(options: dict[str, Any], expected: str) -> None:
    bodies, _ = await bodies_after_refusals(Settings(), **options)
    assert shape(bodies[0]) == expected


async def test_a_mode_the_user_set_is_not_given_up() -> None:
    with pytest.raises(RequestRejected):
        await asked(Settings(refused=["response_format"]), request_of(schema=CLOSED), json_mode="json_schema")


async def test_an_unclosed_schema_is_not_asked_for_strictly() -> None:
    async with LLMServer() as server:
        backend = await started(server)
        await backend.complete(request_of(schema={k: v for k, v in CLOSED.items() if k != "additionalProperties"}))
        await backend.close()
    assert shape(server.bodies[0]) == "json_schema switch old"


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (CLOSED, True),
        ({**CLOSED, "required": ["summary"]}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({**CLOSED, "properties": {**CLOSED["properties"], "x": {"type": "object", "properties": {}}}}, False),
    ],
)
def test_strict_mode_wants_closed_objects(schema: Any, fits: bool) -> None:
    assert fits_strict_mode(schema) is fits
