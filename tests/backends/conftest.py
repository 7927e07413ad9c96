"""What the backends' tests share: a tiny model and one loaded engine a session."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synthcpt.backends.vllm import VllmBackend, VllmOptions

ENGINE = {"dtype": "bfloat16", "enforce_eager": True, "max_model_len": 1024, "gpu_memory_utilization": 0.2}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vllm_backend(vllm_installed: None, tiny_model_folder: Path) -> AsyncIterator[VllmBackend]:
    """The real engine with the tiny model; loading it takes half a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        backend = VllmBackend(VllmOptions(model=str(tiny_model_folder), **ENGINE))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await backend.start()
        client, engine_processes = backend._llm.llm_engine.engine_core, _children("VLLM")
        yield backend
        await backend.close()
        await backend.close()
    assert engine_processes
    import psutil

    _, alive = psutil.wait_procs(engine_processes, timeout=30)
    assert not alive, "the engine outlived its close"
    # VLLM leaves its ZeroMQ context to the garbage collector, which warns.
    client.output_queue_thread.join()
    client.ctx.destroy(linger=0)


def _children(title: str) -> list[Any]:
    """Descendants of our process whose title starts so."""
    import psutil

    return [process for process in psutil.Process().children(recursive=True) if process.name().startswith(title)]
