"""`synthcpt merge` as a person uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import write_model

from synthcpt.merging.methods import METHODS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("merging")
    for seed, name in enumerate(("trained", "instruct", "base")):
        write_model(place / name, "llama", seed)
    return place


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "HF_HUB_OFFLINE": "1"}
    line = [sys.executable, "-m", "synthcpt", "merge", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=env, timeout=120)


def test_help_has_a_line_for_each_method_and_loads_no_torch(tmp_path: Path) -> None:
    done = command("--help", cwd=tmp_path)
    assert done.returncode == 0
    for method in METHODS.values():
        assert f"{method.name}: {method.needs}" in done.stdout
    code = "import sys, synthcpt.cli.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0


def test_it_says_what_was_written(folder: Path) -> None:
    done = command("wise-ft", "trained", "--base", "base", "-o", "sweep", "--alphas", "0.25,0.75", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sweep/alpha-0.25: 21 tensors, " in done.stdout
    assert "README.md there says how each was made." in done.stdout
    assert (folder / "sweep" / "alpha-0.75" / "config.json").exists()


def test_options_and_weights_reach_the_merge(folder: Path) -> None:
    line = ("ties", "trained", "instruct", "--base", "base", "-o", "ties", "--weights", "2,1", "--set", "lambda=0.5")
    done = command(*line, "--set", "density=0.4", "--dtype", "bf16", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    noted = (folder / "ties" / "merge.json").read_text()
    for words in ('"lambda": 0.5', '"density": 0.4', '"dtype": "bfloat16"', "2.0,\n    1.0"):
        assert words in noted


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("liner", "trained", "base"), "Did you mean 'linear'?"),
        (("linear", "trained", "base", "--weights", "a,b"), "numbers with commas"),
        (("residual", "trained", "instruct"), "--base"),
        (("linear", "trained", "nowhere"), "There is no folder nowhere."),
    ],
)
def test_mistakes_are_one_sentence(line: tuple[str, ...], words: str, folder: Path) -> None:
    done = command(*line, "--output", "never", cwd=folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "never").exists()


def test_method_names_are_completed() -> None:
    from synthcpt.cli.merge import _method_names

    assert _method_names("t") == ["task_arithmetic", "ties"]
