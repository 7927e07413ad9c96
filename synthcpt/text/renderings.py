"""Questions with their answers put into running text: by templates, and in several arrangements."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import NamedTuple

from synthcpt.text.choices import bare_options, right_option, shuffled

ARRANGEMENTS = ("classic", "dialog", "numbered", "inline", "next_turn")
"""How pairs can follow one another: as they are, as talk, numbered, in one paragraph, as alternating items."""

_SLOT = re.compile(r"\$\w+")
_LETTER = re.compile(r"[^\W\d_]")
_STOP = re.compile(r"[.!?…。！？।؟]['\"”’»)\]」』]*$")


class Rendered(NamedTuple):
    """A pair by its template, and its two halves for arrangements that have a form of their own."""

    whole: str
    asked: str
    answered: str


def without_words(templates: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Those templates of each kind that add no word of their own, and so suit every language; "" where none does."""
    return {
        kind: [template for template in own if not _LETTER.search(_SLOT.sub("", template))] or [""]
        for kind, own in templates.items()
    }


def render(
    question: str, answer: str, options: Sequence[str], reasoning: str, wording: Mapping[str, str], rng: random.Random
) -> Rendered:
    """A pair in words; its options in a random order, and the answer as the right one's line.

    Args:
        question: what is asked.
        answer: the answer; with options, one of them or its letter.
        options: what to choose from; empty for a free answer.
        reasoning: what leads to the answer; may be empty.
        wording: a template for each kind: ``plain``, ``choice``, ``reasoned``, ``reasoned_choice``.
        rng: shuffles the options.
    """
    slots = {"question": question.strip(), "answer": answer.strip(), "reasoning": reasoning.strip()}
    kind, asked = ("reasoned" if slots["reasoning"] else "plain"), slots["question"]
    right = right_option(options, answer) if options else None
    if right is not None:
        choices = shuffled(bare_options(options), right, rng)
        slots |= {"options": choices.lines, "answer": choices.gold}
        kind, asked = ("reasoned_choice" if kind == "reasoned" else "choice"), f"{asked}\n{choices.lines}"
    answered = "\n".join(part for part in (slots["reasoning"], slots["answer"]) if part)
    return Rendered(Template(wording[kind]).substitute(slots), asked, answered)


def arranged(pairs: Sequence[Rendered], arrangement: str) -> str:
    """Pairs as they follow one another."""
    if arrangement == "dialog":
        return "\n".join(f"User: {pair.asked}\nAssistant: {pair.answered}" for pair in pairs)
    if arrangement == "numbered":
        return "\n".join(f"{number}. {pair.whole}" for number, pair in enumerate(pairs, 1))
    if arrangement == "inline":
        told = (" ".join(pair.whole.split()) for pair in pairs)
        return " ".join(text if _STOP.search(text) else f"{text}." for text in told)
    if arrangement == "next_turn":
        return "\n".join(f"- {_indented(pair.asked)}\n- {_indented(pair.answered)}" for pair in pairs)
    return "\n\n".join(pair.whole for pair in pairs)


def _indented(text: str) -> str:
    """Further lines under the first one of a list's item."""
    return text.replace("\n", "\n  ")
