"""What the openai backend makes of each kind of HTTP answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from llm_server import FAULTS, LLMServer, Settings
from openai_calls import (
    KEY,
    answer_reply,
    answered_with,
    asked,
    choice,
    error_reply,
    request_of,
    started,
)

from synthcpt.backends.openai_errors import Endpoint, error_for, pause_s, read_complaint
from synthcpt.backends.openai_wire import decode_answer
from synthcpt.errors import (
    BackendError,
    BackendUnavailable,
    OverloadError,
    PromptTooLong,
    RequestRejected,
    TransientError,
)

ERRORS: list[tuple[str, Callable[[], web.Response], type[BackendError], float | None]] = [
    ("no credit", error_reply(429, "insufficient_quota", retry_after="1"), BackendUnavailable, None),
    ("payment", error_reply(402), BackendUnavailable, None),
    ("key", error_reply(401), BackendUnavailable, None),
    ("forbidden", error_reply(403), BackendUnavailable, None),
    ("no route or model", error_reply(404, "model_not_found"), BackendUnavailable, None),
    ("moved", lambda: web.Response(status=307, headers={"Location": "http://127.0.0.1:9/"}), BackendUnavailable, None),
    ("busy", error_reply(429, "rate_limit_exceeded", retry_after="2.5"), OverloadError, 2.5),
    ("busy, exactly", error_reply(429, retry_after="1", retry_after_ms="250"), OverloadError, 0.25),
    ("busy, silent", error_reply(429), OverloadError, None),
    ("starting", error_reply(503, retry_after="3"), OverloadError, 3.0),
    ("overloaded", error_reply(529), OverloadError, None),
    ("malformed", error_reply(400), RequestRejected, None),
    ("too large", error_reply(413), RequestRejected, None),
    ("unprocessable", error_reply(422), RequestRejected, None),
    ("not implemented", error_reply(501), RequestRejected, None),
    ("too long", error_reply(400, "context_length_exceeded"), PromptTooLong, None),
    ("too long for vLLM", error_reply(400, 400, "input_tokens"), PromptTooLong, None),
    ("filtered", error_reply(400, "content_filter"), RequestRejected, None),
    ("timeout there", error_reply(408), TransientError, None),
    ("conflict", error_reply(409), TransientError, None),
    ("stumble", error_reply(500, retry_after="4"), TransientError, 4.0),
    ("bad gateway", lambda: web.Response(status=502, text="<html>Bad gateway</html>"), TransientError, None),
    ("gateway timeout", error_reply(504), TransientError, None),
    ("no choice", answer_reply(choices=[]), TransientError, None),
    ("no message", answer_reply(choices=[{"finish_reason": "stop"}]), TransientError, None),
    ("no JSON", lambda: web.Response(text="Welcome!"), TransientError, None),
    ("nothing", lambda: web.Response(status=204), TransientError, None),
    ("a list", lambda: web.json_response([1]), TransientError, None),
    ("aborted", answer_reply(**choice("half", "abort")), TransientError, None),
    ("error in a 200", lambda: web.json_response({"error": {"message": "later", "code": 429}}), OverloadError, None),
    ("vague error in a 200", lambda: web.json_response({"error": "oh"}), TransientError, None),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "expected", "wait_s"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
async def test_each_answer_is_the_right_error(
    reply: Callable[[], web.Response], expected: type[BackendError], wait_s: float | None
) -> None:
    with pytest.raises(BackendError) as raised:
        await answered_with(reply)
    assert type(raised.value) is expected
    assert getattr(raised.value, "wait_s", None) == wait_s


FAULT_CLASSES: dict[str, type[BackendError] | None] = {
    "400": RequestRejected,
    "401": BackendUnavailable,
    "429": OverloadError,
    "500": TransientError,
    "503": OverloadError,
    "hang": TransientError,
    "reset": TransientError,
    "truncated": TransientError,
    "empty_choices": TransientError,
    "wrong_schema": None,
    "length": None,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_the_server_is_the_right_error(fault: str) -> None:
    call = asked(Settings(faults={fault: 1.0}), request_of(), timeout_s=0.3 if fault == "hang" else 30)
    expected = FAULT_CLASSES[fault]
    if expected is None:
        answer = await call
        assert answer.finish_reason == ("length" if fault == "length" else "stop")
        return
    with pytest.raises(expected) as raised:
        await call
    assert type(raised.value) is expected


async def test_a_server_that_went_away_is_transient() -> None:
    async with LLMServer() as server:
        backend = await started(server)
    with pytest.raises(TransientError, match=re.escape(server.url)):
        await backend.complete(request_of())
    await backend.close()


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x-ratelimit-reset-requests": "6m1.5s"}, 361.5),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "3s"}, 0.02),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-reset-tokens": "3s",
                "x-ratelimit-remaining-tokens": "0",
            },
            3.0,
        ),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"}, 30.0),
        ({"x-ratelimit-reset-tokens": "whenever"}, None),
    ],
)
def test_pauses_are_understood(headers: dict[str, str], wait_s: float | None) -> None:
    assert pause_s(headers) == wait_s


def test_a_date_without_the_servers_clock_counts_from_ours() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < (pause_s({"retry-after": then}) or 0) <= 100


@pytest.mark.parametrize(
    ("content", "finish_reason", "text", "mapped"),
    [
        (None, "stop", "", "stop"),
        ("<think>\nhm\n</think>\n\nFine.", "stop", "Fine.", "stop"),
        ("cut", "length", "cut", "length"),
        ("cut", "max_tokens", "cut", "length"),
        ("", "content_filter", "", "content_filter"),
        ("x", "tool_calls", "x", "other"),
        ("x", None, "x", "other"),
        ("x", ["odd"], "x", "other"),
        ([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": []}, "b"], "stop", "ab", "stop"),
    ],
)
async def test_messages_are_read_tolerantly(content: Any, finish_reason: Any, text: str, mapped: str) -> None:
    answer = await answered_with(answer_reply(**choice(content, finish_reason, reasoning_content="ignored")))
    assert (answer.text, answer.finish_reason) == (text, mapped)


async def test_a_refusal_is_no_answer() -> None:
    answer = await answered_with(answer_reply(**choice(None, "stop", refusal="I cannot help with that.")))
    assert (answer.text, answer.finish_reason) == ("I cannot help with that.", "content_filter")


async def test_cached_tokens_are_counted() -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 32}}
    answer = await answered_with(answer_reply(usage=usage))
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (40, 9, 32)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": "7"}, [1]])
async def test_missing_counts_are_estimated(usage: Any) -> None:
    answer = await answered_with(answer_reply(usage=usage, **choice("One two three four five six. " * 10)))
    assert 15 < answer.prompt_tokens < 60
    assert 40 < answer.completion_tokens < 120


async def test_a_lone_surrogate_in_the_answer_is_replaced() -> None:
    body = b'{"choices": [{"message": {"content": "a\\ud800b \\ud83d\\ude00"}, "finish_reason": "stop"}]}'
    answer = await answered_with(lambda: web.Response(body=body, content_type="application/json"))
    assert answer.text == "a\ufffdb \U0001f600"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "error", "code", "usage", "detail", "finish_reason", "loc"]
            )
            | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
ENDPOINT = Endpoint("http://host/v1", "OPENAI_API_KEY", (KEY,))


def becomes_completion_or_error(body: bytes) -> None:
    try:
        answer = decode_answer(body, request_of(), ENDPOINT, "m")
    except BackendError as error:
        shown = str(error)
    else:
        assert min(answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) >= 0
        shown = repr(answer.text + answer.model)
        (answer.text + answer.model).encode()
    assert shown.isprintable()


@given(st.binary())
def test_any_bytes_are_an_answer_or_an_error(body: bytes) -> None:
    becomes_completion_or_error(body)


@given(JSON)
def test_any_json_is_an_answer_or_an_error(value: Any) -> None:
    becomes_completion_or_error(json.dumps(value).encode())


@given(content=JSON, refusal=JSON, finish_reason=JSON, usage=JSON, model=JSON, error=JSON)
def test_any_fields_are_an_answer_or_an_error(
    content: Any, refusal: Any, finish_reason: Any, usage: Any, model: Any, error: Any
) -> None:
    payload = choice(content, finish_reason, refusal=refusal) | {"usage": usage, "model": model, "error": error}
    becomes_completion_or_error(json.dumps(payload).encode())


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error": {"code": ' + b"9" * 400 + b"}}", b"\xff\xfe", b""])
def test_hostile_bytes_are_an_error(body: bytes) -> None:
    with pytest.raises(BackendError):
        decode_answer(body, request_of(), ENDPOINT, "m")


def test_absurd_counts_are_not_believed() -> None:
    usage = b'{"prompt_tokens": 1' + b"0" * 400 + b', "completion_tokens": -5}'
    body = b'{"choices": [{"message": {"content": "A few words."}}], "usage": ' + usage + b"}"
    answer = decode_answer(body, request_of(), ENDPOINT, "m")
    assert 0 < answer.completion_tokens < 20
    assert answer.prompt_tokens < 100


@given(status=st.integers(300, 599), value=JSON)
def test_any_refusal_is_an_error_of_the_tree(status: int, value: Any) -> None:
    complaint = read_complaint(status, json.dumps(value).encode())
    error = error_for(complaint, {}, ENDPOINT, "m")
    assert isinstance(error, BackendError)
    assert len(str(error)) < 700


def test_long_words_of_a_server_are_shortened() -> None:
    complaint = read_complaint(400, orjson.dumps({"error": {"message": "\x1b[31m" + "word " * 5000}}))
    text = str(error_for(complaint, {}, ENDPOINT, "m"))
    assert text.endswith("...")
    assert len(text) < 360
    assert "\x1b" not in text
