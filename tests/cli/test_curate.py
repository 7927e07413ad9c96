"""`synthcpt curate` as a person uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from full_runs import text_of, write_full_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"text": text_of(n)} for n in range(20)]
    question = "Where did the boats of the harbour lie that winter?"
    rows += [{"text": text_of(3)}, {"text": f"{question} {text_of(30)}"}]
    write_full_run(tmp_path / "run", rows)
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "q1", "question": question, "answer": "at Pell"}) + "\n")
    return tmp_path


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "160", "NO_COLOR": "1", "SYNTHCPT_CACHE": str(cwd / "cache")}
    line = [sys.executable, "-m", "synthcpt", "curate", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=env, timeout=120)


def test_it_says_what_was_kept_and_what_was_not(folder: Path) -> None:
    line = ("run", "-o", "out", "--against", "q.jsonl", "--target-tokens", "800")
    done = command(*line, cwd=folder)
    assert done.returncode == 0, done.stderr
    shown = {words[0]: words[1:] for words in map(str.split, done.stdout.splitlines()) if words}
    assert shown["read"] == ["22", "1,770"]
    assert shown["duplicate"][:3] == ["1", "4.5%", "80"]
    assert shown["contaminated"][:3] == ["1", "4.5%", "90"]
    assert shown["token_budget"][:3] == ["10", "45.5%", "800"]
    assert shown["kept"] == ["10", "45.5%", "800"]
    assert "Of 1 evaluation questions 1 were found. out/overlap.jsonl says which." in done.stdout
    again = command(*line, cwd=folder)
    assert again.returncode == 0
    assert "curated so already" in again.stdout


def test_what_it_did_not_do_is_said(folder: Path) -> None:
    done = command("run", "-o", "out", "--target-tokens", "1M", "--no-exact", "--no-near", cwd=folder)
    assert "compared with no evaluation questions" in done.stdout
    assert "do not have 1,000,000 tokens" in done.stdout
    assert "duplicate" not in done.stdout


def test_settings_are_listed(folder: Path) -> None:
    done = command("--list", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "permutations" in done.stdout
    assert "128" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothere", "-o", "out"), "nothere is no run"),
        (("run", "-o", "out", "--set", "jacard=1"), "Did you mean 'jaccard'?"),
        (("run", "-o", "out", "--against", "none.jsonl"), "none.jsonl"),
    ],
)
def test_mistakes_are_one_sentence(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = command(*arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
