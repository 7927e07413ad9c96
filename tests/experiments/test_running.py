"""The order of stages, what a failure stops, and that what is done is not done again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from finished_experiments import RECIPE

from synthcpt.errors import Interrupted, MissingExtra, SynthcptError, UserError
from synthcpt.experiments import make_recipe, running
from synthcpt.experiments.experiment import Experiment, Silent
from synthcpt.experiments.stages import MARKER, From, Stage
from synthcpt.files import write_text


def chain() -> list[Stage]:
    """World, then (left, right) -> last."""
    first = Stage("world", "first", {"n": 1})
    left, right = (Stage("generate", name, {"input": From(first), "n": name}) for name in ("left", "right"))
    return [first, left, right, Stage("train", "last", {"data": [From(left), {"deep": From(right, "model")}]})]


class Work:
    """Stands for the workers' work: notes what is done and fails where it is told to."""

    def __init__(self, errors: dict[str, Any] | None = None) -> None:
        self.labels: list[str] = []
        self.settings: dict[str, Any] = {}
        self.errors = errors or {}
        self.most, self._now, self._lock = 0, 0, Lock()

    def __call__(self, kind: str, folder: str, settings: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        label = told["label"]
        for needed in (settings.get("input"), *(settings.get("data") or [])):
            if isinstance(needed, str):
                assert (Path(needed).parent / MARKER).exists(), "begun before what it needs"
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.labels.append(label)
        self.settings[label] = settings
        error = self.errors.get(label)
        with self._lock:
            self._now -= 1
        if isinstance(error, BaseException):
            raise error
        if error:
            return {"error": error, "message": f"{label} cannot be."}
        write_text(Path(folder) / MARKER, '{"seconds": 1.0, "facts": {}}')
        return {"seconds": 1.0, "facts": {}}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    @contextlib.contextmanager
    def pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(jobs) as made:
            yield made

    def call(stages: list[Stage], work: Work, jobs: int = 2) -> None:
        monkeypatch.setattr(running, "_pool", pool)
        monkeypatch.setattr(running, "attempt", work)
        running.run_stages(stages, tmp_path, jobs, Silent())

    return call


def test_each_stage_runs_once_after_those_it_needs(run: Any) -> None:
    work = Work()
    run(chain(), work, jobs=4)
    assert work.labels[0] == "first"
    assert set(work.labels[1:3]) == {"left", "right"}
    assert work.labels[3:] == ["last"]


def test_outputs_of_earlier_stages_become_paths(run: Any, tmp_path: Path) -> None:
    work, stages = Work(), chain()
    run(stages, work)
    left, right = stages[1], stages[2]
    assert work.settings["last"]["data"] == [
        str(left.folder(tmp_path) / "run"), {"deep": str(right.folder(tmp_path) / "run" / "model")}
    ]  # fmt: skip


def test_what_is_done_is_not_done_again(run: Any) -> None:
    run(chain(), Work())
    again = Work()
    run(chain(), again)
    assert again.labels == []


def test_one_job_does_one_stage_at_a_time(run: Any) -> None:
    work = Work()
    run(chain(), work, jobs=1)
    assert work.most == 1


def test_a_failure_stops_what_needs_it_and_nothing_else(run: Any) -> None:
    work = Work({"left": ["ConfigError", "UserError", "SynthcptError"]})
    with pytest.raises(UserError, match=r"generate 'left': left cannot be\."):
        run(chain(), work)
    assert "right" in work.labels
    assert "last" not in work.labels
    again = Work()
    run(chain(), again)
    assert again.labels == ["left", "last"]


def test_an_error_of_another_kind_says_where_the_log_is(run: Any) -> None:
    with pytest.raises(SynthcptError, match=r"log\.txt"):
        run(chain(), Work({"first": ["NonFiniteLoss", "TrainingFailed", "SynthcptError"]}))


def test_an_interruption_ends_everything(run: Any) -> None:
    work = Work({"left": ["Interrupted", "RunStopped", "SynthcptError"]})
    with pytest.raises(Interrupted):
        run(chain(), work, jobs=1)
    assert work.labels == ["first", "left"]


def test_a_package_that_is_missing_is_told_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("synthcpt.experiments.checking.find_spec", lambda name: None if name == "torch" else object())
    experiment = Experiment(make_recipe(RECIPE), tmp_path)
    with pytest.raises(MissingExtra, match=r"\[train\]"):
        experiment.run()
    assert not list(tmp_path.iterdir())


def test_a_mistake_in_the_program_is_not_hidden(run: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        run(chain(), Work({"left": ZeroDivisionError()}))
