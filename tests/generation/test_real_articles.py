"""The main job end to end on real articles and on the example corpus, with the embedded backend and with real vLLM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from corpora import EXAMPLE, find_wiki_documents, wiki_documents
from tiny_model import biases_to_end

import synthcpt

GIBBERISH = (
    "ungrounded=keep", "require_entities=false", "same_language=false", "min_words=0", "max_entities=4",
)  # fmt: skip
"""Lets a model of random weights through the gates that judge what it says."""


def test_the_embedded_backend_on_real_articles(tmp_path: Path) -> None:
    run = synthcpt.generate("entigraph", input=wiki_documents(), output=tmp_path / "out")
    totals = run.manifest["totals"]
    assert totals["documents"] == 256
    assert not totals["failed_requests"]
    assert len({row["source_ids"][0] for row in run.dataset()}) >= 250
    assert totals["row_tokens"] > 20 * totals["source_tokens"]


def test_the_embedded_backend_on_the_example_corpus(tmp_path: Path) -> None:
    run = synthcpt.generate("entigraph", input=EXAMPLE, output=tmp_path / "out")
    totals = run.manifest["totals"]
    assert totals["documents"] == 44
    assert not totals["rejected"]
    assert not totals["failed_documents"]
    for row in run.dataset().select(range(0, totals["rows"], 50)):
        entities = json.loads(row["meta"])["entities"]
        assert all(entity["span"] for entity in entities)


@pytest.mark.vllm
def test_real_vllm_through_the_command_line_and_again(
    vllm_installed: None, tiny_model_folder: Path, tmp_path: Path
) -> None:
    settings = {
        "dtype": "bfloat16", "enforce_eager": "true", "max_model_len": "2048", "gpu_memory_utilization": "0.2",
        "extra_sampling": f"{{logit_bias: {biases_to_end(tiny_model_folder)}}}",
    }  # fmt: skip
    documents = find_wiki_documents() or EXAMPLE
    command = [sys.executable, "-m", "synthcpt", "generate", "--method", "entigraph", "--input", str(documents)]
    command += ["--limit", "30", "--output", str(tmp_path / "out"), "--model", str(tiny_model_folder)]
    command += ["--max-tokens", "120", "--parts", "2"]
    for name, value in settings.items():
        command += ["--backend-option", f"{name}={value}"]
    for option in GIBBERISH:
        command += ["--set", option]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(str(tmp_path)), "the engine's log is not among the results"
    run = synthcpt.Run(tmp_path / "out")
    totals = run.manifest["totals"]
    steps = [json.loads(meta)["step"] for meta in run.dataset()["meta"]]
    assert totals["documents"] == 30
    assert "pair" in steps
    assert set(run.dataset()["backend"]) == {"vllm"}
    assert totals["cached_tokens"] > 0
    call = run.trace(run.dataset()[0]["id"])["calls"][-1]
    assert call["answer"]["finish_reason"] == "stop"
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert again.returncode == 0, "a finished run loads no model"
    assert "loading" not in again.stderr
