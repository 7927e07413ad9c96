"""Sentences that can be told alone, their blanks, and how one is made false."""

from __future__ import annotations

import pytest

from synthcpt.text.statements import BLANK, Statements
from synthcpt.text.telling import hidden_runs, is_sound, without_heading

TEXT = (
    "The Light was designed by Ada Vane and built by Hugh Moss in 1841.\n\n"
    "Its lamp came from the workshop of Leo Marsh in Port Lorne on 3 May 1842. It was paid for by Ada Vane.\n\n"
    "In 1871 the keeper Jon Pike was drowned while he was rowing home from Cape Sorrel. However, nobody wrote of it."
)


@pytest.fixture
def told() -> Statements:
    return Statements(TEXT, "The Light")


def test_a_blank_restores_the_sentence(told: Statements) -> None:
    gaps = [(number, gap) for number in told.tellable for gap in told.gaps(number)]
    assert len(gaps) >= 6
    for number, gap in gaps:
        assert gap.sentence.count(BLANK) == 1
        assert gap.sentence.replace(BLANK, gap.value.text) == told.sentences[number].text


def test_what_points_back_is_told_only_where_it_points_at_the_title(told: Statements) -> None:
    assert [told.sentences[number].text.split()[0] for number in told.tellable] == ["The", "In"]
    follows = Statements("The Light stands on Cape Sorrel to this day. It was lit in 1841 by Ada Vane.", "The Light")
    assert follows.tellable == [0, 1]
    other = Statements("The quay stands on Cape Sorrel to this day. It was lit in 1841 by Ada Vane.", "The Light")
    assert other.tellable == [0]


def test_a_false_sentence_has_one_other_value_of_the_same_kind(told: Statements) -> None:
    year = next(value for value in told.values(0) if value.kind == "year")
    others = told.false_values(0, year, range(len(told.sentences)))
    assert [other.text for other in others] == ["1871"]
    false = told.replaced(0, year, others[0])
    assert false == told.sentences[0].text.replace("1841", "1871")
    assert false not in TEXT


def test_a_value_that_would_make_a_true_sentence_is_not_taken() -> None:
    text = "Ada Vane was the keeper in 1841. Bo Lund was told of in 1900. Ada Vane was the keeper again in 1850."
    told = Statements(text, "")
    year = next(value for value in told.values(0) if value.text == "1841")
    assert [other.text for other in told.false_values(0, year, range(3))] == ["1900"]


@pytest.mark.parametrize(
    "text",
    [
        "He began his career at Arden, playing for the and then the league.",
        "She was born () in Arden Vale in the year 1911.",
        "# Arden Vale was born in the year 1911.",
        "- Arden Vale was born in the year 1911.",
        "Arden Vale was born in the year 1911",
        "Arden Vale.",
        "Arden Vale (born in the year 1911 near Corve.",
        "x = Arden.Vale(1911); Bellis `Reach` was born here.",
    ],
)
def test_sentences_with_holes_and_no_prose_are_not_sound(text: str) -> None:
    assert not is_sound(text)


def test_what_is_left_out_leaves_a_text_that_reads_on(told: Statements) -> None:
    passage = range(len(told.sentences))
    runs = hidden_runs(told.sentences, passage)
    assert runs
    for run in runs:
        shown = told.without(run, passage)
        kept = [n for n in passage if n not in run]
        assert all(told.sentences[n].text in shown for n in kept)
        assert not any(told.sentences[n].text in shown for n in run)
        assert "  " not in shown
        after = run.stop
        assert after == passage.stop or not told.sentences[after].leans


def test_what_is_shown_elsewhere_is_stated(told: Statements) -> None:
    text = "Ada Vane built the Light in 1841. It is said that in 1841 the Light was built by Ada Vane. Rain fell."
    told = Statements(text, "The Light")
    assert told.is_stated(0, [1])
    assert not told.is_stated(0, [2])
    other_words = Statements("Ada Vane built it in 1841. Stone came dear to Ada Vane, we read, in 1841. Rain fell.", "")
    assert other_words.is_stated(0, [1])
    assert not other_words.is_stated(0, [2])


def test_a_last_phrase_is_not_cut_inside_a_name(told: Statements) -> None:
    for number in told.tellable:
        at = told.tail(number)
        assert at
        tail = told.sentences[number].text[at:]
        assert 2 <= len(tail.split()) <= 7
    assert told.sentences[0].text[told.tail(0) :] == "by Hugh Moss in 1841."


def test_a_heading_is_taken_off() -> None:
    assert without_heading("# The Light\n\nIt stands.", "The Light") == "It stands."
    assert without_heading("The Light\nIt stands.", "The Light") == "It stands."
    assert without_heading("It stands.", "The Light") == "It stands."
