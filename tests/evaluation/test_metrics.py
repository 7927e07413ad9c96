"""Every metric against values computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.evaluation.metrics import contains, exact_match, first_line, score_answer, token_f1
from synthcpt.evaluation.normalise import normalise

SAME = [
    ("The Lantern Inn", "lantern inn"),
    ("41,500 crowns", "41500 crowns."),
    ("1,234,567.50", "1234567.50"),
    ("1,00,000", "100000"),
    ("1'234", "1,234"),
    ("1\u202f234", "1234"),
    ("٤٢", "42"),
    ("ＡＢＣ　１２", "abc 12"),
    ("3,14", "3.14"),
    ("Franco-Prussian", "Franco–Prussian"),
    ("Franco-Prussian", "franco prussian"),
    ("O’Brien", "O'Brien"),
    ("U.S.", "US"),
    ("**Hugh Sallow**", "Hugh Sallow"),
    ("Straße", "STRASSE"),
    ("café", "cafe\u0301"),
    ("1847-03-09", "1847/03/09"),
    ("−5", "-5"),
    ("2½", "2 1/2"),
    ("东京都", "东京 都"),
]
DIFFERENT = [
    ("3.5", "35"),
    ("3,14", "314"),
    ("-5", "5"),
    ("9 March 1847", "March 9, 1847"),
    ("1847-03-09", "18470309"),
    ("12:30", "1230"),
    ("café", "cafe"),
    ("vitamin A", "vitamin"),
    ("+", "-"),
    ("seven", "7"),
    ("1998,1999", "19981999"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_these_are_the_same_answer(first: str, second: str) -> None:
    assert exact_match(first, [second]) == exact_match(second, [first]) == 1.0
    assert token_f1(first, [second]) == contains(first, [second]) == 1.0


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_these_are_not(first: str, second: str) -> None:
    assert exact_match(first, [second]) == exact_match(second, [first]) == 0.0


def test_the_normal_form() -> None:
    assert normalise('  The "Lantern"   Inn, at the Quay! ') == "lantern inn at quay"
    assert normalise("$41,500.75 (in all)") == "41500.75 in all"
    assert normalise("an") == "an"
    assert normalise("!?") == "!?"


def test_the_best_gold_counts() -> None:
    golds = ["Josias Brandreth", "Brandreth"]
    assert exact_match("brandreth", golds) == 1.0
    assert token_f1("Mr Brandreth", golds) == pytest.approx(2 / 3)  # 1 common of 2 said and 1 in the second gold


def test_f1_counts_each_word_as_often_as_both_have_it() -> None:
    # said: the article goes, 5 words; gold: 3 words; common: red, red = 2 -> 2 * 2 / (5 + 3)
    assert token_f1("the red red boat sails west", ["red red red"]) == pytest.approx(0.5)
    assert token_f1("west", ["east"]) == 0.0
    assert token_f1("", ["east"]) == 0.0


def test_characters_of_spaceless_scripts_are_words() -> None:
    # 东京 against 东京都: 2 common, 2 said, 3 in the gold
    assert token_f1("东京", ["东京都"]) == pytest.approx(0.8)
    assert contains("他住在东京都。", ["东京"]) == 1.0
    assert contains("東へ", ["東京"]) == 0.0


def test_contains_wants_whole_words_side_by_side() -> None:
    assert contains("It cost 41,500 crowns in all.", ["41500 crowns"]) == 1.0
    assert contains("a part of it", ["art"]) == 0.0
    assert contains("Hugh the Bold Sallow", ["Hugh Sallow"]) == 0.0
    assert contains("at Lantern Inn", ["the Lantern Inn"]) == 1.0
    assert contains("Vitamin A is found in liver", ["vitamin A"]) == 1.0
    assert contains("it was 3.5 m", ["5"]) == 0.0
    assert contains("", ["x"]) == 0.0


def test_all_three_at_once() -> None:
    scores = score_answer("In 1847, at the Lantern Inn", ["the Lantern Inn"])
    assert (scores.exact, scores.contains) == (0.0, 1.0)
    assert scores.f1 == pytest.approx(2 * 2 / (5 + 2))


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (" 9 March 1847\nQuestion: Who?", "9 March 1847"),
        ("\n\n9 March 1847", "9 March 1847"),
        (" Answer: ballast\nmore", "ballast"),
        ("Answer:\nballast", "ballast"),
        (" ballast Question: Who else?", "ballast"),
        (" ballast Q: Who else?", "ballast"),
        ("see the FAQ: it says so", "see the FAQ: it says so"),
        ("a good day", "a good day"),
        ("", ""),
    ],
)
def test_the_first_line_is_the_answer(completion: str, answer: str) -> None:
    assert first_line(completion) == answer


@given(st.text(max_size=60))
def test_a_text_is_its_own_answer_and_normal_form_is_final(text: str) -> None:
    if text.split():
        assert exact_match(text, [text]) == token_f1(text, [text]) == contains(text, [text]) == 1.0
    assert 0.0 <= token_f1(text, ["the 3.5 東京"]) <= 1.0
