"""`synthcpt evaluate` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from answering_models import write_documents, write_questions

from synthcpt.evaluation import evaluate

pytest.importorskip("torch")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "synthcpt", "evaluate", *map(str, arguments)]


def variables(home: Path) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "120", "SYNTHCPT_CACHE": str(home / "cache"), "OMP_NUM_THREADS": "1"}


def synthcpt(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=home, env=variables(home), capture_output=True, text=True, timeout=240
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_questions(tmp_path / "q.jsonl")
    write_documents(tmp_path / "docs")
    return tmp_path


def test_scores_with_intervals_and_what_differs_from_the_baseline(
    home: Path, knowing_folder: Path, ignorant_folder: Path
) -> None:
    (home / "wiki.jsonl").write_text("".join(f'{{"text": "Of wall {number}."}}\n' for number in range(6)))
    done = synthcpt(
        home, "-m", knowing_folder, "--questions", "q.jsonl", "-d", "docs", "--baseline", ignorant_folder, "-o", "out",
        "--general", "wiki.jsonl", "--set", "resamples=500",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "through transformers, as vLLM" in done.stderr
    assert "closed book: 10 of 10" in done.stderr
    assert "Loading weights" not in done.stderr
    for word in (
        "closed book", "exact match", "100.0% [", "open book", "retrieval", "document found", "log-probability",
        "bits per byte", "10 of 10 questions found their document", "out/answers.jsonl",
    ):  # fmt: skip
        assert word in done.stdout, word
    assert "closed book, exact match +100.0 points [" in done.stdout
    assert "10 only the model gets right" in done.stdout
    told = json.loads((home / "out/evaluation.json").read_text())
    assert set(told["scores"]["closed_book"]["exact"]) == {"value", "low", "high", "n", "clusters"}


def test_killed_outright_and_run_again(home: Path, knowing_folder: Path) -> None:
    rows = [json.loads(line) for line in (home / "q.jsonl").read_text().splitlines()]
    many = [{**row, "id": f"{row['id']}-{turn}"} for turn in range(8) for row in rows]
    (home / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many))
    asked = (
        "-m",
        knowing_folder,
        "--questions",
        "many.jsonl",
        "--settings",
        "closed_book",
        "--set",
        "batch_size=1",
        "-q",
    )
    settings = {"model": knowing_folder, "questions": home / "many.jsonl", "settings": "closed_book", "batch_size": 1}
    evaluate(**settings, output=home / "whole")
    process = subprocess.Popen(command(*asked, "-o", "out"), cwd=home, env=variables(home))
    answers = home / "out/answers.jsonl"
    while not (answers.exists() and answers.stat().st_size > 2000):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (home / "out/evaluation.json").exists()
    evaluate(**settings, output=home / "out")
    for name in ("answers.jsonl", "evaluation.json"):
        assert (home / "out" / name).read_bytes() == (home / "whole" / name).read_bytes()


def test_mistakes_are_one_sentence(home: Path) -> None:
    for arguments, complaint in (
        (("-m", "no/such/model", "--questions", "q.jsonl"), "no folder no/such/model"),
        (("--questions", "q.jsonl", "--set", "max_token=3"), "Did you mean 'max_tokens'"),
    ):
        done = synthcpt(home, *arguments)
        assert done.returncode == 2
        assert complaint in done.stderr
        assert "Traceback" not in done.stderr


def test_every_setting_is_listed(home: Path) -> None:
    listed = synthcpt(home, "--list").stdout
    for word in ("max_tokens", "64", "choice_cot", "judge_base_url", "likelihood"):
        assert word in listed
