"""JSONL, JSON, CSV, TSV and Parquet: rows, their fields, and what is wrong with them."""

import codecs
import datetime
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError
from synthcpt.records import Document


def read(path: Path, data: str | bytes, **fields: str) -> list[Document]:
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return list(read_documents([str(path)], **fields))


def read_row(path: Path, row: Mapping[str, Any], **fields: str) -> Document:
    [document] = read(path / "rows.jsonl", json.dumps(row), **fields)
    return document


def test_every_table_format_gives_the_same_documents(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "A", "text": 'one, "two"\tthree', "year": "2023"}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "one.json").write_text(json.dumps(rows[0]))
    (tmp_path / "rows.jsonl").write_text("\n" + json.dumps(rows[0]) + "\n\n")
    (tmp_path / "rows.csv").write_text('id,title,text,year\n\n1,A,"one, ""two""\tthree",2023\n')
    (tmp_path / "rows.tsv").write_text('id\ttitle\ttext\tyear\n1\tA\t"one, ""two""\tthree"\t2023\n')
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    for path in sorted(tmp_path.iterdir()):
        [document] = read_documents([str(path)])
        assert document == Document("1", 'one, "two"\tthree', "A", {"year": "2023", "source": path.name})


def test_a_csv_cell_may_hold_lines_and_5_mb(tmp_path: Path) -> None:
    long = "word\n" * 1_000_000
    assert [d.text for d in read(tmp_path / "a.csv", f'text,note\n"{long}",\nshort\n')] == [long, "short"]


def test_parquet_is_read_over_batches_and_row_groups(tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(1000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=300)
    assert [d.text for d in read_documents([str(tmp_path / "a.parquet")])] == texts


@pytest.mark.parametrize(
    "encode", [lambda text: codecs.BOM_UTF8 + text.encode(), lambda text: text.encode("utf-16")], ids=["BOM", "UTF-16"]
)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"text": "é"}\n{"text": "b"}\n'),
        ("a.json", '[{"text": "é"}, {"text": "b"}]'),
        ("a.csv", "text\né\nb"),
    ],
)
def test_tables_may_have_a_byte_order_mark(tmp_path: Path, name: str, text: str, encode: Any) -> None:
    assert [d.text for d in read(tmp_path / name, encode(text))] == ["é", "b"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"content": "c", "text": "t"}, "t"),
        ({"article": "a", "body": "b"}, "b"),
        ({"text": 5, "content": "c"}, "c"),
        ({"text": None}, ""),
        ({"text": 5}, "5"),
        ({"text": "\ufeffa\ufeff"}, "a\ufeff"),
        ({"text": "e\u0301\r\n\0\ufeff"}, "\u00e9\n\ufeff"),
        ({"text": "\ud800 \ud83d\ude00"}, "\ufffd 😀"),
    ],
)
def test_the_text_is_found_and_cleaned(tmp_path: Path, row: dict[str, Any], text: str) -> None:
    assert read_row(tmp_path, row).text == text


@pytest.mark.parametrize("missing", ["text,id\n,1\n", "id,text\n1\n"])
def test_a_csv_row_without_its_text_is_empty_or_an_error(tmp_path: Path, missing: str) -> None:
    if missing.startswith("text"):
        assert [d.text for d in read(tmp_path / "a.csv", missing)] == [""]
    else:
        with pytest.raises(CorpusError, match=r"line 2 has none of the usual text fields"):
            read(tmp_path / "a.csv", missing)


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ({"name": "N", "title": "T"}, "T"),
        ({"heading": "H", "title": " "}, "H"),
        ({"title": 1984}, "1984"),
        ({"title": "a/../b\n\t{{x}} ${y}\0"}, "a/../b {{x}} ${y}"),
        ({"title": ["no", "title"]}, ""),
        ({}, ""),
    ],
)
def test_the_title_is_found_and_put_on_one_line(tmp_path: Path, row: dict[str, Any], title: str) -> None:
    assert read_row(tmp_path, {"text": "t", **row}).title == title


def test_named_fields_win(tmp_path: Path) -> None:
    row = {"text": "t", "title": "x", "id": 1, "story": "s", "film": "f", "key": "k"}
    document = read_row(tmp_path, row, text_field="story", title_field="film", id_field="key")
    assert document == Document("k", "s", "f", {"text": "t", "title": "x", "id": 1, "source": "rows.jsonl"})


def test_meta_keeps_what_json_can_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": ["t"],
            "source": ["web"],
            "tags": [[1, 2]],
            "day": [datetime.date(2023, 1, 2)],
            "time": [datetime.datetime(2023, 1, 2, 3)],
            "price": [Decimal("1.50")],
            "missing": pa.array([None], pa.string()),
            "nan": [float("nan")],
            "image": [b"\x89PNG"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    [document] = read_documents([str(tmp_path / "a.parquet")])
    assert document.meta == {
        "row_source": "web",
        "tags": [1, 2],
        "day": "2023-01-02",
        "time": "2023-01-02T03:00:00",
        "price": "1.50",
        "missing": None,
        "nan": None,
        "source": "a.parquet",
    }


def test_json_beyond_the_standard_is_read(tmp_path: Path) -> None:
    data = b'{"text": "a\xffb", "n": NaN, "i": 1e999, "big": 123456789012345678901234567890, "x": "\\ud800"}'
    [document] = read(tmp_path / "a.jsonl", data)
    assert document.text == "a\ufffdb"
    meta = {"n": None, "i": None, "big": 123456789012345678901234567890.0, "x": "\ufffd", "source": "a.jsonl"}
    assert document.meta == meta


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", '{"text": "a"}\n\n{"te', r"a\.jsonl, line 3 is broken JSON"),
        ("a.jsonl", '{"text": "a"}\n[1]\n', r"a\.jsonl, line 2 is a JSON list, not an object"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl, line 1 is broken JSON"),
        ("a.jsonl", '{"text": "t", "n": ' + "9" * 5000 + ", 1}", r"a\.jsonl, line 1 is broken JSON"),
        ("a.json", '[\n{"text": "a"},\n{"te]', r"a\.json, line 3 is broken JSON"),
        ("a.json", '{"text": "a"}\n{"text": "b"}\n', r"name it \.jsonl"),
        ("a.json", "", r"a\.json, line 1 is broken JSON"),
        ("a.json", '[{"text": "a"}, "b"]', r"a\.json, item 2 is a JSON str, not an object"),
        ("a.json", '{"data": [{"text": "a"}]}', r"Its fields are: data\. .*--text-field"),
        ("a.csv", 'text\n"a"b\n', r"a\.csv, line 2 is broken"),
        ("a.csv", 'text\na\n"unclosed\nb\n', r"a\.csv, line 4 is broken"),
        ("a.csv", "id,text\n1,one, two\n", r"a\.csv, line 2 has 3 cells, but the first line names 2 columns"),
        ("a.csv", "text,id,text\na,1,b\n", r"two columns named 'text'"),
        ("a.tsv", "label\tsentence\n1\ta\n", r"line 2 has none .* Its fields are: label, sentence\."),
        ("a.parquet", b"PAR1 and no more", r"a\.parquet cannot be read as Parquet"),
        ("a.parquet", b"", r"a\.parquet cannot be read as Parquet"),
    ],
)
def test_a_broken_table_is_one_sentence_with_its_place(
    tmp_path: Path, name: str, data: str | bytes, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / name, data)


def test_documents_before_a_broken_line_are_handed_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"te')
    documents = read_documents([str(tmp_path / "a.jsonl")])
    assert next(documents).text == "a"
    with pytest.raises(CorpusError, match="line 2"):
        next(documents)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text_field": "storry"}, r"line 1 has no field 'storry' \(--text-field\)\. Did you mean 'story'\?"),
        ({"text_field": "zzz"}, r"Known: \['x'\], film, story\."),
        ({"text_field": "story", "title_field": "flim"}, r"\(--title-field\)\. Did you mean 'film'\?"),
        ({"text_field": "story", "id_field": "key"}, r"no field 'key' \(--id-field\)"),
        ({"text_field": "['x']"}, r"holds no text in its field \"\['x'\]\" but a value of type list"),
    ],
)
def test_a_wrong_field_name_is_answered_with_the_right_ones(
    tmp_path: Path, fields: dict[str, str], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read_row(tmp_path, {"story": "s", "film": "f", "['x']": []}, **fields)


def test_a_message_stays_short_whatever_the_field_names(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        read_row(tmp_path, {f"{i}" + "x" * 10_000: i for i in range(1000)})
    assert len(str(caught.value)) < 3000


def test_tables_without_a_row_are_an_error(tmp_path: Path) -> None:
    for name, data in [("a.jsonl", "\n"), ("a.json", "[]"), ("a.csv", ""), ("b.csv", "text\n")]:
        with pytest.raises(CorpusError, match="no document in the input"):
            read(tmp_path / name, data)
