"""The vLLM backend against the real engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from synthcpt.backends.vllm import VllmBackend, VllmOptions
from synthcpt.errors import BackendUnavailable, ConfigError, MissingExtra, PromptTooLong, RequestRejected
from synthcpt.records import Message, Request, Sampling

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = "The lamp on the northern pier was lit in 1841 and has burned every night since then. " * 8


def ask(text: str, **sampling: Any) -> Request:
    """A small request; greedy and short unless told otherwise."""
    messages = (Message("system", ("You are a scholar.",)), Message("user", (text,)))
    return Request(messages, Sampling(**{"temperature": 0.0, "max_tokens": 12} | sampling))


@pytest.mark.vllm
async def test_free_text_is_answered_and_counted(vllm_backend: VllmBackend) -> None:
    answer = await vllm_backend.complete(ask("Tell me about the harbour.", temperature=1.0))
    assert answer.text
    assert 0 < answer.completion_tokens <= 12
    assert answer.model == vllm_backend.model


@pytest.mark.vllm
async def test_a_prompt_has_the_tokens_that_vllm_itself_would_give_it(vllm_backend: VllmBackend) -> None:
    request = ask("Tell me about the harbour.")
    chat = [{"role": turn.role, "content": turn.text} for turn in request.messages]
    template = {"enable_thinking": False}
    rendered = vllm_backend._llm.get_tokenizer().apply_chat_template(chat, add_generation_prompt=True, **template)
    answer = await vllm_backend.complete(request)
    assert answer.prompt_tokens == len(rendered["input_ids"])


@pytest.mark.vllm
async def test_greedy_answers_are_alike(vllm_backend: VllmBackend) -> None:
    first, second = [await vllm_backend.complete(ask("Say it twice.")) for _ in range(2)]
    assert first.text
    assert first.text == second.text


@pytest.mark.vllm
async def test_an_answer_cut_by_its_limit_says_so(vllm_backend: VllmBackend) -> None:
    answer = await vllm_backend.complete(ask("Speak on.", max_tokens=3))
    assert (answer.finish_reason, answer.completion_tokens) == ("length", 3)


@pytest.mark.vllm
async def test_a_stop_string_ends_the_answer_and_is_not_in_it(vllm_backend: VllmBackend) -> None:
    whole = await vllm_backend.complete(ask("Say something long.", max_tokens=20))
    stop = whole.text[5:9]
    answer = await vllm_backend.complete(ask("Say something long.", max_tokens=20, stop=(stop,)))
    assert answer.finish_reason == "stop"
    assert answer.text == whole.text[: whole.text.index(stop)]


@pytest.mark.vllm
async def test_a_limit_beyond_the_context_is_cut_to_the_room_left(vllm_backend: VllmBackend) -> None:
    probe = await vllm_backend.complete(ask("tide " * 440, max_tokens=1))
    answer = await vllm_backend.complete(ask("tide " * 440, max_tokens=10_000, temperature=1.0))
    assert answer.finish_reason in ("length", "stop")
    assert answer.completion_tokens <= 1024 - probe.prompt_tokens


@pytest.mark.vllm
async def test_a_prompt_that_leaves_no_room_is_refused(vllm_backend: VllmBackend) -> None:
    with pytest.raises(PromptTooLong, match="1024"):
        await vllm_backend.complete(ask("tide " * 3000))


@pytest.mark.vllm
async def test_a_schema_holds_even_a_random_model(vllm_backend: VllmBackend) -> None:
    kinds = {"type": "array", "items": {"enum": ["ship", "storm", "lamp"]}, "minItems": 2, "maxItems": 4}
    schema = {"type": "object", "properties": {"kinds": kinds}, "required": ["kinds"], "additionalProperties": False}
    request = replace(ask("List the kinds.", temperature=1.0, max_tokens=100), schema=schema)
    for answer in await asyncio.gather(*(vllm_backend.complete(request) for _ in range(4))):
        assert answer.finish_reason == "stop"
        assert {"ship", "storm", "lamp"} >= set(json.loads(answer.text)["kinds"])


@pytest.mark.vllm
async def test_a_schema_that_is_none_is_refused_and_the_engine_goes_on(vllm_backend: VllmBackend) -> None:
    with pytest.raises(RequestRejected, match="nonsense"):
        await vllm_backend.complete(replace(ask("List."), schema={"type": "nonsense"}))
    assert (await vllm_backend.complete(ask("Go on."))).text


@pytest.mark.vllm
async def test_sampling_that_vllm_does_not_take_is_refused(vllm_backend: VllmBackend) -> None:
    with pytest.raises(RequestRejected, match="top_p"):
        await vllm_backend.complete(ask("Odd.", temperature=1.0, top_p=7.0))


@pytest.mark.vllm
async def test_a_shared_document_is_computed_once(vllm_backend: VllmBackend) -> None:
    first = await vllm_backend.complete(ask(DOCUMENT + "Write about the lamp."))
    second = await vllm_backend.complete(ask(DOCUMENT + "Write about the pier."))
    assert first.cached_tokens < 64
    assert second.cached_tokens > 0.6 * second.prompt_tokens


@pytest.mark.vllm
async def test_many_requests_at_once_are_all_answered_each_with_its_own(vllm_backend: VllmBackend) -> None:
    window = vllm_backend.capabilities.concurrency
    limits = [1 + number % 7 for number in range(3 * window)]
    requests = [ask(f"Question {number}.", max_tokens=limit) for number, limit in enumerate(limits)]
    answers = await asyncio.gather(*(vllm_backend.complete(request) for request in requests))
    lengths = [answer.completion_tokens for answer in answers if answer.finish_reason == "length"]
    expected = [n for n, answer in zip(limits, answers, strict=True) if answer.finish_reason == "length"]
    assert lengths == expected
    assert len(lengths) > 2 * window


@pytest.mark.vllm
async def test_a_cancelled_call_leaves_the_engine(vllm_backend: VllmBackend) -> None:
    call = asyncio.create_task(vllm_backend.complete(ask("Never mind.", max_tokens=900)))
    while not vllm_backend._llm.llm_engine.has_unfinished_requests():
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await vllm_backend.complete(ask("Next.", max_tokens=2))).completion_tokens <= 2
    assert not vllm_backend._llm.llm_engine.has_unfinished_requests()


@pytest.mark.vllm
async def test_ctrl_c_does_not_reach_the_engine(vllm_backend: VllmBackend) -> None:
    import psutil

    for process in psutil.Process().children(recursive=True):
        process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.5)
    assert (await vllm_backend.complete(ask("Still there?"))).completion_tokens


@pytest.mark.vllm
async def test_capabilities_are_the_engines_own_once_it_is_loaded(vllm_backend: VllmBackend) -> None:
    known = vllm_backend.capabilities
    assert (known.schema, known.context_tokens, known.prefix_cache) == (True, 1024, True)
    assert known.concurrency == vllm_backend._llm.llm_engine.vllm_config.scheduler_config.max_num_seqs * 4


@pytest.mark.vllm
async def test_reports_of_usage_are_off(vllm_backend: VllmBackend) -> None:
    from vllm.usage.usage_lib import is_usage_stats_enabled

    assert os.environ["VLLM_NO_USAGE_STATS"] == "1"
    assert not is_usage_stats_enabled()


@pytest.mark.vllm
async def test_a_missing_model_is_one_clear_sentence(vllm_installed: None, tmp_path: Path) -> None:
    backend = VllmBackend(VllmOptions(model=str(tmp_path / "no-such-model")))
    with pytest.raises(BackendUnavailable, match=r"no model at .*no-such-model"):
        await backend.start()
    await backend.close()


@pytest.mark.vllm
async def test_settings_that_vllm_refuses_are_told_in_its_words(vllm_installed: None, tiny_model_folder: Path) -> None:
    backend = VllmBackend(VllmOptions(model=str(tiny_model_folder), max_model_len=99_999))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(BackendUnavailable, match="settings: User-specified max_model_len"):
            await backend.start()


@pytest.mark.vllm
async def test_an_unknown_engine_argument_is_named(vllm_installed: None, tiny_model_folder: Path) -> None:
    backend = VllmBackend(VllmOptions(model=str(tiny_model_folder), engine={"max_num_batched_token": 1}))
    with pytest.raises(ConfigError, match="'max_num_batched_tokens'"):
        await backend.start()


async def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match=r"synthcpt\[vllm\]"):
        await VllmBackend(VllmOptions(model="any")).start()


async def test_a_call_before_start_is_refused() -> None:
    with pytest.raises(BackendUnavailable, match="not started"):
        await VllmBackend(VllmOptions(model="any")).complete(ask("Anyone?"))


async def test_no_model_named_is_a_mistake_of_the_user() -> None:
    with pytest.raises(ConfigError, match="needs a model"):
        VllmBackend(VllmOptions())


@pytest.mark.vllm
async def test_on_a_cpu_our_threads_keep_off_the_workers_cores(vllm_backend: VllmBackend) -> None:
    ours = os.sched_getaffinity(0)
    engines = [child for child in psutil.Process().children() if "EngineCore" in child.name()]
    tied = [os.sched_getaffinity(worker.pid) for engine in engines for worker in engine.children(recursive=True)]
    tied = [cores for cores in tied if cores < set(range(os.cpu_count() or 1))]
    if not tied:
        pytest.skip("vLLM ties its workers to no cores here")
    assert ours.isdisjoint(set().union(*tied))
