"""Brings the corpus into the journals of the parts at hand, and tells whether it is the run's corpus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from synthcpt.config import GenerateConfig
from synthcpt.corpus import ReadCounts, read_documents
from synthcpt.engine.journal import Journal, content_digest
from synthcpt.engine.parts import part_of
from synthcpt.errors import RunMismatch
from synthcpt.methods import CorpusSurvey
from synthcpt.records import Document
from synthcpt.text.tokens import estimate_tokens

SMALL_CORPUS_DOCUMENTS = 512
DEFAULT_PARTS = 8


@dataclass(slots=True)
class Corpus:
    """What was read.

    Attributes:
        documents, source_tokens: how much.
        digest: a hash of every id and content, whatever their order.
        changed, added: ids whose content differs from what the journals hold, or that they did not hold.
        same: how many they held alike.
    """

    documents: int = 0
    source_tokens: int = 0
    digest: int = 0
    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    same: int = 0

    def settings(self) -> dict[str, Any]:
        """As run.yaml has it."""
        return {"documents": self.documents, "source_tokens": self.source_tokens, "digest": f"{self.digest:032x}"}


@dataclass(frozen=True, slots=True)
class OpenCorpus:
    """A corpus about to be read.

    Attributes:
        documents: streamed, each once.
        default_parts: how many parts a new run of them should have.
        counts: what the reader skipped; filled while the documents are read.
    """

    documents: Iterable[Document]
    default_parts: int
    counts: ReadCounts


def open_corpus(config: GenerateConfig) -> OpenCorpus:
    """Begin to read the documents.

    Raises:
        CorpusError: nothing can be read.
    """
    fields = {"text_field": config.text_field, "title_field": config.title_field, "id_field": config.id_field}
    stream = read_documents(config.input, **fields)
    documents = islice(stream, config.limit)
    start = list(islice(documents, SMALL_CORPUS_DOCUMENTS + 1))
    parts = DEFAULT_PARTS if len(start) > SMALL_CORPUS_DOCUMENTS else 1
    return OpenCorpus(chain(start, documents), parts, stream.counts)


def ingest(
    documents: Iterable[Document], journals: Mapping[int, Journal], parts: int, survey: CorpusSurvey | None = None
) -> Corpus:
    """Read the whole corpus; store the documents of the parts at hand (uncommitted), and show all to the survey."""
    corpus = Corpus()
    for document in documents:
        if survey is not None:
            survey.see(document)
        tokens = estimate_tokens(document.text)
        corpus.documents += 1
        corpus.source_tokens += tokens
        # A sum does not depend on the order in which files are read.
        corpus.digest = (corpus.digest + int.from_bytes(content_digest(document), "big")) % (1 << 128)
        journal = journals.get(part_of(document.id, parts))
        if journal is None:
            continue
        status = journal.add_document(document, tokens)
        if status == "same":
            corpus.same += 1
        else:
            (corpus.added if status == "new" else corpus.changed).append(document.id)
    return corpus


def check_corpus(before: Mapping[str, Any], corpus: Corpus, held: int, *, extend: bool) -> None:
    """Refuse a corpus that is not the run's; with ``extend``, one that is not the run's and more.

    Args:
        before: run.yaml's corpus.
        corpus: what was read.
        held: how many documents the journals held before.
        extend: documents may have been added.

    Raises:
        RunMismatch: saying what was added, changed or removed.
    """
    if before["digest"] == corpus.settings()["digest"] and not corpus.changed:
        return
    removed = held - corpus.same - len(corpus.changed)
    grown_only = not corpus.changed and removed <= 0
    if extend and grown_only:
        return
    lines = [f"  the run has {before['documents']:,} documents, the input now {corpus.documents:,}"]
    if held:
        lines += [f"  added: {_name(corpus.added)}"] if corpus.added else []
        lines += [f"  changed: {_name(corpus.changed)}"] if corpus.changed else []
        lines += [f"  removed: {removed:,}"] if removed > 0 else []
    advice = (
        "Use --extend to add the new documents to the run." if grown_only else "Give another --output, or --overwrite."
    )
    raise RunMismatch("The corpus is not the one this run was made from:\n" + "\n".join(lines) + "\n" + advice)


def _name(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3:,} more" if len(ids) > 3 else "")
