"""Answers to Knowledge-Instruct's requests: entities, the facts about each, their wordings, and questions on them."""

from __future__ import annotations

import re
from typing import Any

from synthcpt.backends.simulated.questioning import ask, to_json, wanted
from synthcpt.backends.simulated.reading import stands_in
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller, capital
from synthcpt.text.facts import normal_form
from synthcpt.text.numbered_facts import listed_facts
from synthcpt.worlds import Fact
from synthcpt.worlds.wordings import TELL, TELL_FROM_VALUE

_BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
_NUMBERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_MARKED = re.compile(r"^(\d+)\. Question: .*\nRight answer: (.*)\nCandidate's answer: (.*)$", re.MULTILINE)
_USUAL_QUESTIONS = 5


def entities(teller: Teller, slots: Slots) -> str:
    """The subject and the values that are not listed yet."""
    listed = {item.casefold() for item in _BULLET.findall(slots["known"])}
    names = [teller.name, *(fact.value for fact in teller.shuffled())]
    return to_json({"entities": [name for name in names if name.casefold() not in listed]})


def facts(teller: Teller, slots: Slots) -> str:
    """A sentence for each fact about the entity that is not known yet."""
    known = set(teller.reader.stated(slots["known"]))
    entity = slots["entity"]
    own = [fact for fact in teller.known.facts if entity in (teller.name, fact.value)]
    told = [teller.say(fact, 0.0 if entity == teller.name else 0.5) for fact in own if fact not in known]
    return to_json({"facts": told})


def contextualise(_: Teller, slots: Slots) -> str:
    """The facts as they are: every one of them names its subject."""
    told = [{"number": number, "fact": fact} for number, _entity, fact in listed_facts(slots["facts"])]
    return to_json({"facts": told})


def verify(_: Teller, slots: Slots) -> str:
    """A sentence names its entity if the entity stands in it."""
    verdicts: list[dict[str, Any]] = []
    for number, entity, fact in listed_facts(slots["facts"]):
        named = stands_in(entity, fact)
        verdicts.append({"number": number, "reason": "it stands there" if named else "it is not there", "named": named})
    return to_json({"verdicts": verdicts})


def paraphrase(teller: Teller, slots: Slots) -> str:
    """Other wordings of each fact, from either side."""
    most, told = wanted(slots["count"], 1), list[dict[str, Any]]()
    for number, _, text in listed_facts(slots["facts"]):
        stated = teller.reader.stated(text)
        told.append({"number": number, "versions": _wordings(teller, stated[0], text)[:most] if stated else []})
    return to_json({"facts": told})


def questions(teller: Teller, slots: Slots) -> str:
    """A question for the value and one for the subject, whichever of the two the entity is."""
    told: list[dict[str, Any]] = []
    for number, entity, text in listed_facts(slots["facts"]):
        stated = teller.reader.stated(text)
        if not stated:
            told.append({"number": number, "question": "", "reverse": ""})
            continue
        ways = [teller.question(stated[0]), teller.reverse_question(stated[0])]
        question, reverse = ways if stands_in(entity, ways[0]) else reversed(ways)
        told.append({"number": number, "question": question, "reverse": reverse})
    return to_json({"facts": told})


def probe(teller: Teller, slots: Slots) -> str:
    """Questions with the values as answers."""
    found = ask(teller, wanted(slots["count"], _USUAL_QUESTIONS), options=0.0, reverse=0.0)
    return to_json({"questions": [{"question": one.question, "answer": one.fact.value} for one in found]})


def probe_answer(teller: Teller, slots: Slots) -> str:
    """The value that the material states for what each question asks; nothing where it states none."""
    asked: dict[str, Fact] = {
        way.format(name=fact.subject): fact for fact in teller.known.facts for way in teller.all_questions(fact)
    }
    told = []
    for number, question in _NUMBERED.findall(slots["questions"]):
        fact = asked.get(question.strip())
        told.append({"number": int(number), "answer": fact.value if fact else ""})
    return to_json({"answers": told})


def probe_judge(_: Teller, slots: Slots) -> str:
    """An answer is right if the right one stands in it."""
    verdicts = []
    for number, right, given in _MARKED.findall(slots["answers"]):
        same = bool(given.strip()) and stands_in(right.strip(), given)
        verdicts.append({"number": int(number), "reason": "the same" if same else "not the same", "right": same})
    return to_json({"verdicts": verdicts})


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
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


def _wordings(teller: Teller, fact: Fact, text: str) -> list[str]:
    """All wordings of a fact but the one given, in an order drawn at random."""
    ways = [*TELL[fact.attribute], *TELL_FROM_VALUE[fact.attribute]]
    teller.rng.shuffle(ways)
    told = [capital(way.format(name=fact.subject, value=fact.value)) for way in ways]
    return [one for one in told if normal_form(one) != normal_form(text)]
