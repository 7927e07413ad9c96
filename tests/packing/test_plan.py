from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from token_stores import make_part, make_store, random_texts

from synthcpt.errors import DataCorrupt
from synthcpt.packing.mixture import Amounts, Phase
from synthcpt.packing.plan import Packing, Plan, open_plan, read_meta
from synthcpt.packing.planning import make_plan

ARRAYS = ("store", "text", "start", "length", "window_offsets", "step_tokens", "heldout_store", "heldout_text")


def some_plan(batch_windows: int = 4) -> Plan:
    parts = [make_part(make_store(name, random_texts(250, 5, 60))) for name in ("books", "papers")]
    phases = (Phase("most"), Phase("end", 0.7, {"papers": 1.0}))
    return make_plan(parts, Amounts(epochs=1.0, phases=phases, heldout=0.1), Packing(128, batch_windows))


def test_a_saved_plan_is_the_one_that_is_opened(tmp_path: Path) -> None:
    plan = some_plan()
    plan.save(tmp_path / "plan")
    opened = open_plan(tmp_path / "plan", plan.stores, plan.parts_of_stores)
    for name in ARRAYS:
        before, after = getattr(plan, name), getattr(opened, name)
        assert before.dtype == after.dtype
        assert before.tolist() == after.tolist()
    assert opened.meta["packing"]["window_tokens"] == opened.window_tokens == 128
    assert opened.meta["phases"] == plan.meta["phases"]
    assert opened.part_names == ("books", "papers")
    assert (opened.windows, opened.steps, opened.tokens) == (plan.windows, plan.steps, plan.tokens)


def test_opening_reads_no_array(tmp_path: Path) -> None:
    plan = some_plan()
    plan.save(tmp_path)
    opened = open_plan(tmp_path, plan.stores, plan.parts_of_stores)
    for name in ARRAYS:
        array = getattr(opened, name)
        assert isinstance(array, np.memmap), name
        assert array.mode == "r"


@pytest.mark.parametrize("name", [*(f"{name}.npy" for name in ARRAYS), "plan.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    plan = some_plan()
    plan.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataCorrupt, match=rf"{tmp_path}.*{name}.*Delete the folder"):
        open_plan(tmp_path, plan.stores, plan.parts_of_stores)


@pytest.mark.parametrize("name", ["text.npy", "window_offsets.npy", "plan.json"])
@pytest.mark.parametrize("left", [0, 5, 150])
def test_a_cut_file_is_refused(tmp_path: Path, name: str, left: int) -> None:
    plan = some_plan()
    plan.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:left])
    with pytest.raises(DataCorrupt, match="Delete the folder"):
        open_plan(tmp_path, plan.stores, plan.parts_of_stores)


def test_arrays_that_do_not_fit_one_another_are_refused(tmp_path: Path) -> None:
    plan = some_plan()
    plan.save(tmp_path)
    np.save(tmp_path / "length.npy", plan.length[:-1])
    with pytest.raises(DataCorrupt, match="Delete the folder"):
        open_plan(tmp_path, plan.stores, plan.parts_of_stores)


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    plan = some_plan()
    plan.save(tmp_path)
    np.save(tmp_path / "text.npy", np.array([{"not": "a number"}], dtype=object), allow_pickle=True)
    with pytest.raises(DataCorrupt):
        open_plan(tmp_path, plan.stores, plan.parts_of_stores)


def test_the_description_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, written = some_plan(), []
    plan.save(tmp_path)
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, target: written.append(target.name) or replace(path, target))
    plan.save(tmp_path)
    assert written[-1] == "plan.json"
    assert len(written) == len(ARRAYS) + 1


def test_without_a_description_there_is_no_plan(tmp_path: Path) -> None:
    assert read_meta(tmp_path) is None
    plan = some_plan()
    plan.save(tmp_path)
    assert read_meta(tmp_path)["phases"] == plan.meta["phases"]  # type: ignore[index]


@pytest.mark.parametrize("batch_windows", [1, 4, 7, 10_000])
def test_steps_read_all_windows_once_in_order(batch_windows: int) -> None:
    plan = some_plan(batch_windows)
    assert [window for step in range(plan.steps) for window in plan.windows_of(step)] == list(range(plan.windows))
    assert all(len(plan.windows_of(step)) == batch_windows for step in range(plan.steps - 1))
    assert 1 <= len(plan.windows_of(plan.steps - 1)) <= batch_windows
    read = 0
    for step in range(plan.steps):
        windows = plan.windows_of(step)
        read += plan.length[plan.window_offsets[windows[0]] : plan.window_offsets[windows[-1] + 1]].sum()
        assert plan.step_tokens[step] == read
    assert plan.tokens == read == plan.length.sum()


def test_the_last_step_may_be_a_part_of_one() -> None:
    plan = some_plan()
    seven = some_plan(plan.windows - 1)
    assert seven.steps == 2
    assert list(seven.windows_of(1)) == [plan.windows - 1]


def test_a_step_is_in_the_phase_of_its_first_window() -> None:
    plan = some_plan(1)
    begin = plan.meta["phases"][1]["window"]
    assert [plan.phase_of(step) for step in (0, begin - 1, begin, plan.steps - 1)] == ["most", "most", "end", "end"]
    four = some_plan(4)
    last_mixed = (begin - 1) // 4
    assert four.phase_of(last_mixed) == "most"
    assert four.phase_of(last_mixed + 1) == "end"
