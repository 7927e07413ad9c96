"""Rows in a new order through files, whatever their size: the memory needed is that of one bucket.

Rows come in their sources' order, and each is put into the bucket of its place in the new one: a file of Arrow
records. Then one bucket after another is read, sorted and handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthcpt.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Row = Mapping[str, Any]

_BUCKET_TOKENS = 8_000_000
_MOST_BUCKETS = 512
_ROWS_BETWEEN_WRITES = 256
_PLACE = "__place"


def in_order(
    rows: Iterable[Row], order: Ints, schema: pa.Schema, folder: Path, tokens: int
) -> Iterator[list[dict[str, Any]]]:
    """Rows in another order, a list at a time.

    Args:
        rows: in their own order; those that `order` does not name are passed over.
        order: which row comes at each place; a row may come more than once.
        schema: of the rows.
        folder: for the buckets, which are removed as they are read.
        tokens: how many the chosen rows have in all, which decides how many buckets there are.

    Raises:
        UserError: the rows are fewer than the order says (a source has changed).
    """
    import pyarrow as pa

    buckets = min(_MOST_BUCKETS, max(1, -(-tokens // _BUCKET_TOKENS)))
    size = max(1, -(-len(order) // buckets))
    with_place = schema.append(pa.field(_PLACE, pa.int64()))
    files = _scatter(rows, order, size, with_place, folder)
    for path in files:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            table = reader.read_all()
        path.unlink()
        sorted_rows: list[dict[str, Any]] = table.sort_by(_PLACE).drop_columns([_PLACE]).to_pylist()
        yield sorted_rows


def _scatter(rows: Iterable[Row], order: Ints, size: int, schema: pa.Schema, folder: Path) -> list[Path]:
    """Bucket files, in order; bucket i holds the rows of places ``i * size`` to ``(i + 1) * size``."""
    import pyarrow as pa

    places = np.argsort(order, kind="stable")  # grouped by row
    ends = np.cumsum(np.bincount(order)) if len(order) else np.zeros(0, dtype=np.int64)
    paths = [folder / f".bucket-{number:05d}.arrow" for number in range(-(-len(order) // size))]
    written = 0
    sinks = [pa.OSFile(str(path), "wb") for path in paths]
    writers = [pa.ipc.new_stream(sink, schema) for sink in sinks]
    waiting: list[list[dict[str, Any]]] = [[] for _ in paths]
    try:
        for number, row in enumerate(rows):
            if number >= len(ends):
                break
            for place in places[ends[number - 1] if number else 0 : ends[number]]:
                bucket = int(place) // size
                waiting[bucket].append({**row, _PLACE: int(place)})
                written += 1
                if len(waiting[bucket]) == _ROWS_BETWEEN_WRITES:
                    writers[bucket].write_batch(pa.RecordBatch.from_pylist(waiting[bucket], schema=schema))
                    waiting[bucket] = []
        for writer, rest in zip(writers, waiting, strict=True):
            if rest:
                writer.write_batch(pa.RecordBatch.from_pylist(rest, schema=schema))
    finally:
        for closing in (*writers, *sinks):
            closing.close()
    if written != len(order):
        raise UserError("A source changed while it was read. Export again.")
    return paths
