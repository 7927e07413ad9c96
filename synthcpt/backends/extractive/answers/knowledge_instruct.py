"""Answers to Knowledge-Instruct's requests: facts are the document's sentences that can stand alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.lexicon import FIRST_PERSON
from synthcpt.backends.extractive.reading import is_english
from synthcpt.backends.extractive.rewording import rewordings
from synthcpt.text import locks
from synthcpt.text.facts import FactSource, normal_form
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.numbered_facts import listed_facts

Slots = Mapping[str, str]

_MOST_FACTS = 24
_BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_MARKED = re.compile(r"^(\d+)\. Question: .*\nRight answer: (.*)\nCandidate's answer: ?(.*)$", re.MULTILINE)
_WORD = re.compile(r"\w{4,}")
_ANY_WORD = re.compile(r"[^\W\d_]+")
_SPEAKERS = FIRST_PERSON | {"I", "you", "your", "yours"}
_REPLY = re.compile(r"(?:No|Yes|Well|Oh|Each|Never mind|Thanks)\b")
_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_OPEN = re.compile(
    r"\b(?:it|they|them|the (?:film|movie|series|show|book|novel|project|story|plot|cast))\b", re.IGNORECASE
)
_KNOWN_SUBJECT = re.compile(r"The [a-z]+ ")
_DEFINED = re.compile(r" (is|was) (?:a|an|the) ")


def entities(analysis: Analysis, slots: Slots) -> str:
    """The document's names and terms that are not listed yet."""
    known = {canonical(name) for name in _BULLET.findall(slots["known"])}
    names = [analysis.spoken(name) for name in analysis.entities]
    return _json({"entities": [name for name in names if canonical(name) not in known]})


def facts(analysis: Analysis, slots: Slots) -> str:
    """The sentences about the entity that can be told alone and are not known yet, in the document's order."""
    known = {normal_form(fact) for fact in _BULLET.findall(slots["known"])}
    numbers = [n for n in analysis.sentences_with(slots["entity"]) if _stands_alone(analysis, n)]
    best = sorted(numbers, key=lambda n: (-analysis.weights[n], n))[:_MOST_FACTS]
    told = [_sentence(analysis, n) for n in sorted(best)]
    return _json({"facts": [text for text in dict.fromkeys(told) if normal_form(text) not in known]})


def contextualise(_: Analysis, slots: Slots) -> str:
    """A fact that only the document makes clear gets its subject put before it; others stay as they are."""
    subject = _PARENTHESIS.sub("", slots["title"])
    told = []
    for number, _entity, fact in listed_facts(slots["facts"]):
        clear = Haystack(fact).find(subject) is not None or not is_english(fact) or not _is_open(fact)
        told.append({"number": number, "fact": fact if clear else f"{subject}: {fact}"})
    return _json({"facts": told})


def verify(_: Analysis, slots: Slots) -> str:
    """A fact names its entity if it holds one of its longer words."""
    verdicts = []
    for number, entity, fact in listed_facts(slots["facts"]):
        words = {word.lower() for word in _WORD.findall(fact)}
        named = any(word.lower() in words for word in _WORD.findall(entity))
        verdicts.append({"number": number, "reason": "a word of it" if named else "no word of it", "named": named})
    return _json({"verdicts": verdicts})


def paraphrase(_: Analysis, slots: Slots) -> str:
    """The orders in which a fact can be told as safely, at most as many as wanted."""
    wanted = int(slots["count"]) if slots["count"].isdecimal() else 1
    told = []
    for number, entity, fact in listed_facts(slots["facts"]):
        told.append({"number": number, "versions": rewordings(fact, entity)[:wanted]})
    return _json({"facts": told})


def questions(_: Analysis, slots: Slots) -> str:
    """What the entity is, where the fact says so; and the fact with a gap for the entity where it begins with it."""
    asked = []
    for number, entity, fact in listed_facts(slots["facts"]):
        named = fact.startswith(entity) and _DEFINED.match(fact[len(entity) :])
        starts = fact.lower().startswith(entity.lower()) and fact[len(entity) : len(entity) + 1] == " "
        verb = named[1] if named else ""
        asked.append(
            {
                "number": number,
                "question": f"What {verb} {entity}?" if named else "",
                "reverse": f"Who or what is left out here: ____{fact[len(entity) :]}" if starts else "",
            }
        )
    return _json({"facts": asked})


def probe(analysis: Analysis, slots: Slots) -> str:
    """What the document says of names that stand together, for sentences spread over it."""
    wanted = int(slots["count"]) if slots["count"].isdecimal() else 1
    numbers = [n for n in range(len(analysis.sentences)) if _stands_alone(analysis, n) and analysis.names_in(n)]
    step = max(1, len(numbers) // max(wanted, 1))
    asked = []
    for n in numbers[::step][:wanted]:
        names = " and ".join(analysis.spoken(name) for name in analysis.names_in(n)[:2])
        year = next((value for value in sorted(locks.numbers(_sentence(analysis, n))) if len(value) == 4), "")
        question = f"What is said of {names}" + (f" for the year {year}?" if year else "?")
        asked.append({"question": question, "answer": _sentence(analysis, n)})
    return _json({"questions": asked})


def probe_answer(analysis: Analysis, slots: Slots) -> str:
    """For each question, the sentence of the material that shares most of its words."""
    lines = _BULLET.findall(slots["document"])
    sentences = lines or [_sentence(analysis, n) for n in range(len(analysis.sentences))]
    prepared = [(sentence, set(_words(sentence))) for sentence in sentences] or [("", set[str]())]
    answers = []
    for number, question in _NUMBERED.findall(slots["questions"]):
        words = set(_words(question))
        best = max(prepared, key=lambda item: (len(words & item[1]), -len(item[0])))
        answers.append({"number": int(number), "answer": best[0] if words & best[1] else ""})
    return _json({"answers": answers})


def probe_judge(_: Analysis, slots: Slots) -> str:
    """An answer is right if it holds the right answer's numbers, dates and names, and most of its words."""
    verdicts = []
    for number, right, given in _MARKED.findall(slots["answers"]):
        lost = locks.lost(given, right)
        share = FactSource(given).support(right) if given else 0.0
        verdicts.append({"number": int(number), "reason": lost.detail if lost else f"{share:.0%} of its words",
                         "right": lost is None and share >= 0.5})  # fmt: skip
    return _json({"verdicts": verdicts})


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "knowledge_instruct/entities": (entities, ("document", "known")),
    "knowledge_instruct/facts": (facts, ("document", "entity", "known")),
    "knowledge_instruct/contextualise": (contextualise, ("title", "facts")),
    "knowledge_instruct/verify": (verify, ("facts",)),
    "knowledge_instruct/paraphrase": (paraphrase, ("facts", "count")),
    "knowledge_instruct/questions": (questions, ("facts",)),
    "knowledge_instruct/probe": (probe, ("document", "count")),
    "knowledge_instruct/probe_answer": (probe_answer, ("document", "questions")),
    "knowledge_instruct/probe_judge": (probe_judge, ("answers",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _stands_alone(analysis: Analysis, number: int) -> bool:
    sentence = analysis.sentences[number]
    if sentence.kind == "row":
        return ":" in sentence.text
    whole = not sentence.leans or number in analysis.resolved or number == 0
    if sentence.kind != "prose" or not whole or sentence.text.endswith("?"):
        return False
    if not analysis.english:
        return True
    words = _ANY_WORD.findall(sentence.text)
    speaks = {words[0].lower(), *words} if words else set()  # "Our" inside a sentence is part of a name
    return bool(sentence.label or speaks.isdisjoint(_SPEAKERS)) and not _REPLY.match(sentence.text)


def _is_open(fact: str) -> bool:
    """Whether a fact names nothing, or speaks of something as known: "the film", "it", "The company was ..."."""
    return not locks.names(fact) or bool(_OPEN.search(fact) or _KNOWN_SUBJECT.match(fact))


def _sentence(analysis: Analysis, number: int) -> str:
    sentence = analysis.sentences[number]
    text = analysis.resolved.get(number, sentence.text)
    return f"{sentence.label}: {text}" if sentence.label else text


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
