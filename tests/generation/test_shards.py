"""A finished part's files: equal rows give equal bytes, and all of them are there."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synthcpt.engine.journal import Journal, place_of
from synthcpt.engine.parts import Part
from synthcpt.files import sha256_of
from synthcpt.generation.shards import COLUMNS, write_part
from synthcpt.records import Document, Rejection, SyntheticDocument

IDS = [f"doc-{i}" for i in range(30)]
PROVENANCE = {"model": "some-model", "backend": "mock"}
GOAL = {"tokens_per_source_token": None}


def filled(path: Path, ids: list[str], ordinals: list[int]) -> Journal:
    journal = Journal(path)
    for document_id in ids:
        journal.add_document(Document(document_id, "Text."), 2)
    numbers = {stored.document.id: stored.number for stored in journal.documents()}
    for document_id in ids:
        for ordinal in ordinals:
            name, sources, meta = f"{document_id}/m/{ordinal}", (document_id,), {"step": "pair", "b": 1, "a": [None]}
            text = f"Text {ordinal} with é and 漢."
            row = SyntheticDocument(name, ordinal, text, "m", sources, ("ab",), ((0, 4),), 7, meta)
            journal.put_row(numbers[document_id], row)
        journal.put_row(numbers[document_id], Rejection(f"{document_id}/m/r", 99, "no", "m", (document_id,), "refusal"))
    journal.put_failure(numbers[min(ids)], "document", "no_entities", "none")
    journal.commit()
    return journal


def contents(run: Path) -> dict[str, bytes]:
    found = (path for path in sorted(run.rglob("*")) if path.is_file() and path.parent.name != "journal")
    return {str(path.relative_to(run)): path.read_bytes() for path in found}


def write(run: Path, ids: list[str], ordinals: list[int]) -> Part:
    part = Part(run, 0, 1)
    journal = filled(part.journal, ids, ordinals)
    write_part(part, journal, PROVENANCE, GOAL)
    journal.close()
    return part


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return write(tmp_path / "run", IDS, [1, 2])


def test_the_shard_holds_every_row_in_order(part: Part) -> None:
    table = pq.read_table(part.shard).to_pylist()
    by_place = sorted(IDS, key=place_of)
    assert [row["id"] for row in table] == [f"{source}/m/{ordinal}" for source in by_place for ordinal in (1, 2)]
    assert table[0] == {
        "id": f"{by_place[0]}/m/1", "text": "Text 1 with é and 漢.", "method": "m", "source_ids": [by_place[0]],
        "request_keys": ["ab"], "spans": [[0, 4]], "tokens": 7, "model": "some-model", "backend": "mock",
        "meta": '{"a":[null],"b":1,"step":"pair"}', "messages": None,
    }  # fmt: skip


def test_the_columns_are_those_that_the_card_describes(part: Part) -> None:
    assert pq.read_schema(part.shard).names == list(COLUMNS)


def test_rejected_texts_and_failures_are_written_with_their_reasons(part: Part) -> None:
    rejected = [json.loads(line) for line in part.rejected.read_text().splitlines()]
    assert [row["source_ids"][0] for row in rejected] == sorted(IDS, key=place_of)
    assert {row["reason"] for row in rejected} == {"refusal"}
    (failure,) = map(json.loads, part.failures.read_text().splitlines())
    assert (failure["document"], failure["reason"]) == ("doc-0", "no_entities")


def test_the_marker_tells_what_the_files_hold(part: Part) -> None:
    marker = json.loads(part.marker.read_text())
    assert (marker["part"], marker["parts"], marker["for"]) == (0, 1, GOAL)
    assert marker["shard"]["sha256"] == sha256_of(part.shard)
    assert marker["shard"]["bytes"] == part.shard.stat().st_size
    assert marker["totals"]["rows"] == 60
    assert marker["totals"]["rejected"] == {"refusal": 30}


def test_equal_rows_give_equal_bytes_whatever_order_they_came_in(part: Part, tmp_path: Path) -> None:
    write(tmp_path / "other", IDS[::-1], [2, 1])
    assert contents(part.run) == contents(tmp_path / "other")


def test_a_part_without_rows_has_an_empty_shard(tmp_path: Path) -> None:
    part = Part(tmp_path, 0, 1)
    journal = Journal(part.journal)
    write_part(part, journal, PROVENANCE, GOAL)
    journal.close()
    table = pq.read_table(part.shard)
    assert (table.num_rows, table.schema.names) == (0, list(COLUMNS))
    assert part.rejected.read_bytes() == b""


def test_many_rows_go_in_groups(tmp_path: Path) -> None:
    part = write(tmp_path, ["a"], list(range(100, 5100)))
    file = pq.ParquetFile(part.shard)
    assert file.metadata.num_rows == 5000
    assert file.num_row_groups > 1
    file.close()
