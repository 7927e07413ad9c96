"""The openai backend against a server on this machine: finding it, its key and its models; whole calls."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from aiohttp import web
from llm_server import LLMServer, Settings
from openai_calls import (
    KEY,
    LIGHT,
    answered_with,
    asked,
    request_of,
    started,
)

from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions
from synthcpt.errors import (
    BackendError,
    BackendUnavailable,
    TransientError,
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_answers_with_text_and_counts() -> None:
    answer = await asked(Settings(), request_of())
    assert "Dorothea Vane" in answer.text
    assert (answer.finish_reason, answer.model) == ("stop", "test-model")
    assert answer.prompt_tokens == (len("Be exact.") // 4) + len("## The document: Light\n\n" + LIGHT) // 4
    assert answer.completion_tokens == len(answer.text) // 4


async def test_nobody_listening_is_said_at_once() -> None:
    backend = OpenAIBackend(OpenAIOptions(base_url="http://127.0.0.1:9/v1", model="m"))
    with pytest.raises(BackendUnavailable, match=r"Nobody answers at http://127\.0\.0\.1:9/v1"):
        await backend.start()


async def test_the_only_model_is_taken_with_its_context() -> None:
    async with LLMServer(Settings(models=["one"], max_model_len=2048)) as server:
        backend = await started(server, concurrency=7)
        await backend.close()
    assert backend.model == "one"
    assert (backend.capabilities.context_tokens, backend.capabilities.concurrency) == (2048, 7)


@pytest.mark.parametrize(
    ("settings", "model", "complaint"),
    [
        (Settings(models=["a", "b"]), "", "option 'model'. The server has a, b."),
        (Settings(models=None), "", "option 'model'"),
        (Settings(models=["llama-8b"]), "lama-8b", "no model 'lama-8b'. Did you mean 'llama-8b'"),
        (Settings(api_key="other"), "test-model", "the variable OPENAI_API_KEY"),
    ],
)
async def test_a_wrong_start_says_what_to_do(settings: Settings, model: str, complaint: str) -> None:
    async with LLMServer(settings) as server:
        with pytest.raises(BackendUnavailable, match=re.escape(complaint)):
            await started(server, model=model)


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        (Settings(models=None), "anything"),
        (Settings(models=["listed"], max_model_len=None), "an-alias"),
        (Settings(models=["llama3:latest"]), "llama3"),
    ],
    ids=["no list", "a list that is not complete", "Ollama's tag"],
)
async def test_a_model_that_may_be_there_is_asked_for(settings: Settings, model: str) -> None:
    answer = await asked(settings, request_of(), model=model)
    assert answer.model == model


async def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(BackendUnavailable, match="set the environment variable MY_KEY"):
        await OpenAIBackend(OpenAIOptions(model="m", api_key_env="MY_KEY")).start()


async def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LLMServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
        backend = OpenAIBackend(OpenAIOptions())
        await backend.start()
        await backend.complete(request_of())
        await backend.close()
        assert len(server.bodies) == 1


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://user:swordfish@host/v1", "http://"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BackendUnavailable, match="base_url") as raised:
        await OpenAIBackend(OpenAIOptions(base_url=url, model="m")).start()
    assert "swordfish" not in str(raised.value)


async def test_a_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert (await asked(Settings(), request_of())).text


async def test_a_proxy_is_used_for_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1:9"):
        await OpenAIBackend(OpenAIOptions(base_url="http://192.0.2.1/v1", model="m")).start()


async def test_headers_and_query_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("TEAM_TOKEN", "team-secret-1")
    seen: dict[str, str] = {}

    def look(request: web.Request, _: dict[str, Any]) -> None:
        seen.update(request.headers, query=request.query_string)

    async with LLMServer(Settings(api_key=KEY), hook=look) as server:
        options = {"header_env": {"X-Team": "TEAM_TOKEN"}, "organization": "org-1"}
        backend = await started(server, base_url=server.url + "?api-version=2", **options)
        await backend.complete(request_of())
        await backend.close()
    assert (seen["Authorization"], seen["X-Team"], seen["OpenAI-Organization"]) == (
        f"Bearer {KEY}",
        "team-secret-1",
        "org-1",
    )
    assert seen["query"] == "api-version=2"


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
async def test_the_key_is_never_shown(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)

    def echo(request: web.Request, _: dict[str, Any]) -> web.Response:
        return web.json_response({"error": {"message": f"bad: {request.headers['Authorization']}"}}, status=status)

    async with LLMServer(hook=echo) as server:
        backend = await started(server)
        with pytest.raises(BackendError) as raised:
            await backend.complete(request_of())
        shown = [repr(backend), repr(vars(backend)["_access"]), repr(vars(backend)["_options"]), caplog.text]
        await backend.close()
    assert "[secret]" in str(raised.value)
    for text in [*shown, str(raised.value), repr(raised.value)]:
        assert KEY not in text
    assert raised.value.__context__ is None


async def test_no_error_holds_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    async def speak_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"NONSENSE\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(speak_nonsense, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    backend = OpenAIBackend(OpenAIOptions(base_url=f"http://127.0.0.1:{port}/v1", model="m"))
    await backend.start()
    with pytest.raises(TransientError) as raised:
        await backend.complete(request_of())
    await backend.close()
    listener.close()
    await listener.wait_closed()
    assert raised.value.__context__ is None
    assert KEY not in repr(raised.value)


def test_a_key_in_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="not the key itself") as raised:
        OpenAIOptions(api_key_env=KEY)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("name", ["messages", "model", "stream", "n"])
def test_extra_fields_leave_ours_alone(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        OpenAIOptions(extra_body={name: 1})


async def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LLMServer() as elsewhere:
        with pytest.raises(BackendUnavailable, match="redirects"):
            await answered_with(
                lambda: web.Response(status=308, headers={"Location": f"{elsewhere.url}/chat/completions"})
            )
    assert elsewhere.bodies == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch, chunked: bool) -> None:
    monkeypatch.setattr("synthcpt.backends.openai._MOST_ANSWER_BYTES", 1 << 20)

    def huge() -> web.Response:
        response = web.Response(body=b" " * (3 << 20))
        if chunked:
            response.enable_chunked_encoding()
        return response

    with pytest.raises(TransientError, match="more than 1 MiB"):
        await answered_with(huge)


async def test_a_cancelled_call_drops_its_request() -> None:
    async with LLMServer(Settings(faults={"hang": 1.0})) as server:
        backend = await started(server)
        call = asyncio.create_task(backend.complete(request_of()))
        while not server.bodies:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while not server.log:
            await asyncio.sleep(0.01)
        server.settings.faults = {}
        assert (await backend.complete(request_of())).text
        await backend.close()
    assert [entry.outcome for entry in server.log] == ["disconnected", "ok"]


async def test_closing_twice_and_unstarted_is_fine() -> None:
    backend = OpenAIBackend(OpenAIOptions())
    await backend.close()
    async with LLMServer() as server:
        backend = await started(server)
        await backend.close()
        await backend.close()


async def test_all_requests_go_out_at_once() -> None:
    async with LLMServer(Settings(latency_s=(0.3, 0.3))) as server:
        backend = await started(server)
        await asyncio.gather(*(backend.complete(request_of(f"Document {i}. {LIGHT}")) for i in range(100)))
        await backend.close()
    assert server.stats()["peak_in_flight"] == 100
