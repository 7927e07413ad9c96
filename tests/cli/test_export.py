"""`synthcpt export` as a person uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from finished_runs import write_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", [{"text": f"text {number}"} for number in range(30)])


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "SYNTHCPT_CACHE": str(cwd / "cache")}
    line = [sys.executable, "-m", "synthcpt", "export", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=env, timeout=120)


def test_it_says_what_was_written_and_what_to_run(run_folder: Path, tmp_path: Path) -> None:
    done = command("--to", "trl", "--data", "run", "--output", "out", "--set", "lr=2e-5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "30 of about" in done.stdout
    assert "cd out\n" in done.stdout
    assert "python train.py" in done.stdout
    assert "learning_rate: 2.0e-05" in (tmp_path / "out" / "config.yaml").read_text()


def test_mistakes_are_one_sentence(run_folder: Path, tmp_path: Path) -> None:
    done = command("--to", "llamafactory", "--data", "run", "--output", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'llama-factory'?" in done.stderr
    assert "Traceback" not in done.stderr
    done = command("--to", "trl", "--data", "run", "--output", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
