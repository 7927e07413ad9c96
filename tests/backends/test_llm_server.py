"""The test server itself: it speaks the protocol, and is the same each time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
from llm_server import LLMServer, Settings, serving_in_process, serving_in_thread
from openai.types.chat import ChatCompletion
from openai_calls import (
    LIGHT,
    asked,
    request_of,
    started,
)

from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions
from synthcpt.errors import (
    OverloadError,
)
from synthcpt.templates import PromptBook


async def test_the_test_server_speaks_the_protocol() -> None:
    async with LLMServer() as server, openai.AsyncOpenAI(base_url=server.url, api_key="x", max_retries=0) as client:
        models = [model.id async for model in client.models.list()]
        prompt: Any = [{"role": "user", "content": LIGHT}]
        answer = await client.chat.completions.create(model=models[0], messages=prompt, max_tokens=20)
        server.settings.faults = {"429": 1.0}
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model=models[0], messages=prompt)
        server.settings.faults = {"reset": 1.0}
        with pytest.raises(openai.APIConnectionError):
            await client.chat.completions.create(model=models[0], messages=prompt)
    ChatCompletion.model_validate(answer.model_dump(), strict=True)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content


async def test_the_test_server_answers_alike_in_another_process() -> None:
    request = request_of()
    with serving_in_process("--answer-chars", "600") as url:
        backend = OpenAIBackend(OpenAIOptions(base_url=url))
        await backend.start()
        there = await backend.complete(request)
        await backend.close()
    assert await asked(Settings(answer_chars=600), request) == there


async def test_the_test_server_answers_entigraph() -> None:
    book, document = PromptBook(), {"title": "The Corrane Light", "document": LIGHT}
    async with LLMServer(Settings(entities=3)) as server:
        backend = await started(server)
        listed = await backend.complete(book.load("entigraph/entities").render(**document))
        pair = book.load("entigraph/pair").render(**document, first="Skerrow", second="Dorothea Vane")
        text = (await backend.complete(pair)).text
        await backend.close()
    answer = orjson.loads(listed.text)
    assert answer["entities"] == ["The Corrane Light", "Skerrow", "Dorothea Vane"]
    assert "The Corrane Light: Skerrow" in text
    assert "The Corrane Light: Dorothea Vane" in text


async def test_the_test_server_draws_its_faults_alike() -> None:
    async def outcomes() -> list[str]:
        async with LLMServer(Settings(faults={"500": 0.3, "empty_choices": 0.2}, seed=3)) as server:
            backend = await started(server)
            for i in range(30):
                await asyncio.gather(backend.complete(request_of(f"{LIGHT} {i // 2}")), return_exceptions=True)
            await backend.close()
        return [entry.outcome for entry in server.log]

    first = await outcomes()
    assert set(first) == {"ok", "500", "empty_choices"}
    assert await outcomes() == first


def test_the_test_server_tells_who_asks_again(tmp_path: Path) -> None:
    async def ask_twice(url: str) -> None:
        backend = OpenAIBackend(OpenAIOptions(base_url=url))
        await backend.start()
        await backend.complete(request_of())
        await backend.complete(request_of())
        await backend.close()

    with serving_in_thread(Settings(log_path=tmp_path / "log.jsonl")) as server:
        asyncio.run(ask_twice(server.url))
        while len(server.log) < 2:  # it notes an answer just after it has sent it
            time.sleep(0.01)
        assert len(server.asked_again_after_success()) == 1
        assert server.stats()["outcomes"] == {"ok": 2}
    assert [orjson.loads(line)["attempt"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [0, 1]


async def test_the_test_server_limits_concurrency() -> None:
    async with LLMServer(Settings(max_concurrent=2, latency_s=(0.2, 0.2))) as server:
        backend = await started(server)
        calls = (backend.complete(request_of(f"{LIGHT} {i}")) for i in range(5))
        results = await asyncio.gather(*calls, return_exceptions=True)
        await backend.close()
    assert sum(isinstance(result, OverloadError) for result in results) == 3
