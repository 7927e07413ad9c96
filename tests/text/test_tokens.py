"""The estimate of token counts. The reference counts were taken with the Tekken tokenizer (131,072 entries)."""

from __future__ import annotations

import pytest

from synthcpt.text.tokens import estimate_tokens

PROSE = (
    "Dorothea Vane was born on the island of Brannay on 22 February 1914, the fourth child of a shepherd who disliked "
    "boats. She crossed to Skerrow at sixteen in the steamer Countess Hesk with a scholarship of forty crowns and a "
    "trunk that had belonged to a drowned uncle, and entered the Quillan School of Seamanship, from which she "
    "graduated in 1932, second in a class of twenty-six."
)


def test_english_prose_is_within_a_tenth() -> None:
    assert estimate_tokens(PROSE) == pytest.approx(101, rel=0.1)


def test_chinese_costs_more_a_character_than_english() -> None:
    text = "港务局成立于1847年，当时岛议会通过了港口条例。"
    assert estimate_tokens(text) == pytest.approx(22, abs=4)


def test_numbers_cost_more_a_character_than_words() -> None:
    assert estimate_tokens("1847 1866 1902") > 2 * estimate_tokens("harbour master")


def test_indentation_is_nearly_free() -> None:
    assert estimate_tokens(" " * 64 + "return") < 20


def test_nothing_has_no_tokens_and_anything_has_one() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("\n") == 1


def test_long_texts_are_counted_as_their_parts() -> None:
    assert estimate_tokens(PROSE * 20) == pytest.approx(20 * estimate_tokens(PROSE), rel=0.01)


def test_lone_surrogates_are_counted() -> None:
    assert estimate_tokens("a\ud800b") >= 1
