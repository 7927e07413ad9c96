"""Finished runs with everything that a generation leaves, of any rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from synthcpt.files import sha256_of

SCHEMA = pa.schema([
    ("id", pa.string()), ("text", pa.large_string()), ("method", pa.string()),
    ("source_ids", pa.list_(pa.string())), ("request_keys", pa.list_(pa.string())),
    ("spans", pa.list_(pa.list_(pa.int64()))), ("tokens", pa.int64()),
    ("model", pa.string()), ("backend", pa.string()), ("meta", pa.string()),
    ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
])  # fmt: skip


def write_full_run(
    folder: Path, rows: Sequence[Mapping[str, Any]], method: str = "rephrase", backend: str = "mock"
) -> Path:
    """A run of one shard.

    Args:
        folder: where.
        rows: each with a ``text``, and whatever else a shard's row has; ``document`` and ``step`` stand for its only
            source and the step in its meta.
        method: of all of them.
        backend: likewise.
    """
    (folder / "data").mkdir(parents=True)
    full = [_row(dict(row), number, method, backend) for number, row in enumerate(rows)]
    shard = folder / "data" / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(full, schema=SCHEMA), shard, row_group_size=64)
    settings = {
        "method": method, "backend": backend, "model": f"{backend}-1", "seed": 0, "parts": 1, "prices": None,
        "corpus": {"documents": 3, "source_tokens": 300, "digest": "f" * 32}, "tokens_per_source_token": None,
    }  # fmt: skip
    (folder / "run.yaml").write_text(yaml.safe_dump(settings))
    totals = {"rows": len(full), "row_tokens": sum(row["tokens"] for row in full)}
    shards = [{"file": f"data/{shard.name}", "sha256": sha256_of(shard), "rows": len(full)}]
    (folder / "manifest.json").write_text(json.dumps({"shards": shards, "totals": totals, "method": method}))
    return folder


def _row(row: dict[str, Any], number: int, method: str, backend: str) -> dict[str, Any]:
    document, step = row.pop("document", "doc"), row.pop("step", "step")
    return {
        "id": f"{document}/{method}/{step}-{number}", "method": method, "source_ids": [document],
        "request_keys": [f"{number:032x}"], "spans": [], "tokens": len(row["text"].split()), "model": f"{backend}-1",
        "backend": backend, "meta": json.dumps({"step": step, "number": number}), "messages": None, **row,
    }  # fmt: skip


def text_of(seed: int, words: int = 80) -> str:
    """Words that no other seed's text has in this order."""
    return " ".join(f"w{(seed * 7919 + place * place * 31 + place) % 100_003}x" for place in range(words)).translate(
        str.maketrans("0123456789", "abcdefghij")
    )
