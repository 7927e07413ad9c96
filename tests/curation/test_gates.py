"""Gates of one text."""

from __future__ import annotations

import pytest
from full_runs import text_of

from synthcpt.curation.gates import in_other_language, out_of_bounds, repetitive
from synthcpt.curation.words import WordHasher

ENGLISH = "the harbour was closed for the winter and nobody came back to it before the end of the spring"
GERMAN = "der Hafen war den ganzen Winter über geschlossen und niemand kam vor dem Ende des Frühlings zurück"


@pytest.mark.parametrize(("tokens", "reason"), [(9, "too_short"), (10, None), (20, None), (21, "too_long")])
def test_bounds_are_within(tokens: int, reason: str | None) -> None:
    verdict = out_of_bounds(tokens, 10, 20)
    assert (verdict and verdict.reason) == reason
    assert out_of_bounds(tokens, None, None) is None


def test_a_loop_is_found_and_a_refrain_is_not() -> None:
    hasher = WordHasher()
    verse, other = text_of(1, 40), text_of(2, 40)
    loop = repetitive(hasher.hashes(" ".join([verse] * 4)), 0.5)
    assert loop is not None
    assert loop.reason == "repetitive"
    # 160 words have 151 runs, of which 40 are different.
    assert "74%" in loop.detail
    assert repetitive(hasher.hashes(f"{verse} {other} {verse}"), 0.5) is None
    assert repetitive(hasher.hashes(" ".join([verse] * 4)), None) is None


def test_short_texts_may_repeat_themselves() -> None:
    assert repetitive(WordHasher().hashes("ha " * 29), 0.1) is None


def test_only_the_languages_asked_for_pass() -> None:
    assert in_other_language(ENGLISH, ["en"]) is None
    assert in_other_language(GERMAN, ["en", "de"]) is None
    verdict = in_other_language(GERMAN, ["en"])
    assert verdict is not None
    assert (verdict.reason, verdict.detail) == ("language", "in de, asked for en")
    assert in_other_language(GERMAN, []) is None
    assert in_other_language("42", ["en"]) is None
