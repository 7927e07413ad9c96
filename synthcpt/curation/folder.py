"""The output folder: done already, refused, or written beside its place and moved there when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthcpt.curation.settings import identity, is_curated
from synthcpt.errors import ConfigError, RunMismatch, UserError
from synthcpt.file_lock import FileLock
from synthcpt.generation.run import Run


def finished_alike(output: Path, settings: dict[str, Any], *, overwrite: bool) -> bool:
    """Whether the output is there with these very settings and inputs, and is to stay.

    Raises:
        ConfigError: it is a file, or a folder with something else in it.
        RunMismatch: it was curated otherwise, and is not to be replaced.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file; name a folder with --output.")
    if not output.is_dir() or not any(output.iterdir()):
        return False
    if not is_curated(output):
        raise ConfigError(f"{output} holds something that is no curated run. Name another folder with --output.")
    if overwrite:
        return False
    before, now = identity(Run(output).settings), identity(settings)
    if before == now:
        return True
    differences = [
        f"  {name}: it has {_short(before.get(name))}, this command says {_short(now.get(name))}"
        for name in dict.fromkeys((*before, *now))
        if before.get(name) != now.get(name)
    ]
    raise RunMismatch(
        f"{output} was curated otherwise:\n" + "\n".join(differences) + "\nName another --output, undo the difference, "
        "or replace it with --overwrite."
    )


@contextmanager
def new_folder(output: Path, inputs: Sequence[Path]) -> Iterator[Path]:
    """A folder to write beside the output, which takes its place at the end; on an error nothing changes.

    Raises:
        ConfigError: the output lies in a run that is read, or the other way round.
        RunLocked: another process writes it.
        UserError: it cannot be written.
    """
    for path in inputs:
        mine, read = output.resolve(), path.resolve()
        if mine.is_relative_to(read) or read.is_relative_to(mine):
            raise ConfigError(f"{path} is read, and {output} would be written into it. Name another --output.")
    beside, old = (output.with_name(f".{output.name}.{what}") for what in ("curating", "old"))
    lock = output.with_name(f".{output.name}.lock")
    with FileLock(lock, f"{output}", "name another --output"):
        shutil.rmtree(beside, ignore_errors=True)  # what a killed process left
        try:
            beside.mkdir(parents=True)
            yield beside
            if output.exists():
                output.rename(old)
            beside.rename(output)
        except OSError as error:
            if old.exists() and not output.exists():
                old.rename(output)
            raise UserError(f"{output} cannot be written: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            lock.unlink(missing_ok=True)
        shutil.rmtree(old, ignore_errors=True)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
