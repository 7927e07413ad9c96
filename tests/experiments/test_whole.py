"""A whole experiment at the smallest size, in real processes: killed and gone on with, it ends in the same tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

TINY: dict[str, Any] = {
    "name": "tiny",
    "world": {"people": 16, "texts": 2},
    "retained": "world:known/questions.jsonl",
    "student": {"data": "world:known/texts.jsonl", "tokens": 3000, "window_tokens": 128, "batch_tokens": 512},
    "generate": {"backend": "simulated", "backend_options": {"world": "world:"}},
    "train": {"recipe": "smoke", "tokens": 2000, "window_tokens": 128, "batch_tokens": 512, "threads": 1},
    "evaluate": {"settings": "closed_book", "chat": "no", "max_tokens": 4, "resamples": 200},
    "budgets": [1000],
    "arms": {"entigraph": {"method": "entigraph"}},
    "jobs": 2,
}
_TIMES = ("generate_s", "train_s", "evaluate_s")


def command(recipe: Path, output: Path) -> list[str]:
    return [sys.executable, "-m", "synthcpt", "experiment", "run", str(recipe), "--output", str(output)]


def told(output: Path) -> dict[str, Any]:
    """Results without what the clock says."""
    results: dict[str, Any] = json.loads((output / "results.json").read_text())
    for cell in results["cells"]:
        for name in _TIMES:
            cell.pop(name)
    return results


@pytest.mark.timeout(600)
def test_killed_again_and_again_it_ends_in_the_same_tables(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(TINY))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole = subprocess.run(command(recipe, tmp_path / "whole"), env=env, capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    assert "base" in whole.stdout
    assert "entigraph *" in whole.stdout

    killed = tmp_path / "killed"
    for at_least in (2, 5):
        run = subprocess.Popen(
            command(recipe, killed), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        while len(list(killed.glob("stages/*/stage.json"))) < at_least and run.poll() is None:
            time.sleep(0.1)
        assert run.poll() is None, "it ended before it could be killed"
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    done = {path: path.stat().st_mtime_ns for path in killed.glob("stages/*/stage.json")}
    assert not (killed / "results.json").exists() or len(told(killed)["points"]) < 3
    again = subprocess.run(command(recipe, killed), env=env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert told(killed) == told(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in done} == done  # nothing that was done is done again
    for name in ("results.md", "results.csv", "results.tex"):
        assert (killed / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    page = (killed / "report.html").read_text(encoding="utf-8")
    assert "simulated" in page
