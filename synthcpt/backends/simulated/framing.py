"""Writes an account in a genre's frame."""

from __future__ import annotations

from synthcpt.backends.simulated.genres import Genre
from synthcpt.backends.simulated.teller import Teller

_ASKERS = (("Reporter", "Guest"), ("Question", "Reply"), ("She", "He"), ("First voice", "Second voice"))
_RECALLS = ("To say it once more: {said}", "Note well: {said}", "And do not forget: {said}", "In other words: {said}")


def framed(teller: Teller, genre: Genre, *, recalls: int = 1) -> str:
    """An account of all facts between an opening and a closing of the genre.

    Args:
        teller: what is known.
        genre: the kind of text.
        recalls: how many facts are told once more before the end.
    """
    body = {"list": _listed, "dialogue": _dialogue, "questions": _questions}.get(genre.form, _prose)(teller)
    again = [teller.pick(_RECALLS, said=teller.say(fact, 0.7)) for fact in teller.shuffled()[:recalls]]
    ending = " ".join([*again, teller.pick(genre.closings)])
    opening = teller.pick(genre.openings)
    return f"{opening} {body} {ending}" if genre.form == "prose" else f"{opening}\n\n{body}\n\n{ending}"


def _prose(teller: Teller) -> str:
    return teller.account(from_value=0.25)


def _listed(teller: Teller) -> str:
    return "\n".join(f"- {line}" for line in teller.sentences(merged=0.1, from_value=0.25))


def _dialogue(teller: Teller) -> str:
    one, other = _ASKERS[int(teller.rng.random() * len(_ASKERS))]
    return "\n".join(f"{one}: {teller.question(fact)}\n{other}: {teller.say(fact, 0.2)}" for fact in teller.shuffled())


def _questions(teller: Teller) -> str:
    lines = []
    for fact in teller.shuffled():
        turned = teller.chance(0.3)
        question = teller.reverse_question(fact) if turned else teller.question(fact)
        lines.append(f"{question} {teller.say(fact, 0.9 if turned else 0.1)}")
    return "\n".join(lines)
