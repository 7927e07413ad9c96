"""Where tokenised texts are kept between trainings, found again by what they were made of."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from synthcpt.errors import RunLocked, UserError
from synthcpt.file_lock import FileLock
from synthcpt.files import replacing, sha256_of
from synthcpt.packing.store import META, TokenStore


def default_cache() -> Path:
    """``$SYNTHCPT_CACHE``, else synthcpt in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if own := os.environ.get("SYNTHCPT_CACHE"):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "synthcpt"


def content_key(facts: Mapping[str, Any]) -> str:
    """32 hexadecimal digits over everything the content depends on."""
    return blake2b(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def cached_store(cache: Path, key: str, build: Callable[[Path], None]) -> TokenStore:
    """The store of this key, built where it is not there yet.

    It is built in a folder beside its place and renamed, so that what a killed process left is never taken for a
    store. Two processes that build the same at once both finish; the first one's is kept.

    Args:
        cache: the cache's root.
        key: of the content.
        build: writes a store into a folder that does not exist yet.

    Raises:
        DataCorrupt: a file of the store has another size than it was written with.
        UserError: the cache cannot be written.
    """
    place = cache / "tokens" / key
    if not (place / META).exists():
        sweep(place.parent)
        name = f".{key}.{uuid.uuid4().hex[:12]}"
        beside, lock = place.with_name(f"{name}.building"), place.with_name(f"{name}.lock")
        with FileLock(lock, str(beside), "name another cache with SYNTHCPT_CACHE"):
            try:
                build(beside)
                _into_place(beside, place)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
                lock.unlink(missing_ok=True)
    return TokenStore.open(place)


def _into_place(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError as error:
        if not (place / META).exists():  # else another process was first: its store is as good as ours
            raise UserError(f"{place} cannot be written: {error.strerror}. Delete it if it exists.") from error


def sweep(folder: Path) -> None:
    """Remove what killed processes left half built: nobody holds its lock any more."""
    for beside in sorted(folder.glob(".*.building")):
        lock = beside.with_suffix(".lock")
        try:
            with FileLock(lock, str(beside), "wait"):
                shutil.rmtree(beside, ignore_errors=True)
                lock.unlink(missing_ok=True)
        except RunLocked:
            continue


def known_sha256(path: Path, cache: Path) -> str:
    """The file's SHA-256; one of the same place, size and time of change was read before and is not read again."""
    status = path.stat()
    stamp = [str(path.resolve()), status.st_size, status.st_mtime_ns]
    note = cache / "hashes" / f"{content_key({'path': stamp[0]})}.json"
    try:
        noted = orjson.loads(note.read_bytes())
        if noted["stamp"] == stamp:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or not one of ours
        pass
    sha256 = sha256_of(path)
    with replacing(note) as file:
        file.write(orjson.dumps({"stamp": stamp, "sha256": sha256}))
    return sha256
