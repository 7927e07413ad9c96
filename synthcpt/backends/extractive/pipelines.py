"""A spaCy pipeline in place of the rules for sentences and names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.lexicon import GENERIC, STOPWORDS
from synthcpt.backends.extractive.reading import read_document, split_by_rules
from synthcpt.errors import BackendUnavailable, MissingExtra
from synthcpt.text.abbreviations import word_set
from synthcpt.text.mentions import canonical
from synthcpt.text.sentences import chunk_spans

_NO_NAMES = word_set("DATE TIME CARDINAL ORDINAL PERCENT MONEY QUANTITY")
_MOST_CHARS = 100_000
_MOST_CHUNK_WORDS = 4


def load_pipeline(name: str) -> Any:
    """Load a spaCy pipeline by name or path.

    Raises:
        MissingExtra: spaCy is not installed.
        BackendUnavailable: there is no such pipeline, or it cannot be loaded here.
    """
    try:
        import spacy  # takes seconds to import
    except ImportError as error:
        raise MissingExtra("spacy", "spacy", "use a spaCy pipeline") from error
    try:
        return spacy.load(name)
    except (OSError, ValueError, ImportError) as error:
        raise BackendUnavailable(
            f"The spaCy pipeline {name!r} cannot be loaded. Install it with: python -m spacy download {name}, "
            f"or give the path of one on disk. spaCy says: {error}"
        ) from error


class PipelineReader:
    """Reads one document at a time with a pipeline; not to be used from two threads at once."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._names: dict[str, str] = {}

    def analyse(self, title: str, text: str) -> Analysis:
        """Read a document. Whatever the pipeline does not provide (sentences, names) the rules do."""
        self._names = {}
        reading = read_document(text, self._split)
        names = {shown: [0] for shown in self._names.values()}
        return Analysis(title, reading, names or None)

    def _split(self, paragraphs: list[str]) -> list[list[str]]:
        split: list[list[str]] = []
        for text in paragraphs:
            parts = [text[a:b] for a, b in chunk_spans(text, _MOST_CHARS)]
            split.append(
                [s for doc, part in zip(self._pipeline.pipe(parts), parts, strict=True) for s in self._read(doc, part)]
            )
        return split

    def _read(self, doc: Any, text: str) -> list[str]:
        for name in _names_of(doc):
            self._names.setdefault(canonical(name), name)
        if doc.has_annotation("SENT_START"):
            return [sentence.text.strip() for sentence in doc.sents]
        return split_by_rules([text])[0]


def _names_of(doc: Any) -> Iterable[str]:
    for span in doc.ents:
        if span.label_ not in _NO_NAMES and canonical(span.text):
            yield " ".join(span.text.split())
    if doc.has_annotation("DEP"):
        for chunk in doc.noun_chunks:
            words = [token.text for token in chunk if token.lower_ not in STOPWORDS]
            if 1 <= len(words) <= _MOST_CHUNK_WORDS and words[-1].lower() not in GENERIC:
                yield " ".join(words)
