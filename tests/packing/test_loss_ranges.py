"""Which tokens carry loss, checked by hand."""

from __future__ import annotations

import pytest

from synthcpt.packing.loss_ranges import prefix_ranges, token_ranges

TEXT = "Q: who? A: Ann  did. End"
#       0         1         2
#       012345678901234567890123
TOKENS = [(0, 2), (2, 6), (6, 7), (7, 10), (10, 14), (14, 16), (16, 19), (19, 20), (20, 24)]
#         Q:      _who    ?       _A:      _Ann      two spaces did      .         _End


@pytest.mark.parametrize(
    ("spans", "ranges"),
    [
        ([(11, 20)], [(4, 8)]),  # the space before Ann belongs to the answer
        ([(10, 20)], [(4, 8)]),
        ([(11, 21)], [(4, 8)]),  # the space after it does not make the next word part of it
        ([(11, 22)], [(4, 9)]),
        ([(11, 15)], [(4, 5)]),  # half of a run of spaces
        ([(11, 16)], [(4, 6)]),  # all of it
        ([(15, 20)], [(6, 8)]),
        ([(12, 13)], [(4, 5)]),  # within a token
        ([(0, 1), (19, 24)], [(0, 1), (7, 9)]),
        ([(11, 14), (16, 20)], [(4, 5), (6, 8)]),
        ([(11, 12), (13, 14)], [(4, 5)]),  # two spans in one token
        ([(10, 11)], []),
        ([(0, 24)], [(0, 9)]),
    ],
)
def test_tokens_that_share_a_letter_with_a_span_carry_loss(
    spans: list[tuple[int, int]], ranges: list[tuple[int, int]]
) -> None:
    assert token_ranges(TEXT, spans, len(TOKENS), TOKENS.__getitem__) == ranges


def test_all_tokens_of_a_character_carry_its_loss() -> None:
    places = [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]
    assert token_ranges("a火b", [(1, 2)], 5, places.__getitem__) == [(1, 4)]


def test_prefixes_tell_where_tokens_stand() -> None:
    whole = [1, 2, 34, 5, 6]
    assert prefix_ranges([(0, 1)], whole, [([1, 2], [1, 2, 34, 5])]) == [(2, 4)]
    # A token that lies across the start, and one across the end.
    assert prefix_ranges([(0, 1)], whole, [([1, 2, 3], [1, 2, 34, 5, 60])]) == [(2, 5)]
    assert prefix_ranges([(0, 1)], whole, [([1, 2], [1, 2])]) == []
