"""Trainings on slices, merged round by round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trainings import NoTokenizer, Seen, given_ids, settings, some_parts, weights_of

from synthcpt.training import branch_and_merge
from synthcpt.training.branch_and_merge import train_in_slices
from synthcpt.training.config import TrainConfig


@pytest.fixture(autouse=True)
def _ids(monkeypatch: pytest.MonkeyPatch, llama: Path) -> None:
    given_ids(monkeypatch, some_parts(24))


def test_three_slices_are_two_branches_a_merge_and_one_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", lambda *_: NoTokenizer())
    seen: dict[str, Seen] = {}

    def watch(config: TrainConfig) -> Seen:
        return seen.setdefault(config.output.name, Seen())

    config = settings(llama, tmp_path / "out", merge_slices=3, save_dtype="fp32")
    assert train_in_slices(config, watch) == tmp_path / "out" / "model"
    slices = tmp_path / "out" / "slices"
    assert {path.name for path in slices.iterdir()} == {"slice-000", "slice-001", "slice-002", "round-000"}
    one, two, merged = (weights_of(slices / name) for name in ("slice-000/model", "slice-001/model", "round-000"))
    name = "model.layers.0.mlp.up_proj.weight"
    assert np.linalg.norm(merged[name] - (one[name] + two[name]) / 2) < 0.2 * np.linalg.norm(one[name] - two[name])
    assert seen["slice-002"].begun[0].model == str(slices / "round-000")
    texts = {slice: report.begun[0].tokens for slice, report in seen.items()}
    assert max(texts.values()) < 2 * min(texts.values()), "slices are alike in size"
    mine, theirs = weights_of(tmp_path / "out" / "model"), weights_of(slices / "slice-002" / "model")
    assert all(np.array_equal(mine[tensor], theirs[tensor]) for tensor in theirs)


def test_what_is_there_is_not_done_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", lambda *_: NoTokenizer())
    config = settings(llama, tmp_path / "out", merge_slices=2, save_dtype="fp32")
    whole = train_in_slices(config)
    before = weights_of(whole)
    (tmp_path / "out" / "training.json").unlink()
    begun: list[str] = []

    def watch(config: TrainConfig) -> Seen:
        begun.append(config.output.name)
        return Seen()

    train_in_slices(config, watch)
    assert not begun, "finished slices are left alone"
    assert all(np.array_equal(weight, before[name]) for name, weight in weights_of(whole).items())
    assert branch_and_merge.train_in_slices(config) == whole
