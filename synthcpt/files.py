"""Writing whole files or nothing."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from synthcpt.errors import UserError


@contextmanager
def replacing(path: Path, *, alone: bool = False) -> Iterator[IO[bytes]]:
    """A file to write that takes the path's place at the end, on disk before it does; on an error nothing changes.

    Args:
        path: what to replace.
        alone: no other process writes it now, so what a killed one left half written is written over.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.tmp" if alone else f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):  # it is not there, or the error under way says why it cannot be
            beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Replace a file by this text, whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
