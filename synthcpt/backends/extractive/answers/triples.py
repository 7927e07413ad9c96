"""Answers to the request for triples: facts whose sentence is plain enough to be taken apart by rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.clauses import FINITE, is_noun_phrase, plain_object, points, split_relation, tense
from synthcpt.backends.extractive.lexicon import MONTHS, TITLES

Slots = Mapping[str, str]

_MOST_CORE_WORDS = 8
_LONGEST_CELL_CHARS = 80
_CONDITIONS = re.compile(r"\b(?:if|unless|whether|would have|instead of)\b", re.IGNORECASE)
_QUOTES = re.compile(r"[\"“”„?!]")
_MONTH = "|".join(sorted(month.capitalize() for month in MONTHS))
_DATE = rf"(?:(?:\d{{1,2}} )?(?:{_MONTH})(?: \d{{1,2}})?,? )?(?:1\d|20)\d\d"
_WHEN = re.compile(rf"((?:In|On|By|Since) (?:(?:early|late|mid|the \w+ of) )?{_DATE}),? ")
_ENDS_WITH_DATE = re.compile(rf"(.*\S) (in|on|since|until) ({_DATE})")
_APPOSITION = re.compile(r", ((?:the|a|an) [^,;:()]{3,90}), (?=\w)")
_OWNERS = re.compile(r"\b(?:his|her|its|their)\b")
_PARENTHESIS = re.compile(r" \([^()]{1,300}\)")
_CAPITAL = r"[A-Z][\w.'’-]*(?: (?:(?:de|van|von|del|la|bin) )?[A-Z][\w.'’-]*)*"
_NAMES = rf"{_CAPITAL}(?:(?:, and | and |, | & ){_CAPITAL})*"
_MADE = r"(?:co-)?(?:written|directed|produced|composed|edited|distributed|created|designed|built|founded|published)"
_CREDIT = re.compile(rf"(?:,? and |, | )({_MADE}(?:(?:, and | and |, ){_MADE})*) by ({_NAMES})")
_STARRING = re.compile(rf",? (?:and )?starring ({_NAMES})(?=[.,;]|$)")
_ALL_NAMES = re.compile(rf"({_NAMES})(?: in (?:the )?(?:lead|leading|main|titular|title|pivotal|important) roles?)?")
_NAME_GAP = re.compile(r", and | and |, | & ")
_HEAD = re.compile(
    rf"(?:(?:a|an|the) )?((?:[\w'’,-]+ ){{0,9}}?[\w'’-]+)(?= {_MADE}\b|, |\.| based\b| starring\b| about\b|$)"
)
_THING = re.compile(r"The (?!most |best )(?:[a-z-]+ ){1,4}")
_MADE_THEN = "built|rebuilt|begun|laid|lit|finished|opened|completed|launched|founded|established|erected|commissioned"
_DONE = re.compile(rf", ({_MADE_THEN}) (in|on) ({_DATE})(?=[,.;]| and )")
_HEAD_BREAKS = re.compile(r"\b(?:of|on|about|by|from|that|which|who|with|based)\b")


class _Fact(NamedTuple):
    subject: str
    relation: str
    object: str


def extract(analysis: Analysis, _: Slots) -> str:
    """The facts, as JSON, each with its sentence."""
    found: list[dict[str, str]] = []
    if analysis.english:
        for number, sentence in enumerate(analysis.sentences):
            if sentence.kind == "row":
                facts = _row_facts(sentence.text)
            elif sentence.kind != "prose" or _QUOTES.search(sentence.text) or _CONDITIONS.search(sentence.text):
                continue
            else:
                facts = _facts(analysis, number)
            found += [{**fact._asdict(), "sentence": sentence.text} for fact in facts]
    return orjson.dumps({"triples": found[:400]}).decode()


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "triples/extract": (extract, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _facts(analysis: Analysis, number: int) -> Iterator[_Fact]:
    """What a sentence says of the name it begins with, and of names that a participle and a date follow."""
    yield from _of_first_name(analysis, number)
    text = analysis.sentences[number].text
    for done in _DONE.finditer(text):
        names = [
            name for name in analysis.names_in(number) if name[:1].isupper() and text.endswith(name, 0, done.start())
        ]
        if names:
            yield _Fact(max(names, key=len), f"was {done[1]} {done[2]}", done[3])


def _of_first_name(analysis: Analysis, number: int) -> Iterator[_Fact]:
    """What a sentence says of the name it begins with."""
    text = analysis.resolved.get(number, analysis.sentences[number].text)
    when = _WHEN.match(text)
    subject, rest = _subject(analysis, number, text[when.end() :] if when else text)
    if not subject:
        return
    rest = _PARENTHESIS.sub("", rest)
    apposition = _APPOSITION.match(rest)
    predicate = rest[apposition.end() :] if apposition else rest.removeprefix(" ")
    if not apposition and not rest.startswith(" "):
        return
    relation, rest = split_relation(predicate)
    if not relation:
        return
    if apposition and not points(apposition[1]):
        yield _Fact(subject, tense(relation, apposition[1]), apposition[1])
    for fact in _of_predicate(subject, relation, rest):
        yield _at(fact, when[1]) if when else fact


def _row_facts(text: str) -> Iterator[_Fact]:
    """What a table row says of the thing in its first cell, under each column's heading."""
    cells = [cell.partition(": ") for cell in text.split("; ")]
    subject = cells[0][2]
    for column, _, value in cells[1:]:
        if subject and column and value and max(map(len, (subject, column, value))) <= _LONGEST_CELL_CHARS:
            yield _Fact(subject, f'is listed under "{column}" with', value)


def _subject(analysis: Analysis, number: int, text: str) -> tuple[str, str]:
    """The name a sentence begins with, and what follows it; "The film" is the title's film."""
    bare = re.match(rf"(?:The|{'|'.join(sorted(title.capitalize() for title in TITLES))})\.? (?=\S)", text)
    for start in dict.fromkeys((0, bare.end() if bare else 0)):
        names = [name for name in analysis.names_in(number) if name[:1].isupper() and text.startswith(name, start)]
        if names:
            end = start + len(max(names, key=len))
            return text[:end], text[end:]
    kind = _kind_of_title(analysis)
    if kind and text.startswith(f"The {kind[1]} "):
        return kind[0], text[len(f"The {kind[1]}") :]
    thing = "" if analysis.sentences[number].leans else _thing(text)
    return thing, text[len(thing) :] if thing else ""


def _thing(text: str) -> str:
    """``The ketch`` of "The ketch left Anstow": plain words up to a verb."""
    match = _THING.match(text)
    words = match[0].split() if match else []
    at = next((at for at in range(2, len(words)) if words[at] in FINITE), 0)
    return " ".join(words[:at])


def _kind_of_title(analysis: Analysis) -> tuple[str, str] | None:
    """The title's subject and what it is said to be: ("Rustin", "film"); None where the text has several of them."""
    first = analysis.sentences[0].text if analysis.sentences else ""
    name = _PARENTHESIS.sub("", analysis.title)
    if not name or not first.startswith(name):
        return None
    match = re.match(r" (?:is|was) ", _PARENTHESIS.sub("", first[len(name) :]))
    head = _HEAD.match(_PARENTHESIS.sub("", first[len(name) :])[match.end() :]) if match else None
    return (name, head[1].split()[-1]) if head and head[1].split()[-1].islower() else None


def _of_predicate(subject: str, relation: str, rest: str) -> Iterator[_Fact]:
    """The facts of one predicate: credits and casts one by one, a date apart, else the whole."""
    if relation in ("is", "was"):
        credits = list(_credits(subject, rest))
        yield from credits
        if credits:
            rest = rest[: _first_credit(rest)]
    names = _ALL_NAMES.match(rest.rstrip("."))
    if relation in ("stars", "features", "starred") and names and names.end() == len(rest.rstrip(".")):
        yield from (_Fact(subject, relation, name) for name in _NAME_GAP.split(names[1]))
        return
    thing = plain_object(rest)
    is_vague = subject.startswith("The ") and subject[4:5].islower()
    if not thing or (is_vague and _OWNERS.search(thing)):
        return
    dated = _ENDS_WITH_DATE.fullmatch(thing)
    if dated and len(dated[1].split()) <= _MOST_CORE_WORDS and "," not in dated[1] and "not" not in relation.split():
        if is_noun_phrase(dated[1]):
            yield _Fact(subject, relation, dated[1])
        yield _Fact(subject, f"{relation} {dated[1]} {dated[2]}", dated[3])
    else:
        yield _Fact(subject, relation, thing)


def _credits(subject: str, rest: str) -> Iterator[_Fact]:
    """``a drama film written and directed by A and starring B and C``: who did what."""
    start = _first_credit(rest)
    if start == len(rest) or _HEAD_BREAKS.search(rest[:start]):
        return
    place = start
    while match := _CREDIT.match(rest, place):
        yield from (_Fact(subject, f"was {match[1]} by", name) for name in _NAME_GAP.split(match[2]))
        place = match.end()
    cast = _STARRING.match(rest, place)
    if cast:
        yield from (_Fact(subject, "stars", name) for name in _NAME_GAP.split(cast[1]))


def _first_credit(rest: str) -> int:
    """Where the first credit, or the cast, begins; the length of the text where there is none."""
    match = re.search(rf"(?:,? (?=(?:{_MADE}(?:(?:, and | and |, ){_MADE})*) by [A-Z]))|(?=,? starring [A-Z])", rest)
    return match.start() if match else len(rest)


def _at(fact: _Fact, when: str) -> _Fact:
    """The fact with the time its sentence opens with, which may be what makes it true."""
    return (
        fact._replace(relation=f"{fact.relation}, {when[:1].lower()}{when[1:]},") if fact.object not in when else fact
    )
