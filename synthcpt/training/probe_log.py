"""What probes told, on disk: `PROBES`, a line a probe and measurement; `ABOUT`, what the probes are.

probes.jsonl    {"step": 20, "tokens": 81920, "id": "q001", "document": "...", "kind": "date", "logprob": -3.1}
probes.json     the probes themselves, how often they are measured, and at which steps their documents are read
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import orjson

from synthcpt.errors import DataCorrupt, RunMismatch
from synthcpt.files import replacing
from synthcpt.training.probes import Probe, fingerprint

PROBES, ABOUT = "probes.jsonl", "probes.json"


class ProbeLog:
    """Writes the measurements; a measurement's lines go to the file in one call and survive SIGKILL.

    A resumed run drops what was written after the step it goes on from, and then writes it again.

    Args:
        folder: the training's.
        probes: what is measured.
        every: steps between measurements.
        exposures: of each document that is read, the steps it is read in, counted from 1.
        from_step: the step the training goes on from; 0 begins the file anew.

    Raises:
        RunMismatch: other probes were measured before that step.
        UserError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, probes: Sequence[Probe], every: int, exposures: Mapping[str, Sequence[int]], from_step: int
    ) -> None:
        self._probes = probes
        path, mine = folder / PROBES, fingerprint(probes)
        known = read_about(folder) if from_step and path.exists() else None
        if known is not None and known["fingerprint"] != mine:
            raise RunMismatch(
                f"Other probes were measured in {folder} up to here. Name the file they came from (and the same "
                f"probe_limit) with --probes, or go on without; to begin with new ones, remove {path} first."
            )
        self._written = _cut_back(path, from_step, len(probes) if known else 0)
        about = {
            "fingerprint": mine,
            "every": every,
            "probes": [asdict(probe) for probe in probes],
            "exposures": exposures,
        }
        with replacing(folder / ABOUT, alone=True) as file:
            file.write(orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE))
        self._file: IO[bytes] = path.open("ab", buffering=0)

    def write(self, step: int, tokens: int, logprobs: Sequence[float]) -> None:
        """A measurement, unless the file has one of that step already.

        Args:
            step: steps done.
            tokens: read so far.
            logprobs: of each probe, in nats.
        """
        if step in self._written:
            return
        lines = [
            orjson.dumps(
                {"step": step, "tokens": tokens, "id": probe.id, "document": probe.document, "kind": probe.kind,
                 "logprob": round(logprob, 6)},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for probe, logprob in zip(self._probes, logprobs, strict=True)
        ]  # fmt: skip
        self._file.write(b"".join(lines))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def forget_probes(folder: Path) -> None:
    """Remove what an earlier training in this folder measured."""
    for name in (PROBES, ABOUT):
        (folder / name).unlink(missing_ok=True)


def read_about(folder: Path) -> dict[str, Any] | None:
    """What `ABOUT` tells: ``fingerprint``, ``every``, ``probes`` and ``exposures``; None where there is none.

    Raises:
        DataCorrupt: it cannot be read.
    """
    path = folder / ABOUT
    try:
        about: dict[str, Any] | None = orjson.loads(path.read_bytes()) if path.exists() else None
    except (OSError, ValueError) as error:
        raise DataCorrupt(f"{path} cannot be read: {error}. Train again to have it written anew.") from error
    return about


def read_measurements(folder: Path) -> list[dict[str, Any]]:
    """The lines of `PROBES` in order, without one that was not written whole; none where there is no file."""
    path = folder / PROBES
    return [row for row, _ in _lines(path)] if path.exists() else []


def _cut_back(path: Path, from_step: int, probes: int) -> set[int]:
    """Leave whole measurements up to a step, none where ``probes``, the lines of one, is 0; gives their steps."""
    kept: set[int] = set()
    found = _lines(path) if probes and path.exists() else []
    with replacing(path, alone=True) as file:
        for step, rows in groupby(found, key=lambda line: int(line[0]["step"])):
            lines = [line for _, line in rows]
            if step <= from_step and len(lines) == probes:
                file.write(b"".join(lines))
                kept.add(step)
    return kept


def _lines(path: Path) -> list[tuple[dict[str, Any], bytes]]:
    found = []
    with path.open("rb") as file:
        for line in file:
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(row, dict) and {"step", "tokens", "id", "logprob"} <= row.keys():
                found.append((row, line if line.endswith(b"\n") else line + b"\n"))
    return found
