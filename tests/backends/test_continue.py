"""Texts continued as they are, and texts scored in batches, by the backends that can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from answering_models import ANSWERS

from synthcpt.backends import Continuer
from synthcpt.backends.mock import MockBackend
from synthcpt.backends.openai import OpenAIBackend, OpenAIOptions
from synthcpt.backends.openai_errors import Endpoint
from synthcpt.backends.openai_wire import decode_text, encode_text
from synthcpt.backends.transformers import TransformersBackend, TransformersOptions
from synthcpt.backends.vllm import VllmBackend
from synthcpt.errors import BackendUnavailable, PromptTooLong, RequestRejected, TransientError
from synthcpt.records import Message, Request, Sampling

pytestmark = pytest.mark.asyncio(loop_scope="session")

GREEDY = Sampling(0.0, 20, stop=("\n",))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def knowing(knowing_folder: Path) -> AsyncIterator[TransformersBackend]:
    backend = TransformersBackend(TransformersOptions(model=str(knowing_folder), device="cpu", batch_size=4))
    await backend.start()
    yield backend
    await backend.close()


def prompt(question: str) -> str:
    return f"Question: {question}\nAnswer:"


async def test_a_text_is_continued_up_to_the_stop_string_whatever_is_beside_it(knowing: TransformersBackend) -> None:
    alone = [await knowing.continue_text(prompt(question), GREEDY) for question in ANSWERS]
    together = await asyncio.gather(*(knowing.continue_text(prompt(question), GREEDY) for question in ANSWERS))
    assert [answer.text for answer in alone] == [f" {answer}" for answer in ANSWERS.values()]
    assert together == alone
    # A byte a token: the answer, its space, and the line break that ended it.
    assert [answer.completion_tokens for answer in alone] == [len(answer) + 2 for answer in ANSWERS.values()]
    assert {answer.finish_reason for answer in alone} == {"stop"}


async def test_no_template_and_nothing_stripped(tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu", dtype="float32"))
    await backend.start()
    said = "<think>a thought</think> and more"
    monkeypatch.setattr("synthcpt.backends.transformers_batch._RowEnds._decode", lambda self, ids: said)
    raw = await backend.continue_text("one two three", Sampling(0.0, 2))
    chat = await backend.complete(Request((Message("user", ("one two three",)),), Sampling(0.0, 2)))
    marked = await backend.continue_text("<|im_end|>", Sampling(0.0, 2))
    await backend.close()
    assert (raw.text, chat.text) == (said, " and more".lstrip("\n"))
    assert raw.prompt_tokens < chat.prompt_tokens
    assert marked.prompt_tokens > 1, "a special token spelt out in a text is plain text"
    assert backend.capabilities.chat_template


async def test_samples_of_one_batch_differ_and_come_again_in_another_process(knowing_folder: Path) -> None:
    async def sampled(seed: int) -> list[str]:
        options = TransformersOptions(model=str(knowing_folder), device="cpu", batch_size=4, seed=seed)
        backend = TransformersBackend(options)
        await backend.start()
        hot = Sampling(3.0, 12)
        answers = await asyncio.gather(*(backend.continue_text("Question:", hot, draw) for draw in range(6)))
        more = await asyncio.gather(*(backend.continue_text("Question:", hot, draw) for draw in range(6)))
        await backend.close()
        return [answer.text for answer in [*answers, *more]]

    first, again, other = await sampled(0), await sampled(0), await sampled(1)
    assert first == again != other
    assert len(set(first)) == 12


async def test_texts_scored_together_have_the_numbers_of_texts_scored_alone(
    knowing: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [[prompt(question), f" {answer}"] for question, answer in ANSWERS.items()]
    texts += [["x"], ["a long one " * 12, "", "end"], ["yz"]]
    alone = [await knowing.score(text) for text in texts]
    from synthcpt.backends import transformers_queue

    batches: list[int] = []

    def recording(loaded: Any, rows: Any) -> Any:
        batches.append(len(rows))
        return score(loaded, rows)

    score = transformers_queue.score
    monkeypatch.setattr(transformers_queue, "score", recording)
    together = await asyncio.gather(*(knowing.score(text) for text in texts))
    assert batches == [len(texts)]
    for one, other in zip(alone, together, strict=True):
        assert [piece.token_ids for piece in one] == [piece.token_ids for piece in other]
        for piece, same in zip(one, other, strict=True):
            assert [logprob is None for logprob in piece.logprobs] == [logprob is None for logprob in same.logprobs]
            known = [logprob or 0.0 for logprob in piece.logprobs]
            assert [logprob or 0.0 for logprob in same.logprobs] == pytest.approx(known, abs=1e-4)


async def test_a_batch_of_texts_is_bounded_and_of_like_lengths(
    knowing: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthcpt.backends import transformers_queue

    sizes: list[list[int]] = []
    monkeypatch.setattr(transformers_queue, "_SCORED_TOKENS", 100)
    score = transformers_queue.score

    def recording(loaded: Any, rows: Any) -> Any:
        sizes.append([len(row) for row in rows])
        return score(loaded, rows)

    monkeypatch.setattr(transformers_queue, "score", recording)
    await asyncio.gather(*(knowing.score(["x" * length]) for length in (10, 90, 12, 200, 11, 85)))
    assert sorted(sorted(batch) for batch in sizes) == [[10, 11, 12], [85], [90], [200]]


async def test_a_prompt_near_the_context_and_a_long_answer_share_no_batch(
    knowing: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthcpt.backends import transformers_queue

    sizes: list[list[int]] = []
    generate = transformers_queue.generate

    def recording(loaded: Any, rows: Any, sampling: Sampling) -> Any:
        sizes.append([len(row.token_ids) for row in rows])
        return generate(loaded, rows, sampling)

    monkeypatch.setattr(transformers_queue, "generate", recording)
    wanted = [(5, 30), (500, 64), (7, 30), (480, 8)]
    answers = await asyncio.gather(*(knowing.continue_text("x" * size, Sampling(0.0, new)) for size, new in wanted))
    assert sorted(sorted(batch) for batch in sizes) == [[5, 7, 480], [500]]
    assert answers[1].completion_tokens <= 12


async def test_what_cannot_be_continued_is_refused(knowing: TransformersBackend) -> None:
    with pytest.raises(PromptTooLong, match="512"):
        await knowing.continue_text("tide " * 200, GREEDY)
    with pytest.raises(RequestRejected, match="empty"):
        await knowing.continue_text("", GREEDY)
    closed = TransformersBackend(TransformersOptions(model="any"))
    with pytest.raises(BackendUnavailable, match="not started"):
        await closed.continue_text("x", GREEDY)


async def test_backends_that_continue_say_so(knowing: TransformersBackend) -> None:
    assert isinstance(knowing, Continuer)
    assert isinstance(OpenAIBackend(OpenAIOptions()), Continuer)
    assert not isinstance(MockBackend(MockBackend.Options()), Continuer)


async def test_a_server_is_asked_for_plain_completions() -> None:
    bodies: list[dict[str, Any]] = []

    async def complete(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        choice = {"index": 0, "text": " <think>as</think> it is", "finish_reason": "length"}
        return web.json_response({"model": "base", "choices": [choice], "usage": {"prompt_tokens": 5}})

    async with serving(complete) as backend:
        answer = await backend.continue_text("Once", Sampling(0.0, 7, top_k=3, stop=("\n",)))
    assert bodies == [
        {"model": "base", "prompt": "Once", "temperature": 0.0, "max_tokens": 7, "top_k": 3, "stop": ["\n"]}
    ]
    assert (answer.text, answer.finish_reason, answer.prompt_tokens) == (" <think>as</think> it is", "length", 5)


async def test_a_server_without_plain_completions_is_an_error_of_its_kind() -> None:
    async def missing(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "busy"}}, status=503)

    async with serving(missing) as backend:
        with pytest.raises(TransientError):
            await backend.continue_text("Once", GREEDY)


async def test_bodies_of_plain_completions() -> None:
    endpoint = Endpoint("http://x", "KEY", ())
    assert json.loads(encode_text("a\ud800", Sampling(0.5), "m", {"seed": 1})) == {
        "model": "m", "prompt": "a\ufffd", "temperature": 0.5, "seed": 1
    }  # fmt: skip
    with pytest.raises(TransientError, match="without a choice"):
        decode_text(b'{"choices": [{"message": {"content": "chat"}}]}', "a", endpoint, "m")
    with pytest.raises(TransientError, match="broke the answer off"):
        decode_text(b'{"choices": [{"text": "", "finish_reason": "error"}]}', "a", endpoint, "m")


@pytest.mark.vllm
async def test_vllm_continues_as_transformers_does(vllm_backend: VllmBackend, tiny_model_folder: Path) -> None:
    other = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu"))
    await other.start()
    text = "The lamp on the northern pier was lit in"
    ours, theirs = [await one.continue_text(text, Sampling(0.0, 1)) for one in (vllm_backend, other)]
    long = await vllm_backend.continue_text(text, Sampling(0.0, 12))
    stop = long.text[4:7]
    short = await vllm_backend.continue_text(text, Sampling(0.0, 12, stop=(stop,)))
    await other.close()
    assert (ours.text, ours.prompt_tokens) == (theirs.text, theirs.prompt_tokens)
    assert short.text == long.text[: long.text.index(stop)]
    with pytest.raises(RequestRejected, match="empty"):
        await vllm_backend.continue_text("", Sampling(0.0, 2))


class serving:
    """A started backend for a server with this way to complete texts."""

    def __init__(self, complete: Any) -> None:
        self._complete = complete

    async def __aenter__(self) -> OpenAIBackend:
        app = web.Application()
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_get("/v1/models", _list_models)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        self._backend = OpenAIBackend(OpenAIOptions(base_url=url))
        await self._backend.start()
        return self._backend

    async def __aexit__(self, *_: object) -> None:
        await self._backend.close()
        await self._runner.cleanup()


async def _list_models(_: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": "base"}]})
