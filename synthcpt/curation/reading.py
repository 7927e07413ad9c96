"""The rows of the runs that are curated, in one order, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthcpt.errors import ConfigError, DataCorrupt
from synthcpt.generation.run import Run
from synthcpt.packing.cache import default_cache
from synthcpt.packing.sources import RunSource

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Inputs:
    """Finished runs, one after the other.

    Attributes:
        runs: in the order given.
        rows: how many texts they have in all.
    """

    runs: tuple[Run, ...]
    rows: int

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, int, pa.RecordBatch]]:
        """(first row's number, run's place, rows); the same each time."""
        import pyarrow.parquet as pq

        at = 0
        for place, run in enumerate(self.runs):
            for shard in run.manifest["shards"]:
                with pq.ParquetFile(run.path / shard["file"]) as file:
                    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
                        yield at, place, batch
                        at += len(batch)

    def texts_of(self, wanted: Any) -> Iterator[tuple[int, str, Sequence[Sequence[int]]]]:
        """(row's number, text, spans) where ``wanted``, an array by row, is true; other row groups are not read."""
        import pyarrow.parquet as pq

        at = 0
        for run in self.runs:
            for shard in run.manifest["shards"]:
                with pq.ParquetFile(run.path / shard["file"]) as file:
                    for group in range(file.num_row_groups):
                        count = file.metadata.row_group(group).num_rows
                        chosen = wanted[at : at + count].nonzero()[0]
                        if len(chosen):
                            rows = file.read_row_group(group, columns=["text", "spans"]).take(chosen)
                            texts, spans = (rows.column(name).to_pylist() for name in ("text", "spans"))
                            yield from zip((at + chosen).tolist(), texts, spans, strict=True)
                        at += count

    def schema(self) -> pa.Schema:
        """The columns of the rows.

        Raises:
            DataCorrupt: two runs have different ones.
        """
        import pyarrow.parquet as pq

        schemas = {
            str(run.path): pq.read_schema(run.path / shard["file"])
            for run in self.runs
            for shard in run.manifest["shards"][:1]
        }
        (first, schema), *others = schemas.items()
        for name, other in others:
            if not other.equals(schema):
                raise DataCorrupt(
                    f"{first} and {name} have different columns: they were made by different versions of synthcpt. "
                    "Make one of them again."
                )
        return schema

    def identity(self) -> list[dict[str, Any]]:
        """What each run is: the hashes of its shards, and what it was made with."""
        return [
            {
                "path": str(run.path),
                **{name: run.settings[name] for name in ("method", "backend", "model", "seed")},
                "texts": run.manifest["totals"]["rows"],
                "tokens": run.manifest["totals"]["row_tokens"],
                "sha256": [shard["sha256"] for shard in run.manifest["shards"]],
            }
            for run in self.runs
        ]


def open_inputs(folders: Sequence[str]) -> Inputs:
    """The finished runs of these folders.

    Raises:
        UserError: a folder holds no run.
        RunIncomplete: a run is not finished.
        DataCorrupt: a shard is not the one that was written.
        ConfigError: a run is named twice.
    """
    runs: dict[Path, Run] = {}
    for folder in folders:
        run = Run(folder)
        RunSource(run, folder, None, default_cache())  # compares every shard with the manifest
        if runs.setdefault(run.path.resolve(), run) is not run:
            raise ConfigError(f"{folder} is named twice; every text of it would be a duplicate.")
    return Inputs(tuple(runs.values()), sum(run.manifest["totals"]["rows"] for run in runs.values()))
