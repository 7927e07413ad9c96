"""Real documents, where they are at hand."""

from __future__ import annotations

from corpora import wiki_documents

from synthcpt.corpus import read_documents


def test_wikipedia_introductions_are_read() -> None:
    stream = read_documents([str(wiki_documents())])
    documents = list(stream)
    assert (stream.counts.documents, stream.counts.duplicates) == (len(documents), 0) == (256, 0)
    assert all(document.text and document.title and document.id.isdigit() for document in documents)
    assert {document.meta["source"] for document in documents} == {"doc.jsonl"}
