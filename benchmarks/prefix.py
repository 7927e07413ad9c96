"""The share of prompt tokens that vLLM's prefix cache serves: what it does not, the GPU computes.

    python benchmarks/prefix.py

An EntiGraph run through vLLM in this process, with a tiny random model, over documents of about 3,000 tokens. Every
request holds its whole document; the prompts put it first, and the engine asks a document's requests together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from documents import write_documents
from figures import Figure, progress, script, support
from known_entities import KnownEntities, generation

from synthcpt.backends.vllm import VllmBackend, VllmOptions

with support():
    from tiny_model import build_tiny_model

WORDS, ENTITIES, NEW_TOKENS, CONTEXT_TOKENS = 1400, 14, 16, 8192
LEAST_SHARE = 0.9


def measure(given: argparse.Namespace) -> list[Figure]:
    """One run; the share does not depend on the machine."""
    # For machines without a GPU; elsewhere it is ignored.
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    with tempfile.TemporaryDirectory() as name:
        folder, documents = Path(name), 4 if given.quick else 16
        model = _with_longer_context(build_tiny_model(folder / "model"))
        source = write_documents(folder / "documents.jsonl", documents, words=WORDS, names=ENTITIES)
        totals = asyncio.run(_run(source, folder / "run", str(model)))
    progress(str(totals))
    share = totals["cached_tokens"] / totals["prompt_tokens"]
    mean = totals["prompt_tokens"] / totals["answers"]
    return [
        Figure(
            "prompt tokens served from vLLM's prefix cache", f"{share:.1%}",
            f"{totals['answers']:,} prompts of {mean:,.0f} tokens, {documents} documents",
            f">= {LEAST_SHARE:.0%}", share >= LEAST_SHARE,
        )
    ]  # fmt: skip


async def _run(source: Path, output: Path, model: str) -> dict[str, Any]:
    backend = VllmBackend(_options(model))
    work = generation(source, output, KnownEntities(backend, entity_calls=True), max_tokens=NEW_TOKENS)
    try:
        totals: dict[str, Any] = (await work.run()).manifest["totals"]
    finally:
        await backend.close()
    return totals


def _with_longer_context(model: Path) -> Path:
    """The model's weights do not depend on how many positions it is said to know."""
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "max_position_embeddings": CONTEXT_TOKENS}), encoding="utf-8")
    return model


def _options(model: str) -> VllmOptions:
    return VllmOptions(
        model=model,
        dtype="bfloat16",
        enforce_eager=True,
        max_model_len=CONTEXT_TOKENS,
        gpu_memory_utilization=0.2,
        extra_sampling={"ignore_eos": True},
    )


if __name__ == "__main__":
    script(measure, __doc__)
