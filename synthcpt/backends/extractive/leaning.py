"""Whether an English sentence leans on the one before it: an open pronoun, a connective, a quotation half heard."""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import pairwise

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
    TIMES,
    TITLES,
)
from synthcpt.text.abbreviations import word_set

_TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|[,;:()\"“”]")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_AFTER_BARE_SUPERLATIVE = word_set("was were is are had , of")
_CLAUSE_MARKS = word_set(
    ", ; : and or but who which that when while as because before after where if whom whose for to"
)
_FRAGMENT_STARTS = word_set("about set starring directed written produced based following")


def leans(text: str, names: Set[str] = frozenset(), own_voice: bool = False) -> bool:
    """Whether a reader who meets this sentence first would ask "who?", "what?" or "instead of what?".

    Args:
        text: the sentence.
        names: words known to be names, wherever they stand.
        own_voice: the text says who "I" and "we" are.
    """
    if text[:1] in "\"“'‘" or text[:1].islower():
        return True
    tokens = _TOKEN.findall(_QUOTED.sub("", text))
    words = [token.lower() for token in tokens]
    if not words or _leaning_start(words):
        return True
    first_person = FIRST_PERSON if not own_voice else frozenset()
    return _open_pronoun(tokens, words, first_person, names)


def _leaning_start(words: list[str]) -> bool:
    first = words[0]
    if first in LEANING_STARTS or first in DEMONSTRATIVES or first in _FRAGMENT_STARTS:
        return True
    if " ".join(words[:2]) in LEANING_PAIRS:
        return True
    if first == "the" and len(words) > 2 and words[1].endswith("est") and words[2] in _AFTER_BARE_SUPERLATIVE:
        return True
    opening = words[1:4]
    return "also" in opening or any(
        word in DEMONSTRATIVES and (word != "that" or following in TIMES) for word, following in pairwise(words[1:4])
    )


def _open_pronoun(tokens: list[str], words: list[str], first_person: frozenset[str], names: Set[str]) -> bool:
    """A pronoun before anything it could stand for."""
    person = thing = False
    for at, word in enumerate(words):
        if word in first_person:
            return True
        if (word in PERSONAL and not person) or (word in IMPERSONAL and not (thing and at > 2)):
            return not (word == "it" and _is_filler(words, at))
        if _is_object(words, at) and _CLAUSE_MARKS.isdisjoint(words[:at]):
            return True  # "Penn hired her": the one name so far is the subject, and she is somebody else
        if _names_someone(tokens, words, at, names) or word in PERSON_NOUNS or word in TITLES:
            person = True
            thing = thing or not TITLES.intersection(words[:at])
        elif at > 0 and word not in TIMES and word not in STOPWORDS and word.isalpha():
            thing = thing or words[at - 1] in DETERMINERS or word.endswith("s")
    return False


def _is_object(words: list[str], at: int) -> bool:
    following = words[at + 1] if at + 1 < len(words) else "."
    return words[at] in ("him", "them") or (words[at] == "her" and (following in STOPWORDS or not following.isalpha()))


def _is_filler(words: list[str], at: int) -> bool:
    """``it takes``, ``it was not until``: an "it" that stands for nothing, only at the very start."""
    return at == 0 and words[1:4] in (["is", "not", "until"], ["was", "not", "until"], ["was", "announced", "that"])


def _names_someone(tokens: list[str], words: list[str], at: int, names: Set[str]) -> bool:
    """A capitalised word that could be a person: no month, and not the place in "In Anstow"."""
    if not _is_name_like(tokens, words, at) or (at == 0 and not _opens_with_name(tokens, words, names)):
        return False
    start = at
    while start > 0 and _is_name_like(tokens, words, start - 1):
        start -= 1
    return start == 0 or (words[start - 1] not in LOCATIVES and words[start - 1 : start] != ["the"])


def _opens_with_name(tokens: list[str], words: list[str], names: Set[str]) -> bool:
    """The first word has a capital in any case: only other sightings, or a second name after it, make it a name."""
    base = tokens[0].removesuffix("'s").removesuffix("’s")
    return base in names or (len(tokens) > 1 and _is_name_like(tokens, words, 1))


def _is_name_like(tokens: list[str], words: list[str], at: int) -> bool:
    word = words[at]
    return tokens[at][0].isupper() and word not in STOPWORDS and word not in MONTHS and word not in DAYS
