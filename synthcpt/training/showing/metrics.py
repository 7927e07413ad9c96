"""A run's figures as lines of JSON: the record that curves, the model card and other tools read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import orjson

from synthcpt.files import replacing
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, StepReport

METRICS = "metrics.jsonl"


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The events of a run, in order; none where there is no file.

    Every event has a ``kind`` and the ``step`` it followed: ``begin`` (what the run is), ``step``, ``heldout``,
    ``note``, ``end``; their other names are those of the reports. A number that was not finite is None. A line that
    was not written whole, as after a power failure, is left out.
    """
    return [event for event, _ in _lines(folder / METRICS)]


class MetricsLog:
    """Writes `METRICS`; each line is in the file's hands when the call returns, and survives SIGKILL.

    A resumed run drops what was written after the step it goes on from, and then writes the lines again: the file is
    that of a run that never stopped, but for wall times (names that end in ``_s``).

    Args:
        folder: the run's.
        from_step: the step it goes on from; 0 begins the file anew.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        path = folder / METRICS
        kept = _cut_back(path, from_step)
        self._repeats = {_identity(event) for event in kept if event["step"] == from_step}
        self._has_begun = any(event["kind"] == "begin" for event in kept[:1])
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._step = from_step

    def began(self, beginning: Beginning) -> None:
        """Keep what the run is, once."""
        if not self._has_begun:
            facts = asdict(beginning)
            self._write({"kind": "begin", "step": facts.pop("from_step"), **facts})

    def stepped(self, report: StepReport) -> None:
        """A line a step."""
        self._step = report.step
        self._write({"kind": "step", **asdict(report)})

    def evaluated(self, report: EvaluationReport) -> None:
        """A line an evaluation; what a resumed run evaluates a second time is not written twice."""
        self._write({"kind": "heldout", **asdict(report)})

    def noted(self, sentence: str) -> None:
        """A line a note."""
        self._write({"kind": "note", "step": self._step, "text": sentence})

    def ended(self, ending: Ending) -> None:
        """The last line."""
        self._write({"kind": "end", "step": ending.step, "tokens": ending.tokens, "wall_s": ending.wall_s})

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, event: dict[str, Any]) -> None:
        if _identity(event) not in self._repeats:
            self._file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS))


def _cut_back(path: Path, from_step: int) -> list[dict[str, Any]]:
    """Leave the events up to a step, the end of an earlier leg not; gives the first of them and those of that step."""
    kept: list[dict[str, Any]] = []
    with replacing(path, alone=True) as file:
        for event, line in _lines(path) if from_step else ():
            if event["step"] > from_step or event["kind"] == "end":
                continue
            file.write(line + b"\n")
            if not kept or event["step"] == from_step:
                kept.append(event)
    return kept


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(event, dict) and isinstance(event.get("step"), int) and "kind" in event:
                yield event, line.rstrip(b"\n")


def _identity(event: dict[str, Any]) -> tuple[str, int, str]:
    return event["kind"], event["step"], str(event.get("text", ""))
