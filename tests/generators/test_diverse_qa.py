"""Diverse QA follows the released pipeline's rules, and drops nothing in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from corpora import EXAMPLE, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.generation import Run
from synthcpt.records import Completion, Request
from synthcpt.text.tokens import estimate_tokens

PLACES = ["Arden", "Bellis", "Corve", "Dunmar", "Ellick", "Fenwar", "Gorse", "Hollin"]
TEXT = " ".join(f"The mill of {place} was built in {1900 + n} by river folk." for n, place in enumerate(PLACES))
PROSE = "Eight mills stand along the river, the oldest of them at Arden, and each was built by those who lived there."
ANSWERS = {"distill": PROSE, "knowledge": f"## Mills\n\n{PROSE}", "list": f"- {PROSE}\n- The last is at Hollin."}


def question(n: int, **changes: Any) -> dict[str, Any]:
    place, year = PLACES[n], str(1900 + n)
    asked = {"form": "open", "question": f"When was the mill of {place} built?", "options": [], "answer": year}
    return {**asked, "evidence": f"The mill of {place} was built in {year}", **changes}


class Script:
    def __init__(self, questions: list[dict[str, Any]], **answers: str) -> None:
        self.requests: list[Request] = []
        self.questions, self.answers = questions, {**ANSWERS, **answers}

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        if request.prompt == "diverse_qa/questions":
            return orjson.dumps({"questions": self.questions}).decode()
        return self.answers[request.prompt.split("/")[1]]


async def run(script: Script, tmp_path: Path, text: str = TEXT, **options: Any) -> Run:
    (tmp_path / "docs").mkdir(parents=True, exist_ok=True)
    (tmp_path / "docs/mills.md").write_text(f"# The Mills\n\n{text}\n")
    backend = MockBackend(MockBackend.Options(), script)
    output = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    return (await run_with(backend, output, tmp_path / "docs", method="diverse_qa", options=options))[0]


def rows_of(made: Run, step: str) -> list[dict[str, Any]]:
    return [row for row in made.dataset() if json.loads(row["meta"])["step"] == step]


async def test_one_call_a_form_and_a_row_of_each(tmp_path: Path) -> None:
    script = Script([question(n) for n in range(8)])
    made = await run(script, tmp_path)
    assert [request.prompt.split("/")[1] for request in script.requests] == [
        "questions",
        "distill",
        "knowledge",
        "list",
    ]
    assert [json.loads(row["meta"])["step"] for row in made.dataset()] == ["questions", "distill", "knowledge", "list"]
    assert all("mills" in row["text"].lower() for row in made.dataset())


async def test_questions_are_appended_to_their_segment_up_to_a_drawn_number(tmp_path: Path) -> None:
    made = await run(Script([question(n) for n in range(8)]), tmp_path, forms=("questions",))
    row = rows_of(made, "questions")[0]
    told = row["text"].split(TEXT)[1]
    most = max(1, 10 * estimate_tokens(f"# The Mills\n\n{TEXT}\n") // 150)
    assert 1 <= told.count("Question: ") == told.count("Answer: ") <= most
    again = await run(Script([question(n) for n in range(8)]), tmp_path, forms=("questions",))
    assert rows_of(again, "questions")[0]["text"] == row["text"]


async def test_another_seed_keeps_others(tmp_path: Path) -> None:
    kept, counts = set(), set()
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "mills.md").write_text(f"# The Mills\n\n{TEXT}\n")
        backend = MockBackend(MockBackend.Options(), Script([question(n) for n in range(8)]))
        made, _ = await run_with(backend, folder / "out", folder / "mills.md", method="diverse_qa", seed=seed)
        row = rows_of(made, "questions")[0]
        kept.add(row["text"])
        counts.add(row["text"].count("Question: "))
    assert len(kept) > 6
    assert len(counts) > 2, "the number is drawn, too"


async def test_one_bad_question_costs_itself_alone(tmp_path: Path) -> None:
    bad = [
        question(1, evidence="nowhere in it at all"),
        question(2, answer="1666"),
        question(0),
        question(3, form="choice"),
        question(4, form="choice", options=["1904", "1904", "1850"]),
        question(5, form="choice", options=["1906", "1850"]),
    ]
    made = await run(Script([question(0), *bad]), tmp_path)
    reasons = [row["reason"] for row in read_jsonl(made.path / "rejected")]
    expected = ["bad_options", "bad_options", "duplicate", "no_right_option", "not_grounded", "number_invented"]
    assert sorted(reasons) == expected
    assert json.loads(rows_of(made, "questions")[0]["meta"])["valid"] == 1


async def test_a_segment_without_a_usable_question_is_rejected_and_not_trained_on_bare(tmp_path: Path) -> None:
    made = await run(Script([]), tmp_path)
    assert not rows_of(made, "questions")
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["no_questions"]


async def test_a_page_without_line_ends_is_cut_and_read_whole(tmp_path: Path) -> None:
    script = Script([question(0)])
    text = " ".join(f"{TEXT} Part {n}." for n in range(40))
    await run(script, tmp_path, text)
    for form, most in (("questions", 1000), ("distill", 2000), ("knowledge", 1400), ("list", 1000)):
        read = [str(request.slots["document"]) for request in script.requests if request.prompt.endswith(form)]
        assert len(read) > 2
        assert all(estimate_tokens(segment) <= most for segment in read)
        assert text in "".join(read)


async def test_short_pieces_are_left_out_but_for_a_document_that_is_one(tmp_path: Path) -> None:
    text = " ".join(f"{TEXT} Part {n}." for n in range(40))
    for fewest_tokens, count in ((10, 4), (5000, 1)):
        script = Script([question(0)])
        await run(script, tmp_path, text, forms=("list",), fewest_tokens=fewest_tokens)
        assert (len(script.requests) > 2) == (count > 1)
    assert len(script.requests) == 1


async def test_an_answer_that_was_cut_off_is_kept_out_and_remarks_on_a_text_too(tmp_path: Path) -> None:
    script = Script([question(0)], distill=f"Here is the rewritten passage:\n\n{PROSE}")
    whole = await run(script, tmp_path, forms=("distill",))
    assert "Here is" not in rows_of(whole, "distill")[0]["text"]

    backend = MockBackend(MockBackend.Options(), lambda _: Completion(PROSE, "length", 10, 1600))
    made, _ = await run_with(
        backend, tmp_path / "cut", tmp_path / "docs", method="diverse_qa", options={"forms": ("distill",)},
    )  # fmt: skip
    assert not made.dataset()
    lost = [*read_jsonl(made.path / "rejected"), *read_jsonl(made.path / "failures")]
    assert "truncated" in {one["reason"] for one in lost}


async def test_no_more_questions_are_taken_than_asked_for(tmp_path: Path) -> None:
    script = Script([question(n) for n in range(8)])
    made = await run(script, tmp_path, forms=("questions",), questions=2, closed_book=True)
    assert len(rows_of(made, "question")) == 2


async def test_calls_for_questions_that_failed_cost_no_other_text(tmp_path: Path) -> None:
    script = Script([])
    (tmp_path / "mills.md").write_text(f"# The Mills\n\n{TEXT}\n")
    backend = MockBackend(
        MockBackend.Options(), lambda request: "no" if request.prompt.endswith("questions") else script(request)
    )
    made, _ = await run_with(backend, tmp_path / "out", tmp_path / "mills.md", method="diverse_qa")
    assert [json.loads(row["meta"])["step"] for row in made.dataset()] == ["distill", "knowledge", "list"]
    assert [failure["reason"] for failure in read_jsonl(made.path / "failures")] == ["malformed_answer"]


async def test_only_problems_compute_and_only_answers_of_a_word_need_not_be_the_segments(tmp_path: Path) -> None:
    evidence = "The mill of Arden was built in 1900 ... The mill of Hollin was built in 1907"
    asked = "How many years lie between the mills of Arden and Hollin?"
    computed = question(0, question=asked, evidence=evidence, answer="7 years")
    own = "Yes, wealthy merchants paid handsomely"
    said = [question(1, answer=own), question(2, form="yes_no", answer=own)]
    made = await run(Script([computed, *said]), tmp_path, forms=("questions",), closed_book=True)
    assert sorted(row["reason"] for row in read_jsonl(made.path / "rejected")) == ["number_invented", "unsupported"]
    assert [json.loads(row["meta"])["form"] for row in rows_of(made, "question")] == ["yes_no"]


async def test_a_models_own_labels_give_way_to_those_shown(tmp_path: Path) -> None:
    asked = [question(n, form="choice", options=[f"A) {1900 + n}", "B) 1850"], answer="A") for n in range(8)]
    made = await run(Script(asked), tmp_path, forms=("questions",), closed_book=True)
    shown = [line for row in rows_of(made, "question") for line in row["messages"][0]["content"].split("\n")[1:]]
    assert len(shown) == 16
    assert max(map(len, shown)) <= len("(A) 1900")


def test_the_embedded_backends_questions_hold(tmp_path: Path) -> None:
    made = synthcpt.generate(
        "diverse_qa", input=sorted(EXAMPLE.iterdir())[:8], output=tmp_path / "out", options={"closed_book": True}
    )
    assert not read_jsonl(made.path / "rejected")
    rows = rows_of(made, "question")
    assert {json.loads(row["meta"])["form"] for row in rows} == {"open", "choice"}
    for row in rows:
        asked, answer = (turn["content"] for turn in row["messages"])
        assert json.loads(row["meta"])["form"] == "open" or answer in asked


async def test_a_list_must_be_one(tmp_path: Path) -> None:
    made = await run(Script([question(0)], list=PROSE), tmp_path, forms=("list",))
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["no_list"]


async def test_closed_book_questions_are_chats(tmp_path: Path) -> None:
    options = ["1900", "1850", "1700", "1600"]
    script = Script([question(0, form="choice", options=options), question(1)])
    rows = rows_of(await run(script, tmp_path, closed_book=True), "question")
    assert [[row["text"][a:b] for a, b in row["spans"]] for row in rows] == [
        [r["messages"][1]["content"]] for r in rows
    ]
    assert rows[0]["messages"][1]["content"].endswith("1900")
    assert rows[0]["messages"][1]["content"] in rows[0]["messages"][0]["content"]


async def test_options_are_shown_whatever_the_form_is_called(tmp_path: Path) -> None:
    options = ["1850", "1900", "1700"]
    script = Script([question(0, form="comprehension", options=options, answer="B"), question(1, options=options)])
    made = await run(script, tmp_path, forms=("questions",), closed_book=True)
    asked, free = [[turn["content"] for turn in row["messages"]] for row in rows_of(made, "question")]
    assert all(option in asked[0] for option in options)
    assert asked[1].endswith("1900")
    assert free == ["When was the mill of Bellis built?", "1901"], "options that its answer is none of are left out"


async def test_a_letter_without_its_options_is_no_answer(tmp_path: Path) -> None:
    made = await run(Script([question(0, answer="B"), question(1)]), tmp_path, forms=("questions",))
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["bad_options"]


async def test_a_letter_stands_for_its_option_which_must_be_the_segments(tmp_path: Path) -> None:
    wrong = question(0, form="choice", options=["1850", "1900"], answer="A")
    right = question(1, form="choice", options=["A) 1850", "B) 1901"], answer="B")
    made = await run(Script([wrong, right]), tmp_path, forms=("questions",))
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["number_invented"]
    told = rows_of(made, "questions")[0]["text"]
    assert "1850" in told
    assert told.rstrip().endswith("1901")
    assert "A) B)" not in told
    assert "B) A)" not in told


async def test_a_problem_may_have_a_computed_answer_and_no_invented_one(tmp_path: Path) -> None:
    evidence = "The mill of Arden was built in 1900 ... The mill of Hollin was built in 1907"
    asked = "How many years lie between the mills of Arden and Hollin?"
    problem = question(0, form="problem", question=asked, evidence=evidence, answer="7 years")
    made = await run(Script([problem, {**problem, "answer": "11 years"}]), tmp_path, forms=("questions",))
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["number_invented"]
    assert "7 years" in rows_of(made, "questions")[0]["text"]


async def test_the_segment_stands_unaltered_under_the_title(tmp_path: Path) -> None:
    text = f"## The oldest\n\n{TEXT}\n\n## The others\n\nThey came later."
    made = await run(Script([question(0)]), tmp_path, text, forms=("questions",))
    row = rows_of(made, "questions")[0]
    assert row["text"].startswith(f"# The Mills\n\n{text}\n\nQuestion: ")


async def test_labels_are_left_out_in_other_languages(tmp_path: Path) -> None:
    text = "Die Mühle von Arden wurde 1900 von den Leuten am Fluss gebaut, die für den Winter Mehl brauchten."
    asked = question(0, question="Wann wurde die Mühle von Arden gebaut?", evidence="wurde 1900 von den Leuten")
    row = rows_of(await run(Script([asked]), tmp_path, text, forms=("questions",)), "questions")[0]
    assert row["text"].endswith(f"{text}\n\nWann wurde die Mühle von Arden gebaut?\n1900")
