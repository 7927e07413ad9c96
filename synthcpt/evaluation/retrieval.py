"""Simple retrieval as a control: passages of the documents, ranked by BM25 (the package bm25s)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.errors import MissingExtra
from synthcpt.evaluation.normalise import content_words
from synthcpt.records import Document
from synthcpt.text.sentences import chunk_spans

PASSAGE_CHARS = 1024
"""The size that EntiGraph's retrieval found best of 256, 512 and 1024 characters (arXiv 2409.07431, appendix)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document.

    Attributes:
        document: the document's id.
        title: the document's title.
        start, end: its characters in the document's text.
        text: what stands there, without white space around it.
    """

    document: str
    title: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and its BM25 score."""

    passage: Passage
    score: float


def passages_of(documents: Sequence[Document], passage_chars: int = PASSAGE_CHARS) -> list[Passage]:
    """Every document in pieces of about one size, at most ``passage_chars`` characters, cut at sentence ends."""
    found = []
    for document in documents:
        for start, end in chunk_spans(document.text, passage_chars):
            text = document.text[start:end].strip()
            if text:
                found.append(Passage(document.id, document.title, start, end, text))
    return found


class PassageIndex:
    """BM25 (Lucene's variant, k1 1.5, b 0.75) over passages, each with its document's title before it.

    Raises:
        MissingExtra: bm25s is not installed.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtra("bm25s", "evaluate", "search for passages") from error
        self.passages = tuple(passages)
        texts = [list(content_words(f"{passage.title} {passage.text}")) for passage in self.passages]
        self._known = {word for text in texts for word in text}
        self._bm25 = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        if self._known:
            self._bm25.index(texts, show_progress=False)

    def search(self, query: str, count: int) -> list[Hit]:
        """The best passages, best first, those that share no word with the query left out; ties in corpus order."""
        import numpy

        asked = [word for word in content_words(query) if word in self._known]
        if not asked:
            return []
        scores = self._bm25.get_scores(asked)
        order = numpy.argsort(-scores, kind="stable")[:count]
        return [Hit(self.passages[place], float(scores[place])) for place in order.tolist() if scores[place] > 0]


def recall(hits: Sequence[Hit], document: str | None) -> float:
    """1.0 where a hit is of the gold document, 0.0 where none is, NaN where the gold document is unknown."""
    return math.nan if document is None else float(any(hit.passage.document == document for hit in hits))
