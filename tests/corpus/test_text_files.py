"""Plain text and Markdown files: decoding, cleaning, titles and ids."""

import codecs
from pathlib import Path

import pytest

from synthcpt.corpus import read_documents
from synthcpt.records import Document


def read_one(path: Path, data: bytes) -> Document:
    path.write_bytes(data)
    [document] = read_documents([str(path)])
    return document


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    document = read_one(tmp_path / "the_great-gatsby.txt", b"In my younger years\n")
    assert document == Document(
        id="the_great-gatsby.txt",
        text="In my younger years\n",
        title="the great-gatsby",
        meta={"source": "the_great-gatsby.txt"},
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b" \n\t\n", " \n\t\n", id="white space only"),
        pytest.param(b"...", "...", id="only dots"),
        pytest.param(codecs.BOM_UTF8 + b"a", "a", id="UTF-8 with a BOM"),
        pytest.param(codecs.BOM_UTF16_LE + "aé".encode("utf-16-le"), "aé", id="UTF-16 little-endian"),
        pytest.param(codecs.BOM_UTF16_BE + "aé".encode("utf-16-be"), "aé", id="UTF-16 big-endian"),
        pytest.param(codecs.BOM_UTF16_LE + b"a\0b", "a\ufffd", id="half a UTF-16 character"),
        pytest.param(codecs.BOM_UTF16_LE + b"\x00\xd8a\0", "\ufffda", id="a lone surrogate in UTF-16"),
        pytest.param(b"a\xff\xfe\x80b", "a\ufffd\ufffd\ufffdb", id="invalid UTF-8"),
        pytest.param(b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", id="a surrogate in UTF-8"),
        pytest.param("e\u0301".encode(), "\u00e9", id="NFD"),
        pytest.param("e\0\u0301".encode(), "\u00e9", id="NFD with a control inside"),
        pytest.param(b"a\r\nb\rc\nd", "a\nb\nc\nd", id="line ends"),
        pytest.param(b"a\x0cb\x0bc", "a\nb\nc", id="form feed and vertical tab"),
        pytest.param(b"a\0b\x01\x1b\tc", "ab\tc", id="controls"),
        pytest.param("שלום (world) مرحبا \u200f".encode(), "שלום (world) مرحبا \u200f", id="right to left"),
        pytest.param(b"{{ x }} $y ${z} %s {0}", "{{ x }} $y ${z} %s {0}", id="template syntax"),
    ],
)
def test_text_is_decoded_and_cleaned(tmp_path: Path, data: bytes, text: str) -> None:
    assert read_one(tmp_path / "a.txt", data).text == text


def test_a_single_line_of_5_mb_is_read_whole(tmp_path: Path) -> None:
    assert len(read_one(tmp_path / "a.txt", b"word " * 1_000_000).text) == 5_000_000


@pytest.mark.parametrize(
    ("text", "title"),
    [
        pytest.param("intro\n# The  Title\n# Second\n", "The Title", id="first heading"),
        pytest.param("# The Title ##\n", "The Title", id="closing marks"),
        pytest.param("# C#\n", "C#", id="a mark that belongs to the title"),
        pytest.param("## Section\n#tag\n", "notes", id="no first-level heading"),
        pytest.param("```bash\n# a comment\n~~~\n```\n# The Title\n", "The Title", id="fenced code"),
        pytest.param("    # a comment\n# The Title\n", "The Title", id="indented code"),
        pytest.param("# a/../b {{x}} $y ${z}\n", "a/../b {{x}} $y ${z}", id="syntax of other programs"),
        pytest.param("#\n# \n# #\n", "notes", id="empty headings"),
        pytest.param("# " + "word " * 1000, "notes", id="a paragraph behind the mark"),
        pytest.param("# a" + " " * 300_000 + "b", "a b", id="a line of spaces"),
    ],
)
def test_the_title_of_markdown_is_its_first_heading(tmp_path: Path, text: str, title: str) -> None:
    document = read_one(tmp_path / "notes.md", text.encode())
    assert (document.title, document.text) == (title, text)


@pytest.mark.parametrize(
    ("name", "title"),
    [("the-great-gatsby.txt", "the great gatsby"), ("A  B.v2.TXT", "A B.v2"), ("...txt", ".."), (".txt", "")],
)
def test_the_title_of_text_is_its_file_name(tmp_path: Path, name: str, title: str) -> None:
    assert read_one(tmp_path / name, b"x").title == title


def test_a_name_in_either_unicode_form_gives_one_id(tmp_path: Path) -> None:
    composed, decomposed = tmp_path / "1", tmp_path / "2"
    composed.mkdir()
    decomposed.mkdir()
    assert read_one(composed / "caf\u00e9.txt", b"x").id == read_one(decomposed / "cafe\u0301.txt", b"x").id
