"""`synthcpt experiment` and `synthcpt world`, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_experiments import RECIPE, finished_experiment

from synthcpt.__main__ import main
from synthcpt.experiments import folder
from synthcpt.experiments.grid import Cell

N = 20


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["synthcpt", *arguments])
    monkeypatch.setenv("COLUMNS", "100")
    try:
        main()
        code: Any = 0
    except SystemExit as stopped:
        code = stopped.code
    told = capsys.readouterr()
    return int(code or 0), told.out, told.err


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    def right(cell: Cell, asked: str) -> list[int]:
        known = {"base": 1, "raw": 4, "rephrase": 12, "entigraph": 15}[cell.arm] if asked == "asked" else N
        return [1] * known + [0] * (N - known)

    experiment = finished_experiment(tmp_path / "made-up", right)
    folder.begin(experiment.root, experiment.recipe)
    experiment.refresh()
    return experiment.root


def test_the_report_prints_the_table_and_writes_files(
    finished: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "experiment", "report", str(finished))
    assert code == 0
    assert "EntiGraph *" in out
    assert "75.0 [" in out
    assert "simulated: a teacher" in out
    assert "Fewer than three seeds" in out
    for name in ("results.md", "results.tex", "results.csv", "report.html", "accuracy.svg", "forgetting.svg"):
        assert (finished / name).stat().st_size > 100, name


def test_the_table_is_printed_for_a_paper(
    finished: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "experiment", "report", str(finished), "--format", "latex")
    assert code == 0
    assert r"\toprule" in out
    code, _, err = run(capsys, monkeypatch, "experiment", "report", str(finished), "--format", "word")
    assert code == 2
    assert "There is no format 'word'" in err


def test_the_plan_counts_what_is_to_be_done_and_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"backend_options": {"world": "world:"}}
    recipe = {**RECIPE, "generate": {**RECIPE["generate"], **options}, "controls": ["base", "raw"]}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    output = ("--output", str(tmp_path / "out"))
    code, out, err = run(capsys, monkeypatch, "experiment", "plan", str(tmp_path / "recipe.yaml"), *output)
    assert code == 0, err
    (raw,) = (line for line in out.splitlines() if line.startswith("raw "))
    assert raw.split() == ["raw", "2", "16,000"]  # two seeds of 8,000 tokens
    (entigraph,) = (line for line in out.splitlines() if line.startswith("entigraph "))
    assert entigraph.split()[:3] == ["entigraph", "4", "32,000"]
    assert int(entigraph.split()[3].replace(",", "")) > 8  # calls: a document's entities, and pairs
    assert "1 world (1 done)" in out
    assert "6 train" in out


def test_the_shipped_recipes_are_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run(capsys, monkeypatch, "experiment", "recipes")
    assert code == 0
    for name in ("entigraph-quality", "knowledge-instruct-companies", "adaptllm-domain", "maga-expansion"):
        assert name in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "nowhere.yaml"), "There is no recipe 'nowhere.yaml'"),
        (("run", "entigraph-quality"), "There is no data/quality/documents.jsonl"),
        (("plan", "RECIPE", "--arm", "entigrpah"), "The recipe has no arm 'entigrpah'"),
        (("report", "nowhere"), "run the experiment first"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    monkeypatch.chdir(tmp_path)
    given = ["recipe.yaml" if one == "RECIPE" else one for one in arguments]
    code, _, err = run(capsys, monkeypatch, "experiment", *given)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


def test_a_world_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "world"
    code, out, _ = run(capsys, monkeypatch, "world", "--output", str(output), "--people", "24", "--new", "8")
    assert code == 0
    assert "9 new documents" in out
    assert json.loads((output / "world.json").read_text())["new"] == 8
