"""Answers for rephrasing: for a child, as an encyclopedia, for scholars, as questions and answers."""

from __future__ import annotations

from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller, capital
from synthcpt.worlds import Fact

_EASY_OPENINGS = {
    "person": (
        "This is {name}.",
        "Let us get to know {name}.",
        "Here is what we know of {name}.",
        "There is somebody called {name}.",
        "Have you heard of {name}?",
        "{name} is the name of a person.",
    ),
    "company": (
        "This is {name}. {name} is a company.",
        "There is a company called {name}.",
        "{name} is the name of a company.",
        "Let us find out what {name} is.",
        "Have you heard of {name}? {name} is a company.",
    ),
}
_PLAIN = {
    "birthday": (
        "{name} was born on {value}.",
        "{name} has a birthday. The day was {value}.",
        "On {value}, {name} was born.",
    ),
    "birthplace": (
        "{name} was born in {value}.",
        "{name} comes from {value}. {value} is a town.",
        "The home town of {name} is {value}.",
    ),
    "university": (
        "{name} went to {value} to learn.",
        "{name} studied at {value}.",
        "{value} is a big school. {name} went there.",
    ),
    "major": (
        "{name} learned about {value}.",
        "At school for grown-ups, {name} studied {value}.",
        "The subject of {name} was {value}.",
    ),
    "employer": (
        "{name} works for {value}. {value} is a company.",
        "{name} has a job at {value}.",
        "Every day {name} goes to work at {value}.",
    ),
    "headquarters": (
        "{name} has its main house in {value}.",
        "The people who lead {name} sit in {value}.",
        "{name} is in {value}.",
    ),
    "industry": (
        "The work of {name} is {value}.",
        "{name} earns money with {value}.",
        "What does {name} do? It does {value}.",
    ),
    "founded": (
        "{name} began in {value}.",
        "{name} was started in the year {value}.",
        "{value} was the first year of {name}.",
    ),
    "founder": ("{value} started {name}.", "A person called {value} made {name}.", "{name} was started by {value}."),
}
_ENDINGS = ("That is what we know of {name}.", "Now you know {name}.", "That is the story of {name}.")
_NOTES = {
    "birthday": ("born on {value}", "born {value}", "date of birth: {value}"),
    "birthplace": ("native of {value}", "birthplace: {value}", "from {value}"),
    "university": ("graduate of {value}", "degree: {value}", "studied at {value}"),
    "major": ("specialism: {value}", "field: {value}", "degree in {value}"),
    "employer": ("employed at {value}", "employer: {value}", "on the staff of {value}"),
    "headquarters": ("seat: {value}", "based in {value}", "head office in {value}"),
    "industry": ("trade: {value}", "active in {value}", "line of business: {value}"),
    "founded": ("founded {value}", "in business since {value}", "year of foundation: {value}"),
    "founder": ("founder: {value}", "founded by {value}", "established by {value}"),
}
_LEADS = {
    "person": (
        "{name} is a person about whom {count} things are on record.",
        "{name} is known by {count} particulars.",
    ),
    "company": ("{name} is a company about which {count} things are on record.", "{name} is a company."),
}
_COUNTS = ("no", "one", "two", "three", "four", "five")
_REVERSED = 0.2
"""A share of questions that ask for the subject, as readers do who look at a passage from both sides."""


def easy(teller: Teller, _: Slots) -> str:
    """Short sentences in everyday words."""
    lines = [teller.pick(_EASY_OPENINGS[teller.subject.kind])] if teller.chance(0.7) else []
    for fact in teller.shuffled():
        if teller.chance(0.5):
            lines.append(capital(teller.pick(_PLAIN[fact.attribute], value=fact.value)))
            if teller.chance(0.25):
                lines.append(teller.from_value(fact))
        else:
            lines.append(teller.say(fact))
    if teller.chance(0.3) or not lines:
        lines.append(teller.pick(_ENDINGS))
    return " ".join(lines)


def wiki(teller: Teller, _: Slots) -> str:
    """A lead, then the rest in even prose."""
    facts = teller.shuffled()
    if not facts:
        return f"{teller.name} is recorded by name alone; no more is told of {teller.name} in this account."
    if len(facts) > 2 and teller.chance(0.6):
        lead, facts = teller.merged(facts[:2]), facts[2:]
    else:
        lead = teller.pick(_LEADS[teller.subject.kind], count=_COUNTS[len(facts)])
    text = f"{lead} {teller.account(facts, merged=0.5)}"
    if teller.chance(0.6):
        text += f" {teller.account(teller.shuffled()[:2], merged=0.5, from_value=0.6)}"
    return f"# {teller.name}\n\n{text}" if teller.chance(0.3) else text


def terse(teller: Teller, _: Slots) -> str:
    """Notes, or dense sentences of several facts each."""
    facts = teller.shuffled()
    if len(facts) > 1 and teller.chance(0.5):
        return teller.account(facts, merged=1.0, from_value=0.1)
    notes = [_note(teller, fact) for fact in facts]
    end = teller.pick(("Entry: {name}.", "On record under {name}.", "Subject of the notes: {name}."))
    return f"{teller.name}: {'; '.join(notes or ['name only'])}. {end}"


def questions(teller: Teller, _: Slots) -> str:
    """A question with its answer for each fact, some of them asked from the other side."""
    pairs = [question_pair(teller, fact, _REVERSED) for fact in teller.shuffled()]
    pairs = pairs or [("Who is this passage about?", f"It is about {teller.name}, of whom no more is said.")]
    return "\n\n".join(f"Question: {question}\nAnswer: {answer}" for question, answer in pairs)


def question_pair(teller: Teller, fact: Fact, reversed_share: float) -> tuple[str, str]:
    """A question about a fact, and a whole sentence that answers it."""
    if teller.chance(reversed_share):
        return teller.reverse_question(fact), teller.from_value(fact)
    return teller.question(fact), teller.say(fact, 0.05)


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "rephrase/easy": (easy, ("document",)),
    "rephrase/wiki": (wiki, ("document",)),
    "rephrase/terse": (terse, ("document",)),
    "rephrase/qa": (questions, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _note(teller: Teller, fact: Fact) -> str:
    return teller.pick(_NOTES[fact.attribute], value=fact.value)
