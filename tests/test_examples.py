"""The example outputs are what the methods write today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from synthcpt.methods import method_names

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("method", method_names())
def test_the_example_outputs_are_current(method: str) -> None:
    spec = importlib.util.spec_from_file_location("make_outputs", EXAMPLES / "make_outputs.py")
    if spec is None or spec.loader is None:
        pytest.fail("examples/make_outputs.py is missing")
    make_outputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_outputs)
    told = f"run `python examples/make_outputs.py {method}` and read what changed"
    assert (EXAMPLES / "outputs" / f"{method}.md").read_text(encoding="utf-8") == make_outputs.page(method), told
