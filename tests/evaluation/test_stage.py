"""Evaluations from beginning to end: killed and gone on with, extended, compared, judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering_models import ANSWERS, write_documents, write_questions

from synthcpt.backends.transformers import TransformersBackend
from synthcpt.errors import ConfigError, ModelError, RunMismatch
from synthcpt.evaluation import Evaluation, evaluate
from synthcpt.evaluation.config import make_evaluate_config
from synthcpt.evaluation.telling import tell_difference
from synthcpt.evaluation.watching import Silent


class Killed(BaseException):
    """As a signal would end it."""


class Killer(Silent):
    """Ends the evaluation once so many rows were kept."""

    def __init__(self, after: int) -> None:
        self._left = after

    def advanced(self, count: int) -> None:
        self._left -= count
        if self._left <= 0:
            raise Killed


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every prompt and text that reaches a model."""
    seen: list[str] = []
    put, score = TransformersBackend.continue_text, TransformersBackend.score

    async def noted(self: Any, prompt: str, *rest: Any) -> Any:
        seen.append(prompt)
        return await put(self, prompt, *rest)

    async def noted_score(self: Any, pieces: Any) -> Any:
        seen.append("".join(pieces))
        return await score(self, pieces)

    monkeypatch.setattr(TransformersBackend, "continue_text", noted)
    monkeypatch.setattr(TransformersBackend, "score", noted_score)
    return seen


def settings(model: Path | str, home: Path, **changes: Any) -> dict[str, Any]:
    questions = home / "q.jsonl"
    if not questions.exists():
        write_questions(questions, choices=True)
    return {
        "model": str(model), "questions": str(questions), "settings": "closed_book,choice,likelihood",
        "resamples": 200, "batch_size": 1, **changes,
    }  # fmt: skip


def run(model: Path | str, home: Path, after: int | None = None, **changes: Any) -> dict[str, Any]:
    watch = Killer(after) if after else Silent()
    return Evaluation(make_evaluate_config(settings(model, home, **changes)), watch=watch).run()


@pytest.mark.parametrize("after", [1, 8, 11, 27])
def test_killed_and_gone_on_with_it_comes_to_the_same(
    knowing_folder: Path, tmp_path: Path, after: int, asked: list[str]
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    general = tmp_path / "wiki.jsonl"
    general.write_text("".join(f'{{"text": "Of wall {number}."}}\n' for number in range(6)))
    run(knowing_folder, tmp_path, output=whole, general=str(general))
    everything = len(asked)
    asked.clear()
    with pytest.raises(Killed):
        run(knowing_folder, tmp_path, after, output=broken, general=str(general))
    assert not (broken / "evaluation.json").exists()
    with (broken / "answers.jsonl").open("ab") as file:
        file.write(b'{"setting": "torn')
    run(knowing_folder, tmp_path, output=broken, general=str(general))
    for name in ("answers.jsonl", "general.jsonl", "evaluation.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name
    # No more than the chunk under way was asked twice: four questions with four options each at most.
    assert everything <= len(asked) <= everything + 16


def test_finished_settings_are_not_asked_again_and_more_can_be_asked(
    knowing_folder: Path, tmp_path: Path, asked: list[str]
) -> None:
    output = tmp_path / "out"
    first = run(knowing_folder, tmp_path, output=output, settings="likelihood")
    assert len(asked) == 10
    written = (output / "evaluation.json").stat().st_mtime_ns
    assert run(knowing_folder, tmp_path, output=output, settings="likelihood") == first
    assert len(asked) == 10
    assert (output / "evaluation.json").stat().st_mtime_ns == written
    more = run(knowing_folder, tmp_path, output=output, settings="closed_book")
    assert len(asked) == 20
    assert more["settings"] == ["closed_book", "likelihood"]
    assert more["scores"]["likelihood"] == first["scores"]["likelihood"]
    with pytest.raises(RunMismatch, match="max_tokens"):
        run(knowing_folder, tmp_path, output=output, max_tokens=5)
    other = write_questions(tmp_path / "other.jsonl")
    with pytest.raises(RunMismatch, match="contents"):
        run(knowing_folder, tmp_path, output=output, settings="likelihood", questions=str(other))


def test_questions_that_were_asked_together_are_asked_together_again(
    knowing_folder: Path, tmp_path: Path, asked: list[str]
) -> None:
    output = tmp_path / "out"
    run(knowing_folder, tmp_path, output=output, settings="closed_book")
    lines = (output / "answers.jsonl").read_bytes().splitlines(keepends=True)
    (output / "answers.jsonl").write_bytes(b"".join(lines[:6]))
    first = list(asked)
    asked.clear()
    run(knowing_folder, tmp_path, output=output, settings="closed_book")
    assert asked == first[4:], "the second four begin anew, though two of them were kept"
    assert (output / "answers.jsonl").read_bytes().splitlines(keepends=True) == lines


def test_another_model_under_the_same_name_is_noticed(
    knowing_folder: Path, ignorant_folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.symlink_to(knowing_folder)
    run(model, tmp_path, output=tmp_path / "out", settings="likelihood")
    model.unlink()
    model.symlink_to(ignorant_folder)
    with pytest.raises(RunMismatch, match="contents"):
        run(model, tmp_path, output=tmp_path / "out", settings="likelihood")


def test_a_baseline_is_asked_the_same_once_for_all_models(
    knowing_folder: Path, ignorant_folder: Path, tmp_path: Path, asked: list[str]
) -> None:
    compared = {"baseline": str(ignorant_folder), "batch_size": 64}
    found = run(knowing_folder, tmp_path, **compared, output=tmp_path / "out")
    difference = found["baseline"]["differences"]["closed_book"]["exact"]
    assert (difference["value"], difference["only_model"], difference["only_baseline"]) == (1.0, 10, 0)
    assert found["baseline"]["model"] == str(ignorant_folder)
    assert found["baseline"]["differences"]["likelihood"]["logprob"]["value"] > 10
    count = len(asked)
    again = run(ignorant_folder, tmp_path, **compared)
    assert len(asked) == count + 60, "the model's own answers only: 10 free, 40 options, 10 golds"
    assert again["baseline"]["differences"]["closed_book"]["exact"]["value"] == 0.0
    (kept,) = (tmp_path / "cache" / "evaluations").iterdir()
    assert (kept / "evaluation.json").exists()
    from_folder = run(knowing_folder, tmp_path, baseline=str(kept))
    assert from_folder["baseline"] == found["baseline"]
    told = " ".join(tell_difference(found))
    assert "closed book, exact match +100.0 points" in told
    assert "10 only the model gets right, 0 only the baseline" in told


def test_a_training_is_taken_for_its_model(knowing_folder: Path, tmp_path: Path) -> None:
    training = tmp_path / "training"
    training.mkdir()
    (training / "model").symlink_to(knowing_folder)
    assert run(training, tmp_path, settings="closed_book")["scores"]["closed_book"]["exact"]["value"] == 1.0


def test_what_is_asked_by_default(knowing_folder: Path, tmp_path: Path) -> None:
    plain = write_questions(tmp_path / "plain.jsonl")
    found = run(knowing_folder, tmp_path, questions=str(plain), settings=None)
    assert found["settings"] == ["closed_book", "likelihood"]
    documents = write_documents(tmp_path / "docs")
    more = run(knowing_folder, tmp_path, settings=None, documents=str(documents), samples=1, limit=3)
    assert more["settings"] == ["closed_book", "open_book", "retrieval", "choice", "choice_cot", "likelihood"]
    assert more["questions"] == 3
    assert any("choice_cot" in note and "3 questions could not be put" in note for note in more["notes"])


@pytest.mark.parametrize(
    ("changes", "complaint", "error"),
    [
        ({"settings": "open_book"}, "--documents", ConfigError),
        ({"model": "no/such/model/here"}, "no folder", ModelError),
        ({"baseline": "no/such/model/here"}, "no folder", ModelError),
        ({"backend": "mock", "settings": "closed_book", "chat": "no"}, "--chat yes", ConfigError),
    ],
)
def test_what_cannot_be_done_is_said_at_once(
    knowing_folder: Path, tmp_path: Path, changes: dict[str, Any], complaint: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=complaint):
        evaluate(**{**settings(knowing_folder, tmp_path), **changes})


def test_choices_cannot_be_asked_of_questions_without_options(knowing_folder: Path, tmp_path: Path) -> None:
    plain = write_questions(tmp_path / "plain.jsonl")
    with pytest.raises(ConfigError, match="no question has options"):
        run(knowing_folder, tmp_path, questions=str(plain), settings="choice")


def test_demonstrations_are_shown(knowing_folder: Path, tmp_path: Path, asked: list[str]) -> None:
    (tmp_path / "d.jsonl").write_text('{"question": "What floats?", "answer": "cork"}\n')
    run(knowing_folder, tmp_path, settings="closed_book", shots=1, demonstrations=str(tmp_path / "d.jsonl"))
    assert len(asked) == 10
    assert all(prompt.startswith("Question: What floats?\nAnswer: cork\n\n") for prompt in asked)


def test_answers_of_a_chat_server_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthcpt.backends.mock import MockBackend
    from synthcpt.records import Completion, Request

    async def complete(self: MockBackend, request: Request) -> Completion:
        known = next((answer for question, answer in ANSWERS.items() if question in request.messages[-1].text), "")
        said = f"It is {known}." if request.schema is None else '{"reason": "it is", "score": 2}'
        return Completion(said, "stop", 1, 1)

    monkeypatch.setattr(MockBackend, "complete", complete)
    changes = {"backend": "mock", "settings": "closed_book", "judge": "j", "judge_backend": "mock"}
    output = tmp_path / "out"
    found = run("m", tmp_path, output=output, **changes)
    scores = found["scores"]["closed_book"]
    assert [scores[name]["value"] for name in ("exact", "contains", "judge")] == [0.0, 1.0, 1.0]
    assert found["asked"]["chat"]
    rows = [json.loads(line) for line in (output / "answers.jsonl").read_text().splitlines()]
    assert [row["judge"] for row in rows] == [2] * 10
    assert [row["id"] for row in rows] == [f"q{number}" for number in range(10)]
    again = run("m", tmp_path, output=output, **changes)
    assert again == found


def test_without_an_output_the_figures_come_back_and_with_one_the_folder(knowing_folder: Path, tmp_path: Path) -> None:
    given = settings(knowing_folder, tmp_path, settings="closed_book")
    found = evaluate(**given)
    assert isinstance(found, dict)
    output = tmp_path / "out"
    assert evaluate(**given, output=output) == output
    assert json.loads((output / "evaluation.json").read_text()) == found
