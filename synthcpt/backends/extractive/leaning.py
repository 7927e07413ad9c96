"""Whether an English sentence leans on the one before it: an open pronoun, a connective, a quotation half heard."""

from __future__ import annotations

import re

from synthcpt.backends.extractive.lexicon import (
    DAYS,
    DEMONSTRATIVES,
    DETERMINERS,
    FIRST_PERSON,
    IMPERSONAL,
    LEANING_PAIRS,
    LEANING_STARTS,
    LOCATIVES,
    MONTHS,
    PERSON_NOUNS,
    PERSONAL,
    STOPWORDS,
)

_TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|[,;:()\"“”]")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_FRAGMENT_STARTS = frozenset("about set starring directed written produced based following".split())


def leans(text: str, own_voice: bool = False) -> bool:
    """Whether a reader who meets this sentence first would ask "who?", "what?" or "instead of what?".

    ``own_voice``: the text says who "I" and "we" are.
    """
    if text[:1] in "\"“'‘" or text[:1].islower():
        return True
    tokens = _TOKEN.findall(_QUOTED.sub("", text))
    words = [token.lower() for token in tokens]
    if not words or _leaning_start(words):
        return True
    first_person = FIRST_PERSON if not own_voice else frozenset()
    return _open_pronoun(tokens, words, first_person)


def _leaning_start(words: list[str]) -> bool:
    first = words[0]
    if first in LEANING_STARTS or first in DEMONSTRATIVES or first in _FRAGMENT_STARTS:
        return True
    if " ".join(words[:2]) in LEANING_PAIRS:
        return True
    opening = words[1:4]
    return "also" in opening or any(word in DEMONSTRATIVES and word != "that" for word in words[1:3])


def _open_pronoun(tokens: list[str], words: list[str], first_person: frozenset[str]) -> bool:
    """A pronoun before anything it could stand for."""
    person = thing = False
    for at, word in enumerate(words):
        if word in first_person:
            return True
        if (word in PERSONAL and not person) or (word in IMPERSONAL and not (thing and at > 2)):
            return not (word == "it" and _is_filler(words, at))
        if _names_someone(tokens, words, at):
            person = thing = True
        elif word in PERSON_NOUNS:
            person = thing = True
        elif word in DETERMINERS or tokens[at][0].isupper() or word.isdigit() or word.endswith("s"):
            thing = thing or at > 0 or word in DETERMINERS or _is_name_like(tokens, words, at)
    return False


def _is_filler(words: list[str], at: int) -> bool:
    """``it takes``, ``it was not until``: an "it" that stands for nothing, only at the very start."""
    return at == 0 and words[1:4] in (["is", "not", "until"], ["was", "not", "until"], ["was", "announced", "that"])


def _names_someone(tokens: list[str], words: list[str], at: int) -> bool:
    """A capitalised word that could be a person: no month, and not the place in "In Anstow"."""
    if not _is_name_like(tokens, words, at):
        return False
    start = at
    while start > 0 and _is_name_like(tokens, words, start - 1):
        start -= 1
    return start == 0 or words[start - 1] not in LOCATIVES and words[start - 1 : start] != ["the"]


def _is_name_like(tokens: list[str], words: list[str], at: int) -> bool:
    word = words[at]
    return tokens[at][0].isupper() and word not in STOPWORDS and word not in MONTHS and word not in DAYS
