"""The runs in a folder, and whether one has changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from synthcpt.reporting.write import kind_of

_DEPTH, _MOST_FILES = 3, 5000


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that can be reported on.

    Attributes:
        name: its path below the folder that was searched.
        path: where it is.
        kind: what it holds; None for the searched folder itself where it holds no run.
    """

    name: str
    path: Path
    kind: str | None


def find_runs(root: Path) -> list[Found]:
    """What can be reported on in a folder, itself included, by name; what is inside a run is left to its page."""
    kind = kind_of(root)
    if kind is not None:
        return [Found(root.name, root, kind)]
    return _below(root, "", _DEPTH)


def _below(folder: Path, prefix: str, depth: int) -> list[Found]:
    found: list[Found] = []
    try:
        inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []  # not ours to read
    for name in inside:
        path = folder / name
        kind = kind_of(path)
        if kind is not None:
            found.append(Found(prefix + name, path, kind))
        elif depth > 1 and not name.startswith("."):
            found += _below(path, f"{prefix}{name}/", depth - 1)
    return found


def stamp_of(folder: Path) -> tuple[int, int, int]:
    """Something that changes when a file of the folder does: how many files, their bytes, the latest change."""
    count = size = latest = 0
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            if name.startswith(("report.html", ".")):
                continue
            try:
                told = Path(at, name).stat()
            except OSError:
                continue  # gone since it was listed
            count, size, latest = count + 1, size + told.st_size, max(latest, told.st_mtime_ns)
            if count >= _MOST_FILES:
                return count, size, latest
    return count, size, latest
