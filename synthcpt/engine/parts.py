"""Parts: fixed slices of the corpus, chosen by hash of document id; the unit of shards, of batch jobs and of locks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthcpt.engine.journal import place_of
from synthcpt.file_lock import FileLock


def part_of(document_id: str, parts: int) -> int:
    """The part a document belongs to, from 0; depends on nothing but its id and the number of parts."""
    # The other half of the hash orders documents within a part.
    return int.from_bytes(place_of(document_id)[8:], "big") % parts


@dataclass(frozen=True, slots=True)
class Part:
    """Where one part of a run keeps its files.

    Attributes:
        run: the run's folder.
        index: from 0.
        count: how many parts the run has.
    """

    run: Path
    index: int
    count: int

    @property
    def name(self) -> str:
        """``00002-of-00008``."""
        return f"{self.index:05d}-of-{self.count:05d}"

    @property
    def journal(self) -> Path:
        """The durable answers."""
        return self.run / "journal" / f"part-{self.name}.sqlite"

    @property
    def lock(self) -> Path:
        """What the process that works on it holds."""
        return self.run / "journal" / f"part-{self.name}.lock"

    @property
    def shard(self) -> Path:
        """The finished texts."""
        return self.run / "data" / f"train-{self.name}.parquet"

    @property
    def rejected(self) -> Path:
        """The texts that gates dropped."""
        return self.run / "rejected" / f"rejected-{self.name}.jsonl"

    @property
    def failures(self) -> Path:
        """What was given up."""
        return self.run / "failures" / f"failures-{self.name}.jsonl"

    @property
    def marker(self) -> Path:
        """Written last; its presence means that the part is finished."""
        return self.run / "parts" / f"part-{self.name}.json"


def part_lock(part: Part) -> FileLock:
    """Keeps a second process off a part."""
    work = f"part {part.index + 1}/{part.count} of {part.run}"
    return FileLock(part.lock, work, "give this job another part or another --output")
