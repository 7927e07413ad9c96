"""Real documents, where they are at hand."""

import os
from pathlib import Path

import pytest

from synthcpt.corpus import read_documents


def test_wikipedia_introductions_are_read() -> None:
    folder = os.environ.get("SYNTHCPT_TEST_DATA")
    if not folder:
        pytest.skip("SYNTHCPT_TEST_DATA, the folder with wiki2023-film/doc.jsonl, is not set")
    stream = read_documents([str(Path(folder) / "wiki2023-film" / "doc.jsonl")])
    documents = list(stream)
    assert (stream.counts.documents, stream.counts.duplicates) == (len(documents), 0) == (256, 0)
    assert all(document.text and document.title and document.id.isdigit() for document in documents)
    assert {document.meta["source"] for document in documents} == {"doc.jsonl"}
