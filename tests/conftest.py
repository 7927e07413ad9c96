"""What tests of several folders share: a tiny model, and whether the real vLLM is here."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from pathlib import Path

import pytest
from answering_models import ignorant_model, knowing_model
from tiny_model import build_tiny_model


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random-weight model, built once."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    return build_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def vllm_installed() -> None:
    """Skips without vLLM; fails instead where SYNTHCPT_REQUIRE_VLLM=1 says that it must be there."""
    if importlib.util.find_spec("vllm") is None:
        if os.environ.get("SYNTHCPT_REQUIRE_VLLM") == "1":
            pytest.fail("SYNTHCPT_REQUIRE_VLLM=1, but vllm is not installed")
        pytest.skip("vllm is not installed")
    with warnings.catch_warnings():
        # Importing and loading it warns of torch's plans; nothing of ours is in there.
        warnings.simplefilter("ignore")
        assert importlib.import_module("vllm").LLM


@pytest.fixture(scope="session")
def knowing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers `answering_models.ANSWERS`, trained once."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    return knowing_model(tmp_path_factory.mktemp("models") / "knowing")


@pytest.fixture(scope="session")
def ignorant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model untrained."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    return ignorant_model(tmp_path_factory.mktemp("models") / "ignorant")
