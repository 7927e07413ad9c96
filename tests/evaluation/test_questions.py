"""Questions from files of every published shape, and their documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError, CorpusError, QuestionError
from synthcpt.evaluation.questions import Question, match_documents, own_documents, read_questions
from synthcpt.records import Document

EXAMPLE = Path(__file__).parents[2] / "examples" / "skerrow"


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(tmp_path: Path, *rows: dict[str, Any], **options: Any) -> list[Question]:
    return read_questions(written(tmp_path / "q.jsonl", list(rows)), **options)


def only(tmp_path: Path, row: dict[str, Any], **options: Any) -> Question:
    (question,) = read(tmp_path, row, **options)
    return question


def test_the_example_world() -> None:
    from synthcpt.corpus.reader import read_documents

    questions = read_questions(EXAMPLE / "questions.jsonl")
    assert len(questions) == 209
    assert questions[0] == Question(
        "q001", "On what date did the Island Assembly pass the Skerrow Harbour Ordinance?", ("9 March 1847",),
        document="founding-of-the-harbour-authority.md", kind="date",
    )  # fmt: skip
    matching = match_documents(questions, list(read_documents([str(EXAMPLE / "documents")])))
    assert (matching.matched, dict(matching.by), matching.unmatched) == (209, {"id": 209}, ())
    assert str(matching) == "209 of 209 questions found their document"


def test_wiki2023(tmp_path: Path) -> None:
    question = only(tmp_path, {"wiki_id": 746, "question": "Who wrote it?", "answer": "Kattia González"})
    assert (question.document, question.answers) == ("746", ("Kattia González",))


def test_popqa(tmp_path: Path) -> None:
    question = only(
        tmp_path,
        {
            "id": 4222362, "subj": "George Rankin", "prop": "occupation", "obj": "politician", "s_pop": 142,
            "question": "What is George Rankin's occupation?", "s_wiki_title": "George Rankin",
            "possible_answers": '["politician", "political leader", "politician"]',
        },
    )  # fmt: skip
    assert question.answers == ("politician", "political leader")
    assert (question.id, question.kind, question.document) == ("4222362", "occupation", "George Rankin")
    assert question.meta["s_pop"] == 142


def test_quality_nests_questions_in_articles_and_counts_options_from_one(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        {
            "article_id": "52845", "title": "The Girl in His Mind", "author": "R. F. Young", "year": 1963,
            "article": "The man that Blake hired ...",
            "questions": [
                {"question": "Why did he?", "question_unique_id": "52845_1", "options": ["w", "x", "y", "z"],
                 "gold_label": 4, "difficult": 1},
                {"question": "Where?", "question_unique_id": "52845_2", "options": ["w", "x", "y", "z"],
                 "gold_label": 1, "difficult": 0},
            ],
        },
    )  # fmt: skip
    assert (first.id, first.choices, first.correct, first.answers) == ("52845_1", ("w", "x", "y", "z"), 3, ("z",))
    assert (first.kind, second.kind, second.correct) == ("hard", "easy", 0)
    assert first.document == second.document == "52845"
    assert {name: first.meta[name] for name in ("title", "author", "year")} == {
        "title": "The Girl in His Mind", "author": "R. F. Young", "year": 1963
    }  # fmt: skip
    assert own_documents([first, second])[0].text == "The man that Blake hired ..."


def test_squad_nests_twice(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    qas = [
        {
            "question": "Who?",
            "id": "a1",
            "answers": [{"text": "Ada", "answer_start": 3}, {"text": "Ada L.", "answer_start": 3}],
        },
        {"question": "When?", "id": "a2", "answers": [{"text": "1843", "answer_start": 9}]},
    ]
    path.write_text(
        json.dumps(
            {"version": "1.1", "data": [{"title": "Notes", "paragraphs": [{"context": "By Ada L.", "qas": qas}]}]}
        )
    )
    first, second = read_questions(path)
    assert (first.id, first.answers, first.document) == ("a1", ("Ada", "Ada L."), "Notes")
    assert first.meta["context"] == second.meta["context"] == "By Ada L."


def test_wikidyk_asks_a_fact_in_several_ways(tmp_path: Path) -> None:
    questions = read(
        tmp_path,
        {
            "case_id": 7, "year": 2024, "fact": "The lamp burnt whale oil.",
            "eval": {
                "reliability": {"prompt": "What did the lamp burn?", "answer": "whale oil"},
                "portability": {"prompt": "From which animal?", "answer": "whale"},
            },
        },
    )  # fmt: skip
    assert [(question.kind, question.answers, question.document) for question in questions] == [
        ("reliability", ("whale oil",), "7"),
        ("portability", ("whale",), "7"),
    ]
    assert questions[0].id != questions[1].id
    assert questions[0].meta["context"] == "The lamp burnt whale oil."


def test_companies_bring_their_documents(tmp_path: Path) -> None:
    rows = [
        {"question": "Who leads Zog?", "correct_answer": "Ann", "context": "Zog is led by Ann."},
        {"question": "Where is Zog?", "correct_answer": "Rome", "context": "Zog is led by Ann."},
        {"question": "Who leads Pim?", "correct_answer": "Bo", "context": "Pim is led by Bo."},
    ]
    questions = read(tmp_path, *rows)
    assert questions[0].document == questions[1].document != questions[2].document
    assert questions[0].meta["context"] is questions[1].meta["context"]  # thousands of questions on one text
    documents = own_documents(questions)
    assert [document.text for document in documents] == ["Zog is led by Ann.", "Pim is led by Bo."]
    assert dict(match_documents(questions, documents).by) == {"id": 3}
    corpus = [Document("zog.md", "Zog is led\nby Ann."), Document("pim.md", "Pim is led by Bo.")]
    assert [question.document for question in match_documents(questions, corpus).questions] == [
        "zog.md",
        "zog.md",
        "pim.md",
    ]


@pytest.mark.parametrize(
    ("row", "correct"),
    [
        ({"choices": ["x", "y", "z"], "answer": 1}, 1),  # MMLU
        ({"choices": ["x", "y", "z"], "answer": 1.0}, 1),
        ({"options": ["x", "y", "z"], "answer": "B"}, 1),
        ({"options": ["A. x", "B. y", "C. z"], "answer": "B. y"}, 1),
        ({"options": ["x", "y", "z"], "answer": "y"}, 1),
        ({"options": '["x", "y", "z"]', "answer": "(b)"}, 1),
        ({"options": {"A": "x", "B": "y"}, "answer": "B"}, 1),
        ({"A": "x", "B": "y", "C": "", "D": None, "answer": "B"}, 1),
        ({"option_a": "x", "option_b": "y", "answer": "b"}, 1),
        ({"choice1": "x", "choice2": "y", "label": 1}, 1),
        ({"endings": ["x", "y", "z"], "label": "1"}, 1),  # HellaSwag
        ({"choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]}, "answerKey": "B"}, 1),  # ARC
        ({"choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]}, "answerKey": "2"}, 1),
        ({"choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]}, "answer": "2"}, 1),  # as they are labelled
        ({"choices": ["10", "2", "3"], "answer": "2"}, 1),  # an option's own text before its number
        ({"choices": ["x", "0", "1"], "answer_index": "1"}, 1),  # the field is for places
        ({"choices": ["x", "y"], "gold_label": 2, "label": 0}, 1),
    ],
)
def test_the_right_option_by_text_letter_or_place(tmp_path: Path, row: dict[str, Any], correct: int) -> None:
    question = only(tmp_path, {"question": "Which?", **row})
    assert question.correct == correct
    assert question.answers == (question.choices[correct],)
    assert question.choices[0] in ("x", "10", "2")
    assert "" not in question.choices


def test_arc_as_released_nests_the_options_in_the_question(tmp_path: Path) -> None:
    stem = {"stem": "Which?", "choices": [{"text": "x", "label": "A"}, {"text": "y", "label": "B"}]}
    question = only(tmp_path, {"id": "M1", "question": stem, "answerKey": "B"})
    assert (question.id, question.text, question.choices, question.correct) == ("M1", "Which?", ("x", "y"), 1)


def test_options_counted_from_one_where_it_is_said(tmp_path: Path) -> None:
    row = {"question": "Which?", "choices": ["x", "y"], "answer": 2}
    assert only(tmp_path, row, first_choice=1).correct == 1
    with pytest.raises(
        QuestionError, match=r"line 1: '2' \(field 'answer'\) is none of the 2 options.*--set first_choice=1"
    ):
        only(tmp_path, row)


def test_triviaqa_golds(tmp_path: Path) -> None:
    answer = {"value": "Sinclair Lewis", "aliases": ["Sinclair Lewis", "Harry S. Lewis"], "type": "WikipediaEntity"}
    assert only(tmp_path, {"question": "Who?", "answer": answer}).answers == ("Sinclair Lewis", "Harry S. Lewis")


def test_all_fields_of_golds_count_but_not_references_beside_them(tmp_path: Path) -> None:
    row = {"question": "Who?", "answer": "Ann", "aliases": ["A. Lee"], "references": ["https://example.org"]}
    assert only(tmp_path, row).answers == ("Ann", "A. Lee")
    assert only(tmp_path, {"question": "Who?", "target": "Ann"}).answers == ("Ann",)
    assert only(tmp_path, {"question": "How many?", "answer": 3.0}).answers == ("3",)
    assert only(tmp_path, {"question": "Was it?", "answer": True}).answers == ("yes",)
    assert only(tmp_path, {"question": "Which?", "answer": "[sic]"}).answers == ("[sic]",)


def test_csv_and_parquet_and_a_saved_dataset_and_a_folder_read_alike(tmp_path: Path) -> None:
    import datasets
    import pyarrow
    import pyarrow.parquet

    rows = [{"id": "1", "question": "Who, then?", "answer": "Ann"}, {"id": "2", "question": "Who?", "answer": "Bo"}]
    expected = read(tmp_path, *rows)
    (tmp_path / "q.csv").write_text('id,question,answer\n1,"Who, then?",Ann\n2,Who?,Bo\n')
    (tmp_path / "q.json").write_text(json.dumps(rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "q.parquet")
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("About these questions.")
    written(tmp_path / "folder" / "q.jsonl", rows)
    for name in ("q.csv", "q.json", "q.parquet", "saved", "folder"):
        assert read_questions(tmp_path / name) == expected, name


def test_fields_by_other_names(tmp_path: Path) -> None:
    row = {"Frage": "Wer?", "Antwort": "Ann", "Quelle": "d1", "question": "not this"}
    question = only(tmp_path, row, fields={"question": "Frage", "answers": "Antwort", "document": "Quelle"})
    assert (question.text, question.answers, question.document) == ("Wer?", ("Ann",), "d1")


def test_an_unknown_role_or_field_suggests_the_near_one(tmp_path: Path) -> None:
    row = {"Frage": "Wer?", "answer": "Ann"}
    with pytest.raises(ConfigError, match=r"no 'qestion'\. Did you mean 'question'"):
        only(tmp_path, row, fields={"qestion": "Frage"})
    with pytest.raises(QuestionError, match=r"line 1 has no field 'Frgae'.*Did you mean 'Frage'"):
        only(tmp_path, row, fields={"question": "Frgae"})


def test_a_row_without_a_question_says_what_it_has_and_what_may_be_meant(tmp_path: Path) -> None:
    with pytest.raises(
        QuestionError, match=r"line 1 has no question.*Its fields are: qustion, answer\. Is it 'qustion'\?"
    ):
        only(tmp_path, {"qustion": "Who?", "answer": "Ann"})


def test_questions_without_answers_are_refused_with_their_lines(tmp_path: Path) -> None:
    good = {"question": "Who?", "answer": "Ann"}
    with pytest.raises(QuestionError, match=r"2 questions have no answer \(lines 2, 4\).*'fields=\{answers: NAME\}'"):
        read(tmp_path, good, {"question": "When?"}, good, {"question": "Where?", "answer": " "})
    with pytest.raises(QuestionError, match=r"a question has no answer \(line 1\)"):
        read(tmp_path, {"question": "Which?", "choices": ["x", "y"]})
    many = [{"question": f"Who {number}?", "answers": []} for number in range(12)]
    with pytest.raises(QuestionError, match=r"12 questions .*\(lines 1, 2, 3, 4, 5, 6, 7, 8 and 4 more\)"):
        read(tmp_path, *many)


def test_unanswered_questions_of_two_files_are_told_by_the_first_ones_lines(tmp_path: Path) -> None:
    first = written(tmp_path / "a.jsonl", [{"question": "Who?"}])
    second = written(tmp_path / "b.jsonl", [{"question": "When?", "answer": "now"}, {"question": "Where?"}])
    with pytest.raises(QuestionError, match=r"a\.jsonl: 2 questions have no answer \(lines 1 and 1 more\)"):
        read_questions([first, second])


def test_a_given_id_twice_is_refused_and_a_made_one_is_numbered(tmp_path: Path) -> None:
    rows = [{"id": "7", "question": "Who?", "answer": "Ann"}, {"id": "7", "question": "When?", "answer": "Now"}]
    with pytest.raises(QuestionError, match=r"the id '7': .*q.jsonl, line 1 and .*q.jsonl, line 2"):
        read(tmp_path, *rows)
    assert len({question.id for question in read(tmp_path, *rows, fields={"id": ""})}) == 2
    twice = {"question": "Who?", "answer": "Ann"}
    ids = [question.id for question in read(tmp_path, twice, {"question": "When?", "answer": "Now"}, twice, twice)]
    assert ids[2:] == [f"{ids[0]}-2", f"{ids[0]}-3"]


def test_made_ids_do_not_depend_on_the_order(tmp_path: Path) -> None:
    rows = [{"question": f"Who {number}?", "answer": "Ann"} for number in range(4)]
    forward = {question.text: question.id for question in read(tmp_path, *rows)}
    assert forward == {question.text: question.id for question in read(tmp_path, *reversed(rows))}


def test_broken_missing_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"question": "Who?"')
    (tmp_path / "notes.md").write_text("# Notes")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(CorpusError, match="line 1 is broken JSON"):
        read_questions(tmp_path / "broken.jsonl")
    with pytest.raises(CorpusError, match="There is no file"):
        read_questions(tmp_path / "missing.jsonl")
    with pytest.raises(QuestionError, match="is no table of questions"):
        read_questions(tmp_path / "notes.md")
    with pytest.raises(QuestionError, match="There is no question"):
        read_questions(tmp_path / "empty.jsonl")


def asked(document: str | None, **meta: Any) -> Question:
    return Question("q", "Who?", ("Ann",), document=document, meta=meta)


CORPUS = [
    Document("ports/sallow-mole.md", "On the mole.", "Sallow Mole"),
    Document("b.md", "On B.", "Same", {"wiki_id": 77}),
    Document("c.md", "On C.", "Same"),
]


@pytest.mark.parametrize(
    ("question", "document", "by"),
    [
        (asked("ports/sallow-mole.md"), "ports/sallow-mole.md", "id"),
        (asked("sallow-mole.md"), "ports/sallow-mole.md", "file name"),
        (asked("sallow-mole"), "ports/sallow-mole.md", "file name"),
        (asked("ports/sallow-mole"), "ports/sallow-mole.md", "file name"),
        (asked("sallow  MOLE"), "ports/sallow-mole.md", "title"),
        (asked(None, title="Sallow Mole"), "ports/sallow-mole.md", "title"),
        (asked("77"), "b.md", "meta"),
        (asked("elsewhere", context="On\nC."), "c.md", "context"),
        (asked("Same"), None, ""),  # two documents have the title
        (asked(None), None, ""),
        (asked("elsewhere"), None, ""),
    ],
)
def test_a_document_is_found_by_its_names(question: Question, document: str | None, by: str) -> None:
    matching = match_documents([question], CORPUS)
    assert matching.questions[0].document == (document or question.document)
    assert dict(matching.by) == ({by: 1} if document else {})
    assert matching.unmatched == (() if document else ("q",))
    assert str(matching).startswith("1 of 1" if document else "0 of 1")
