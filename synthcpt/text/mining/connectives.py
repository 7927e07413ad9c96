"""The words that tell how a sentence bears on the one before it: those of the paper, each with what it must not be.

The paper takes a connective only with a comma behind it. Here the comma is needed only where the word alone means
something else, too ("No man ...", "However hard ..."), and words that give a connective another sense ("In contrast to
...", "Thus far ...") rule it out.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from synthcpt.text.abbreviations import word_set

Relation = Literal["entail", "neutral", "contradict", "similar"]


class Connective(NamedTuple):
    """A connective at a sentence's start.

    Attributes:
        relation: what the sentence is to the one before it.
        causal: the sentence before it is its cause.
        comma: a comma must follow.
        not_before: the next word is none of these, where no comma stands between.
        listed: it is one of the paper's, or of its code's.
    """

    relation: Relation
    causal: bool = False
    comma: bool = False
    not_before: frozenset[str] = frozenset()
    listed: bool = True


_OF_PHRASES = word_set("to with from of between")

CONNECTIVES: dict[str, Connective] = {
    "yes": Connective("entail", comma=True),
    "therefore": Connective("entail", causal=True),
    "thus": Connective("entail", causal=True, not_before=word_set("far equipped armed")),
    "accordingly": Connective("entail", causal=True),
    "hence": Connective("entail", causal=True, not_before=word_set("the")),
    "for this reason": Connective("entail", causal=True, not_before=word_set("alone")),
    "maybe": Connective("neutral"),
    "furthermore": Connective("neutral"),
    "additionally": Connective("neutral"),
    "moreover": Connective("neutral"),
    "in addition": Connective("neutral", not_before=_OF_PHRASES),
    "also": Connective("neutral", comma=True),
    "secondly": Connective("neutral"),
    "no": Connective("contradict", comma=True),
    "however": Connective("contradict", comma=True),
    "but": Connective("contradict", not_before=word_set("for then")),
    "on the contrary": Connective("contradict"),
    "in contrast": Connective("contradict", not_before=_OF_PHRASES),
    "whereas": Connective("contradict", comma=True),
    "similarly": Connective("similar", comma=True),
    "equally": Connective("similar", comma=True),
    "in other words": Connective("similar"),
    "in other word": Connective("similar"),
    "namely": Connective("similar", comma=True),
    "that is to say": Connective("similar", not_before=word_set("that")),
    "i.e.": Connective("similar"),
    "scilicet": Connective("similar"),
}
"""Lower case; the paper's list of each relation, with what its code adds."""

_MORE: dict[str, Connective] = {
    "consequently": Connective("entail", causal=True, listed=False),
    "as a result": Connective("entail", causal=True, not_before=word_set("of"), listed=False),
    "as a consequence": Connective("entail", causal=True, not_before=word_set("of"), listed=False),
    "it follows that": Connective("entail", listed=False),
    "besides": Connective("neutral", comma=True, listed=False),
    "what is more": Connective("neutral", comma=True, listed=False),
    "nevertheless": Connective("contradict", listed=False),
    "nonetheless": Connective("contradict", listed=False),
    "by contrast": Connective("contradict", comma=True, listed=False),
    "on the other hand": Connective("contradict", comma=True, listed=False),
    "likewise": Connective("similar", listed=False),
    "put differently": Connective("similar", comma=True, listed=False),
    "in short": Connective("similar", comma=True, listed=False),
}
CONNECTIVES |= _MORE

_LONGEST_FIRST = sorted(CONNECTIVES, key=len, reverse=True)
OPENING = re.compile(rf"({'|'.join(map(re.escape, _LONGEST_FIRST))})(,?)\s++(?=\W{{0,2}}+(\w++))", re.IGNORECASE)
"""Matches a connective where a sentence starts: the words, the comma, and, ahead, the next word."""

CAUSES = ("due to", "on account of", "owing to")
MORE_CAUSES = ("because of", "as a result of", "thanks to", "because")
"""Inside a sentence: what stands before them is the effect of what stands behind; a statement, behind "because"."""

DEFINITIONS = ("is defined as", "are defined as", "'s definition is", "’s definition is")
TOPICS = ("talks about", "is about", "was about", "'s topic is", "’s topic is")


def opening(text: str, start: int) -> tuple[Connective, int] | None:
    """The connective that a sentence starts with, and where what it connects begins."""
    match = OPENING.match(text, start)
    if match is None:
        return None
    connective = CONNECTIVES[match[1].lower()]
    if not match[2] and (connective.comma or match[3].lower() in connective.not_before):
        return None
    return connective, match.end()
