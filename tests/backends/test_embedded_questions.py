"""The embedded backend asks what the document's own sentences answer."""

from __future__ import annotations

import pytest

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.questions import Asked, ask_about, hideable
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
    assert not answers & {"$4.5", "4.5", "twenty", "20"}
    assert {"$4.5 million", "20 crowns"} <= answers


def test_all_of_a_quantity_or_name_is_left_out() -> None:
    text = (
        "The crossing to Hesk took three hours and forty minutes in a good year. The tower at Hesk is 27 metres high, "
        "and the wall 5 metres. The shop at 4 Salt Quay was sold on 10 January 1899 to 20th Century Studios by Ada "
        "Lisle. The gale reached the island at twenty minutes to eleven. He kept an office at 7 December Street until "
        "then."
    )
    asked = {one.answer: one for one in ask(text, 60, title="")}
    assert asked["three hours and forty minutes"].question == (
        "Which quantity fills the gap? The crossing to Hesk took _____ in a good year."
    )
    assert asked["27 metres"].wrong == ()
    assert asked["4 Salt Quay"].question.startswith(
        "Which name fills the gap? The shop at _____ was sold on 10 January"
    )
    assert asked["10 January 1899"].question.startswith("Which date fills")
    assert "to _____ by Ada Lisle" in asked["20th Century Studios"].question
    assert asked["twenty minutes to eleven"].question.startswith("Which time fills")
    assert not asked.keys() & {"three", "forty", "10", "Century Studios", "7 December", "7", "Street", "December"}


def test_wrong_answers_are_as_whole_as_the_right_one() -> None:
    text = (
        "The tower at Hesk has been 27 metres high for long. A wall of 5 metres was put up by Bram Oake. Ada Lisle had "
        "a rope of 60 metres to let down. Edric Moss led the school 1882–1919 and left. Ivo Strake came to it in 1950."
    )
    asked = {one.answer: one for one in ask(text, 60, title="The Mill")}
    assert set(asked["27 metres"].wrong) == {"5 metres", "60 metres"}
    assert asked["1950"].wrong == (), "a period is no wrong year"
    assert asked["1882–1919"].question.startswith('From "The Mill": which period fills')


def test_emphasis_that_is_cut_apart_is_not_asked_about() -> None:
    text = (
        "*Edric Moss of Anstow wrote it at Hesk. The letter was given to Ada Lisle in 1903.* Ivo Strake met Bram Oake."
    )
    assert not any("*" in one.question or "*" in one.told for one in ask(text))


def test_what_may_be_left_out_is_whole_and_stands_once() -> None:
    text = (
        "Captain Ada Lisle sold 20 tons of iron to Bram Oake for $48 million in May 1841, and Bram Oake took two more "
        "at four, at the yard of The Anstow Packet."
    )
    analysis = Analysis("The Anstow Mill", read_document(text))
    found = [(value.text, value.kind) for value in hideable(analysis, 0, text)]
    assert found[0] == ("Captain Ada Lisle", "name")
    assert ("The Anstow Packet", "name") in found
    assert found[-3:] == [("20 tons", "quantity"), ("$48 million", "sum"), ("May 1841", "month")]
    assert not [name for name, _ in found if "Bram" in name], "it stands there twice"


def test_neither_the_title_nor_what_stands_twice_is_left_out() -> None:
    text = "At Hesk the yard of Bram Oake lost 20 tons of iron and 20 tons of lead to Ada Lisle."
    analysis = Analysis("Bram Oake and His Yard", read_document(text))
    assert {value.text for value in hideable(analysis, 0, text)} == {"Hesk", "Ada Lisle"}


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
