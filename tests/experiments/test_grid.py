"""From a recipe to cells and stages: what is shared, what is matched, what a key depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError
from synthcpt.experiments import make_recipe
from synthcpt.experiments.grid import Cell, Grid, short
from synthcpt.experiments.stages import Stage

RECIPE: dict[str, Any] = {
    "name": "grid",
    "world": {"people": 16},
    "student": {"tokens": 1000},
    "train": {"recipe": "smoke", "epochs": 2, "replay": ["world:known/texts.jsonl"], "replay_ratio": 0.2},
    "budgets": [1000, 4000],
    "seeds": 2,
    "controls": ["base", "raw", "rephrase", "replay"],
    "arms": {"entigraph": {"method": "entigraph"}, "wrapped": {"method": "entigraph", "train": {"isolate": False}}},
}


def grid(**changes: Any) -> Grid:
    return Grid(make_recipe({**RECIPE, **changes}))


def cells(grid: Grid, arm: str) -> list[Cell]:
    return [cell for cell in grid.cells if cell.arm == arm]


def test_every_arm_has_a_cell_a_budget_and_seed_and_the_base_one() -> None:
    made = grid()
    assert len(cells(made, "base")) == 1
    for arm in ("raw", "rephrase", "replay", "entigraph", "wrapped"):
        assert [(cell.budget_tokens, cell.seed) for cell in cells(made, arm)] == [
            (1000, 0), (1000, 1), (4000, 0), (4000, 1)
        ]  # fmt: skip


def test_controls_are_trained_on_as_many_tokens_as_the_methods() -> None:
    made = grid()
    for arm in ("raw", "replay"):
        assert [cell.train.settings["tokens"] for cell in cells(made, arm) if cell.train] == [2000, 2000, 8000, 8000]
    for cell in cells(made, "entigraph"):
        assert cell.train is not None
        assert cell.train.settings["epochs"] == 2.0


def test_one_number_of_tokens_for_all_makes_one_raw_cell_a_seed() -> None:
    made = grid(train={"recipe": "smoke", "tokens": 9000}, controls=["base", "raw"])
    assert [(cell.budget_tokens, cell.seed) for cell in cells(made, "raw")] == [(None, 0), (None, 1)]
    assert len(cells(made, "entigraph")) == 4
    assert all(cell.train.settings["tokens"] == 9000 for cell in made.cells if cell.train)


def test_arms_share_texts_and_seeds_share_generation() -> None:
    made = grid()
    generations = {cell.generate.key for cell in made.cells if cell.generate and cell.arm != "rephrase"}
    assert len(generations) == 1
    for one, other in zip(cells(made, "entigraph"), cells(made, "wrapped"), strict=True):
        assert one.curate is other.curate
        assert one.train is not other.train


def test_stages_come_after_what_they_need_and_once_each() -> None:
    stages = grid().stages
    seen: set[str] = set()
    for stage in stages:
        assert {before.key for before in stage.before} <= seen
        assert stage.key not in seen
        seen.add(stage.key)


def test_the_replay_control_reads_nothing_of_the_domain() -> None:
    (first, *_) = cells(grid(), "replay")
    assert first.train is not None
    assert "documents.jsonl" not in str([one.path for one in first.train.settings["data"]])
    assert first.train.settings["replay"] == []


def test_a_key_depends_on_content_and_not_on_the_name(tmp_path: Path) -> None:
    def keys(name: str, text: str) -> list[str]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "documents.jsonl").write_text(json.dumps({"id": "a", "text": text}) + "\n")
        (folder / "questions.jsonl").write_text('{"question": "q", "answer": "a"}\n')
        paths = {"documents": str(folder / "documents.jsonl"), "questions": str(folder / "questions.jsonl")}
        made = grid(world=None, model="some/model", student={}, train={"epochs": 1}, controls=["base", "raw"], **paths)
        return [stage.key for stage in made.stages]

    assert keys("one", "text") == keys("two", "text")
    before, after = keys("one", "text"), keys("one", "other text")
    assert before[0] == after[0]  # the base was asked the same questions
    assert set(before[1:]).isdisjoint(after[1:])


def test_how_it_is_computed_is_not_in_a_key() -> None:
    def keys(**train: Any) -> list[str]:
        return [stage.key for stage in grid(train={**RECIPE["train"], **train}).stages]

    assert keys() == keys(threads=1, micro_tokens=512)
    assert keys() != keys(lr=1e-4)


def test_generation_makes_somewhat_more_than_the_largest_budget() -> None:
    (cell, *_) = cells(grid(), "entigraph")
    assert cell.generate is not None
    assert cell.generate.settings["target_tokens"] == 4600


def test_a_budget_of_all_needs_to_know_how_much_raw_is_trained_on() -> None:
    with pytest.raises(ConfigError, match="nothing says how much"):
        grid(budgets="all")
    grid(budgets="all", train={"tokens": 1000}, controls=["base", "raw"])


def test_the_kind_of_a_stage_is_in_its_key() -> None:
    assert Stage("train", "one", {"data": 1}).key != Stage("student", "one", {"data": 1}).key
    assert Stage("train", "one", {"data": 1}).key == Stage("train", "other", {"data": 1}).key


def test_texts_are_searched_for_the_questions_and_none_is_held_out() -> None:
    made = grid()
    (cell, *_) = cells(made, "entigraph")
    assert cell.curate is not None
    assert cell.train is not None
    assert [one.path for one in cell.curate.settings["against"]] == ["questions.jsonl"]
    assert cell.train.settings["heldout"] == 0


def test_a_path_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"There is no nowhere\.jsonl"):
        grid(documents="nowhere.jsonl")


def test_tokens_are_shortened_for_people() -> None:
    assert [short(n) for n in (950, 4000, 1_250_000, 3_000_000_000)] == ["950", "4k", "1.25M", "3B"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train": {"epochs": 1, "learning_rate": 1}}, "train 'raw 1k seed 0'"),
        ({"student": {"tokens": 10, "recpie": "smoke"}}, "student 'student'"),
        ({"evaluate": {"shotz": 1}}, "shots"),
        ({"evaluate": {"settings": "likelihood"}}, "does not name"),
        ({"metric": "closed_book/exakt"}, "exact"),
        ({"metric": "closedbook/exact"}, "closed_book"),
        ({"metric": "closed_book/judge"}, "needs a judge"),
        ({"metric": "choice_cot/correct_attempted"}, "to compare by"),
        ({"curate": {"jacard": 1}}, "jaccard"),
        ({"arms": {"entigraph": {"method": "entigraph", "generate": {"options": {"max_entity": 3}}}}}, "max_entities"),
    ],
)
def test_settings_are_checked_before_anything_runs(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as told:
        grid(**change, controls=["base", "raw"])
    assert sentence in str(told.value)
