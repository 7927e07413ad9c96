"""Recipes: what they may say, and that mistakes are told before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError
from synthcpt.experiments import make_recipe, read_recipe
from synthcpt.experiments.grid import Grid
from synthcpt.experiments.recipes import find_recipe, shipped_recipes

LEAST: dict[str, Any] = {"name": "least", "world": {"people": 16}, "student": {"tokens": 1000}}


def test_the_least_recipe_compares_base_and_raw() -> None:
    recipe = make_recipe(LEAST)
    assert list(recipe.all_arms()) == ["base", "raw"]
    assert recipe.corpus == ("world:documents.jsonl",)
    assert recipe.asked == "world:questions.jsonl"


def test_budgets_and_seeds_are_read_as_people_write_them() -> None:
    recipe = make_recipe({**LEAST, "budgets": ["4k", 1_000_000, "all"], "seeds": 3})
    assert recipe.budgets == (4000, 1_000_000, None)
    assert recipe.seeds == (0, 1, 2)
    assert make_recipe({**LEAST, "budgets": "2M"}).budgets == (2_000_000,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "some/model"}, "names a model, or a student"),
        ({"student": {}}, "names a model, or a student"),
        ({"world": None}, "names no documents"),
        ({"metric": "exact"}, "SETTING/METRIC"),
        ({"seeds": [1, 1]}, "listed twice"),
        ({"controls": ["replay"]}, "train.replay"),
        ({"controls": []}, "no arms"),
        ({"arms": {"one": {}}}, "either a control or a method"),
        ({"arms": {"one": {"method": "entigraph", "control": "raw"}}}, "either a control or a method"),
        ({"generate": {"temprature": 1}}, "temperature"),
        ({"arms": {"one": {"method": "rephrase", "generate": {"output": "x"}}}}, "no setting 'output'"),
        ({"budgtes": [1]}, "budgets"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as told:
        make_recipe({**LEAST, **change})
    assert sentence in str(told.value)


def test_an_arm_of_the_same_name_replaces_a_control() -> None:
    recipe = make_recipe({**LEAST, "arms": {"raw": {"control": "raw", "title": "Raw, my way"}}})
    assert recipe.all_arms()["raw"].title == "Raw, my way"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="must hold 'name: value' lines"):
        read_recipe(tmp_path / "list.yaml")


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_are_whole(name: str) -> None:
    recipe = read_recipe(find_recipe(name))
    assert recipe.name == name
    assert recipe.description.strip()
    assert recipe.expect.strip()
    assert "arXiv" in find_recipe(name).read_text(encoding="utf-8")


def test_shipped_recipes_say_what_their_stages_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid checks the settings of every stage by the stage's own model; the data are made up."""
    monkeypatch.chdir(tmp_path)
    for path in shipped_recipes().values():
        recipe = read_recipe(path)
        for name in (*recipe.corpus, recipe.asked):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            if Path(name).suffix:
                Path(name).write_text('{"id": "a", "text": "b", "question": "q", "answer": "a"}\n')
            else:
                Path(name).mkdir(exist_ok=True)
                (Path(name) / "one.txt").write_text("text")
        assert Grid(recipe).cells


def test_a_name_that_is_near_is_suggested() -> None:
    with pytest.raises(ConfigError, match="entigraph-quality"):
        find_recipe("entigraph-qualty")
