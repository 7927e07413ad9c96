"""Keeping a second process off a piece of work, for as long as the first one lives."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import IO

from synthcpt.errors import RunLocked, UserError


class FileLock:
    """A lock by file. The kernel holds it, not the file: one left by a process that was killed blocks nobody.

    Args:
        path: the file; made where it is missing, with its folder.
        work: what is locked, for the message: ``part 3/8 of outputs/books``.
        instead: what a second process could do, for the message.

    Raises:
        RunLocked: on entering, when a live process holds it.
        UserError: on entering, when the file cannot be written.
    """

    def __init__(self, path: Path, work: str, instead: str) -> None:
        self._path, self._work, self._instead = path, work, instead
        self._file: IO[str] | None = None

    def __enter__(self) -> FileLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+")
        except OSError as error:
            raise UserError(f"{self._path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise RunLocked(
                f"{holder} is working on {self._work}. Wait for it, stop it, or {self._instead}."
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
