"""Whether a written answer rests on a passage: its evidence is quoted from it, and its words and values are in it."""

from __future__ import annotations

import re

from synthcpt.text import locks
from synthcpt.text.gates import Verdict
from synthcpt.text.keywords import Keywords
from synthcpt.text.mentions import Haystack

_ELLIPSIS = re.compile(r"\s*(?:\[\s*)?(?:\.{3,}|…)(?:\s*\])?\s*")
_EMPHASIS = re.compile(r"[*`]{1,3}+|(?<!\w)_{1,2}+|_{1,2}+(?!\w)")
_FEWEST_QUOTED_WORDS = 2
_FEWEST_QUOTED_CHARS = 6


class Quotable:
    """A text to find quotations in, also without its Markdown emphasis, which who quotes it mostly leaves out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._haystack = Haystack(text)
        self._marks = [match.span() for match in _EMPHASIS.finditer(text)]
        self._bare = Haystack(_EMPHASIS.sub("", text)) if self._marks else None

    def find(self, quote: str) -> tuple[int, int] | None:
        """Where a quotation stands, from its first word to its last; None where it does not.

        Quotes, hyphens, spacing and case may differ, and words may be left out where it has an ellipsis. A quotation
        that is too short to show anything is none.
        """
        if len(quote.split()) < _FEWEST_QUOTED_WORDS and len(quote.strip()) < _FEWEST_QUOTED_CHARS:
            return None
        pieces = [piece for piece in _ELLIPSIS.split(quote) if piece.strip()]
        spans = [self._find(piece.strip()) for piece in pieces]
        found = [span for span in spans if span is not None]
        if not pieces or len(found) < len(pieces):
            return None
        return min(start for start, _ in found), max(end for _, end in found)

    def _find(self, piece: str) -> tuple[int, int] | None:
        at = self.text.find(piece)
        return (at, at + len(piece)) if at >= 0 else self._haystack.find(piece) or self._find_bare(piece)

    def _find_bare(self, piece: str) -> tuple[int, int] | None:
        span = self._bare.find(_EMPHASIS.sub("", piece)) if self._bare else None
        return None if span is None else (self._original(span[0]), self._original(span[1] - 1) + 1)

    def _original(self, place: int) -> int:
        """From a character of the text without marks to the same in the text."""
        for start, end in self._marks:
            if start > place:
                break
            place += end - start
        return place


def unsupported(answer: str, passage: str, least: float) -> Verdict | None:
    """The answer has a number, date or name that the passage lacks, or too few of its words are the passage's.

    Args:
        answer: what is claimed.
        passage: what it must rest on.
        least: the share of the answer's content words that the passage must have, in any inflection.
    """
    verdict = locks.invented(answer, passage)
    if verdict is not None:
        return verdict
    share = Keywords(answer).coverage(passage)
    return Verdict("unsupported", f"{share:.0%} of its words are the passage's") if share < least else None


def ungrounded(question: str, answer: str, evidence: str, source: Quotable, title: str, least: float) -> Verdict | None:
    """Why a written question and answer must not stand with a passage; None where nothing speaks against them.

    Args:
        question: what is asked.
        answer: the answer to it.
        evidence: the quotation that the answer rests on.
        source: the passage.
        title: its title, which the answer may name.
        least: see `unsupported`.
    """
    if not question.strip() or not answer.strip():
        return Verdict("empty_task", "it has no question" if not question.strip() else "it has no answer")
    if source.find(evidence) is None:
        return Verdict("not_grounded", f"its evidence is not in the passage: {evidence[:80]!r}")
    return unsupported(answer, f"{title}\n{source.text}", least)
