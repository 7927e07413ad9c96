"""Words and the hashes of their runs."""

from __future__ import annotations

import numpy as np
import pytest

from synthcpt.curation.words import WordHasher, run_hashes, run_hashes_each, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Quay's 41,500 crowns -- paid!", ["the", "quay", "s", "41", "500", "crowns", "paid"]),
        ("snake_case\tand\nlines", ["snake_case", "and", "lines"]),
        ("Café Öl – déjà", ["café", "öl", "déjà"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("  ", []),
    ],
)
def test_case_and_punctuation_do_not_count(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_plain_text_has_the_same_words_beside_a_letter_with_a_mark() -> None:
    plain = 'A (b) c-d\'s e_f, 12.5%; "g"\x00h'
    assert [*words_of(plain), "é"] == words_of(plain + " é")


def test_runs_are_equal_where_their_words_are() -> None:
    hasher = WordHasher()
    first, second = hasher.hashes("a b c d e f"), hasher.hashes("x C, d E! b a")
    assert run_hashes(first, 3)[2] == run_hashes(second, 3)[1]  # c d e
    assert len(set(run_hashes(first, 3).tolist()) & set(run_hashes(second, 3).tolist())) == 1
    assert not set(run_hashes(hasher.hashes("a b"), 2).tolist()) & set(run_hashes(hasher.hashes("b a"), 2).tolist())


def test_there_are_as_many_runs_as_places_for_one() -> None:
    words = WordHasher().hashes("a b c d")
    assert [len(run_hashes(words, length)) for length in (1, 2, 4, 5)] == [4, 3, 1, 0]
    assert len(run_hashes(words[:0], 3)) == 0


def test_several_lengths_at_once_are_the_same_as_one_by_one() -> None:
    words = WordHasher().hashes("one two three four five six seven eight")
    each = list(run_hashes_each(words, [1, 4, 5, 8, 9]))
    assert len(each) == 4
    for length, found in zip((1, 4, 5, 8), each, strict=True):
        assert np.array_equal(found, run_hashes(words, length))


def test_hashes_are_the_same_everywhere() -> None:
    assert run_hashes(WordHasher().hashes("tide table of"), 2).tolist() == [0xF900B3BD8A607BD0, 0x1CCC7E239E918741]
    assert np.array_equal(WordHasher().hashes("tide table"), WordHasher().hashes("Tide, TABLE"))
