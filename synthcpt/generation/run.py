"""A run's folder: what it was made with, how far it is, and the data it holds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from synthcpt.engine.journal import Journal
from synthcpt.engine.parts import Part, part_of
from synthcpt.errors import RunIncomplete, UserError
from synthcpt.files import write_text
from synthcpt.records import Json

if TYPE_CHECKING:
    from datasets import Dataset

SETTINGS = "run.yaml"
MANIFEST = "manifest.json"
SURVEY = "survey.json"


class Run:
    """A run on disk, finished or not.

    Args:
        path: its folder.

    Raises:
        UserError: the folder holds no run.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.settings: dict[str, Any] = yaml.safe_load((self.path / SETTINGS).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(f"{self.path} is no run: it has no {SETTINGS}.") from error

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {'complete' if self.complete else 'unfinished'})"

    @property
    def survey(self) -> Json:
        """What the method learnt from the whole corpus; None for a method that does not look at it."""
        path = self.path / SURVEY
        return orjson.loads(path.read_bytes()) if path.exists() else None

    @property
    def parts(self) -> list[Part]:
        """All parts, in order."""
        count = self.settings["parts"]
        return [Part(self.path, index, count) for index in range(count)]

    @property
    def unfinished_parts(self) -> list[Part]:
        """The parts with something left to do."""
        return [part for part in self.parts if not self.is_finished(part)]

    def is_finished(self, part: Part) -> bool:
        """The part has a marker, written for the run's present documents and target."""
        return part.marker.exists() and read_marker(part)["for"] == part_goal(self.settings)

    @property
    def complete(self) -> bool:
        """The manifest is there."""
        return (self.path / MANIFEST).exists()

    @property
    def manifest(self) -> dict[str, Any]:
        """Counts, tokens and the hash of every shard.

        Raises:
            RunIncomplete: the run is not finished.
        """
        if not self.complete:
            done, of = len(self.parts) - len(self.unfinished_parts), len(self.parts)
            raise RunIncomplete(
                f"{self.path} is not finished ({done} of {of} parts are); run its command again to go on."
            )
        loaded: dict[str, Any] = orjson.loads((self.path / MANIFEST).read_bytes())
        return loaded

    def dataset(self) -> Dataset:
        """The texts as a `datasets.Dataset`.

        Raises:
            RunIncomplete: the run is not finished.
        """
        files = [str(self.path / shard["file"]) for shard in self.manifest["shards"]]
        from datasets import Dataset

        if not self.manifest["totals"]["rows"]:  # which `from_parquet` takes for a mistake
            import pyarrow.parquet as pq

            return Dataset(pq.read_table(files[0]))
        dataset: Dataset = Dataset.from_parquet(files)
        return dataset

    def example(self) -> dict[str, Any] | None:
        """One of the finished texts, as a row: the longest of the first few; None where there are none."""
        import pyarrow.parquet as pq

        for part in self.parts:
            if part.shard.exists():
                rows = next(pq.ParquetFile(part.shard).iter_batches(batch_size=40), None)
                if rows is not None and len(rows):
                    found: list[dict[str, Any]] = rows.to_pylist()
                    return max(found, key=lambda row: len(row["text"]))
        return None

    def totals(self) -> dict[str, Any]:
        """Counts over the finished parts."""
        return add_totals([read_marker(part)["totals"] for part in self.parts if self.is_finished(part)])

    def _cost(self, totals: dict[str, Any]) -> float | None:
        """What the calls cost at the prices the run was begun with; None where it was begun without."""
        prices = self.settings["prices"]
        if prices is None:
            return None
        fresh = totals["prompt_tokens"] - totals["cached_tokens"]
        cost = (
            fresh * prices["in"]
            + totals["cached_tokens"] * prices["cached"]
            + totals["completion_tokens"] * prices["out"]
        )
        return round(float(cost) / 1e6, 6)

    def trace(self, row_id: str) -> dict[str, Any]:
        """Where a text came from: the row's source document and every call, as sent and as answered.

        Raises:
            UserError: no row of that id, or its journal is not here.
        """
        source_id = row_id.rsplit("/", 2)[0]
        part = self.parts[part_of(source_id, len(self.parts))]
        if not part.journal.exists():
            raise UserError(f"The journal {part.journal} is not here; it holds the calls of {row_id!r}.")
        journal = Journal(part.journal)
        try:
            for row in (*journal.rows_of(source_id, "data"), *journal.rows_of(source_id, "rejected")):
                if row["id"] == row_id:
                    calls = [journal.request(key) for key in row["request_keys"]]
                    return {"row": row, "source": journal.source(source_id), "calls": calls}
        finally:
            journal.close()
        raise UserError(f"{self.path} has no text {row_id!r}.")

    def write_manifest(self) -> bool:
        """Write the manifest (and the dataset card) if all parts are finished; tells whether they are.

        What it says depends on the parts' markers alone, so that of several jobs any may be the last.
        """
        if self.unfinished_parts:
            return False
        from synthcpt import __version__
        from synthcpt.generation.card import dataset_card

        markers = [read_marker(part) for part in self.parts]
        totals = add_totals([marker["totals"] for marker in markers])
        manifest = {
            "synthcpt": __version__,
            **{name: self.settings[name] for name in ("method", "backend", "model", "seed")},
            "totals": totals,
            "cost": self._cost(totals),
            "shards": [{**marker["shard"], "rows": marker["totals"]["rows"]} for marker in markers],
        }
        write_text(self.path / "README.md", dataset_card(self.settings, manifest))
        write_text(self.path / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        return True


def part_goal(settings: dict[str, Any]) -> dict[str, Any]:
    """What a finished part was finished for: extending a run changes it, and so reopens the parts."""
    return {"corpus": settings["corpus"]["digest"], "tokens_per_source_token": settings["tokens_per_source_token"]}


def read_marker(part: Part) -> dict[str, Any]:
    """What a finished part says of itself."""
    marker: dict[str, Any] = orjson.loads(part.marker.read_bytes())
    return marker


def add_totals(totals: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of several parts' totals, counts and counts by reason alike."""
    added: dict[str, Any] = {}
    for one in totals:
        for name, value in one.items():
            if isinstance(value, dict):
                added[name] = dict(sorted((Counter(added.get(name, {})) + Counter(value)).items()))
            else:
                added[name] = added.get(name, 0) + value
    return added
