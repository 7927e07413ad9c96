"""Gzip and zstd around every text format, and what a broken one says."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}
FILES = {
    "a_book.txt": "the text",
    "a_book.md": "the text",
    "a_book.jsonl": '{"text": "the text"}\n',
    "a_book.json": '[{"text": "the text"}]',
    "a_book.csv": "text\nthe text\n",
    "a_book.tsv": "text\nthe text\n",
}


def noise(size: int) -> str:
    return random.Random(0).randbytes(size).hex()


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", FILES)
def test_compressed_files_are_read(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / (name + suffix)
    path.write_bytes(PACK[suffix](FILES[name].encode()))
    [document] = read_documents([str(path)])
    assert document.text == "the text"
    assert document.meta == {"source": path.name}
    assert document.title == ("a book" if name.endswith((".txt", ".md")) else "")


@pytest.mark.parametrize("suffix", PACK)
def test_files_of_several_members_are_read_whole(tmp_path: Path, suffix: str) -> None:
    rows = [json.dumps({"text": noise(200_000)[i:]}).encode() + b"\n" for i in range(3)]
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(b"".join(PACK[suffix](row) for row in rows))
    assert [d.text for d in read_documents([str(path)])] == [json.loads(row)["text"] for row in rows]


def test_utf16_inside_a_compressed_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress('{"text": "é"}\n{"text": "b"}\n'.encode("utf-16")))
    assert [d.text for d in read_documents([str(tmp_path / "a.jsonl.zst")])] == ["é", "b"]


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
@pytest.mark.parametrize("damage", ["cut", "not compressed", "empty", "garbage behind", "flipped"])
def test_a_broken_archive_is_an_error(tmp_path: Path, name: str, suffix: str, damage: str) -> None:
    row = f'{{"text": "{noise(100_000)}"}}' if name.endswith(".jsonl") else f"text\n{noise(100_000)}"
    packed = PACK[suffix](row.encode())
    middle = len(packed) // 2
    broken = {
        "cut": packed[:middle],
        "not compressed": row.encode(),
        "empty": b"",
        "garbage behind": packed + b"garbage",
        "flipped": packed[: middle - 5_000] + b"\xff" * 10_000 + packed[middle + 5_000 :],
    }[damage]
    path = tmp_path / (name + suffix)
    path.write_bytes(broken)
    if damage == "flipped" and suffix == ".zst":
        # zstandard.compress writes no checksum, so that not every change of a byte can be noticed.
        path.write_bytes(broken[:20] + b"\xff" * 20 + broken[40:])
    with pytest.raises(CorpusError, match=rf"{name}{suffix} cannot be unpacked: .*anew"):
        list(read_documents([str(path)]))
