"""What a single sentence gives a task for: a definition, the topic of something, words of the domain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import lru_cache

from synthcpt.text.abbreviations import word_set
from synthcpt.text.mining.connectives import DEFINITIONS, TOPICS, opening
from synthcpt.text.mining.found import Found, occurrences
from synthcpt.text.mining.segments import Segments, Span
from synthcpt.text.tokens import estimate_tokens

_FEWEST_DEFINITION_CHARS = 20
_FEWEST_TOPIC_CHARS = 20
_TERM_CHARS = (3, 80)
_MOST_TERM_WORDS = 8
_KEYWORDS_USED = 3

_WORD = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u1fff]{10,}+")
"""Letters of scripts that set spaces between words; named by their ranges, which is three times as fast as by class."""
_WORD = re.compile(r"[^\W_]+")
_POINTERS = word_set("it this that these those he she they what which who there here such each latter former one")
_NO_TOPIC = word_set(
    "to as half third two three four five six seven eight nine ten twelve twenty thirty forty fifty eighty hundred "
    "time halfway midway twice right"
)
"""What follows "about" where it means "nearly", or stands before a verb."""


@lru_cache(maxsize=8)
def long_word(letters: int) -> re.Pattern[str]:
    """Finds words of at least so many letters, in scripts that set spaces between words.

    The scripts are named by their ranges, which is three times as fast as by a class.
    """
    return re.compile(f"[A-Za-z\u00c0-\u024f\u0370-\u1fff]{{{letters},}}+")


def definitions(segments: Segments) -> Iterator[tuple[int, Found]]:
    """Sentences that define a term, which may have several words; ``term`` and ``definition``."""
    for at, phrase in occurrences(segments.lower, DEFINITIONS):
        number = segments.at(at)
        start, end = segments.spans[number]
        if not segments.is_prose(number):
            continue
        # "In hydrology, a weir is defined as ...": the term stands behind the last comma.
        comma = segments.text.rfind(", ", start, at)
        term = _trimmed(segments.text, (comma + 2 if comma >= 0 else start, at))
        definition = _trimmed(segments.text, (at + len(phrase), end))
        if _is_term(segments.lower[slice(*term)]) and definition[1] - definition[0] >= _FEWEST_DEFINITION_CHARS:
            yield number, Found("definition", {"term": term, "definition": definition})


def topics(segments: Segments) -> Iterator[tuple[int, Found]]:
    """Sentences that say what something is about; ``subject`` and ``topic``, as long as the paper wants them."""
    text = segments.text
    for at, phrase in occurrences(segments.lower, TOPICS):
        number = segments.at(at)
        start, end = segments.spans[number]
        if not segments.is_prose(number):
            continue
        found = opening(text, start)
        subject = _trimmed(text, (found[1] if found else start, at))
        topic = _trimmed(text, (at + len(phrase), end))
        following = _WORD.match(segments.lower, topic[0])
        if not following or following[0][0].isdigit() or following[0] in _NO_TOPIC or "," in text[slice(*subject)]:
            continue
        if min(subject[1] - subject[0], topic[1] - topic[0]) >= _FEWEST_TOPIC_CHARS:
            yield number, Found("topic", {"subject": subject, "topic": topic})


def keyword_sentences(
    segments: Segments, keywords: Set[str], fewest: int, most_tokens: int, *, letters: int = 10
) -> Iterator[tuple[int, Found]]:
    """Sentences of a length that hold enough different words of the domain; ``sentence``, and the first of the words.

    Args:
        segments: the text.
        keywords: the domain's, in lower case.
        fewest: how many a sentence must hold.
        most_tokens: how long it may be.
        letters: how many the shortest of the keywords has.
    """
    if not keywords:
        return
    held: dict[int, dict[str, str]] = {}
    for match in long_word(letters).finditer(segments.text):
        word = match[0].lower()
        if word in keywords:
            held.setdefault(segments.at(match.start()), {}).setdefault(word, match[0])
    for number, words in held.items():
        span = segments.spans[number]
        if len(words) < fewest or not segments.is_prose(number):
            continue
        if estimate_tokens(segments.text[slice(*span)]) <= most_tokens:
            used = tuple(words.values())[: max(fewest, _KEYWORDS_USED)]
            yield number, Found("keywords", {"sentence": span}, used)


def _is_term(lower: str) -> bool:
    words = _WORD.findall(lower)
    shortest, longest = _TERM_CHARS
    fits = shortest <= len(lower) <= longest and 0 < len(words) <= _MOST_TERM_WORDS
    return fits and _POINTERS.isdisjoint(words) and any(char.isalpha() for char in lower)


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
