"""Parts: fixed slices of the corpus, chosen by hash of document id; the unit of shards, of batch jobs and of locks."""

from __future__ import annotations

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from synthcpt.engine.journal import place_of
from synthcpt.errors import RunLocked, UserError


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


class PartLock:
    """Keeps a second process off a part, for as long as this one lives.

    The kernel holds the lock, not the file: one left by a process that was killed blocks nobody.

    Args:
        part: what to lock.

    Raises:
        RunLocked: on entering, when a live process holds it.
        UserError: on entering, when the run's folder cannot be written.
    """

    def __init__(self, part: Part) -> None:
        self._part = part
        self._file: IO[str] | None = None

    def __enter__(self) -> PartLock:
        try:
            self._part.lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._part.lock.open("a+")
        except OSError as error:
            raise UserError(f"{self._part.lock} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise RunLocked(
                f"{holder} is working on part {self._part.index + 1}/{self._part.count} of {self._part.run}. "
                "Wait for it, stop it, or give this job another part or another --output."
            ) from error
        file.truncate(0)
        file.write(f"Process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None
