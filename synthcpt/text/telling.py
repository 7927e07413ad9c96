"""Sentences as a reader meets them: whether one is sound, leans on what was told before, or can be left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.text.abbreviations import word_set
from synthcpt.text.kinds import Value
from synthcpt.text.mentions import canonical

_TERMINATOR = re.compile(r"[.!。！।።؟۔][\"'”’)\]*]*\Z")
_NO_PROSE = frozenset("#|>-*+`~•=<([{\"“'‘")
_LIST_NUMBER = re.compile(r"\(?(?:\d{1,3}|[A-Za-z])[.)]\s")
_HOLE = re.compile(
    r"\(\s*[,;)]| [,.;](?: |\Z)|\b(?:the|an|of|for|at|by|with) (?:and|or|of|by|\.|,)|(?:^|\s)[.,]{2,}|__"
)
"""What a template leaves where a value was taken out: "playing for the and"."""
_LEANING = word_set(
    """he she they it his her its their theirs him them this that these those such there here then also however but and
    or so yet nor thus hence therefore moreover furthermore besides instead meanwhile nevertheless nonetheless otherwise
    still consequently accordingly similarly likewise conversely additionally finally afterwards later both neither
    either another other others one i we you my our your who which afterward soon again even indeed what
    er sie es dieser diese dieses danach jedoch aber dort sein seine ihr ihre il elle ils elles ce cette ces cependant
    él ella este esta estos estas además"""
)
_ONE_OF_SOME = re.compile(
    r"The (?:[a-z]+est|most|least|first|second|third|two|three|four|five|other|others|former|latter|same|next|last|"
    r"rest|remaining|following|above|result|reason|answer|difference|only)\b"
)
"""It says which of what was told of before."""
_FEWEST_WORDS, _MOST_WORDS = 6, 60
_LONGEST_RUN = 6


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a document.

    Attributes:
        start, end: its characters, without the white space after it.
        block: the number of the paragraph it is in.
        text: as it stands there.
        values: the names, dates and numbers in it.
        leans: it opens with a word that points back.
        is_sound: it is running text, whole, and of readable length.
    """

    start: int
    end: int
    block: int
    text: str
    values: tuple[Value, ...]
    leans: bool
    is_sound: bool


def leans(text: str) -> bool:
    """Whether a sentence opens with a word that points back."""
    first = text[:40].split(maxsplit=1)[0]
    return first.lower().strip(",") in _LEANING or first[0].islower() or _ONE_OF_SOME.match(text) is not None


def is_sound(text: str) -> bool:
    """Whether it is a sentence of running text: whole, of readable length, and without holes."""
    if text[0] in _NO_PROSE or text[0].islower() or _LIST_NUMBER.match(text) or not _TERMINATOR.search(text):
        return False
    if "\n" in text or "`" in text or "|" in text or _HOLE.search(text):
        return False
    if not _FEWEST_WORDS <= len(text.split()) <= _MOST_WORDS:
        return False
    pairs = text.count("(") == text.count(")") and text.count("“") == text.count("”")
    return pairs and text.count('"') % 2 == 0 and not text.isupper()


def hidden_runs(sentences: Sequence[Sentence], passage: range) -> list[range]:
    """Runs of sentences that can be left out so that what is left still reads well and is most of the passage.

    Whole paragraphs where there are three and more, and up to a third of the sentences; what follows must not lean on
    what is left out.

    Args:
        sentences: the document's.
        passage: the numbers of those that are shown otherwise.
    """
    blocks: list[range] = []
    for number in passage:
        if blocks and sentences[blocks[-1][0]].block == sentences[number].block:
            blocks[-1] = range(blocks[-1].start, number + 1)
        else:
            blocks.append(range(number, number + 1))
    size = sum(len(sentences[n].text) for n in passage)
    longest = max(1, min(_LONGEST_RUN, len(passage) // 3))
    runs = blocks if len(blocks) > 2 else []
    runs = runs + [range(a, b) for a in passage for b in range(a + 1, min(a + longest, passage.stop) + 1)]
    return [
        run
        for run in dict.fromkeys(runs)
        if len(run) < len(passage)
        and sum(len(sentences[n].text) for n in run) * 2 <= size
        and (run.stop == passage.stop or not sentences[run.stop].leans)
    ]


def without_heading(text: str, title: str) -> str:
    """A text without its first line, if that is a heading or the title itself and something follows."""
    first, _, rest = text.partition("\n")
    return rest.strip() if first.startswith("#") or (title and canonical(first) == canonical(title)) else text
