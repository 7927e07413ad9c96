"""From characters that carry loss to tokens that do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

Ranges = list[tuple[int, int]]


def token_ranges(
    text: str, spans: Sequence[tuple[int, int]], tokens: int, place: Callable[[int], tuple[int, int]]
) -> Ranges:
    """Which tokens carry loss.

    A token does if it lies within a span, or if it shares a character with one that is not white space. So the token
    " Paris" carries the loss of a span that begins at the P (its space belongs to the answer), and the token that
    follows an answer does not, though the space before it may be the span's last character.

    Args:
        text: as it was tokenised.
        spans: character ranges, ascending and apart.
        tokens: how many it has.
        place: the character range of a token; they ascend. It is asked for few, because a list of all takes longer to
            make than the tokens themselves.

    Returns:
        Token ranges, ascending and apart; empty where no token carries loss.
    """
    ranges: Ranges = []
    for start, end in spans:
        low = bisect_right(range(tokens), start, key=lambda token: place(token)[1])
        high = bisect_left(range(tokens), end, lo=low, key=lambda token: place(token)[0])
        while low < high and place(low)[0] < start and _blank(text, start, min(end, place(low)[1])):
            low += 1
        while low < high and place(high - 1)[1] > end and _blank(text, max(start, place(high - 1)[0]), end):
            high -= 1
        if low < high:
            add_range(ranges, low, high)
    return ranges


def add_range(ranges: Ranges, low: int, high: int) -> None:
    """Append a range that begins where the last one ends, or later; where they meet they become one."""
    if ranges and low <= ranges[-1][1]:
        ranges[-1] = ranges[-1][0], max(high, ranges[-1][1])
    else:
        ranges.append((low, high))


def _blank(text: str, start: int, end: int) -> bool:
    return text[start:end].isspace()


def prefix_ranges(
    spans: Sequence[tuple[int, int]], ids: Sequence[int], prefixes: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> Ranges:
    """Which tokens carry loss, for a tokenizer that does not tell where its tokens stand.

    The tokens before a place are those that the text up to there begins with, too, when it is tokenised alone; a token
    across the place is the first that differs.

    Args:
        spans: character ranges, ascending and apart.
        ids: of the whole text.
        prefixes: for each span, the ids of the text up to its start and up to its end.
    """
    ranges: Ranges = []
    for _, (before, upto) in zip(spans, prefixes, strict=True):
        low, high = _agreeing(before, ids), _agreeing(upto, ids)
        high += high < len(upto) and high < len(ids)
        if low < high:
            add_range(ranges, low, high)
    return ranges


def _agreeing(one: Sequence[int], other: Sequence[int]) -> int:
    for at, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return at
    return min(len(one), len(other))
