"""The code that an export carries: which tokens carry loss, and a real training where TRL is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_runs import write_run

from synthcpt.exporting import trl_train
from synthcpt.exporting.config import make_export_config
from synthcpt.exporting.export import export

NO_LOSS = -100
ROWS = [
    {"text": "Everything here is learnt, <|endoftext|> too."},
    {"text": "Question: who? Answer: the keeper", "spans": [[23, 33]]},
    {"text": "First yes, then no, and so on.", "spans": [[6, 9], [16, 18]]},
]


def export_to(to: str, folder: Path, model: Path, **settings: Any) -> Path:
    run = write_run(folder / "run", [row for _ in range(40) for row in ROWS])
    values = {"to": to, "data": [str(run)], "output": folder / "out", "model": str(model)}
    sizes = {"window_tokens": 128, "batch_tokens": 256, "architecture": "llama3/debugmodel"}
    return export(make_export_config(values, {**sizes, **settings})).output


@pytest.fixture
def tokenizer(tiny_model_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model_folder)


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", str(tmp_path / "cache"))


def learnt(tokenizer: Any, labels: list[int]) -> str:
    return str(tokenizer.decode([label for label in labels if label != NO_LOSS]))


def test_the_trl_script_learns_the_spans_and_their_end(tokenizer: Any) -> None:
    rows = {"text": [row["text"] for row in ROWS], "spans": [row.get("spans") for row in ROWS]}
    columns = trl_train.encode(rows, tokenizer, True)
    end = "<|im_end|>"
    assert [tokenizer.decode(ids) for ids in columns["input_ids"]] == [row["text"] + end for row in ROWS]
    told = [learnt(tokenizer, labels).replace(" ", "") for labels in columns["labels"]]
    assert told == ["Everythinghereislearnt,<|endoftext|>too." + end, "thekeeper" + end, "yesno"]
    inert = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert inert not in columns["input_ids"][0], "markup in a text is no end of it"
    assert inert in trl_train.encode(rows, tokenizer, False)["input_ids"][0]


def test_every_label_is_its_token(tokenizer: Any) -> None:
    text = "one two three four five six"
    for start in range(len(text)):
        columns = trl_train.encode({"text": [text], "spans": [[[start, start + 1]]]}, tokenizer, True)
        (ids,), (labels,) = columns["input_ids"], columns["labels"]
        marked = [at for at, label in enumerate(labels[:-1]) if label != NO_LOSS]
        assert len(marked) == 1
        assert labels[marked[0]] == ids[marked[0]]
        ends = len(tokenizer.decode(ids[: marked[0] + 1]))
        assert len(tokenizer.decode(ids[: marked[0]])) <= start < ends


class _Inner:
    """The part of torchtitan's tokenizer that the loader uses."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer.backend_tokenizer
        self.bos_id, self.eos_id = 1, tokenizer.eos_token_id


@pytest.fixture
def loader(tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The exported module, with empty modules in the place of torchtitan."""

    class Anything:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        class Config: ...

    class Stub(types.ModuleType):
        IGNORE_INDEX = NO_LOSS

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return Anything

    names = """torchtitan torchtitan.components torchtitan.components.checkpoint torchtitan.components.dataloader
        torchtitan.components.loss torchtitan.components.metrics torchtitan.components.optimizer torchtitan.config
        torchtitan.distributed torchtitan.distributed.activation_checkpoint torchtitan.models torchtitan.models.common
        torchtitan.models.common.config_utils torchtitan.trainer"""
    for name in names.split():
        monkeypatch.setitem(sys.modules, name, Stub(name))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    path = export_to("torchtitan", tmp_path, tiny_model_folder) / "torchtitan_cpt.py"
    spec = importlib.util.spec_from_file_location("exported_torchtitan_cpt", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_torchtitan_loader_cuts_windows_and_loses_nothing(loader: Any, tokenizer: Any) -> None:
    texts = loader.Texts(_Inner(tokenizer), 64, 0, 0, 1, True)
    windows = iter(texts)
    ids, labels = [], []
    while texts.passes == 0:
        inputs, targets = next(windows)
        assert inputs["input"].shape == inputs["positions"].shape == targets.shape == (64,)
        assert inputs["positions"][0] == 0
        for at in range(1, 64):
            assert inputs["positions"][at] in (0, inputs["positions"][at - 1] + 1)
        ids += inputs["input"].tolist()
        labels += targets.tolist()
    assert ids.count(1) >= 3 * 40, "a begin token for each text"
    assert 1 not in labels
    found = learnt(tokenizer, labels)
    assert found.count("keeper<|im_end|>") >= 40
    assert "Question" not in found


def test_the_torchtitan_loader_goes_on_where_it_was(loader: Any, tokenizer: Any) -> None:
    def start(rank: int = 0, ranks: int = 1) -> Any:
        return loader.Texts(_Inner(tokenizer), 64, 0, rank, ranks, True)

    first = start()
    windows = iter(first)
    for _ in range(60):  # into the second pass
        next(windows)
    state = json.loads(json.dumps(first.state_dict()))
    second = start()
    second.load_state_dict(state)
    assert first.passes > 0
    for (mine, labels), (other, labels_again) in zip((next(windows) for _ in range(5)), iter(second), strict=False):
        assert mine["input"].tolist() == other["input"].tolist()
        assert labels.tolist() == labels_again.tolist()
    assert sorted(start(0, 2).order() + start(1, 2).order()) == list(range(120))


def test_the_exported_script_trains_with_trl(tiny_model_folder: Path, tmp_path: Path) -> None:
    python = os.environ.get("SYNTHCPT_TRL_PYTHON", sys.executable)
    if python == sys.executable and importlib.util.find_spec("trl") is None:
        pytest.skip("trl is not installed; SYNTHCPT_TRL_PYTHON may name a Python that has it")
    output = export_to("trl", tmp_path, tiny_model_folder)
    config = yaml.safe_load((output / "config.yaml").read_text())
    config["training"] |= {"max_steps": 4, "logging_steps": 1, "save_steps": 2, "learning_rate": 1e-3}
    (output / "config.yaml").write_text(yaml.safe_dump(config))
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([python, "train.py"], cwd=output, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    state = json.loads((output / "model" / "checkpoint-4" / "trainer_state.json").read_text())
    losses = [entry["loss"] for entry in state["log_history"] if "loss" in entry]
    assert losses[-1] < losses[0]
    assert (output / "model" / "model.safetensors").is_file()
