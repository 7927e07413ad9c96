"""Questions in texts."""

from __future__ import annotations

from synthcpt.curation.contamination import Asked, Overlap, QuestionRuns
from synthcpt.curation.words import WordHasher

LONG = "In which of the old inns of the harbour did the seven Wardens hold their very first meeting in 1847?"
SHORT = "What is the mean range of the tide at Anstow at springs?"


def flagged(questions: list[str], texts: list[str], documents: list[int] | None = None, common: int = 10) -> list[int]:
    overlap = Overlap(QuestionRuns(Asked("q.jsonl", f"q{n}", text) for n, text in enumerate(questions)), common)
    hasher = WordHasher()
    for row, text in enumerate(texts):
        overlap.see(row, documents[row] if documents else row, hasher.hashes(text))
    return sorted(overlap.flagged())


def test_thirteen_words_in_a_row_are_a_long_question() -> None:
    words = LONG.split()
    thirteen, twelve = " ".join(words[3:16]), " ".join(words[3:15])
    assert flagged([LONG], [f"So: {thirteen} it was.", f"So: {twelve} it was.", LONG.upper()]) == [0, 2]


def test_a_short_question_is_looked_for_as_a_whole() -> None:
    told = "The mean range of the tide at Anstow at springs is 4.6 metres."
    asked = "Question: what is the mean range of the TIDE at Anstow (at springs)? Answer: 4.6 metres."
    assert flagged([SHORT], [told, asked]) == [1]


def test_answers_may_stand_in_texts() -> None:
    assert flagged(["Who founded the Skerrow Harbour Authority?"], ["Edmund Gorrel founded it.", "Edmund Gorrel"]) == []


def test_questions_of_three_words_are_told_and_not_looked_for() -> None:
    runs = QuestionRuns([Asked("f", "a", "Who was he?"), Asked("f", "b", "Who was he, then?")])
    assert runs.too_short == [0]
    assert flagged(["Who was he?"], ["Who was he?"]) == []


def test_what_many_documents_say_is_a_common_phrase() -> None:
    texts = [f"number {n}: {SHORT}" for n in range(6)]
    assert flagged([SHORT], texts, documents=[0, 1, 2, 3, 4, 5], common=5) == []
    assert flagged([SHORT], texts, documents=[0, 1, 2, 3, 4, 4], common=5) == [0, 1, 2, 3, 4, 5]


def test_many_rewrites_of_one_document_are_no_common_phrase() -> None:
    texts = [f"rewrite {n}: {SHORT}" for n in range(40)]
    assert flagged([SHORT], texts, documents=[0] * 40) == list(range(40))


def test_the_report_says_what_was_found_where() -> None:
    overlap = Overlap(QuestionRuns([Asked("a.jsonl", "q1", SHORT), Asked("b.jsonl", "q9", SHORT.upper())]), 1)
    hasher = WordHasher()
    for row, document in enumerate((3, 3, 4)):
        overlap.see(row, document, hasher.hashes(SHORT))
    (entry,) = overlap.report()
    assert entry["words"] == "what is the mean range of the tide at anstow at springs"
    assert [(one["file"], one["id"]) for one in entry["questions"]] == [("a.jsonl", "q1"), ("b.jsonl", "q9")]
    assert (entry["texts"], entry["documents"], entry["common"]) == (3, 2, True)


def test_a_thousand_questions_are_found_each() -> None:
    questions = [f"How many boats lay in the basin number{n} on the day of the fair?" for n in range(1000)]
    assert flagged(questions, [*questions, "How many boats lay in the basin?"]) == list(range(1000))
