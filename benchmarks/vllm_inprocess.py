"""New tokens a second that a whole run gets out of vLLM in its own process, beside bare `LLM.chat`.

    python benchmarks/vllm_inprocess.py [--rounds 3]

One engine, one tiny model with random weights, the same 1,000 EntiGraph requests (prompts of about 350 tokens, every
answer exactly 64 long). Three sides take turns, with the prefix cache emptied before each pass: `LLM.chat` on the whole
list, the vllm backend fed by as many tasks as it likes, and an EntiGraph run with journal, gates and shards. Told are
medians of each round's ratio to `LLM.chat`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from documents import write_documents
from figures import Figure, Spent, alternating, progress, script, support
from http_clients import chat, feed
from known_entities import KnownEntities, generation

from synthcpt.backends.vllm import VllmBackend, VllmOptions
from synthcpt.records import Request

with support():
    from tiny_model import build_tiny_model

DOCUMENTS, ENTITIES, NEW_TOKENS = 36, 8, 64
EXTRA = {"ignore_eos": True}
LEAST_RATIO = 1.0


def measure(given: argparse.Namespace) -> list[Figure]:
    """Rounds of all three sides."""
    # For machines without a GPU; elsewhere it is ignored.
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = str(build_tiny_model(folder / "model"))
        write_documents(folder / "documents.jsonl", DOCUMENTS, words=60, names=ENTITIES)
        passes = asyncio.run(compare(folder, model, 1 if given.quick else given.rounds))
    return [_figure(side, passes) for side in ("backend", "engine")]


def _figure(side: str, passes: dict[str, list[float]]) -> Figure:
    ratios = [ours / bare for ours, bare in zip(passes[side], passes["LLM.chat"], strict=True)]
    ours, bare, ratio = (statistics.median(one) for one in (passes[side], passes["LLM.chat"], ratios))
    return Figure(
        f"{side} on vLLM in its process, new tokens a second over LLM.chat's", f"{ratio:.3f}",
        f"{ours:,.0f} and {bare:,.0f} tokens/s; rounds {', '.join(f'{one:.3f}' for one in ratios)}",
        f">= {LEAST_RATIO}", ratio >= LEAST_RATIO,
    )  # fmt: skip


async def compare(folder: Path, model: str, rounds: int) -> dict[str, list[float]]:
    """New tokens a second of each side's passes."""
    backend = VllmBackend(_options(model))
    await backend.start()
    try:
        requests = (await run_engine(folder, "warm-up", backend)).asked
        passes: dict[str, list[float]] = {"LLM.chat": [], "backend": [], "engine": []}
        for number, side in enumerate(alternating(list(passes), rounds)):
            passes[side].append(await _timed(side, folder / str(number), backend, requests))
    finally:
        await backend.close()
    return passes


async def _timed(side: str, folder: Path, backend: VllmBackend, requests: Sequence[Request]) -> float:
    llm = llm_of(backend)
    if not llm.reset_prefix_cache():
        raise SystemExit("The prefix cache could not be emptied.")
    with all_cores(backend) if side == "LLM.chat" else nullcontext(), Spent() as spent:
        if side == "LLM.chat":
            tokens = run_chat(llm, requests)
        elif side == "backend":
            tokens = await run_backend(backend, requests)
        else:
            tokens = (await run_engine(folder.parent, folder.name, backend)).new_tokens
    rate = tokens / spent.wall_s
    progress(f"{side}: {tokens:,} new tokens, {rate:,.0f} tokens/s, CPU of this process {spent.cpu_s:.2f} s")
    return rate


async def run_engine(folder: Path, name: str, backend: VllmBackend) -> KnownEntities:
    """A whole run; gives back what knows what was asked and answered."""
    known = KnownEntities(backend)
    await generation(folder / "documents.jsonl", folder / name, known, max_tokens=NEW_TOKENS).run()
    return known


async def run_backend(backend: VllmBackend, requests: Sequence[Request]) -> int:
    """Answer all requests, as many at once as the backend likes; gives back the new tokens."""
    new_tokens: list[int] = []

    async def ask(request: Request) -> None:
        new_tokens.append((await backend.complete(request)).completion_tokens)

    await feed(ask, iter(requests), backend.capabilities.concurrency)
    return sum(new_tokens)


def run_chat(llm: Any, requests: Sequence[Request]) -> int:
    """Answer all requests with one call of `LLM.chat`; gives back the new tokens."""
    from vllm import SamplingParams

    params = SamplingParams(temperature=1.0, max_tokens=NEW_TOKENS, **EXTRA)
    chats: Any = [chat(request) for request in requests]
    outputs = llm.chat(chats, params, use_tqdm=False, chat_template_kwargs={"enable_thinking": False})
    return sum(len(output.outputs[0].token_ids) for output in outputs)


@contextmanager
def all_cores(backend: VllmBackend) -> Iterator[None]:
    """The machine as bare `LLM` has it: our threads may run where its workers do."""
    cores = backend._cores
    if cores is None:
        raise SystemExit("The backend is not started.")
    cores.give_back()
    yield
    cores.take()


def llm_of(backend: VllmBackend) -> Any:
    """The bare `LLM` that the backend loaded, so that all sides use one engine."""
    return backend._llm


def _options(model: str) -> VllmOptions:
    return VllmOptions(
        model=model,
        dtype="bfloat16",
        enforce_eager=True,
        max_model_len=1024,
        gpu_memory_utilization=0.2,
        extra_sampling=EXTRA,
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="passes of each side")


if __name__ == "__main__":
    script(measure, __doc__, _add_options)
