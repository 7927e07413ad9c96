"""Log-probabilities of given texts: vLLM, transformers and a bare forward pass agree, token by token."""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synthcpt.backends import Scorer
from synthcpt.backends.mock import MockBackend
from synthcpt.backends.scoring import PieceEncoder, in_pieces
from synthcpt.backends.transformers import TransformersBackend, TransformersOptions
from synthcpt.backends.vllm import VllmBackend, VllmOptions
from synthcpt.errors import BackendUnavailable, PromptTooLong
from synthcpt.records import Message, Request, Sampling
from synthcpt.text.latent_layout import END, POSTERIOR, PRIOR, START, Chunk, pieces

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTEXT = "The lamp on the northern pier was lit in 1841."
CHUNK = Chunk(
    " It has burned every night since then, café and all.", "A lamp that is lit must be tended, or it goes out."
)
BF16_STEP = 0.05
"""The two engines round to bfloat16 in different places: 0.006 apart at most here, on log-probabilities near -8."""


@pytest.fixture(scope="session")
def marked_model_folder(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with the latent tokens added, and a first token that the tokenizer puts before every text."""
    from tokenizers import AddedToken
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    tokenizer.add_tokens([AddedToken(token, special=True) for token in (START, END, PRIOR, POSTERIOR)])
    tokenizer.bos_token = "<|endoftext|>"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.bos_token_id)]
    )
    model = AutoModelForCausalLM.from_pretrained(tiny_model_folder)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    folder = tmp_path_factory.mktemp("marked-model")
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plain(tiny_model_folder: Path) -> AsyncIterator[TransformersBackend]:
    """Without a first token."""
    backend = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu"))
    await backend.start()
    yield backend
    await backend.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def marked(marked_model_folder: Path) -> AsyncIterator[TransformersBackend]:
    """With a first token and the latent tokens, in single precision."""
    options = TransformersOptions(model=str(marked_model_folder), device="cpu", dtype="float32")
    backend = TransformersBackend(options)
    await backend.start()
    yield backend
    await backend.close()


def bare_logprobs(model: Any, token_ids: Sequence[int]) -> list[float]:
    """Each token's but the first's, by the textbook."""
    import torch

    with torch.no_grad():
        table = torch.log_softmax(model(torch.tensor([list(token_ids)])).logits[0].double(), dim=-1)
    return [table[at - 1, token_ids[at]].item() for at in range(1, len(token_ids))]


def layout(name: Any) -> list[str]:
    """The context and the chunk in a layout."""
    return [CONTEXT, *(piece.text for piece in pieces(CHUNK, name))]


async def test_transformers_is_equal_to_a_bare_forward_pass(marked: TransformersBackend) -> None:
    scored = await marked.score(layout("prior"))
    token_ids = [0, *chain(*(piece.token_ids for piece in scored))]
    logprobs = [*chain(*(piece.logprobs for piece in scored))]
    assert logprobs == pytest.approx(bare_logprobs(marked._loaded.model, token_ids), abs=1e-4)
    assert all(piece.total == pytest.approx(sum(piece.logprobs)) for piece in scored)


async def test_a_thought_has_the_same_tokens_in_both_layouts(marked: TransformersBackend) -> None:
    texts = [layout(name) for name in ("prior", "posterior")]
    by_text = [dict(zip(text, await marked.score(text), strict=True)) for text in texts]
    for text in (CONTEXT, CHUNK.text, CHUNK.thought, END):
        assert by_text[0][text].token_ids == by_text[1][text].token_ids
    assert by_text[0][CHUNK.thought].logprobs != by_text[1][CHUNK.thought].logprobs
    known = marked._loaded.tokenizer.get_vocab()
    assert [by_text[0][mark].token_ids for mark in (START, PRIOR, END)] == [
        (known[mark],) for mark in (START, PRIOR, END)
    ]


async def test_special_tokens_inside_a_text_are_plain_text(marked: TransformersBackend) -> None:
    special = {*marked._loaded.tokenizer.all_special_ids, *marked._loaded.tokenizer.added_tokens_decoder}
    inside, alone = await marked.score([f"He wrote {END} and <|im_end|> there.", "<|im_end|>"])
    assert special.isdisjoint(inside.token_ids)
    assert special.issuperset(alone.token_ids)
    assert len(alone.token_ids) == 1


async def test_the_first_token_is_given_where_the_tokenizer_has_one_and_unknown_where_not(
    plain: TransformersBackend, marked: TransformersBackend
) -> None:
    without, given = [await backend.score(["lamp", " oil"]) for backend in (plain, marked)]
    assert without[0].logprobs[0] is None
    assert without[0].total == math.fsum(without[0].logprobs[1:])
    assert None not in (*given[0].logprobs, *without[1].logprobs, *given[1].logprobs)
    assert [piece.token_ids for piece in without] == [piece.token_ids for piece in given]


async def test_empty_pieces_and_single_tokens(plain: TransformersBackend, marked: TransformersBackend) -> None:
    assert [piece.token_ids for piece in await plain.score(["", ""])] == [(), ()]
    assert await plain.score([]) == []
    assert [piece.logprobs for piece in await plain.score(["", "<|im_end|>", ""])] == [(), (None,), ()]
    assert len((await marked.score(["", "<|im_end|>"]))[1].logprobs) == 1


async def test_a_text_beyond_the_context_is_refused(plain: TransformersBackend) -> None:
    with pytest.raises(PromptTooLong, match="2048"):
        await plain.score(["tide " * 3000])


async def test_a_tokenizer_that_only_knows_a_first_token_is_not_given_it(tiny_model_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    tokenizer.bos_token = "<|endoftext|>"
    assert PieceEncoder(tokenizer).lead == []


async def test_scoring_waits_with_generation_for_one_model(plain: TransformersBackend) -> None:
    request = Request((Message("user", ("Say something.",)),), Sampling(0.0, 8))
    scored, answer, again = await asyncio.gather(
        plain.score([CONTEXT]), plain.complete(request), plain.score([CONTEXT])
    )
    assert scored == again
    assert answer.completion_tokens


async def test_a_closed_backend_says_so(tiny_model_folder: Path) -> None:
    closed = TransformersBackend(TransformersOptions(model=str(tiny_model_folder), device="cpu"))
    for backend in (closed, VllmBackend(VllmOptions(model="any"))):
        with pytest.raises(BackendUnavailable, match="not started"):
            await backend.score(["lamp"])
    await closed.start()
    calls = [asyncio.create_task(closed.score([CONTEXT * 60])) for _ in range(6)]
    await asyncio.sleep(0.02)
    await closed.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(outcomes[-1], BackendUnavailable)
    assert not [outcome for outcome in outcomes if not isinstance(outcome, (list, BackendUnavailable))]


async def test_backends_that_score_say_so(plain: TransformersBackend) -> None:
    assert plain.capabilities.logprobs
    assert isinstance(plain, Scorer)
    other = MockBackend(MockBackend.Options())
    assert not other.capabilities.logprobs
    assert not isinstance(other, Scorer)


async def test_pieces_share_out_what_they_are_made_of() -> None:
    scored = in_pieces([[5, 6], [], [7]], (None, -1.0, -2.0, -3.0))
    assert [piece.logprobs for piece in scored] == [(-1.0, -2.0), (), (-3.0,)]


@pytest.mark.vllm
async def test_vllm_and_transformers_agree(vllm_backend: VllmBackend, plain: TransformersBackend) -> None:
    for texts in (layout("prior"), layout("posterior"), [CONTEXT, "", " and"], ["<|im_end|>"], ["", ""]):
        ours, theirs = await vllm_backend.score(texts), await plain.score(texts)
        assert [piece.token_ids for piece in ours] == [piece.token_ids for piece in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert [value is None for value in one.logprobs] == [value is None for value in other.logprobs]
            assert [v or 0.0 for v in one.logprobs] == pytest.approx([v or 0.0 for v in other.logprobs], abs=BF16_STEP)


@pytest.mark.vllm
async def test_vllm_scores_and_answers_at_once_each_its_own(vllm_backend: VllmBackend) -> None:
    texts = [["lamp " * number, "oil"] for number in range(1, 120)]
    requests = [Request((Message("user", (f"Question {n}.",)),), Sampling(0.0, 3)) for n in range(60)]
    alone = [await vllm_backend.score(text) for text in texts[:3]]
    scored, answers = await asyncio.gather(
        asyncio.gather(*map(vllm_backend.score, texts)), asyncio.gather(*map(vllm_backend.complete, requests))
    )
    encoder = PieceEncoder(copy.deepcopy(vllm_backend._llm.get_tokenizer()))
    for text, pieces_of_it in zip(texts, scored, strict=True):
        assert [list(piece.token_ids) for piece in pieces_of_it] == encoder.encode(text)
        assert [len(piece.logprobs) for piece in pieces_of_it] == [len(piece.token_ids) for piece in pieces_of_it]
    for before, now in zip(alone, scored, strict=False):
        assert before[1].total == pytest.approx(now[1].total, abs=2 * BF16_STEP)
    assert all(answer.completion_tokens <= 3 and answer.prompt_tokens for answer in answers)
    assert not vllm_backend._engine._scorings


@pytest.mark.vllm
async def test_vllm_scores_a_text_whose_prefix_it_has_cached(vllm_backend: VllmBackend) -> None:
    text = ["The tide turned at noon. " * 40, "The ships went out."]
    first, second = await vllm_backend.score(text), await vllm_backend.score(text)
    assert None not in second[0].logprobs[1:]
    assert [piece.total for piece in second] == pytest.approx([piece.total for piece in first], abs=1.0)


@pytest.mark.vllm
async def test_vllm_refuses_a_text_beyond_its_context_and_goes_on(vllm_backend: VllmBackend) -> None:
    with pytest.raises(PromptTooLong, match="1024"):
        await vllm_backend.score(["tide " * 3000])
    assert len(await vllm_backend.score(["tide"])) == 1


@pytest.mark.vllm
async def test_vllm_forgets_a_scoring_that_is_called_off(vllm_backend: VllmBackend) -> None:
    calls = [asyncio.create_task(vllm_backend.score([f"{n} " + "tide " * 400])) for n in range(40)]
    while not vllm_backend._engine._scorings:
        await asyncio.sleep(0.001)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (await vllm_backend.score(["tide"]))[0].token_ids
    async with asyncio.timeout(20):
        while vllm_backend._engine._scorings:
            await vllm_backend.score(["tide"])
