"""What the miner finds: a subtype of task, and the places in the text that its template's slots are filled from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from synthcpt.text.mining.segments import Span

TYPES: dict[str, str] = {
    "title": "summarization",
    "topic": "summarization",
    "keywords": "word_to_text",
    "definition": "word_to_text",
    "entail": "nli",
    "neutral": "nli",
    "contradict": "nli",
    "cause_effect": "commonsense",
    "effect_cause": "commonsense",
    "similar": "paraphrase",
    "different": "paraphrase",
    "completion": "completion",
}
"""Subtype -> the paper's type. Titles and completions are asked by the frame a passage is set in, the rest is mined."""

MINED = tuple(subtype for subtype in TYPES if subtype not in ("title", "completion"))


class Found(NamedTuple):
    """A task that a text holds.

    Attributes:
        subtype: one of `MINED`.
        places: slot -> character range of the text.
        words: of a task on keywords, the keywords as the text writes them, in its order.
    """

    subtype: str
    places: Mapping[str, Span]
    words: tuple[str, ...] = ()


def occurrences(lower: str, phrases: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Where any of some phrases stands as whole words; of two that begin alike, both."""
    for phrase in phrases:
        at = lower.find(phrase)
        while at >= 0:
            end = at + len(phrase)
            before, after = lower[at - 1 : at], lower[end : end + 1]
            if after.isspace() and (not before.strip() or not phrase[0].isalpha()):
                yield at, phrase
            at = lower.find(phrase, end)
