"""Checkpoints are whole or not there, and any number of processes reads what any other number wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import given_ids, train

from synthcpt.errors import DataCorrupt, UserError
from synthcpt.training import checkpoints
from synthcpt.training.checkpoints import Checkpoint, checkpoint_folder, checkpoint_steps, write_checkpoint
from synthcpt.training.processes import World

ALONE = World(0, 1, torch.device("cpu"))


def some_tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"weight.a": torch.full((5, 3), value), "weight.b": torch.arange(4.0), "weight.c": torch.tensor(value)}


def write(folder: Path, step: int, value: float = 1.0, keep: int = 2) -> None:
    write_checkpoint(folder, {"step": step, "optimiser_steps": step}, some_tensors(value), ALONE, keep)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, 7, 2.5)
    with Checkpoint(checkpoint_folder(tmp_path, 7)) as checkpoint:
        assert checkpoint.state["step"] == 7
        for name, tensor in some_tensors(2.5).items():
            found = torch.empty_like(tensor)
            checkpoint.load_into(name, found, ALONE)
            assert torch.equal(found, tensor)
        assert torch.equal(checkpoint.rows("weight.b", 1, 3), torch.tensor([1.0, 2.0]))
        assert "weight.a" in checkpoint
        with pytest.raises(DataCorrupt, match=r"has no weight\.d; it is of another model"):
            checkpoint.rows("weight.d", 0, 1)
        with pytest.raises(DataCorrupt, match="in shape"):
            checkpoint.load_into("weight.a", torch.empty(5, 4), ALONE)


def test_rows_written_by_three_processes_are_read_by_any_number(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    whole = torch.randn(10, 2)
    folder = checkpoint_folder(tmp_path, 1)
    folder.mkdir()
    for rank, (begin, end) in enumerate(((0, 4), (4, 8), (8, 10))):
        name = f"rows-{rank:05d}-of-00003.safetensors"
        save_file(
            {"weight.a": whole[begin:end].clone()}, folder / name, {"rows": json.dumps({"weight.a": [begin, end]})}
        )
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    (folder / "state.json").write_text(json.dumps({"step": 1, "files": files}))
    with Checkpoint(folder) as checkpoint:
        for begin, end in ((0, 10), (3, 9), (8, 10), (0, 1), (10, 10)):
            assert torch.equal(checkpoint.rows("weight.a", begin, end), whole[begin:end])


def test_the_last_few_are_kept(tmp_path: Path) -> None:
    for step in (3, 20, 100):
        write(tmp_path, step)
    assert checkpoint_steps(tmp_path) == [20, 100]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000020", "step-00000100"]


@pytest.mark.parametrize("where", ["rows", "state", "rename"])
def test_a_full_disk_leaves_the_last_one_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str) -> None:
    write(tmp_path, 5, 1.0)

    def full(*_args: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    if where == "rows":
        monkeypatch.setattr("safetensors.torch.save_file", full)
    elif where == "state":
        monkeypatch.setattr(checkpoints, "write_text", full)
    else:
        monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(
        UserError, match=r"step 6 cannot be written .*No space left.*last one is of step 5 and is whole"
    ):
        write(tmp_path, 6, 2.0)
    monkeypatch.undo()
    assert checkpoint_steps(tmp_path) == [5]
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"], "nothing half written is left"
    with Checkpoint(checkpoint_folder(tmp_path, 5)) as checkpoint:
        assert float(checkpoint.rows("weight.a", 0, 5).sum()) == 15


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_broken_file_is_named(tmp_path: Path, harm: str) -> None:
    write(tmp_path, 5)
    file = next(checkpoint_folder(tmp_path, 5).glob("*.safetensors"))
    if harm == "cut":
        os.truncate(file, 10)
    else:
        file.unlink()
    with pytest.raises(DataCorrupt, match=f"{file.name} is not the one that was written"), Checkpoint(file.parent):
        pass


def test_a_folder_half_written_by_a_kill_is_no_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 5)
    (tmp_path / ".writing-step-00000009").mkdir()
    (tmp_path / "step-00000008").mkdir()
    assert checkpoint_steps(tmp_path) == [5]
    write(tmp_path, 9)
    assert checkpoint_steps(tmp_path) == [5, 9]


def test_a_training_on_a_full_disk_stops_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    whole = train(llama, tmp_path / "whole")
    write_text = checkpoints.write_text

    def filling(path: Path, text: str) -> None:
        if json.loads(text)["step"] == 4:
            raise OSError(28, "No space left on device")
        write_text(path, text)

    monkeypatch.setattr(checkpoints, "write_text", filling)
    with pytest.raises(UserError, match="last one is of step 2 and is whole"):
        train(llama, tmp_path / "out", checkpoint_every=2)
    monkeypatch.setattr(checkpoints, "write_text", write_text)
    rest = train(llama, tmp_path / "out", checkpoint_every=2)
    assert rest.losses == whole.losses[2:]
