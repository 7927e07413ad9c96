"""A curated run's files: shards of what is kept, what was left out and why, and the markers of a finished run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from synthcpt.curation.details import Details
from synthcpt.curation.reading import Inputs
from synthcpt.curation.scan import CHOICES, REASONS, Table, Tell, new_id
from synthcpt.engine.parts import Part
from synthcpt.files import replacing, sha256_of, write_text

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_SHARD = 250_000
_ROWS_A_GROUP = 2048
_NO_CALLS: Mapping[str, Any] = {
    "documents": 0, "source_tokens": 0, "answers": 0, "prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0,
    "failed_requests": {}, "failed_documents": {},
}  # fmt: skip
"""What a marker of a generation tells besides its texts; curation asks nothing."""


class RowWriter:
    """Writes all rows of the runs to where they belong, part by part.

    Args:
        folder: of the new run.
        inputs: the runs that are curated.
        table: with the reasons decided.
        details: of what is left out.
        goal: what the parts are finished for; see `synthcpt.generation.run.part_goal`.
        corpus: ``documents`` and ``source_tokens``; the first marker tells them.

    Attributes:
        parts: how many there are.
    """

    def __init__(
        self, folder: Path, inputs: Inputs, table: Table, details: Details, goal: Mapping[str, Any],
        corpus: Mapping[str, int],
    ) -> None:  # fmt: skip
        self._folder, self._inputs, self._table, self._details = folder, inputs, table, details
        self._goal, self._corpus = goal, corpus
        self._kept = table.reasons == 0
        self.parts = max(1, -(-int(self._kept.sum()) // ROWS_A_SHARD))

    def write(self, tell: Tell) -> None:
        """All of them; a part's marker after its files."""
        parts = self._open_parts()
        part = next(parts)
        try:
            for start, place, batch in self._inputs.batches():
                batch = self._with_new_ids(start, place, batch)
                self._details.see(start, batch.column("id"))
                self._reject(part, start, batch)
                kept = batch.filter(_mask(self._kept[start : start + len(batch)]))
                while len(kept) > (room := ROWS_A_SHARD - part.rows):
                    part.add(kept[:room])
                    kept = kept[room:]
                    self._close(part)
                    part = next(parts)
                part.add(kept)
                tell("writing", start + len(batch), self._inputs.rows)
            self._close(part)
        finally:
            part.release()

    def _open_parts(self) -> Iterator[_OpenPart]:
        schema = self._inputs.schema()
        for index in range(self.parts):
            yield _OpenPart(Part(self._folder, index, self.parts), schema)

    def _close(self, part: _OpenPart) -> None:
        part.close(self._goal, self._corpus if part.is_first else {})

    def _with_new_ids(self, start: int, place: int, batch: pa.RecordBatch) -> pa.RecordBatch:
        renamed = self._table.renamed[start : start + len(batch)]
        if not renamed.any():
            return batch
        import pyarrow as pa

        ids = batch.column("id").to_pylist()
        for row in np.flatnonzero(renamed).tolist():
            ids[row] = new_id(ids[row], place)
        at = batch.schema.get_field_index("id")
        return batch.set_column(at, batch.schema.field(at), pa.array(ids, batch.schema.field(at).type))

    def _reject(self, part: _OpenPart, start: int, batch: pa.RecordBatch) -> None:
        reasons = self._table.reasons[start : start + len(batch)]
        dropped = np.flatnonzero((reasons > 0) & (reasons < REASONS.index(CHOICES[0])))
        for row, read in zip(dropped.tolist(), batch.take(_indices(dropped)).to_pylist(), strict=True):
            told = {name: read[name] for name in ("id", "text", "method", "source_ids", "request_keys")}
            reason = REASONS[int(reasons[row])]
            detail = self._details.of(start + row)
            part.reject({**told, "reason": reason, "detail": detail, "meta": orjson.loads(read["meta"])})


class _OpenPart:
    """One part while it is written."""

    def __init__(self, part: Part, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._part = part
        self.rows = self._tokens = 0
        self._reasons: Counter[str] = Counter()
        self._waiting: list[pa.RecordBatch] = []
        with ExitStack() as stack:
            shard = stack.enter_context(replacing(part.shard, alone=True))
            self._writer = stack.enter_context(pq.ParquetWriter(shard, schema, compression="zstd"))
            self._rejected = stack.enter_context(replacing(part.rejected, alone=True))
            stack.enter_context(replacing(part.failures, alone=True))  # none, as in a run without any
            self._files = stack.pop_all()

    @property
    def is_first(self) -> bool:
        """It is the run's first."""
        return self._part.index == 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep these rows."""
        import pyarrow.compute as pc

        if not len(batch):
            return
        self.rows += len(batch)
        self._tokens += pc.sum(batch.column("tokens")).as_py()
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= _ROWS_A_GROUP:
            self._flush()

    def reject(self, row: Mapping[str, Any]) -> None:
        """Note a row that is left out."""
        self._reasons[row["reason"]] += 1
        self._rejected.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting).combine_chunks())
            self._waiting = []

    def release(self) -> None:
        """Let go of the files, as they are."""
        self._files.close()

    def close(self, goal: Mapping[str, Any], corpus: Mapping[str, int]) -> None:
        """Finish the files, and write the marker."""
        self._flush()
        self.release()
        part = self._part
        totals = {"rows": self.rows, "row_tokens": self._tokens, "rejected": dict(sorted(self._reasons.items()))}
        marker = {
            "part": part.index,
            "parts": part.count,
            "for": dict(goal),
            "shard": {
                "file": f"data/{part.shard.name}",
                "sha256": sha256_of(part.shard),
                "bytes": part.shard.stat().st_size,
            },
            "totals": {**_NO_CALLS, **corpus, **totals},
            "by_prompt": {},
        }
        write_text(part.marker, orjson.dumps(marker, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n")


def _mask(truths: Any) -> Any:
    import pyarrow as pa

    return pa.array(truths)


def _indices(rows: Any) -> Any:
    import pyarrow as pa

    return pa.array(rows, pa.int64())
