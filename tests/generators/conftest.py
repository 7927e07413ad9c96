"""One real engine for all methods: a tiny model with a context long enough for their prompts."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from kept_open import KeptOpen
from tiny_model import CONTEXT_TOKENS, biases_to_end

from synthcpt.backends.vllm import VllmOptions


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def random_engine(vllm_installed: None, tiny_model_folder: Path) -> AsyncIterator[KeptOpen]:
    """The real engine with random weights; loading it takes half a minute."""
    options = VllmOptions(
        model=str(tiny_model_folder),
        dtype="bfloat16",
        enforce_eager=True,
        max_model_len=CONTEXT_TOKENS,
        gpu_memory_utilization=0.2,
        extra_sampling={"logit_bias": biases_to_end(tiny_model_folder)},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        backend = KeptOpen(options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await backend.start()
        client = backend._llm.llm_engine.engine_core
        yield backend
        await backend.close_for_good()
    # VLLM leaves its ZeroMQ context to the garbage collector, which warns.
    client.output_queue_thread.join()
    client.ctx.destroy(linger=0)
