"""Says an English sentence in another order, where that cannot change what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthcpt.backends.extractive.lexicon import DAYS, MONTHS, STOPWORDS
from synthcpt.text.abbreviations import word_set

_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = rf"(?:in (?:{_MONTH},? )?[12]\d{{3}}|on \d{{1,2}} {_MONTH},? [12]\d{{3}}|on {_MONTH} \d{{1,2}},? [12]\d{{3}})"
_ENDS_IN_TIME = re.compile(rf"^(.{{8,}}[^\W_]) ({_TIME})\.$")
_OPENS_WITH_TIME = re.compile(rf"^({_TIME}),? (.{{8,}}[^\W_])\.$", re.IGNORECASE)
_PASSIVE = re.compile(
    r"^([^,;:()\"“”]{2,80}?) (was|were) ((?:re)?(?:built|made|written|led|drawn|[a-z]{3,}ed)) by "
    r"((?:the |The )?(?:[A-Z][\w'’.-]*)(?: (?:of |de |van |von |the )?[A-Z][\w'’.-]*){0,4})"
    rf"( {_TIME})?\.$"
)
_IRREGULAR = {"built": "built", "rebuilt": "rebuilt", "made": "made", "remade": "remade", "written": "wrote",
              "rewritten": "rewrote", "led": "led", "drawn": "drew", "redrawn": "redrew"}  # fmt: skip
_COPULA = re.compile(r"^([^,;:()\"“”]{2,80}?) (is|was) ((?:a|an|the) [^;:()\"“”]{4,})\.$")
_CLAUSE_WORDS = word_set(
    """and or but nor that which who whom whose when while where because since until till if unless although though as
    before after than to said says told claimed thought believed hoped announced reported promised planned feared
    expected denied argued wrote knew not never no only"""
)
"""With one of these before it, a time may belong to a part of the sentence alone."""
_PLURAL_SUBJECT = re.compile(r"\b(?:and|or|nor)\b")
_WORD = re.compile(r"[^\W\d_]+")
_MARKS = re.compile(r"[,;:()\"“”—–?!]")


def rewordings(sentence: str, entity: str) -> list[str]:
    """Other orders of a sentence, the plainest first; empty where none is safe.

    Args:
        sentence: whole, in English, ending in a full stop.
        entity: a name in it, which keeps its capital.
    """
    found = [*_active(sentence), *_moved_time(sentence, entity), *_turned_copula(sentence, entity)]
    return [text for text in dict.fromkeys(found) if text != sentence]


def inner(sentence: str, names: Sequence[str]) -> str:
    """The sentence as it goes on after other words; empty where its first word may be a name or not."""
    first = _WORD.match(sentence)
    if first is None:
        return sentence
    word = first[0]
    if any(sentence.startswith(name) for name in names if name[:1].isupper()) or word == "I":
        return sentence
    if word.lower() in STOPWORDS or not word[0].isupper():
        return sentence[0].lower() + sentence[1:]
    following = _WORD.search(sentence, first.end())
    if following and following[0][0].isupper() and following.start() == first.end() + 1:
        return sentence
    return ""


def _is_plain(text: str) -> bool:
    """A single clause: no marks, and no word that opens another."""
    return not _MARKS.search(text) and _CLAUSE_WORDS.isdisjoint(word.lower() for word in _WORD.findall(text))


def _moved_time(sentence: str, entity: str) -> list[str]:
    ends = _ENDS_IN_TIME.match(sentence)
    if ends and _is_plain(ends[1]):
        rest = inner(ends[1], [entity])
        return [f"{_upper(ends[2])}, {rest}.", f"It was {ends[2]} that {rest}."] if rest else []
    opens = _OPENS_WITH_TIME.match(sentence)
    if opens and _is_plain(opens[2]) and not _speaks_of_time(opens[2]):
        time = opens[1][0].lower() + opens[1][1:]
        return [f"{_upper(opens[2])} {time}.", f"It was {time} that {opens[2]}."]
    return []


def _speaks_of_time(text: str) -> bool:
    words = {word.lower() for word in _WORD.findall(text)}
    return not words.isdisjoint(MONTHS | DAYS) or bool(re.search(r"[12]\d{3}", text))


def _active(sentence: str) -> list[str]:
    """``X was built by Y in 1841.`` -> ``Y built X in 1841.``"""
    match = _PASSIVE.match(sentence)
    if not match:
        return []
    thing, _, participle, doer, time = match.groups()
    verb = _IRREGULAR.get(participle, participle if participle.endswith("ed") else "")
    lowered = inner(thing, [])
    if not verb or not lowered or not _is_plain(thing) or _speaks_of_time(thing):
        return []
    return [f"{_upper(doer)} {verb} {lowered}{time or ''}."]


def _turned_copula(sentence: str, entity: str) -> list[str]:
    """``X is a lighthouse at Y.`` -> ``A lighthouse at Y is what X is.``"""
    match = _COPULA.match(sentence)
    if not match or not sentence.startswith(entity) or not _is_plain(match[3]) or _PLURAL_SUBJECT.search(match[1]):
        return []
    return [f"{_upper(match[3])}: that is what {match[1]} {match[2]}."]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
