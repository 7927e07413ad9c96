"""`synthcpt report` and `synthcpt view` as a user meets them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

import pytest
from journalled_runs import begin_run
from typer.testing import CliRunner

from synthcpt.cli.app import app
from synthcpt.errors import UserError

RUN = CliRunner()


def test_report_writes_one_file_and_says_where(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    told = RUN.invoke(app, ["report", str(run)])
    assert told.exit_code == 0, told.output
    assert str(run / "report.html") in told.output
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    told = RUN.invoke(app, ["report", str(run), "-o", str(tmp_path / "x.html")])
    assert (tmp_path / "x.html").exists(), told.output


def test_report_opens_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    run = begin_run(tmp_path / "run")
    assert RUN.invoke(app, ["report", str(run), "--open"]).exit_code == 0
    assert opened == [(run / "report.html").as_uri()]


def test_a_folder_that_holds_nothing_is_one_sentence(tmp_path: Path) -> None:
    told = RUN.invoke(app, ["report", str(tmp_path)])
    assert isinstance(told.exception, UserError)
    assert "nothing to report on" in str(told.exception)
    told = RUN.invoke(app, ["view", str(tmp_path / "nowhere")])
    assert isinstance(told.exception, UserError)


def test_view_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    begin_run(tmp_path / "run")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "synthcpt", "view", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
    assert address
    with urllib.request.urlopen(address[0], timeout=20) as answer:
        assert b"href='/run'" in answer.read()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 0
    assert error == ""
