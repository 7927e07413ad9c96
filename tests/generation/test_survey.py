"""What a method learns from the whole corpus is learnt once, kept, and used by every part, now and later."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from corpora import EXAMPLE, hashes

import synthcpt
from synthcpt.generation import Run

DOCUMENTS = sorted(EXAMPLE.iterdir())


def make(output: Path, documents: Any, **settings: Any) -> Run:
    return synthcpt.generate("reading_comprehension", input=documents, output=output, **settings)


def test_it_is_kept_with_the_run_and_stays_when_the_corpus_grows(tmp_path: Path) -> None:
    first = make(tmp_path / "out", DOCUMENTS[:6])
    before, rows = (first.path / "survey.json").read_bytes(), {row["id"]: row["text"] for row in first.dataset()}
    assert first.survey["keywords"]
    grown = make(tmp_path / "out", DOCUMENTS[:12], extend=True)
    assert (grown.path / "survey.json").read_bytes() == before
    assert rows.items() <= {row["id"]: row["text"] for row in grown.dataset()}.items()


def test_parts_on_other_machines_learn_the_same(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", DOCUMENTS[:8], parts=2)
    for number in (2, 1):
        make(tmp_path / f"machine-{number}", list(reversed(DOCUMENTS[:8])), part=f"{number}/2")
        assert Run(tmp_path / f"machine-{number}").survey == whole.survey
    there = hashes(tmp_path / "machine-1", "data") | hashes(tmp_path / "machine-2", "data")
    assert there == hashes(whole.path, "data")


def test_overwriting_a_run_forgets_it(tmp_path: Path) -> None:
    small = make(tmp_path / "out", DOCUMENTS[:2]).survey
    assert make(tmp_path / "out", DOCUMENTS[:12], overwrite=True).survey != small


def test_a_method_without_a_survey_writes_none(tmp_path: Path) -> None:
    run = synthcpt.generate("triples", input=DOCUMENTS[0], output=tmp_path / "out")
    assert run.survey is None
    shutil.rmtree(run.path)
