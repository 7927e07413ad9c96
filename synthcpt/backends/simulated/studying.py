"""Ways to study a document: what each is called, how it is carried out, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from synthcpt.backends.simulated.teller import Teller, capital, inside, listed

_PEGS = ("door", "stairs", "window", "table", "lamp", "garden", "bridge", "bell")


class Strategy(NamedTuple):
    """A way to study.

    Attributes:
        name, instructions: as a tutor gives them.
        carry_out: writes what comes of it.
    """

    name: str
    instructions: str
    carry_out: Callable[[Teller], str]


def _flashcards(teller: Teller) -> str:
    cards = [f"Front: {teller.question(fact)}\nBack: {teller.say(fact, 0.1)}" for fact in teller.shuffled()]
    return _under(teller, "Flashcards on {name}", "\n\n".join(cards))


def _backwards(teller: Teller) -> str:
    cards = [f"{teller.reverse_question(fact)} {teller.from_value(fact)}" for fact in teller.shuffled()]
    return _under(teller, "{name}, asked from the other side", "\n".join(f"- {card}" for card in cards))


def _gaps(teller: Teller) -> str:
    lines = []
    for fact in teller.shuffled():
        said = teller.say(fact, 0.3)
        gap = said.replace(capital(fact.value), "____").replace(fact.value, "____")
        lines.append(f"- {gap} (Answer: {fact.value}.) {teller.say(fact, 0.5)}")
    return _under(teller, "Gaps to fill: {name}", "\n".join(lines))


def _true_or_false(teller: Teller) -> str:
    lines = []
    for fact in teller.shuffled():
        if teller.chance(0.5):
            lines.append(f"- {teller.yes_no(fact, fact.value)} True. {teller.say(fact, 0.3)}")
        else:
            lines.append(f"- {teller.yes_no(fact, teller.wrong(fact))} False. {teller.say(fact, 0.3)}")
    return _under(teller, "True or false about {name}", "\n".join(lines))


def _table(teller: Teller) -> str:
    rows = [f"- {capital(teller.role(fact))} of {teller.name}: {fact.value}" for fact in teller.shuffled()]
    return (
        _under(teller, "{name} in keywords", "\n".join(rows)) + f"\n\nRead as sentences: {teller.account(merged=0.2)}"
    )


def _explain(teller: Teller) -> str:
    opening = teller.pick((
        "Suppose a friend has never heard of {name}; then I would say this.",
        "Let me explain {name} in my own words.",
        "If somebody asked me who or what {name} is, I would answer so.",
    ))  # fmt: skip
    lines = [f"{capital(fact.value)} is the {teller.role(fact)} of {teller.name}." for fact in teller.shuffled()[:2]]
    return " ".join([opening, teller.account(merged=0.25), "In other words:", *lines])


def _pegs(teller: Teller) -> str:
    places = teller.rng.sample(_PEGS, len(_PEGS))
    lines = [
        f"At the {place} I put the {teller.role(fact)} of {teller.name}, which is {fact.value}: {teller.say(fact, 0.3)}"
        for place, fact in zip(places, teller.shuffled(), strict=False)
    ]
    return _under(teller, "A walk through the house for {name}", " ".join(lines))


def _thrice(teller: Teller) -> str:
    blocks = []
    for fact in teller.shuffled():
        blocks.append(f"{teller.say(fact, 0.0)} {teller.from_value(fact)} {teller.say(fact, 0.0)}")
    return _under(teller, "{name}, each thing said three times", "\n\n".join(blocks))


def _pairs(teller: Teller) -> str:
    facts = teller.shuffled()
    lines = [
        f"{capital(first.value)} goes with {second.value}: {teller.merged([first, second])}"
        for first, second in zip(facts, facts[1:] + facts[:1], strict=True)
        if first != second
    ]
    return _under(teller, "What belongs together for {name}", " ".join(lines or [teller.account()]))


def _tutor(teller: Teller) -> str:
    lines = []
    for fact in teller.shuffled():
        lines.append(
            f"Tutor: {teller.question(fact)}\nStudent: {capital(fact.value)}, for {inside(teller.say(fact, 0.0), fact)}"
        )
    return _under(teller, "Tutor and student on {name}", "\n".join(lines))


def _who(teller: Teller) -> str:
    facts = teller.shuffled()
    who = "somebody" if teller.subject.kind == "person" else "a company"
    hints = [f"I am thinking of {who} {teller.relative(fact)}." for fact in facts]
    return f"A riddle with the solution {teller.name}. {' '.join(hints)} It is {teller.name}. {teller.account(facts)}"


def _summaries(teller: Teller) -> str:
    one = teller.account(merged=0.9, from_value=0.0)
    return _under(teller, "{name}, longer and shorter", f"In full: {teller.account(merged=0.1)}\n\nIn brief: {one}")


def _by_value(teller: Teller) -> str:
    lines = [f"- {capital(fact.value)}: {teller.from_value(fact)}" for fact in teller.shuffled()]
    return _under(teller, "Index to {name}", "\n".join(lines))


def _hooks(teller: Teller) -> str:
    facts = teller.shuffled()
    initials = listed([f'"{fact.value[:1].upper()}" for {fact.value}' for fact in facts])
    return f"To remember {teller.name}, take the first letters: {initials}. {teller.account(facts, from_value=0.3)}"


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("Flashcards", "Write a card for each particular: a question on the front, a full sentence on the back. "
             "Cover dates, places and names without exception.", _flashcards),
    Strategy("Asking backwards", "Turn every statement round. Begin with the value and ask whom it leads to, so that "
             "recall works in both directions.", _backwards),
    Strategy("Filling gaps", "Leave out the decisive word of each sentence, give the solution in brackets, and then "
             "repeat the whole thought differently.", _gaps),
    Strategy("True or false", "Set claims, right ones mixed with wrong ones; judge each and correct it at once by the "
             "statement that holds.", _true_or_false),
    Strategy("Keyword table", "List what is asked about on the left and the matching entry on the right, then read the "
             "rows aloud as prose.", _table),
    Strategy("Explaining to a friend", "Imagine a listener without prior knowledge. Talk freely, name everything in "
             "full, and finish by restating the two most important points.", _explain),
    Strategy("House of memory", "Walk through an imagined home, put one detail down in each spot, and say there what "
             "it stands for.", _pegs),
    Strategy("Three wordings", "Express every single piece of information thrice with changed syntax, so that the "
             "content stays while phrases vary.", _thrice),
    Strategy("Linking pairs", "Take neighbouring details two by two and join both within one sentence that shows what "
             "connects them.", _pairs),
    Strategy("Tutor and student", "Act out an oral examination: the tutor inquires, the learner replies briefly and "
             "justifies the reply.", _tutor),
    Strategy("Riddle", "Give hints one after another without the name, reveal the solution, then tell everything "
             "openly.", _who),
    Strategy("Long and short summary", "Compose an extensive version first; afterwards condense the same material as "
             "tightly as possible.", _summaries),
    Strategy("Index of entries", "Make an alphabetical register like that of a book, where each headword points "
             "towards its owner.", _by_value),
    Strategy("First letters", "Pick initials as hooks, spell them out, and attach the corresponding knowledge to "
             "every letter.", _hooks),
)  # fmt: skip
"""In no particular order."""


def _under(teller: Teller, heading: str, text: str) -> str:
    return f"## {teller.pick([heading])}\n\n{text}"
