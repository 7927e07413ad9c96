"""The transformers backend with a tiny model."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synthcpt.backends import transformers_batch
from synthcpt.backends.transformers import TransformersBackend, TransformersOptions
from synthcpt.errors import BackendUnavailable, ConfigError, MissingExtra, PromptTooLong
from synthcpt.records import Message, Request, Sampling

pytestmark = pytest.mark.asyncio(loop_scope="module")


def ask(text: str, **sampling: Any) -> Request:
    """A small request; greedy and short unless told otherwise."""
    return Request((Message("user", (text,)),), Sampling(**{"temperature": 0.0, "max_tokens": 8} | sampling))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(tiny_model_folder: Path) -> AsyncIterator[TransformersBackend]:
    loaded = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu", dtype="float32"))
    await loaded.start()
    yield loaded
    await loaded.close()
    await loaded.close()


async def test_padding_and_company_change_no_greedy_answer(backend: TransformersBackend) -> None:
    requests = [ask("word " * length, max_tokens=4 + length) for length in (1, 30, 7, 90)]
    alone = [await backend.complete(request) for request in requests]
    together = await asyncio.gather(*(backend.complete(request) for request in requests))
    assert together == alone
    assert [answer.completion_tokens for answer in alone] == [5, 34, 11, 94]
    assert {answer.finish_reason for answer in alone} == {"length"}


async def test_waiting_requests_share_batches_by_sampling(
    backend: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []

    def recording(loaded: Any, rows: Any, sampling: Sampling) -> Any:
        batches.append((len(rows), sampling.temperature))
        return transformers_batch.generate(loaded, rows, sampling)

    monkeypatch.setattr("synthcpt.backends.transformers_queue.generate", recording)
    warm = [ask(f"{number}", temperature=1.0, max_tokens=2 + number % 2) for number in range(20)]
    cold = [ask(f"{number}", max_tokens=2) for number in range(3)]
    await asyncio.gather(*(backend.complete(request) for request in [*warm, *cold]))
    assert sorted(batches) == [(3, 0.0), (4, 1.0), (16, 1.0)]


async def test_a_stop_string_ends_the_answer_and_is_not_in_it(backend: TransformersBackend) -> None:
    whole = await backend.complete(ask("Say something.", max_tokens=20))
    stop = whole.text[5:9]
    answer = await backend.complete(ask("Say something.", max_tokens=20, stop=(stop,)))
    assert answer.finish_reason == "stop"
    assert answer.text == whole.text[: whole.text.index(stop)]
    assert answer.completion_tokens < whole.completion_tokens


async def test_an_end_token_ends_the_answer_and_is_not_in_it(
    backend: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await backend.complete(ask("Say something.", max_tokens=3))
    loaded = backend._loaded
    first = loaded.tokenizer.encode(whole.text)[0]
    monkeypatch.setattr(loaded.model.generation_config, "eos_token_id", [first])
    answer = await backend.complete(ask("Say something.", max_tokens=3))
    assert (answer.text, answer.finish_reason, answer.completion_tokens) == ("", "stop", 1)


async def test_a_prompt_that_leaves_no_room_is_refused(backend: TransformersBackend) -> None:
    with pytest.raises(PromptTooLong, match="2048"):
        await backend.complete(ask("tide " * 5000))


async def test_a_cancelled_call_does_not_hold_up_the_next(backend: TransformersBackend) -> None:
    call = asyncio.create_task(backend.complete(ask("Never mind.", max_tokens=1900)))
    await asyncio.sleep(0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await backend.complete(ask("Next.", max_tokens=2))).completion_tokens == 2


async def test_a_model_that_fails_is_reported_to_every_caller(
    backend: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise RuntimeError("no memory")

    monkeypatch.setattr("synthcpt.backends.transformers_queue.generate", failing)
    outcomes = await asyncio.gather(*(backend.complete(ask("x")) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(outcome, BackendUnavailable) for outcome in outcomes)


async def test_thinking_is_switched_off_in_the_template(backend: TransformersBackend, tiny_model_folder: Path) -> None:
    options = TransformersOptions(model=str(tiny_model_folder), device="cpu", thinking="on")
    thinker = TransformersBackend(options)
    await thinker.start()
    free, held = await thinker.complete(ask("Why?")), await backend.complete(ask("Why?"))
    await thinker.close()
    assert free.prompt_tokens < held.prompt_tokens


async def test_closing_answers_those_who_wait(tiny_model_folder: Path) -> None:
    backend = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu", batch_size=1))
    await backend.start()
    calls = [asyncio.create_task(backend.complete(ask("Wait.", max_tokens=1900))) for _ in range(3)]
    await asyncio.sleep(0.2)
    await backend.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, BackendUnavailable) for outcome in outcomes)


async def test_a_missing_model_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = TransformersBackend(TransformersOptions(model=str(tmp_path / "no-such-model")))
    with pytest.raises(BackendUnavailable, match=r"no model at .*no-such-model"):
        await backend.start()
    await backend.close()


async def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    backend = TransformersBackend(TransformersOptions(model="any"))
    with pytest.raises(MissingExtra, match=r"synthcpt\[local\]"):
        await backend.start()
    await backend.close()


async def test_no_model_named_is_a_mistake_of_the_user() -> None:
    with pytest.raises(ConfigError, match="needs a model"):
        TransformersBackend(TransformersOptions())


async def test_a_request_with_a_schema_is_still_answered(backend: TransformersBackend) -> None:
    assert not backend.capabilities.schema
    answer = await backend.complete(replace(ask("List."), schema={"type": "object"}))
    assert answer.completion_tokens == 8
