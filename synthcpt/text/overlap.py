"""How much of a text is a copy of another, also of short runs, and in scripts without spaces between words."""

from __future__ import annotations

import re

from synthcpt.text.folding import is_spaceless

_WORD = re.compile(r"\w+")


def copied_share(text: str, source: str, run_words: int = 5) -> float:
    """The share of the text's words that stand in a run of ``run_words`` words that the source has, too.

    Case and punctuation do not count; in scripts without spaces a character is a word.
    """
    words = _words(text)
    if len(words) < run_words:
        return 0.0
    known = set(_runs(_words(source), run_words))
    copied = bytearray(len(words))
    for at, run in enumerate(_runs(words, run_words)):
        if run in known:
            copied[at : at + run_words] = b"\1" * run_words
    return sum(copied) / len(words)


def _runs(words: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in _WORD.findall(text.casefold()):
        words += word if any(map(is_spaceless, word)) else [word]
    return words
