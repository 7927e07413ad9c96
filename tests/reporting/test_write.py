"""Which page a folder gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from journalled_runs import begin_run

from synthcpt.errors import UserError
from synthcpt.reporting import write
from synthcpt.reporting.write import KINDS, is_finished, kind_of, render, write_report


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_the_settings_file_tells_what_a_folder_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    (tmp_path / name).touch()
    assert kind_of(tmp_path) == kind
    assert not is_finished(tmp_path)
    monkeypatch.setattr(
        write, "_MAKERS", {one: lambda folder, one=one: f"{one} {folder.name}" for one in KINDS.values()}
    )
    assert render(tmp_path) == f"{kind} {tmp_path.name}"


def test_every_kind_has_its_page() -> None:
    from synthcpt.reporting.evaluation_page import evaluation_page
    from synthcpt.reporting.experiment_page import experiment_page
    from synthcpt.reporting.generation_page import generation_page
    from synthcpt.reporting.training_page import training_page

    assert all(callable(one) for one in (evaluation_page, experiment_page, generation_page, training_page))


def test_a_folder_of_nothing_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.yaml \(training\)"):
        write_report(tmp_path)
    with pytest.raises(UserError, match="no folder"):
        write_report(tmp_path / "nowhere")


def test_the_report_goes_where_it_is_told(tmp_path: Path) -> None:
    run = begin_run(tmp_path / "run")
    assert write_report(run) == run / "report.html"
    first = (run / "report.html").read_bytes()
    assert write_report(str(run), tmp_path / "new" / "r.html") == tmp_path / "new" / "r.html"
    assert (tmp_path / "new" / "r.html").read_bytes() == first
