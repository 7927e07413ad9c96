"""Whose a folder is, and stages that two experiments share."""

from __future__ import annotations

from pathlib import Path

import pytest
from finished_experiments import RECIPE

from synthcpt.errors import RunLocked, RunMismatch, UserError
from synthcpt.experiments import make_recipe, read_experiment, read_results
from synthcpt.experiments.folder import begin, held, share


def test_a_recipe_is_read_back(tmp_path: Path) -> None:
    recipe = make_recipe(RECIPE)
    begin(tmp_path, recipe)
    assert read_experiment(tmp_path) == recipe


def test_arms_and_budgets_may_change_and_the_corpus_may_not(tmp_path: Path) -> None:
    begin(tmp_path, make_recipe(RECIPE))
    begin(tmp_path, make_recipe({**RECIPE, "budgets": [2000], "seeds": 3}))
    assert read_experiment(tmp_path).seeds == (0, 1, 2)
    with pytest.raises(RunMismatch, match="another world"):
        begin(tmp_path, make_recipe({**RECIPE, "world": {"people": 32}}))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        begin(tmp_path, make_recipe(RECIPE))
    with pytest.raises(UserError, match="is no experiment"):
        read_experiment(tmp_path)
    with pytest.raises(UserError, match="run the experiment first"):
        read_results(tmp_path)


def test_two_processes_do_not_run_one_experiment(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(RunLocked), held(tmp_path):
        pass


def test_stages_can_be_shared(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    begin(first, make_recipe(RECIPE))
    (first / "stages" / "train-1").mkdir(parents=True)
    share(second, first)
    share(second, first)
    begin(second, make_recipe(RECIPE))
    assert (second / "stages" / "train-1").is_dir()
    with pytest.raises(UserError, match="is no experiment"):
        share(tmp_path / "third", tmp_path)
    (tmp_path / "fourth" / "stages").mkdir(parents=True)
    with pytest.raises(UserError, match="stages of its own"):
        share(tmp_path / "fourth", first)
