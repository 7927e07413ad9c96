from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_models import write_model


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def llamas(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four models of one architecture; nobody may write into them."""
    folder = tmp_path_factory.mktemp("llamas")
    return [write_model(folder / f"llama-{seed}", "llama", seed) for seed in range(4)]
