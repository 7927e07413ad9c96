"""`synthcpt train` as a user types it, from a generated corpus to a model that others load."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpora import EXAMPLE

from synthcpt.cli.errors import explain
from synthcpt.errors import Interrupted

pytest.importorskip("torch")


def synthcpt(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "synthcpt", *map(str, arguments)]
    variables = {**os.environ, "COLUMNS": "100", "SYNTHCPT_CACHE": str(cwd / "cache"), **environment}
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few documents, a run of rephrased ones and a run of questions."""
    home = tmp_path_factory.mktemp("home")
    (home / "docs").mkdir()
    for path in sorted(EXAMPLE.glob("*.md"))[:6]:
        shutil.copy(path, home / "docs")
    for method in ("rephrase", "knowledge_instruct", "latent_thoughts"):
        done = synthcpt("generate", "--method", method, "-i", "docs", "-o", f"runs/{method}", "-q", cwd=home)
        assert done.returncode == 0, done.stderr
    return home


SMALL = ("--recipe", "smoke", "--set", "window_tokens=128", "--set", "batch_tokens=1024", "--set", "threads=1")


@pytest.fixture(scope="module")
def trained(home: Path) -> subprocess.CompletedProcess[str]:
    return synthcpt(
        "train", "-d", "runs/rephrase", "-d", "runs/knowledge_instruct", "--replay", "docs", "--set",
        "replay_repeats=true", "-o", "trained", *SMALL, "--tokens", "20K", cwd=home,
    )  # fmt: skip


def test_a_training_ends_in_a_model_that_others_load(home: Path, trained: subprocess.CompletedProcess[str]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert trained.returncode == 0, trained.stderr
    model = AutoModelForCausalLM.from_pretrained(home / "trained/model")
    tokenizer = AutoTokenizer.from_pretrained(home / "trained/model")
    ids = tokenizer("The harbour of Hesk", return_tensors="pt")
    assert model.generate(**ids, max_new_tokens=5, do_sample=False).shape[1] > 5
    names = {path.name for path in (home / "trained").iterdir()}
    assert {
        "train.yaml",
        "training.json",
        "audit.json",
        "metrics.jsonl",
        "tensorboard",
        "loss.png",
        "loss.svg",
    } <= names
    card = (home / "trained/model/README.md").read_text()
    for word in ("library_name", "rephrase", "knowledge_instruct", "replay", "No language model wrote these texts"):
        assert word in card


def test_what_it_shows(home: Path, trained: subprocess.CompletedProcess[str]) -> None:
    told = trained.stderr + trained.stdout
    for word in ("Self-test", "tokens read =", "trained +", "same source in a window", "Replay: ", "vllm serve"):
        assert word in told, word
    assert "Loading weights" not in told
    account = json.loads((home / "trained/audit.json").read_text())
    assert account["read"] == sum(part["read"] for part in account["parts"])
    for part in account["parts"]:
        assert part["read"] == part["trained"] + part["first_tokens"] + part["outside_spans"]
        assert part["tokens"] >= part["heldout"] + part["unread"]
    answers = next(part for part in account["parts"] if part["name"] == "knowledge_instruct")
    assert answers["outside_spans"] > 0, "questions carry no loss"
    replay = next(part for part in account["parts"] if part["role"] == "replay")
    assert replay["read"] / account["read"] == pytest.approx(0.1, abs=0.02)


def test_done_is_done(home: Path, trained: subprocess.CompletedProcess[str]) -> None:
    again = synthcpt(
        "train", "-d", "runs/rephrase", "-d", "runs/knowledge_instruct", "--replay", "docs", "--set",
        "replay_repeats=true", "-o", "trained", *SMALL, "--tokens", "20K", cwd=home,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "This training is finished" in again.stdout


def test_latent_thoughts_get_tokens_of_their_own(home: Path) -> None:
    from transformers import AutoTokenizer

    done = synthcpt("train", "-d", "runs/latent_thoughts", "-o", "latent", *SMALL, "--epochs", 2, "-q", cwd=home)
    assert done.returncode == 0, done.stderr
    tokenizer = AutoTokenizer.from_pretrained(home / "latent/model")
    assert len(tokenizer("<|latent_start|>", add_special_tokens=False).input_ids) == 1
    plan = json.loads((home / "latent/plan/plan.json").read_text())
    assert [store["epoch"] for store in plan["stores"]] == [0, 1], "each pass has a layout of its own"


def cases() -> list[Any]:
    train = ("train", "-o", "x", *SMALL, "-d")
    return [
        pytest.param((*train, "runs/none"), "There is no file or folder 'runs/none'", id="no data"),
        pytest.param((*train, "broken"), "is not finished", id="unfinished run"),
        pytest.param((*train, "harmed"), "harmed/data/train-00000-of-00001.parquet", id="corrupt shard"),
        pytest.param((*train, "docs", "--model", "nowhere/none"), "cannot be loaded", id="no model"),
        pytest.param((*train, "docs", "--replay", "docs2", "--replay-ratio", 0.9), "runs dry", id="dry replay"),
        pytest.param((*train, "docs", "-d", "docs"), "named twice", id="twice"),
        pytest.param((*train, "docs", "--set", "lrr=1"), "Did you mean 'lr'?", id="unknown setting"),
        pytest.param((*train, "empty"), "no text to train on", id="empty mix"),
        pytest.param((*train, "docs", "--branch", "nowhere"), "no checkpoint in nowhere", id="no branch"),
        pytest.param((*train, "docs", "--set", "wandb=x"), "wandb is needed", id="no wandb"),
    ]


@pytest.mark.parametrize(("arguments", "says"), cases())
def test_a_mistake_is_one_sentence(home: Path, arguments: tuple[object, ...], says: str) -> None:
    if says.startswith("wandb") and shutil.which("wandb"):
        pytest.skip("wandb is installed")
    if not (home / "broken").exists():
        shutil.copytree(home / "runs/rephrase", home / "broken")
        (home / "broken/manifest.json").unlink()
        shutil.copytree(home / "runs/rephrase", home / "harmed")
        shard = home / "harmed/data/train-00000-of-00001.parquet"
        shard.write_bytes(shard.read_bytes()[:-1] + b"X")
        (home / "docs2").mkdir()
        (home / "docs2/a.txt").write_text("A short text to replay, and no more.\n")
        (home / "empty").mkdir()
        (home / "empty/a.jsonl").write_text('{"text": " "}\n')
    done = synthcpt(*arguments, "-q", cwd=home)
    shutil.rmtree(home / "x", ignore_errors=True)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_texts_that_changed_are_noticed(home: Path) -> None:
    shutil.copytree(home / "docs", home / "changing")
    arguments = ("train", "-d", "changing", "-o", "changed", *SMALL, "--epochs", 1, "--set", "checkpoint_every=1", "-q")
    assert synthcpt(*arguments, cwd=home).returncode == 0
    (home / "changed/training.json").unlink()
    plan = home / "changed/plan"
    (plan / "plan.json").write_text("{")
    broken = synthcpt(*arguments, cwd=home)
    assert broken.returncode == 2
    assert "Delete the folder; it is made anew" in broken.stderr
    shutil.rmtree(plan)
    assert synthcpt(*arguments, cwd=home).returncode == 0, "it is made anew, and the training goes on"
    (home / "changed/training.json").unlink()
    (home / "changing/new.md").write_text("# New\n\nA new text came in.\n")
    for _ in range(2):
        done = synthcpt(*arguments, cwd=home)
        assert done.returncode == 2
        assert "are not those it was begun with" in done.stderr
        shutil.rmtree(plan, ignore_errors=True)  # nor is that forgotten without a plan


def test_a_flag_for_the_amount_wins_over_the_files(home: Path) -> None:
    (home / "amount.yaml").write_text("data: docs\nrecipe: smoke\nepochs: 3\n")
    done = synthcpt("train", "--config", "amount.yaml", "-o", "a", *SMALL, "--tokens", "2K", "-q", cwd=home)
    assert done.returncode == 0, done.stderr
    noted = yaml.safe_load((home / "a/train.yaml").read_text())
    assert (noted["tokens"], noted["epochs"]) == (2000, None)


def test_what_stops_a_training_says_nothing_of_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="130"), explain():
        raise Interrupted("Training stopped at step 4 of 21; a checkpoint is written.")
    told = capsys.readouterr().err
    assert "What is done is kept; run the same command again to go on." in told
    assert "answer" not in told


def test_every_setting_is_listed(home: Path) -> None:
    from synthcpt.training.config import TrainConfig

    listed = synthcpt("train", "--list", "--recipe", "lora", cwd=home)
    assert listed.returncode == 0, listed.stderr
    for name in TrainConfig.model_fields:
        assert name in listed.stdout
    assert "128" in listed.stdout
    unknown = synthcpt("train", "--list", "--recipe", "lorra", cwd=home)
    assert unknown.returncode == 2
    assert "Did you mean 'lora'?" in unknown.stderr


@pytest.mark.vllm
def test_vllm_loads_the_final_model(
    home: Path, trained: subprocess.CompletedProcess[str], vllm_installed: None
) -> None:
    code = (
        "from vllm import LLM, SamplingParams\n"
        "if __name__ == '__main__':\n"
        "    llm = LLM('trained/model', enforce_eager=True, dtype='float32', max_model_len=128)\n"
        "    sampling = SamplingParams(max_tokens=5, temperature=0, ignore_eos=True)\n"
        "    out = llm.generate(['The harbour of Hesk'], sampling)\n"
        "    print('new tokens', len(out[0].outputs[0].token_ids))\n"
    )
    script = home / "load.py"
    script.write_text(code)
    variables = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=home, env=variables, capture_output=True, text=True, timeout=240)
    assert "new tokens 5" in done.stdout, done.stderr[-3000:]
