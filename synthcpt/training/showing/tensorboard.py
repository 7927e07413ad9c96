"""Event files for TensorBoard, written with the tensorboard package alone."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthcpt.errors import MissingExtra, UserError
from synthcpt.training.reports import Beginning, EvaluationReport, StepReport
from synthcpt.training.showing.metrics import read_metrics
from synthcpt.training.showing.plain import plain
from synthcpt.training.showing.watcher import Watcher

FOLDER = "tensorboard"
_PREFIX = "events.out.tfevents."


class TensorBoard(Watcher):
    """Scalars over steps in ``<output>/tensorboard``: losses, learning rate, gradient norm, speed, held-out losses.

    A step's event is in the file when the call returns, so that a killed run has all of them. A resumed run opens a
    file that begins with TensorBoard's own sign that a run went back: what other files hold from the next step on is
    not shown.

    Args:
        output: the run's folder.

    Raises:
        MissingExtra: tensorboard is not installed.
        UserError: the folder cannot be written.
    """

    def __init__(self, output: Path) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise MissingExtra("tensorboard", "train", "write TensorBoard's event files") from error
        self._event, self._summary, self._session = Event, Summary, SessionLog
        self._output, self._folder = output, output / FOLDER
        self._evaluated: set[int] = set()
        self._open_record: Any = RecordWriter
        self._file: Any = None
        self._peak_flops: float | None = None

    def began(self, beginning: Beginning) -> None:
        """Open a new event file; take back what an interrupted leg wrote after the step it goes on from."""
        self._peak_flops = beginning.peak_flops
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not beginning.from_step:
                for old in self._folder.glob(f"{_PREFIX}*"):
                    old.unlink()
            path = self._folder / f"{_PREFIX}{_number(self._folder):014d}.{socket.gethostname()}.{os.getpid()}"
            self._file = self._open_record(path.open("wb", buffering=0))
        except OSError as error:
            raise UserError(f"{self._folder} cannot be written: {error.strerror}.") from error
        self._write(file_version="brain.Event:2")
        if beginning.from_step:
            # An evaluation after the very step it goes on from may come a second time.
            self._evaluated = {e["step"] for e in read_metrics(self._output) if e["kind"] == "heldout"}
            start = self._session(status=self._session.START)
            self._write(step=beginning.from_step + 1, session_log=start)

    def stepped(self, report: StepReport) -> None:
        """A step's scalars, in one event."""
        speed = report.step_tokens / report.step_s if report.step_s > 0 else 0.0
        values = {
            "train/loss": report.loss,
            "train/lr": report.lr,
            "train/grad_norm": report.grad_norm,
            "train/tokens_per_s": speed,
            "train/tokens": report.tokens,
        }
        if self._peak_flops and report.step_s > 0:
            values["train/mfu"] = report.flops / report.step_s / self._peak_flops
        values |= {f"train/{_tag(name)}/loss": loss for name, loss in report.loss_by_source.items()}
        self._scalars(report.step, values)

    def evaluated(self, report: EvaluationReport) -> None:
        """The held-out losses."""
        if report.step in self._evaluated:
            return
        values: dict[str, float] = {}
        for name, heldout in report.heldout.items():
            values[f"heldout/{_tag(name)}/loss"] = heldout.loss
            values[f"heldout/{_tag(name)}/bits_per_byte"] = heldout.bits_per_byte
        self._scalars(report.step, values)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None and not self._file.closed:
            self._file.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        summary = self._summary(
            value=[self._summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items()]
        )
        self._write(step=step, summary=summary)

    def _write(self, **parts: Any) -> None:
        self._file.write(self._event(wall_time=time.time(), **parts).SerializeToString())


def _number(folder: Path) -> int:
    """The time in milliseconds, or past the last file's: TensorBoard reads files in the order of their names."""
    taken = [path.name.removeprefix(_PREFIX).split(".")[0] for path in folder.glob(f"{_PREFIX}*")]
    return max([time.time_ns() // 1_000_000, *(int(number) + 1 for number in taken if number.isdecimal())])


def _tag(source: str) -> str:
    """A source's name as one level of a tag."""
    return plain(source).replace("/", "-")
