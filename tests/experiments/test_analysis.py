"""From answers to points, differences and what was lost, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from finished_experiments import RECIPE, finished_experiment

from synthcpt.errors import DataCorrupt
from synthcpt.experiments.analysis import analyse
from synthcpt.experiments.grid import Cell
from synthcpt.experiments.stages import MARKER

N = 40


def right(cell: Cell, asked: str) -> Sequence[int]:
    """Base knows 4 of 40, raw 8, rephrase 16 or 20, EntiGraph 24 or 32; with seed 1 one more. All forget 4 of 40."""
    if asked == "retained":
        return [1] * N if cell.arm == "base" else [0] * 4 + [1] * (N - 4)
    known = {"base": (4, 4), "raw": (8, 8), "rephrase": (16, 20), "entigraph": (24, 32)}[cell.arm]
    count = known[1 if cell.budget_tokens == 4000 else 0] + (cell.seed or 0)
    return [1] * count + [0] * (N - count)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    experiment = finished_experiment(tmp_path_factory.mktemp("experiment"), right)
    return analyse(experiment.grid, experiment.root)


def point(results: dict[str, Any], arm: str, budget: int | None) -> dict[str, Any]:
    (found,) = (one for one in results["points"] if one["arm"] == arm and one["budget_tokens"] == budget)
    return dict(found)


def test_accuracy_is_the_mean_over_seeds_with_an_interval(results: dict[str, Any]) -> None:
    best = point(results, "entigraph", 4000)
    assert best["accuracy"]["value"] == pytest.approx((32 / 40 + 33 / 40) / 2)
    assert best["accuracy"]["low"] < best["accuracy"]["value"] < best["accuracy"]["high"]
    assert best["seeds"] == 2
    assert best["accuracy"]["clusters"] == N // 2


def test_gain_is_over_the_base_and_paired(results: dict[str, Any]) -> None:
    best = point(results, "entigraph", 4000)
    assert best["gain"]["over"] == "base"
    assert best["gain"]["value"] == pytest.approx(32.5 / 40 - 4 / 40)
    assert best["gain"]["p_value"] <= best["gain"]["p_holm"] <= 1
    assert point(results, "base", None)["gain"] is None


def test_tokens_a_point_divide_by_the_gain_in_points(results: dict[str, Any]) -> None:
    best = point(results, "entigraph", 4000)
    assert best["synthetic_tokens"] == 4000
    assert best["trained_tokens"] == 8000
    assert best["tokens_per_point"] == round(4000 / (100 * (32.5 - 4) / 40))
    assert best["cost_per_point"] == pytest.approx(3.0 / (100 * (32.5 - 4) / 40))


def test_kinds_are_told_apart(results: dict[str, Any]) -> None:
    raw = point(results, "raw", None)
    assert raw["by_kind"]["forward"]["value"] == pytest.approx((4 / 20 + 5 / 20) / 2)
    assert raw["by_kind"]["reverse"]["value"] == pytest.approx(4 / 20)


def test_what_was_lost_is_accuracy_on_what_was_known(results: dict[str, Any]) -> None:
    assert point(results, "raw", None)["forgetting"]["value"] == pytest.approx(0.1)
    assert point(results, "base", None)["forgetting"] is None


def test_arms_are_compared_with_raw_and_with_rephrase_at_their_budget(results: dict[str, Any]) -> None:
    pairs = {(one["first"], one["second"], one["budget_tokens"]) for one in results["comparisons"]}
    assert pairs == {
        ("raw", "rephrase", 1000), ("raw", "rephrase", 4000), ("raw", "entigraph", 1000), ("raw", "entigraph", 4000),
        ("rephrase", "entigraph", 1000), ("rephrase", "entigraph", 4000),
    }  # fmt: skip
    against_rephrase = [one for one in results["comparisons"] if one["first"] == "rephrase"]
    (one,) = (one for one in against_rephrase if one["budget_tokens"] == 1000)
    assert one["value"] == pytest.approx(8 / 40)


def test_the_headline_is_of_the_kinds_that_the_recipe_names(tmp_path: Path) -> None:
    """Forward questions have even numbers: of raw's first 8 right ones, 4 of 20."""
    experiment = finished_experiment(tmp_path, right, {**RECIPE, "kinds": ["forward"]})
    results = analyse(experiment.grid, tmp_path)
    assert point(results, "raw", None)["accuracy"]["value"] == pytest.approx((4 / 20 + 5 / 20) / 2)
    cells = [cell["accuracy"] for cell in results["cells"] if cell["arm"] == "raw"]
    assert cells == pytest.approx([4 / 20, 5 / 20])
    assert results["metric"]["kinds"] == ["forward"]


def test_answers_are_paired_by_question_whatever_their_order(tmp_path: Path) -> None:
    experiment = finished_experiment(tmp_path, right)
    before = analyse(experiment.grid, tmp_path)
    path = experiment.grid.cells[0].evaluate.output(tmp_path) / "answers.jsonl"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    assert analyse(experiment.grid, tmp_path) == before


def test_simulated_teachers_are_named(results: dict[str, Any]) -> None:
    assert results["simulated"] is True
    by_name = {arm["name"]: arm for arm in results["arms"]}
    assert by_name["entigraph"]["simulated"]
    assert by_name["entigraph"]["teacher"] == "simulated-teacher-1"
    assert by_name["entigraph"]["title"] == "EntiGraph"
    assert not by_name["raw"]["simulated"]


def test_only_what_is_finished_is_told(tmp_path: Path) -> None:
    experiment = finished_experiment(tmp_path, right)
    last = experiment.grid.cells[-1]
    (last.evaluate.folder(tmp_path) / MARKER).unlink()
    results = analyse(experiment.grid, tmp_path)
    assert results["complete"] is False
    assert ("entigraph", 4000) not in {(one["arm"], one["budget_tokens"]) for one in results["points"]}


def test_a_law_is_fitted_from_four_budgets_on(tmp_path: Path) -> None:
    budgets = [1000, 2000, 4000, 8000, 16000]

    def more(cell: Cell, asked: str) -> Sequence[int]:
        known = 4 if cell.budget_tokens is None else 6 + 6 * budgets.index(cell.budget_tokens) + (cell.seed or 0)
        return [1] * known + [0] * (N - known)

    experiment = finished_experiment(tmp_path, more, {**RECIPE, "budgets": budgets, "controls": ["base", "raw"]})
    fits = analyse(experiment.grid, tmp_path)["fits"]
    assert {fit["arm"] for fit in fits} == {"entigraph"}
    assert all(fit["asymptote"]["quoted"] is False for fit in fits)


def test_seeds_that_were_asked_other_questions_are_refused(tmp_path: Path) -> None:
    experiment = finished_experiment(
        tmp_path, lambda cell, asked: [1] * (N - 2 if cell.arm == "raw" and cell.seed == 1 else N)
    )
    with pytest.raises(DataCorrupt, match="other questions"):
        analyse(experiment.grid, tmp_path)


def test_a_metric_that_was_not_measured_is_told(tmp_path: Path) -> None:
    experiment = finished_experiment(tmp_path, right, {**RECIPE, "metric": "closed_book/f1"})
    with pytest.raises(DataCorrupt, match="has no f1 in the setting closed_book"):
        analyse(experiment.grid, tmp_path)
