"""The embedded backend asks what the document's own sentences answer."""

from __future__ import annotations

import pytest

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.questions import Asked, ask_about
from synthcpt.backends.extractive.reading import read_document

TEXT = (
    "Ada Lisle founded the mill at Arden Bay in March 1841. The old bridge was built in 1829. In 1862 a fire took the "
    "roof, and Bram Oake put on a new one of slate. Edric Moss bought the place in 1903 for $4.5 million. By 1931 the "
    "wheel stood still. Corin Vale came in 1950, and he sold a hundred and twenty tons of old iron to a yard at Hesk. "
    "The yard gave 20 crowns a ton. Ivo Strake met Bram Oake at Hesk in 1903."
)


def ask(text: str, most: int = 16, title: str = "The Mill") -> list[Asked]:
    return ask_about(Analysis(title, read_document(text)), text, most)


def test_an_answer_stands_in_its_evidence_and_not_in_its_question() -> None:
    found = ask(TEXT)
    assert len(found) > 8
    for one in found:
        assert one.evidence in TEXT
        assert one.answer in one.evidence
        assert one.answer not in one.question
        assert one.answer not in one.wrong
        assert len(set(one.wrong)) == len(one.wrong)
    assert len({one.answer for one in found}) == len(found)


def test_plain_questions_where_the_sentence_allows() -> None:
    asked = {one.question: one.answer for one in ask(TEXT)}
    assert asked['According to "The Mill", in which year was the old bridge built?'] == "1829"
    assert any(question.startswith('According to "The Mill", who') for question in asked)
    assert not any("who" in question and "and he" in question for question in asked), "another clause's subject"


def test_a_number_is_asked_for_whole() -> None:
    answers = {one.answer for one in ask(TEXT, 40)}
    assert not answers & {"$4.5", "4.5", "twenty"}


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_than_wanted_and_of_different_sentences(most: int) -> None:
    found = ask(TEXT, most)
    assert len(found) == most
    assert len({one.evidence for one in found}) == most


def test_a_pronoun_that_opens_a_sentence_is_the_subjects_name() -> None:
    text = "Ardent Prospect is a collier of 1,180 tons built at Hesk in 1936. It belonged to Edric Moss of Anstow."
    found = ask(text, title="Ardent Prospect (ship)")
    assert found[0].question == "What is Ardent Prospect?" or any(
        one.question == "What is Ardent Prospect?" for one in found
    )
    assert any("Ardent Prospect belonged to" in one.told for one in found)
    assert not any(" It belonged" in one.question for one in found)


def test_a_text_with_nothing_to_ask_for_is_no_fault() -> None:
    assert ask("") == []
    assert ask("nothing here has a name or a number in it at all, and so it goes.") == []
