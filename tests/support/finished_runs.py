"""Finished runs of any rows, without generating them."""

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
    ("id", pa.string()), ("text", pa.large_string()), ("method", pa.string()), ("source_ids", pa.list_(pa.string())),
    ("spans", pa.list_(pa.list_(pa.int64()))), ("tokens", pa.int64()), ("meta", pa.string()),
    ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
])  # fmt: skip


def write_run(folder: Path, rows: Sequence[Mapping[str, Any]], method: str = "rephrase") -> Path:
    """A run of one shard; a row needs a ``text`` and may have whatever else a shard's has."""
    (folder / "data").mkdir(parents=True)
    full = [
        {"id": f"row-{number}", "method": method, "source_ids": [f"doc-{number % 7}"], "spans": [], "tokens": 1,
         "meta": "{}", "messages": None, **row}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    shard = folder / "data" / "part-00000.parquet"
    pq.write_table(pa.Table.from_pylist(full, schema=SCHEMA), shard)
    (folder / "run.yaml").write_text(yaml.safe_dump({"method": method, "parts": 1}))
    shards = [{"file": "data/part-00000.parquet", "sha256": sha256_of(shard), "rows": len(full)}]
    (folder / "manifest.json").write_text(json.dumps({"shards": shards, "totals": {"rows": len(full)}}))
    return folder
