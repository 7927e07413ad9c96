"""From a finished part's journal to its files: the shard, the rejected texts, the failures, the marker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson

from synthcpt.engine.journal import Journal
from synthcpt.engine.parts import Part
from synthcpt.files import replacing, sha256_of, write_text

_ROWS_A_GROUP = 2048

COLUMNS = {
    "id": "the text's own name: source, method, what was asked",
    "text": "what to train on",
    "method": "the method that made it",
    "source_ids": "the documents it was made from",
    "request_keys": "the calls it was made by; `synthcpt trace` shows them",
    "spans": "character ranges [start, end] that carry loss; empty: all of the text",
    "tokens": "about how many tokens it has",
    "model": "what wrote it",
    "backend": "through what",
    "meta": "what the method tells of it, as JSON",
    "messages": "the text as chat turns (role, content), where it is a chat",
}
"""The shard's columns, for the dataset card."""


def write_part(part: Part, journal: Journal, provenance: Mapping[str, str], goal: Mapping[str, Any]) -> None:
    """Write all files of a part whose documents are done; the marker last.

    The files depend on the journal's rows alone: equal answers give equal bytes.

    Args:
        part: where.
        journal: committed.
        provenance: ``model`` and ``backend`` of every row.
        goal: what the part was finished for; see `run.part_goal`.
    """
    _write_shard(part, journal, provenance)
    _write_jsonl(part.rejected, journal.rows("rejected"))
    _write_jsonl(part.failures, journal.failures())
    marker = {
        "part": part.index,
        "parts": part.count,
        "for": dict(goal),
        "shard": {
            "file": f"data/{part.shard.name}",
            "sha256": sha256_of(part.shard),
            "bytes": part.shard.stat().st_size,
        },
        "totals": journal.totals(),
        "by_prompt": journal.answers_by_prompt(),
    }
    write_text(part.marker, orjson.dumps(marker, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n")


def _write_shard(part: Part, journal: Journal, provenance: Mapping[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([
        ("id", pa.string()), ("text", pa.large_string()), ("method", pa.string()),
        ("source_ids", pa.list_(pa.string())), ("request_keys", pa.list_(pa.string())),
        ("spans", pa.list_(pa.list_(pa.int64()))), ("tokens", pa.int64()),
        ("model", pa.string()), ("backend", pa.string()), ("meta", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ])  # fmt: skip
    with replacing(part.shard, alone=True) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _batched(_shard_rows(journal, provenance), _ROWS_A_GROUP):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _shard_rows(journal: Journal, provenance: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for row in journal.rows("data"):
        del row["ordinal"]
        row["meta"] = orjson.dumps(row["meta"], option=orjson.OPT_SORT_KEYS).decode()
        row["messages"] = row.get("messages") or None
        yield {**row, **provenance}


def _write_jsonl(path: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    with replacing(path, alone=True) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _batched(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, size)):
        yield batch
