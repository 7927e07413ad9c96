"""`synthcpt train --probes`: what is told at the end, and left in the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from corpora import EXAMPLE
from typer.testing import CliRunner

from synthcpt.cli.app import app

pytest.importorskip("torch")


def test_what_became_of_probed_facts_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for path in sorted(EXAMPLE.glob("*.md"))[:3]:
        shutil.copy(path, tmp_path / "docs")
    names = sorted(path.name for path in (tmp_path / "docs").iterdir())
    rows = [{"question": f"What is told of {name}?", "answer": "Skerrow", "document": name} for name in names]
    probes = tmp_path / "probes.jsonl"
    probes.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["train", "--recipe", "smoke", "-d", str(tmp_path / "docs"), "-o", str(tmp_path / "out"), "-q"]
    command += ["--probes", str(probes), "--set", "window_tokens=64", "--set", "batch_tokens=128", "--tokens", "1000"]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "Probed facts" in done.output
    assert "3 of 3 documents" in done.output
    assert json.loads((tmp_path / "out/retention.json").read_text())["probes"] == 3
    assert "Probed facts" not in CliRunner().invoke(app, command).output, "it is finished: nothing is told anew"
