"""Finding a name in a text, and telling when two names are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from synthcpt.text.folding import Folded, fold, is_spaceless, is_word_char

_QUOTES = "\"'“”‘’‚„«»‹›`´*_「」『』"
_LEADING = _QUOTES + "-–—•.,;:!?¿¡ "
_TRAILING = _QUOTES + "-–—.,;:!?… "
_DETERMINERS = re.compile(r"(?:(?:the|an|a)\s++)++(?=\S)")
_POSSESSIVE = re.compile(r"(?<=\S)(?:'s|(?<=s)')\Z")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """The form under which names are compared, so that ``The “Corrane  Light”'s`` and ``corrane light`` are one.

    Compatibility forms, case, surrounding quotes and punctuation, a possessive ending, leading English articles and
    spacing are ignored. Applying it twice changes nothing. A name of punctuation alone becomes empty.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = " ".join(text.translate(_ONE_KIND).split())
    while True:
        stripped = _strip_once(text)
        if stripped == text:
            return text
        text = stripped


_ONE_KIND = str.maketrans(dict.fromkeys("’‘ʼ＇`´", "'") | dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("“”„", '"'))


def _strip_once(text: str) -> str:
    text = text.lstrip(_LEADING).rstrip(_TRAILING)
    text = _POSSESSIVE.sub("", text)
    text = _DETERMINERS.sub("", text, count=1) if _DETERMINERS.match(text) else text
    return _strip_bracket(text)


def _strip_bracket(text: str) -> str:
    """Without a pair of brackets around all of it, or a bracket at an edge that has no partner."""
    for left, right in _BRACKETS.items():
        if text.startswith(left) and (right not in text or text.find(right) == len(text) - 1):
            text = text[1:].removesuffix(right)
        elif text.endswith(right) and left not in text:
            text = text[:-1]
    return text


class Haystack:
    """A text prepared for many searches.

    Names are found whole (not inside a longer word), whatever their case, with any kind of hyphen, apostrophe,
    quote or single line break, and in any Unicode composition. Scripts without spaces between words are searched
    as they are.
    """

    __slots__ = ("_folded", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._folded: Folded = fold(text)

    def find(self, name: str) -> tuple[int, int] | None:
        """The character span of the first mention, or None."""
        return next(self._spans(name), None)

    def find_all(self, name: str) -> list[tuple[int, int]]:
        """The character spans of all mentions, in order, none overlapping another."""
        return list(self._spans(name))

    def _spans(self, name: str) -> Iterator[tuple[int, int]]:
        needle = _needle(name)
        if not needle:
            return
        folded = self._folded
        matches = _wide_matches if folded.has_wide_spaces and " " in needle else _plain_matches
        end = 0
        for at, stop in matches(folded.text, needle):
            if at >= end and _is_whole(folded.text, at, stop):
                end = stop
                yield folded.original_span(at, stop)


@lru_cache(maxsize=8192)
def _needle(name: str) -> str:
    return " ".join(fold(canonical(name)).text.split())


def _plain_matches(text: str, needle: str) -> Iterator[tuple[int, int]]:
    at = text.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = text.find(needle, at + 1)


def _wide_matches(text: str, needle: str) -> Iterator[tuple[int, int]]:
    for match in _wide_pattern(needle).finditer(text):
        yield match.span()


@lru_cache(maxsize=2048)
def _wide_pattern(needle: str) -> re.Pattern[str]:
    return re.compile(" {1,3}".join(map(re.escape, needle.split())))


def _is_whole(text: str, at: int, end: int) -> bool:
    return not (at and _joins(text[at - 1], text[at])) and not (end < len(text) and _joins(text[end - 1], text[end]))


def _joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return is_word_char(left) and is_word_char(right) and not is_spaceless(left) and not is_spaceless(right)


@lru_cache(maxsize=32)
def _haystack(text: str) -> Haystack:
    return Haystack(text)


def find_mention(name: str, text: str) -> tuple[int, int] | None:
    """The span of the first mention of a name; see `Haystack` for what counts as one."""
    return _haystack(text).find(name)


def find_mentions(name: str, text: str) -> list[tuple[int, int]]:
    """The spans of all mentions of a name; see `Haystack` for what counts as one."""
    return _haystack(text).find_all(name)
