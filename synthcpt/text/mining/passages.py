"""Cuts a text into passages that have at most so many tokens, whatever its parts are made of."""

from __future__ import annotations

from synthcpt.text.mining.segments import Span
from synthcpt.text.sentences import chunk_spans
from synthcpt.text.tokens import estimate_tokens

_MARGIN = 0.95
_MOST_A_CHAR_ASCII, _MOST_A_CHAR = 0.9, 2.0
"""No character is estimated at more tokens; most texts are so short that this settles it."""


def fitting_spans(text: str, most_tokens: int) -> list[Span]:
    """Contiguous pieces of about one size that cover the text and end where sentences end.

    Where a part is denser in tokens than the rest (a table in prose), its piece is cut again.
    """
    fitting: list[Span] = []
    todo = [(0, len(text))]
    most_a_char = _MOST_A_CHAR_ASCII if text.isascii() else _MOST_A_CHAR
    while todo:
        start, end = todo.pop()
        if (end - start) * most_a_char <= most_tokens:
            fitting.append((start, end))
            continue
        tokens = estimate_tokens(text[start:end])
        if tokens <= most_tokens or end - start < 2:
            fitting.append((start, end))
            continue
        most_chars = min(int(_MARGIN * (end - start) * most_tokens / tokens), end - start - 1)
        pieces = chunk_spans(text[start:end], max(1, most_chars))
        todo += [(start + first, start + last) for first, last in reversed(pieces)]
    return fitting
