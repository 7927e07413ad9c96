"""Lettered options of a question, in a random order, with the right one's letter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from synthcpt.text.mentions import canonical

LABELS = ("A. ", "A) ", "(A) ", "1. ", "1) ", "(a) ", "a) ", "- ")
"""How the first option may be labelled; the others follow suit. A dash names none, and the answer is the option."""


class Choices(NamedTuple):
    """Options as shown, one a line, and the right one as an answer names it."""

    lines: str
    gold: str


def right_option(options: Sequence[str], answer: str) -> int | None:
    """The place of the option that the answer means: the same words, or a letter that stands for it; None for none."""
    known = [canonical(option) for option in options]
    if known.count(canonical(answer)) == 1:
        return known.index(canonical(answer))
    letter = answer.strip().strip("().").upper()
    place = ord(letter) - ord("A") if len(letter) == 1 else -1
    return place if 0 <= place < len(options) else None


def shuffled(options: Sequence[str], right: int, rng: random.Random, labels: Sequence[str] = LABELS) -> Choices:
    """The options in a random order under one of the label sets."""
    order, first = rng.sample(range(len(options)), len(options)), rng.choice(labels)
    lines = [f"{_label(first, place)}{options[number]}" for place, number in enumerate(order)]
    return Choices("\n".join(lines), lines[order.index(right)].removeprefix("- "))


def _label(first: str, place: int) -> str:
    """The label at a place, after the first one's fashion."""
    return "".join(chr(ord(sign) + place) if sign in "Aa1" else sign for sign in first)
