"""The lines of metrics: a resumed run has those of one that never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from watched_runs import beginning, ending, evaluation, step, tell

from synthcpt.training.showing.metrics import METRICS, MetricsLog, read_metrics


def without_wall_times(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in event.items() if not name.endswith("_s")} for event in events]


def uninterrupted(folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    log = MetricsLog(folder)
    log.began(beginning())
    log.evaluated(evaluation(0))
    tell(log, 1, 20)
    log.ended(ending("model"))
    log.close()
    return without_wall_times(read_metrics(folder))


def test_resume_equals_uninterrupted(tmp_path: Path) -> None:
    whole = uninterrupted(tmp_path / "whole")
    folder = tmp_path / "stopped"
    folder.mkdir()
    log = MetricsLog(folder)
    log.began(beginning())
    log.evaluated(evaluation(0))
    tell(log, 1, 13)
    log.close()
    again = MetricsLog(folder, from_step=10)
    again.began(beginning(from_step=10))
    again.evaluated(evaluation(10))  # some loops measure again where they go on
    tell(again, 11, 20)
    again.ended(ending("model"))
    again.close()
    assert without_wall_times(read_metrics(folder)) == whole
    assert [event["step"] for event in whole if event["kind"] == "step"] == list(range(1, 21))


def test_each_line_is_in_the_file_at_once(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.stepped(step(1, loss=2.25))
    event = orjson.loads((tmp_path / METRICS).read_bytes())
    assert (event["kind"], event["step"], event["loss"]) == ("step", 1, 2.25)
    assert event["loss_by_source"] == {"books": 2.5}
    log.close()


def test_a_line_torn_by_a_kill_is_cut_and_the_run_goes_on(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    tell(log, 1, 3, every=100)
    log.close()
    with (tmp_path / METRICS).open("ab") as file:
        file.write(b'{"kind": "step", "step": 4, "lo')
    assert [event["step"] for event in read_metrics(tmp_path)] == [1, 2, 3]
    again = MetricsLog(tmp_path, from_step=3)
    again.stepped(step(4))
    again.close()
    assert [event["step"] for event in read_metrics(tmp_path)] == [1, 2, 3, 4]
    assert all(orjson.loads(line) for line in (tmp_path / METRICS).read_bytes().splitlines())


def test_a_new_run_begins_the_file_anew(tmp_path: Path) -> None:
    for _ in range(2):
        log = MetricsLog(tmp_path)
        log.began(beginning())
        log.stepped(step(1))
        log.close()
    assert [event["kind"] for event in read_metrics(tmp_path)] == ["begin", "step"]


def test_a_number_that_is_not_finite_reads_as_none(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.stepped(step(1, grad_norm=float("inf")))
    log.close()
    assert read_metrics(tmp_path)[0]["grad_norm"] is None


def test_a_folder_without_metrics_has_no_events(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []
