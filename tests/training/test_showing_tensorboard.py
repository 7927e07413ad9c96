"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from watched_runs import beginning, evaluation, step, tell

from synthcpt.errors import MissingExtra
from synthcpt.training.showing.metrics import MetricsLog
from synthcpt.training.showing.tensorboard import FOLDER, TensorBoard

accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def scalars(output: Path) -> dict[str, list[tuple[int, float]]]:
    reader = accumulators.EventAccumulator(str(output / FOLDER), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def uninterrupted(output: Path) -> dict[str, list[tuple[int, float]]]:
    board = TensorBoard(output)
    board.began(beginning())
    board.evaluated(evaluation(0))
    tell(board, 1, 20)
    board.close()
    return scalars(output)


def test_scalars_are_there_under_their_names(tmp_path: Path) -> None:
    found = uninterrupted(tmp_path)
    assert {"train/loss", "train/lr", "train/grad_norm", "train/tokens_per_s", "train/mfu", "train/tokens"} <= set(
        found
    )
    assert found["train/tokens_per_s"][0] == (1, 2000.0)
    assert found["train/mfu"][0][1] == pytest.approx(6e9 * 1000 / 0.5 / 989e12)
    assert found["train/tokens"][-1] == (20, 20_000.0)
    assert [at for at, _ in found["heldout/wiki/bits_per_byte"]] == [0, 5, 10, 15, 20]
    assert found["heldout/books/loss"][0][1] == pytest.approx(3.0)


def test_a_device_of_unknown_peak_has_no_mfu(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.began(beginning(peak_flops=None))
    board.stepped(step(1))
    board.close()
    assert "train/mfu" not in scalars(tmp_path)


def test_resume_equals_uninterrupted_also_after_a_kill(tmp_path: Path) -> None:
    whole = uninterrupted(tmp_path / "whole")
    output = tmp_path / "stopped"
    output.mkdir()
    log, board = MetricsLog(output), TensorBoard(output)
    board.began(beginning())
    for observer in (log, board):
        observer.evaluated(evaluation(0))
        tell(observer, 1, 13)
    events = next((output / FOLDER).iterdir())
    with events.open("ab") as file:
        file.write(b"\x40\0\0\0half of an event")
    board.close()
    log.close()
    log, board = MetricsLog(output, from_step=10), TensorBoard(output)
    board.began(beginning(from_step=10))
    board.evaluated(evaluation(10))
    tell(board, 11, 20)
    board.close()
    log.close()
    assert scalars(output) == whole


def test_every_step_is_in_the_file_at_once(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.began(beginning())
    board.stepped(step(1))
    assert scalars(tmp_path)["train/loss"][0][0] == 1
    board.close()


def test_a_slash_in_a_name_makes_no_level_of_its_own(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.began(beginning())
    board.evaluated(evaluation(0, ("a/b\nc",)))
    board.close()
    assert "heldout/a-b c/loss" in scalars(tmp_path)


def test_without_tensorboard_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(MissingExtra, match=r"synthcpt\[train\]"):
        TensorBoard(tmp_path)
