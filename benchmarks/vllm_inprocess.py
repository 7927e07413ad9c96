"""The vLLM backend against bare `LLM.chat`: the same engine, the same requests, one process.

    python benchmarks/vllm_inprocess.py [--pairs 3] [--requests 1000] [--new-tokens 64]

Builds a tiny model with random weights, makes EntiGraph pair requests (prompts of about 312 tokens, every answer
exactly as long as allowed), and alternates passes of both sides, with the prefix cache emptied before each. Printed
are tokens a second and the median of the pairwise ratios; it should be 1.0 or more.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from tiny_model import build_tiny_model

from synthcpt.backends.vllm import VllmBackend, VllmOptions
from synthcpt.records import Completion, Request, Sampling
from synthcpt.templates import PromptBook

DOCUMENTS = 40
PLACES = ["harbour", "lighthouse", "signal station", "lifeboat house", "customs shed", "chapel", "rope walk", "mill"]
NAMES = ["Amity Lorne", "Dorothea Vane", "Hallam Oake", "Marit Ellinghaus", "the Corrane Light", "Thorngate"]


def main() -> None:
    """Run the comparison and print its table."""
    arguments = _arguments()
    # For machines without a GPU; elsewhere it is ignored.
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    with tempfile.TemporaryDirectory() as folder:
        model = str(build_tiny_model(Path(folder)))
        requests = make_requests(arguments.requests, arguments.new_tokens)
        asyncio.run(compare(_options(model), requests, arguments.pairs))


async def compare(options: VllmOptions, requests: Sequence[Request], pairs: int) -> None:
    """Alternate passes of both sides on one engine."""
    backend = VllmBackend(options)
    await backend.start()
    llm = _llm_of(backend)
    await run_backend(backend, requests[:64])
    rows = []
    for number in range(pairs):
        # The order alternates too, so that neither side always has the warmer machine.
        sides = ["chat", "backend"] if number % 2 == 0 else ["backend", "chat"]
        passes = {side: await _timed(side, backend, llm, requests) for side in sides}
        rows.append((passes["chat"], passes["backend"]))
        print(f"pair {number + 1}: LLM.chat {passes['chat']}  backend {passes['backend']}", flush=True)
    await backend.close()
    _print_table(rows)


@dataclass(frozen=True)
class Pass:
    """What one pass over the requests took: new tokens a second, and CPU seconds of this process (not the engine's)."""

    tokens_per_s: float
    host_cpu_s: float

    def __str__(self) -> str:
        return f"{self.tokens_per_s:,.0f} tokens/s, host CPU {self.host_cpu_s:.2f} s"


async def run_backend(backend: VllmBackend, requests: Sequence[Request]) -> int:
    """Answer all requests, as many at once as the backend likes; gives back the new tokens."""
    todo = iter(requests)
    done: list[Completion] = []

    async def work() -> None:
        for request in todo:
            done.append(await backend.complete(request))

    await asyncio.gather(*(work() for _ in range(backend.capabilities.concurrency)))
    return sum(completion.completion_tokens for completion in done)


def run_chat(llm: Any, requests: Sequence[Request], extra_sampling: dict[str, Any]) -> int:
    """Answer all requests with one call of `LLM.chat`; gives back the new tokens."""
    from vllm import SamplingParams

    sampling = requests[0].sampling
    params = SamplingParams(temperature=sampling.temperature, max_tokens=sampling.max_tokens, **extra_sampling)
    chats = [[{"role": turn.role, "content": turn.text} for turn in request.messages] for request in requests]
    outputs = llm.chat(chats, params, use_tqdm=False, chat_template_kwargs={"enable_thinking": False})
    return sum(len(output.outputs[0].token_ids) for output in outputs)


def make_requests(number: int, new_tokens: int) -> list[Request]:
    """EntiGraph pair requests: a document's requests together, as a run asks them."""
    prompt = PromptBook().load("entigraph/pair")
    a_document = -(-number // DOCUMENTS)
    requests = []
    for index in range(DOCUMENTS):
        title, text = _document(index)
        for first, second in itertools.islice(itertools.product(NAMES, PLACES), a_document):
            request = prompt.render(title=title, document=text, first=first, second=second)
            requests.append(replace(request, sampling=Sampling(temperature=1.0, max_tokens=new_tokens)))
    return requests[:number]


def _document(index: int) -> tuple[str, str]:
    name, place = NAMES[index % len(NAMES)], PLACES[index % len(PLACES)]
    return f"The {place}, {1800 + index}", f"In {1800 + index} {name} rebuilt the {place} after the storm."


def _llm_of(backend: VllmBackend) -> Any:
    """The bare `LLM` that the backend loaded, so that both sides use one engine."""
    return backend._llm


async def _timed(side: str, backend: VllmBackend, llm: Any, requests: Sequence[Request]) -> Pass:
    if not llm.reset_prefix_cache():
        raise SystemExit("The prefix cache could not be emptied.")
    started, cpu_started = time.perf_counter(), time.process_time()
    if side == "chat":
        new_tokens = run_chat(llm, requests, backend._options.extra_sampling)
    else:
        new_tokens = await run_backend(backend, requests)
    return Pass(new_tokens / (time.perf_counter() - started), time.process_time() - cpu_started)


def _print_table(rows: Sequence[tuple[Pass, Pass]]) -> None:
    print(f"\n{'':10}{'median':>10}{'lowest':>10}{'highest':>10}  new tokens/s{'host CPU s':>13}")
    for name, passes in zip(("LLM.chat", "backend"), zip(*rows, strict=True), strict=True):
        rates, cpu_s = [each.tokens_per_s for each in passes], statistics.median(each.host_cpu_s for each in passes)
        columns = "".join(f"{rate:>10,.0f}" for rate in (statistics.median(rates), min(rates), max(rates)))
        print(f"{name:10}{columns}{'':14}{cpu_s:>13.2f}")
    ratios = [ours.tokens_per_s / bare.tokens_per_s for bare, ours in rows]
    print(f"median ratio {statistics.median(ratios):.3f}  (pairs: {', '.join(f'{ratio:.3f}' for ratio in ratios)})")


def _options(model: str) -> VllmOptions:
    return VllmOptions(
        model=model,
        dtype="bfloat16",
        enforce_eager=True,
        max_model_len=1024,
        gpu_memory_utilization=0.2,
        extra_sampling={"ignore_eos": True},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="passes of each side")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--new-tokens", type=int, default=64)
    return parser.parse_args()


if __name__ == "__main__":
    main()
