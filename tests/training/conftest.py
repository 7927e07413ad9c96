from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from trainings import KINDS, write_tiny_model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: write_tiny_model(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


@pytest.fixture(scope="session")
def llama(tiny_models: dict[str, Path]) -> Path:
    return tiny_models["llama"]
