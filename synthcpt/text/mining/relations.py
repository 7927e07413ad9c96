"""What tells how two statements bear on each other: connectives between sentences, and causes inside of one.

In the official code a sentence may hold no comma, abbreviations end it, matches swallow each other's premises, and a
cause is only found behind a sentence that starts with "Due to", which it then takes for the cause of the sentence
before. Here the sentences are found first and the connectives looked up at their starts; a cause is looked for on both
sides of its connective, and left alone where the sentence does not tell clearly which words are which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from synthcpt.text.abbreviations import word_set
from synthcpt.text.mining.connectives import CAUSES, MORE_CAUSES, opening
from synthcpt.text.mining.found import Found, occurrences
from synthcpt.text.mining.segments import Segments, Span

_FEWEST_EFFECT_CHARS = 15
_FEWEST_CAUSE_CHARS = 6
_FEWEST_EFFECT_WORDS = 4
_MOST_CAUSE_WORDS = 30

_FINITE = word_set(
    """is are was were has have had will would can could may might must shall should does did do became began came fell
    rose grew lost left went took gave made won got said saw stood held kept led met sank broke froze shut"""
)
_HEDGES = word_set(
    """largely mainly mostly partly primarily chiefly solely entirely probably possibly perhaps simply apparently also
    partially principally presumably reportedly"""
)
_COPULAS = word_set("is are was were be been being")
_POINTERS = word_set("this that it these those they he she there such so")
_BAD_ENDINGS = word_set(
    "not never nor or and but than which who whom that only rather neither either just even if whether because money "
    "sums sum debt debts tax taxes rent amount amounts balance payments payment"
)
_INFINITIVES = word_set(
    """be begin start open arrive come end expire go appear take return release launch retire leave meet play run
    finish close premiere air make have become receive join move speak give face stand report fight"""
)
_NOUN_STARTS = word_set(
    "the a an its his her their our my your this these those that some any many several both lack poor bad low high "
    "heavy strong financial technical health legal political economic illness injury injuries"
)
_EVENTS = word_set(
    """delay delays closure closures cancellation cancellations postponement postponements loss losses death deaths
    damage problems changes injury injuries absence shortages restrictions impacts effects"""
)
_PREPOSITIONS = word_set("after of with by from for in following despite without through because amid before during")
_CLAUSE_END = re.compile(
    r"; | [–—] |, (?=(?:and|but|which|who|whose|while|although|though|as|so|when|where|with|before|after|until|making|"
    r"leading|causing|leaving|resulting|allowing|he|she|it|they|the)\b)|,? (?:but|although|though|while) ",
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_COMMA = re.compile(r", ")
_MOST_COMMAS = 4
_GOES_ON = word_set("and or including such which who whose where as both")


def pairs(segments: Segments, min_chars: int, *, more: bool = False) -> Iterator[tuple[str, bool, Found]]:
    """Neighbouring sentences of which the second starts with a connective: relation, whether causal, and places.

    ``premise`` and ``hypothesis`` are the sentences without the connectives they start with; each has at least
    ``min_chars`` characters. ``more``: also by connectives that the paper does not list.
    """
    text, spans = segments.text, segments.spans
    body = spans[0][0] if spans else 0
    for number in range(1, len(spans)):
        start, end = spans[number]
        before, body = body, start
        found = opening(text, start)
        if found is None:
            continue
        connective, body = found
        premise, hypothesis = (before, spans[number - 1][1]), (body, end)
        long_enough = premise[1] - premise[0] >= min_chars <= hypothesis[1] - hypothesis[0]
        wanted = long_enough and (more or connective.listed)
        if wanted and segments.follows(number) and segments.is_prose(number) and segments.is_prose(number - 1):
            places = {"premise": premise, "hypothesis": hypothesis}
            yield connective.relation, connective.causal, Found(connective.relation, places)


def causes(segments: Segments, *, more: bool = False) -> Iterator[tuple[int, Found]]:
    """Sentences that tell a cause of something: their numbers, and the places of ``cause`` and ``effect``.

    ``more``: also by words that the paper does not list.
    """
    for at, phrase in occurrences(segments.lower, CAUSES + MORE_CAUSES if more else CAUSES):
        number = segments.at(at)
        start, end = segments.spans[number]
        if not segments.is_prose(number):
            continue
        found = opening(segments.text, start)
        start = found[1] if found else start
        clause = phrase == "because"
        if clause and segments.lower.startswith("of ", at + len(phrase) + 1):
            continue
        if at == start:
            places = _leading(segments, at + len(phrase), end, clause)
        else:
            places = _inside(segments, number, (start, at), (at + len(phrase) + 1, end), clause)
        if places is not None:
            yield number, Found("effect_cause", places)


def _leading(segments: Segments, start: int, end: int, clause: bool) -> dict[str, Span] | None:
    """``Due to the flood, the mill stood still.``: the cause ends at the comma behind which a statement begins."""
    text = segments.text
    for comma in islice(_COMMA.finditer(text, start, end), _MOST_COMMAS):
        cause, effect = _stripped(text, (start, comma.start())), _stripped(text, (comma.end(), end))
        head = text[slice(*effect)].split(", ", 1)[0]
        words = _WORD.findall(head.lower())
        # "Due to rain, wind and fog, ...": what has neither a verb nor an article goes on listing.
        begins = bool(words) and words[0] not in _GOES_ON and (words[0] in _NOUN_STARTS or _has_verb(words))
        if begins and _is_statement(text[slice(*effect)]) and _is_cause(text[slice(*cause)], clause):
            return {"cause": cause, "effect": effect}
    return None


def _inside(segments: Segments, number: int, left: Span, right: Span, clause: bool) -> dict[str, Span] | None:
    """``The mill stood still due to the flood.``; for ``This was due to ...`` the effect is the sentence before."""
    text = segments.text
    cut = _CLAUSE_END.search(text, *right)
    cause = _stripped(text, (right[0], cut.start() if cut else right[1]))
    words = _WORD.findall(segments.lower, *left)
    whole = len(words)
    while words and words[-1] in _HEDGES:
        words.pop()
    copula = bool(words) and words[-1] in _COPULAS
    if copula:
        words.pop()
        while words and words[-1] in _HEDGES:
            words.pop()
    follower = _WORD.match(segments.lower, cause[0])
    if not words or words[-1] in _BAD_ENDINGS or not follower or not _is_cause(text[slice(*cause)], clause):
        return None
    if not clause and follower[0] in _INFINITIVES:
        return None
    if words[-1] in _EVENTS and words[-2:-1] and words[-2] in _PREPOSITIONS:
        return None  # "... took place after delays due to the storm": the delays have the cause, and not the statement
    if (copula and clause) or (copula and follower[0] not in _NOUN_STARTS and not text[cause[0]].isupper()):
        return None
    if copula and len(words) == 1 and words[0] in _POINTERS:
        is_told = segments.follows(number) and segments.is_prose(number - 1)
        return {"cause": cause, "effect": _stripped(text, segments.spans[number - 1])} if is_told else None
    effect = _without_last(text, left, whole - len(words))
    told = text[slice(*effect)]
    return {"cause": cause, "effect": effect} if (copula and _is_thing(told)) or _is_statement(told) else None


def _without_last(text: str, span: Span, count: int) -> Span:
    """The span without its last so many words."""
    start, end = _stripped(text, span)
    for _ in range(count):
        start, end = _stripped(text, (start, text.rfind(" ", start, end)))
    return start, end


def _is_cause(text: str, clause: bool) -> bool:
    """Long enough, and no statement of its own unless behind "the fact that"; a statement where it is a clause."""
    words = _WORD.findall(text.lower())
    if len(text) < _FEWEST_CAUSE_CHARS or len(words) > _MOST_CAUSE_WORDS:
        return False
    if clause:
        return len(words) > 2 and _has_verb(words)
    if words and words[0] in _POINTERS - {"this"}:
        return False
    return _FINITE.isdisjoint(words) or words[:3] == ["the", "fact", "that"]


def _is_statement(text: str) -> bool:
    """A finite verb is in it, and nothing at its end is left open."""
    words = _WORD.findall(text.lower())
    if len(text) < _FEWEST_EFFECT_CHARS or len(words) < _FEWEST_EFFECT_WORDS or words[-1] in _BAD_ENDINGS:
        return False
    return _has_verb(words)


def _has_verb(words: list[str]) -> bool:
    return not _FINITE.isdisjoint(words) or any(word.endswith("ed") for word in words[1:])


def _is_thing(text: str) -> bool:
    """A noun phrase: what "was due to" something."""
    words = _WORD.findall(text.lower())
    return len(words) > 1 and len(text) >= _FEWEST_EFFECT_CHARS // 2 and words[0] not in _POINTERS


def _stripped(text: str, span: Span) -> Span:
    """The span without the marks and white space at its edges, but for brackets and quotes."""
    start, end = span
    while start < end and text[start] in " \n\t,":
        start += 1
    while end > start and text[end - 1] in " \n\t,;:.!?":
        end -= 1
    return start, end
