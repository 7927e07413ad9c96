"""Has a run's loss curves drawn now and then, by another process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from synthcpt.errors import MissingExtra
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, StepReport
from synthcpt.training.showing.watcher import Watcher

_MODULE = "synthcpt.training.showing.curves"
_EVERY_S = 60.0
_LONGEST_S = 120.0


class Painter(Watcher):
    """Draws the curves after checkpoints and held-out losses, at most once a minute, and at the end.

    A drawing that fails says so in a sentence and costs the run nothing else.

    Args:
        output: the run's folder, where `MetricsLog` writes.
        tell: takes a sentence for the user.
        clock: seconds, ever growing.

    Raises:
        MissingExtra: matplotlib is not installed.
    """

    def __init__(self, output: Path, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        if find_spec("matplotlib") is None:
            raise MissingExtra("matplotlib", "train", "draw loss curves")
        self._output, self._tell, self._clock = output, tell, clock
        self._drawing: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._drawn_s = float("-inf")
        self._stale = False

    def began(self, beginning: Beginning) -> None:
        """Nothing to draw of a new run; an earlier leg of a resumed one may have ended before its drawing."""
        self._stale = beginning.from_step > 0

    def stepped(self, report: StepReport) -> None:  # noqa: ARG002
        """What is drawn is behind now."""
        self._stale = True

    def evaluated(self, report: EvaluationReport) -> None:  # noqa: ARG002
        """Draw, if it was not done lately."""
        self._draw_now_and_then()

    def noted(self, sentence: str) -> None:  # noqa: ARG002
        """Draw, if it was not done lately: notes come with checkpoints."""
        self._draw_now_and_then()

    def ended(self, ending: Ending) -> None:  # noqa: ARG002
        """Draw all of it, and wait for it."""
        self.close()

    def close(self) -> None:
        """Draw what is not drawn yet, and wait for it."""
        self._finish()
        if self._stale:
            self._draw()
            self._finish()

    def _draw_now_and_then(self) -> None:
        if self._drawing is not None and self._drawing.poll() is not None:
            self._finish()
        if self._stale and self._drawing is None and self._clock() - self._drawn_s >= _EVERY_S:
            self._draw()

    def _draw(self) -> None:
        self._stale, self._drawn_s = False, self._clock()
        command = [sys.executable, "-m", _MODULE, str(self._output)]
        # A session of its own: Ctrl-C is for the run. No display, and no threads taken from the training.
        environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (the other process writes to it)
        try:
            self._drawing = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, env=environment,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._complain(str(error.strerror))

    def _finish(self) -> None:
        """Wait for the drawing under way, if there is one."""
        if self._drawing is None or self._said is None:
            return
        try:
            failed = self._drawing.wait(_LONGEST_S) != 0
        except subprocess.TimeoutExpired:
            self._drawing.kill()
            self._drawing.wait()
            failed = True
        self._drawing = None
        self._said.seek(0)
        last = self._said.read().decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        if failed:
            self._complain(last)
        else:
            self._said.close()

    def _complain(self, reason: str) -> None:
        if self._said is not None:
            self._said.close()
        self._tell(
            f"The loss curves could not be drawn ({reason}). Training is not touched by it; draw them later with: "
            f"python -m {_MODULE} {self._output}"
        )
