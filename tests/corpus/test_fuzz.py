"""Whatever bytes a file holds, reading it gives documents in clean form or one CorpusError."""

import gzip
import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError

CONTROLS = {chr(code) for code in range(32)} - {"\n", "\t"}

SCRAPS = ['{"text": "', '"}', ",", '"', "text", "id", "[", "]", "{}", "# ", "NaN", "\\ud800", "1e999", "9" * 30, "```"]
SCRAP_BYTES = [b"\n", b"\r", b"\t", b"\0", b"\x0c", b"\xff\xfe", b"\xef\xbb\xbf", b'{"text": "a", "id": 1}']
scraps = st.sampled_from([scrap.encode() for scrap in SCRAPS] + SCRAP_BYTES)
some_bytes = st.one_of(st.binary(max_size=200), st.lists(scraps | st.binary(max_size=4), max_size=25).map(b"".join))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".txt.gz": gzip.compress,
    ".jsonl.zst": zstandard.compress,
    ".parquet": bytes,
}
fields = st.sampled_from(["text", "content", "id", "uuid", "title", "name", "source", "other"])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        documents = list(read_documents([str(path)]))
    except CorpusError:
        return
    assert len({document.id for document in documents}) == len(documents)
    for document in documents:
        assert document.id
        assert not CONTROLS & set(document.text + document.title + document.id)
        assert unicodedata.is_normalized("NFC", document.text)
        assert orjson.dumps([document.id, document.text, document.title, document.meta])


@pytest.mark.parametrize("suffix", [".txt", ".md", ".jsonl", ".json", ".csv", ".tsv"])
@given(data=some_bytes)
@settings(max_examples=150, deadline=None)
def test_any_bytes(folder: Path, suffix: str, data: bytes) -> None:
    check(folder / f"fuzz{suffix}", data)


@pytest.mark.parametrize("suffix", PACK)
@given(data=some_bytes, packed=st.booleans(), cut=st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_archives(folder: Path, suffix: str, data: bytes, packed: bool, cut: int) -> None:
    whole = PACK[suffix](data)
    check(folder / f"fuzz{suffix}", whole[: len(whole) - cut] if packed else data)


@given(rows=st.lists(st.dictionaries(fields, json_values, max_size=5), max_size=4), ascii=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_rows(folder: Path, rows: list[dict[str, Any]], ascii: bool) -> None:
    encoded = json.dumps(rows, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    check(folder / "rows.json", encoded)
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii) for row in rows)
    check(folder / "rows.jsonl", lines.encode("utf-8", "surrogatepass"))


@given(text=st.text(st.characters(exclude_categories=()), max_size=50))
@settings(max_examples=150, deadline=None)
def test_cleaning_twice_changes_nothing(folder: Path, text: str) -> None:
    (folder / "once.jsonl").write_text(json.dumps({"text": text}))
    [once] = read_documents([str(folder / "once.jsonl")])
    (folder / "twice.jsonl").write_text(json.dumps({"text": once.text}))
    [twice] = read_documents([str(folder / "twice.jsonl")])
    assert twice.text == once.text
