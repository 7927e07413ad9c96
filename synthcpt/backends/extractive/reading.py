"""A document read into sentences, each with what it takes to stand alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from synthcpt.backends.extractive.blocks import Block, read_blocks
from synthcpt.backends.extractive.leaning import leans
from synthcpt.backends.extractive.lexicon import FIRST_PERSON, STOPWORDS
from synthcpt.text.sentences import sentence_spans

SentenceKind = Literal["prose", "fragment", "row"]
SplitProse = Callable[[list[str]], Iterable[list[str]]]
"""From paragraphs to the sentences of each."""

_STOP = re.compile(r"[.!?…。！？।॥؟۔።։။។]['\"”’»)\]」』）]*$")
_WORD = re.compile(r"[^\W\d_]+")
_INNER_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][^\W\d_]*[a-z](?:[-'’][A-Z][a-z]+)?")
_LETTER = re.compile(r"[^\W\d_]")
_MOST_MERGED = 6
LONGEST_SENTENCE_CHARS = 1200


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document, or what takes its place in a list or table.

    Attributes:
        text: its words on one line, without Markdown.
        kind: running prose, an item or line that is no sentence, or a table row.
        block: the number of its block in the document.
        label: the run-in heading of its block, such as a speaker's name; empty where there is none.
        leans: it cannot be understood without the sentence before it.
    """

    text: str
    kind: SentenceKind
    block: int
    label: str
    leans: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A document's sentences in order, its headings, and whether its language is English."""

    sentences: tuple[Sentence, ...]
    headings: tuple[str, ...]
    english: bool


def split_by_rules(paragraphs: list[str]) -> list[list[str]]:
    """Each paragraph's sentences."""
    return [[text[a:b].strip() for a, b in sentence_spans(text)] for text in paragraphs]


def read_document(text: str, split: SplitProse = split_by_rules) -> Reading:
    """Read a document; ``split`` finds the sentences of its paragraphs."""
    blocks = read_blocks(text)
    english = is_english(text)
    prose = [number for number, block in enumerate(blocks) if block.kind in ("prose", "item")]
    pieces = dict(zip(prose, split([blocks[number].text for number in prose]), strict=True))
    first_person = _speaks_in_first_person(pieces.values())
    names = frozenset(_INNER_CAPITAL.findall(" ".join(blocks[number].text for number in prose))) if english else None
    sentences: list[Sentence] = []
    for number, block in enumerate(blocks):
        sentences += _sentences_of(block, number, pieces.get(number, []), names, first_person)
    return Reading(tuple(sentences), tuple(b.text for b in blocks if b.kind == "heading" and b.text), english)


def _sentences_of(
    block: Block, number: int, pieces: list[str], names: frozenset[str] | None, first_person: bool
) -> list[Sentence]:
    if block.kind == "row":
        text = "; ".join(f"{column}: {cell}" if column else cell for column, cell in block.cells)
        return [Sentence(text, "row", number, "", False)] if text else []
    found: list[Sentence] = []
    for text in _merge_open(piece for piece in pieces if _LETTER.search(piece)):
        kind: SentenceKind = "prose" if _is_sentence(text) else "fragment"
        own_voice = first_person or bool(block.label)
        leaning = kind == "prose" and (text[:1].islower() if names is None else leans(text, names, own_voice))
        found.append(Sentence(text, kind, number, block.label, leaning))
    return found


def _merge_open(pieces: Iterable[str]) -> list[str]:
    """Join sentences that one quotation or one pair of brackets holds together."""
    merged: list[str] = []
    count = 0
    for piece in pieces:
        if merged and count < _MOST_MERGED and _is_open(merged[-1]):
            merged[-1] += " " + piece
            count += 1
        else:
            merged.append(piece)
            count = 1
    return merged


def _is_open(text: str) -> bool:
    if len(text) > LONGEST_SENTENCE_CHARS:
        return False
    return text.count('"') % 2 == 1 or text.count("“") > text.count("”") or text.count("(") > text.count(")")


def _is_sentence(text: str) -> bool:
    """Whether a piece is running prose: it ends as a sentence does and is of readable length and make-up."""
    if not _STOP.search(text) or len(text) > LONGEST_SENTENCE_CHARS or _is_open(text):
        return False
    letters = sum(map(str.isalpha, text))
    if letters * 2 < len(text):
        return False
    return not text.isascii() or len(text.split()) >= 4


def is_english(text: str) -> bool:
    """Whether enough of the text's words are English function words."""
    words = _WORD.findall(text[:20_000].lower())
    common = sum(word in STOPWORDS for word in words)
    return len(words) > 0 and common >= 0.22 * len(words)


def _speaks_in_first_person(paragraphs: Iterable[list[str]]) -> bool:
    """Whether the author says "I" or "we" so often that it needs no introduction."""
    counts = [0, 0]
    for pieces in paragraphs:
        for piece in pieces:
            opening = piece.split(None, 1)[0].lower() if piece else ""
            counts[0] += opening in FIRST_PERSON
            counts[1] += 1
    return counts[0] * 5 > counts[1]
