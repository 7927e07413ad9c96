"""The sentences of a passage as the miner sees them: with places, blocks and connectives, in linear time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from synthcpt.text.abbreviations import word_set
from synthcpt.text.sentences import sentence_spans

Span = tuple[int, int]

_TERMINATOR = re.compile(r"[.!?]['\"”’)\]*_]*\Z")
_TAIL_CHARS = 8
_NO_PROSE = frozenset("#|>-*+`~•=<")
"""A line that begins so is a heading, a table row, a list item, code or markup."""
_LIST_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-z])[.)]\s")
_LONGEST_SENTENCE_CHARS = 800
_ENGLISH = word_set(
    """the of and to in a is was for on with as by that it at from are were be an his her their its this which or but
    not have has had he she they we you who will can when there been if than all one would into also more after so"""
)
_SAMPLE_CHARS = 1600
_ENGLISH_SHARE = 0.18


@dataclass(frozen=True, slots=True)
class Segments:
    """A text's sentences.

    Attributes:
        text: the text.
        lower: the same in lower case, character by character.
        spans: each sentence's place, without the white space around it.
        blocks: the number of the paragraph each is in.
    """

    text: str
    lower: str
    spans: Sequence[Span]
    blocks: Sequence[int]

    def at(self, place: int) -> int:
        """The number of the sentence that holds a character."""
        return bisect_right(self.spans, (place, len(self.text))) - 1

    def follows(self, number: int) -> bool:
        """Whether a sentence stands right behind another in one paragraph."""
        return number > 0 and self.blocks[number] == self.blocks[number - 1]

    def is_prose(self, number: int) -> bool:
        """Whether it is a sentence of running text: begins and ends as one, of readable length and make-up."""
        start, end = self.spans[number]
        first = self.text[start]
        if end - start > _LONGEST_SENTENCE_CHARS or first in _NO_PROSE or first.islower():
            return False
        if not _TERMINATOR.search(self.text, max(start, end - _TAIL_CHARS), end):
            return False
        sentence = self.text[start:end]
        if _LIST_NUMBER.match(sentence) or "`" in sentence or "\n\n" in sentence:
            return False
        balanced = sentence.count("(") == sentence.count(")") and sentence.count('"') % 2 == 0
        return balanced and sentence.count("“") == sentence.count("”")


def segments(text: str) -> Segments:
    """Read a passage."""
    found = sentence_spans(text)
    spans: list[Span] = []
    breaks: list[bool] = []
    before = 0
    for start, end in found:
        piece = text[start:end]
        bare = piece.strip()
        if bare:
            at = start + piece.index(bare[0]) if piece[0].isspace() else start
            # A heading, a list item or a table row is a block of its own, whatever white space follows it.
            breaks.append(not spans or text.count("\n", before, at) > 1 or text[at] in _NO_PROSE)
            spans.append((at, at + len(bare)))
            before = at + len(bare)
    return Segments(text, lower_case(text), spans, list(accumulate(breaks)))


def lower_case(text: str) -> str:
    """The text in lower case, each character still in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def is_english(text: str) -> bool:
    """Whether the text's beginning has as many English function words as English has."""
    words = text[:_SAMPLE_CHARS].lower().split()
    return sum(map(_ENGLISH.__contains__, words)) >= max(1, _ENGLISH_SHARE * len(words))


def one_line(text: str) -> str:
    """With single spaces in place of line breaks and runs of white space."""
    return " ".join(text.split())
