"""What is asked in each setting, of tiny models that know the answers or nothing, and of scripted ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from answering_models import ANSWERS, write_documents, write_questions

from synthcpt.backends.base import Capabilities, ScoredPiece
from synthcpt.errors import ConfigError, PromptTooLong, TransientError
from synthcpt.evaluation import evaluate
from synthcpt.evaluation.asking import Asking, Shelf
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.evaluation.judging import Judging, to_judge, with_judgements
from synthcpt.evaluation.prompting import Shots
from synthcpt.evaluation.questions import Question
from synthcpt.evaluation.retrieval import PassageIndex, passages_of
from synthcpt.records import Completion, Document, Request, Sampling

QUESTION = Question("q", "What burns?", ("oil", "colza oil"), document="lamp")
CHOICE = Question("c", "What burns?", ("oil",), ("coal", "oil", "a long piece of driftwood"), 1)
LAMP = Document("lamp", "The lamp burns oil.", "The lamp")


class Scripted:
    """Answers by a function of the prompt, notes what it was asked, and scores by a table of log-probabilities."""

    name = "scripted"

    def __init__(self, say: Callable[[str, int], str], *, chat: bool = False) -> None:
        self._say = say
        self.asked: list[tuple[str, Sampling]] = []
        self.requests: list[Request] = []
        self.capabilities = Capabilities(chat_template=chat)

    async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
        self.asked.append((prompt, sampling))
        return Completion(self._say(prompt, draw), "stop", 1, 1)

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        return Completion(self._say(request.messages[-1].text, request.draw), "stop", 1, 1)


class Scoring(Scripted):
    """The last piece's log-probability is looked up; a token a word."""

    def __init__(self, table: dict[str, float]) -> None:
        super().__init__(lambda prompt, draw: "")
        self._table = table

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        self.asked.append(("".join(pieces), Sampling()))
        words = pieces[-1].split()
        last = ScoredPiece(tuple(range(len(words))), (self._table[pieces[-1].strip()] / len(words),) * len(words))
        return [*(ScoredPiece((), ()) for _ in pieces[1:]), last]


def asking(backend: Any, *, shots: Shots | None = None, shelf: Shelf | None = None, **settings: Any) -> Asking:
    config = EvaluateConfig(model="m", questions=("q.jsonl",), **settings)
    return Asking(backend, config, shots, shelf or Shelf())


async def row_of(backend: Any, setting: str, question: Question = QUESTION, **how: Any) -> dict[str, Any]:
    return await asking(backend, **how).of(setting)(question)


async def test_a_free_answer_is_its_first_line_measured_against_all_golds() -> None:
    backend = Scripted(lambda prompt, draw: " The colza oil.\nQuestion: and more")
    row = await row_of(backend, "closed_book")
    assert row == {
        "setting": "closed_book", "id": "q", "document": "lamp", "kind": "", "question": "What burns?",
        "golds": ["oil", "colza oil"], "answer": "The colza oil.", "exact": 1.0, "f1": 1.0, "contains": 1.0,
        "attempted": 1.0, "said": " The colza oil.\nQuestion: and more",
    }  # fmt: skip
    ((prompt, sampling),) = backend.asked
    assert prompt == "Question: What burns?\nAnswer:"
    assert sampling == Sampling(0.0, 64, stop=("\n",))


async def test_a_chat_gets_turns_and_no_stop_string() -> None:
    backend = Scripted(lambda prompt, draw: "Oil", chat=True)
    assert (await row_of(backend, "closed_book"))["exact"] == 1.0
    assert not backend.asked
    assert backend.requests[0].messages[-1].text == "What burns?"
    assert backend.requests[0].sampling == Sampling(0.0, 64)
    assert not asking(backend, chat="no").chat
    assert asking(Scripted(lambda prompt, draw: ""), chat="yes").chat


async def test_open_book_shows_the_document_and_retrieval_the_best_passage_last() -> None:
    wreck = Document("wreck", "The wreck burns no more. What burns is gone.", "The wreck")
    shelf = Shelf({"lamp": LAMP, "wreck": wreck}, PassageIndex(passages_of([LAMP, wreck])))
    backend = Scripted(lambda prompt, draw: " oil")
    await row_of(backend, "open_book", shelf=shelf)
    assert backend.asked[-1][0] == f"The lamp\n\n{LAMP.text}\n\nQuestion: What burns?\nAnswer:"
    row = await row_of(backend, "retrieval", shelf=shelf, passages=2)
    prompt = backend.asked[-1][0]
    assert prompt.index(LAMP.text) < prompt.index(wreck.text) < prompt.index("Question:")
    assert row["recall"] == 1.0
    assert (await row_of(backend, "retrieval", shelf=shelf, passages=1))["recall"] == 0.0
    nowhere = Question("x", "What burns?", ("oil",))
    assert (await row_of(backend, "retrieval", nowhere, shelf=shelf))["recall"] is None


async def test_a_choice_is_the_likeliest_option_as_it_is_or_by_token_or_by_byte() -> None:
    # Sums: coal -6, oil -5, driftwood -7. By token: driftwood (-1.4). By byte: driftwood (-7/25).
    table = {"coal": -6.0, "oil": -5.0, "a long piece of driftwood": -7.0}
    rows = {way: await row_of(Scoring(table), "choice", CHOICE, normalise=way) for way in ("sum", "token", "byte")}
    assert [rows[way]["answer"] for way in rows] == ["B", "C", "C"]
    assert [rows[way]["correct"] for way in rows] == [1.0, 0.0, 0.0]
    assert rows["byte"]["logprobs"] == [-6.0, -5.0, -7.0]
    assert {name: rows["byte"][name] for name in rows["byte"] if name.startswith("correct_by")} == {
        "correct_by_sum": 1.0, "correct_by_token": 0.0, "correct_by_byte": 0.0
    }  # fmt: skip
    # By byte and not by character or token: "oil" -5/3 against "coal" -6/4.
    by_byte = await row_of(Scoring({**table, "a long piece of driftwood": -70.0}), "choice", CHOICE)
    assert by_byte["answer"] == "A"


async def test_a_server_that_scores_nothing_is_asked_for_the_letter() -> None:
    backend = Scripted(lambda prompt, draw: "The answer is B.", chat=True)
    row = await row_of(backend, "choice", CHOICE)
    assert (row["answer"], row["correct"], row["attempted"]) == ("B", 1.0, 1.0)
    lost = await row_of(Scripted(lambda prompt, draw: "Hm.", chat=True), "choice", CHOICE)
    assert (lost["answer"], lost["correct"], lost["attempted"]) == (None, 0.0, 0.0)
    with pytest.raises(ConfigError, match="likelihood"):
        await row_of(backend, "likelihood")


async def test_reasoned_answers_are_sampled_and_counted_among_all_and_among_the_readable() -> None:
    said = ["So.\nAnswer: B", "So.\nAnswer: A", "I am not sure", "Answer: B"]
    backend = Scripted(lambda prompt, draw: said[draw])
    row = await row_of(backend, "choice_cot", CHOICE, samples=4)
    assert (row["samples"], row["correct"], row["attempted"]) == (["B", "A", None, "B"], 0.5, 0.75)
    assert row["answer"] in ("A", "B")
    assert {sampling for _, sampling in backend.asked} == {Sampling(0.1, 300, stop=("\nQuestion:",))}


async def test_the_likelihood_is_that_of_the_likeliest_gold() -> None:
    backend = Scoring({"oil": -3.0, "colza oil": -2.5})
    row = await row_of(backend, "likelihood")
    assert (row["answer"], row["logprob"], row["tokens"], row["bytes"]) == ("colza oil", -2.5, 2, 9)
    assert backend.asked[0][0] == "Question: What burns?\nAnswer: oil"


async def test_demonstrations_come_first_in_every_setting() -> None:
    shown = Question("s", "What floats?", ("cork",))
    backend = Scoring({"oil": -1.0, "colza oil": -2.0})
    shots = Shots([shown], 1)
    for setting in ("closed_book", "likelihood"):
        await row_of(backend, setting, shots=shots)
    wanted = "Question: What floats?\nAnswer: cork\n\nQuestion: What burns?\nAnswer:"
    assert [prompt.startswith(wanted) for prompt, _ in backend.asked] == [True] * 3


@pytest.mark.parametrize("setting", ["closed_book", "choice", "choice_cot", "likelihood"])
async def test_a_question_that_does_not_fit_counts_as_wrong_and_says_so(setting: str) -> None:
    class Narrow(Scoring):
        async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
            raise PromptTooLong("The prompt has 9 tokens")

        async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
            raise PromptTooLong("The prompt has 9 tokens")

    row = await row_of(Narrow({}), setting, CHOICE)
    assert row["error"] == "The prompt has 9 tokens"
    assert row["answer"] is None
    measured = [row.get(name) for name in ("exact", "correct", "attempted", "logprob") if name in row]
    assert set(measured) <= {0.0, None}


async def test_passing_troubles_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [TransientError("busy", wait_s=0.0)] * 3

    def say(prompt: str, draw: int) -> str:
        if failures:
            raise failures.pop()
        return " oil"

    assert (await row_of(Scripted(say), "closed_book"))["exact"] == 1.0


async def test_a_judge_is_asked_until_it_is_readable_and_empty_answers_are_wrong_without_it() -> None:
    said = ["hm", '{"reason": "as said", "score": 2}']
    judge = Scripted(lambda prompt, draw: said[draw], chat=True)
    judging = Judging(judge, "judge", {"q": QUESTION})
    free = {"setting": "closed_book", "id": "q", "answer": "oil"}
    rows = [free, {**free, "setting": "open_book", "answer": ""}, {**free, "setting": "choice"}]
    left = to_judge(rows, [], "judge")
    judged = [await judging.row(row) for row in left]
    assert [row["judge"] for row in judged] == [2, 0]
    assert len(judge.requests) == 2
    assert to_judge(rows, judged, "judge") == []
    assert len(to_judge(rows, judged, "another")) == 2
    assert [row.get("judge") for row in with_judgements(rows, judged, "judge")] == [2, 0, None]
    mute = Judging(Scripted(lambda prompt, draw: "hm", chat=True), "judge", {"q": QUESTION})
    assert (await mute.row(free))["judge"] is None


def test_a_model_that_was_taught_the_answers_is_told_from_one_that_was_not(
    knowing_folder: Path, ignorant_folder: Path, tmp_path: Path
) -> None:
    questions = write_questions(tmp_path / "q.jsonl", choices=True)
    settings = {"questions": questions, "settings": "closed_book,choice,likelihood", "resamples": 100}
    knows, lacks = (evaluate(model=folder, **settings) for folder in (knowing_folder, ignorant_folder))
    assert isinstance(knows, dict)
    assert isinstance(lacks, dict)
    value = {
        name: [found["scores"][setting][metric]["value"] for found in (knows, lacks)]
        for name, setting, metric in (
            ("exact", "closed_book", "exact"), ("choice", "choice", "correct"), ("logprob", "likelihood", "logprob"),
        )
    }  # fmt: skip
    assert value["exact"] == [1.0, 0.0]
    assert value["choice"][0] == 1.0
    assert value["choice"][1] <= 0.6
    assert value["logprob"][0] > -1
    # Of an untrained model each byte is about as likely as any other.
    letters = sum(len(answer) + 1 for answer in ANSWERS.values()) / len(ANSWERS)
    assert value["logprob"][1] == pytest.approx(-letters * math.log(257), rel=0.1)


def test_the_controls_read_what_is_put_before_them(knowing_folder: Path, tmp_path: Path) -> None:
    questions, documents = write_questions(tmp_path / "q.jsonl"), write_documents(tmp_path / "docs")
    found = evaluate(model=knowing_folder, questions=questions, documents=documents, resamples=100)
    assert isinstance(found, dict)
    assert found["settings"] == ["closed_book", "open_book", "retrieval", "likelihood"]
    assert found["scores"]["retrieval"]["recall"]["value"] == 1.0
    assert found["scores"]["closed_book"]["exact"]["clusters"] == 3
    assert set(found["by_kind"]["closed_book"]) == {"fact", "name"}
    assert "10 of 10 questions found their document." in found["notes"]
