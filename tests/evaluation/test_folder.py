"""An evaluation's folder: begun, gone on with, refused, and torn files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError, DataCorrupt, RunIncomplete, RunLocked, RunMismatch, UserError
from synthcpt.evaluation.config import EvaluateConfig, make_evaluate_config, read_evaluate_file
from synthcpt.evaluation.folder import ANSWERS, EvaluationFolder, is_evaluation, read_evaluation

CONTENTS = {"model": "aa", "questions": "bb"}
ROWS = [{"setting": "closed_book", "id": f"q{number}", "answer": "é"} for number in range(3)]


def config(**changes: Any) -> EvaluateConfig:
    return make_evaluate_config({"model": "m", "questions": "q.jsonl", **changes})


def begun(path: Path, **changes: Any) -> EvaluationFolder:
    folder = EvaluationFolder(path)
    folder.begin(config(**changes), CONTENTS, overwrite=False)
    return folder


def test_rows_come_back_and_a_torn_line_is_dropped_from_the_file(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    folder.append(ANSWERS, ROWS[:2])
    with (tmp_path / ANSWERS).open("ab") as file:
        file.write(b'{"setting": "closed_bo')
    assert folder.read(ANSWERS) == ROWS[:2]
    folder.append(ANSWERS, ROWS[2:])
    assert folder.read(ANSWERS) == ROWS
    (tmp_path / ANSWERS).write_text('{"setting"\n{}\n')
    with pytest.raises(DataCorrupt, match="overwrite"):
        folder.read(ANSWERS)


def test_another_setting_is_refused_and_named_once_something_was_asked(tmp_path: Path) -> None:
    folder = begun(tmp_path, max_tokens=8)
    begun(tmp_path, max_tokens=64)  # nothing was asked yet
    folder.append(ANSWERS, ROWS)
    with pytest.raises(RunMismatch, match=r"max_tokens: 64 there, 32 now.*--overwrite"):
        begun(tmp_path, max_tokens=32)
    with pytest.raises(RunMismatch, match="contents"):
        folder.begin(config(), {**CONTENTS, "questions": "cc"}, overwrite=False)
    assert folder.read(ANSWERS) == ROWS
    folder.begin(config(max_tokens=32), CONTENTS, overwrite=True)
    assert folder.read(ANSWERS) == []


@pytest.mark.parametrize(
    "more",
    [
        {"settings": "likelihood"}, {"baseline": "m0"}, {"general": "wiki"}, {"resamples": 500}, {"batch_size": 3},
        {"questions": "the/same/file/elsewhere.jsonl"}, {"judge": "j"},
    ],
)  # fmt: skip
def test_more_may_be_asked_later(tmp_path: Path, more: dict[str, Any]) -> None:
    folder = begun(tmp_path)
    folder.append(ANSWERS, ROWS)
    begun(tmp_path, **more)
    assert folder.read(ANSWERS) == ROWS


def test_what_was_noted_stays_when_it_is_gone_on_with(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    folder.note(asked_in_chat=True)
    folder.append(ANSWERS, ROWS)
    begun(tmp_path)
    assert (folder.settings() or {})["asked_in_chat"] is True


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("model: m\n")
    with pytest.raises(UserError, match="holds a training"):
        begun(tmp_path)
    assert not is_evaluation(tmp_path)


def test_finished_or_not(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert is_evaluation(tmp_path)
    with pytest.raises(RunIncomplete, match="not finished"):
        read_evaluation(tmp_path)
    folder.finish({"model": "m"})
    assert read_evaluation(tmp_path)[0] == {"model": "m"}
    folder.unfinish()
    assert folder.finished() is None


def test_one_command_at_a_time(tmp_path: Path) -> None:
    folder = EvaluationFolder(tmp_path)
    with folder.held(), pytest.raises(RunLocked, match="another --output"), folder.held():
        pass


def test_configurations_that_cannot_work(tmp_path: Path) -> None:
    for values, complaint in (
        ({"questions": ()}, "nothing to evaluate"),
        ({"settings": "closed_bok"}, "Did you mean 'closed_book'"),
        ({"shots": 3}, "--demonstrations"),
        ({"max_token": 3}, "Did you mean 'max_tokens'"),
        ({"questions": (), "general": "x", "settings": "choice"}, "--questions"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            config(**values)
    assert config(settings="choice, closed_book").settings == ("choice", "closed_book")
    assert config(chat=False).chat == "no"
    path = tmp_path / "evaluate.yaml"
    path.write_text("modle: x\n")
    with pytest.raises(ConfigError, match="Did you mean 'model'"):
        read_evaluate_file(path)
