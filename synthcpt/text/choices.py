"""Lettered options of a question, in a random order, with the right one's letter."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from synthcpt.text.gates import Verdict
from synthcpt.text.mentions import canonical

LABELS = ("A. ", "A) ", "(A) ", "1. ", "1) ", "(a) ", "a) ", "- ")
"""How the first option may be labelled; the others follow suit. A dash names none, and the answer is the option."""

_BARE_LABEL = re.compile(r"\(?([A-Ha-h])[.):]?")
_OWN_LABEL = re.compile(r"\(?([A-Za-z]|\d)[.):] +(?=\S)")


class Choices(NamedTuple):
    """Options as shown, one a line, and the right one as an answer names it."""

    lines: str
    gold: str


def bare_options(options: Sequence[str]) -> list[str]:
    """Each option on one line, and without the labels that a model may have given all of them."""
    lines = [" ".join(option.split()) for option in options]
    labels = [_OWN_LABEL.match(line) for line in lines]
    ranks = [_rank(label[1]) if label else -1 for label in labels]
    return [_OWN_LABEL.sub("", line, count=1) for line in lines] if ranks == list(range(len(lines))) else lines


def right_option(options: Sequence[str], answer: str) -> int | None:
    """The place of the option that the answer means: its words, its letter, or both; None for none or more than one."""
    bare, said = bare_options(options), " ".join(answer.split())
    label = _OWN_LABEL.match(said)
    for form in (str.casefold, canonical):
        known, meant = list(map(form, bare)), form(said)
        if known.count(meant) == 1:
            return known.index(meant)
    if label and canonical(said[label.end() :]) in map(canonical, bare):
        place = [canonical(option) for option in bare].index(canonical(said[label.end() :]))
        return place if place == _rank(label[1]) else None
    letter = said.strip("().: ")
    place = _rank(letter) if len(letter) == 1 and letter.isalpha() else -1
    return place if 0 <= place < len(bare) else None


def flawed(options: Sequence[str], answer: str) -> Verdict | None:
    """What keeps a choice from being one: too few options, the same one twice, none that is right."""
    known = [option.casefold() for option in bare_options(options)]
    if len(known) < 2 or "" in known:
        return Verdict("bad_options", f"{sum(map(bool, known))} options to choose from")
    if len(set(known)) < len(known):
        return Verdict("bad_options", "an option is there twice")
    if right_option(options, answer) is None:
        return Verdict("no_right_option", f"{answer[:80]!r} is none of the options")
    return None


def optionless(answer: str, evidence: str) -> Verdict | None:
    """Whether a free answer is only the letter of an option, which nobody has seen; a vitamin C has its evidence."""
    label = _BARE_LABEL.fullmatch(answer.strip())
    if label and (label[1] in "Aa" or not re.search(rf"\b{label[1]}\b", evidence)):
        return Verdict("bad_options", f"{answer.strip()!r} names an option, and there are none")
    return None


def shuffled(options: Sequence[str], right: int, rng: random.Random, labels: Sequence[str] = LABELS) -> Choices:
    """The options in a random order under one of the label sets."""
    order, first = rng.sample(range(len(options)), len(options)), rng.choice(labels)
    lines = [f"{_label(first, place)}{options[number]}" for place, number in enumerate(order)]
    gold = lines[order.index(right)]
    return Choices("\n".join(lines), gold.removeprefix(first) if first == "- " else gold)


def _label(first: str, place: int) -> str:
    """The label at a place, after the first one's fashion."""
    return "".join(chr(ord(sign) + place) if sign in "Aa1" else sign for sign in first)


def _rank(label: str) -> int:
    """The place that a letter or digit stands for."""
    return int(label) - 1 if label.isdecimal() else ord(label.upper()[0]) - ord("A")
