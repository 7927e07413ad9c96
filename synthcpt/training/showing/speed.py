"""How fast a run is, how its loss stands, and when it will be done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from synthcpt.training.reports import Beginning, StepReport

_WINDOW_S = 30.0
_KEPT = 0.98  # of the running loss at each step: it forgets in about fifty


class Speed:
    """Figures over the last half minute of steps.

    Tokens a second and MFU count the time of steps alone; the time to go also what lies between them (held-out losses,
    checkpoints).

    Args:
        beginning: the run's.
        clock: seconds, ever growing.
    """

    def __init__(self, beginning: Beginning, clock: Callable[[], float] = time.monotonic) -> None:
        self._beginning, self._clock = beginning, clock
        self._began_s = clock()
        self._stepping_s = 0.0
        self._last: deque[StepReport] = deque()
        self._loss, self._weight = 0.0, 0.0

    def stepped(self, report: StepReport) -> None:
        """Take a step in."""
        self._stepping_s += report.step_s
        self._loss = _KEPT * self._loss + (1 - _KEPT) * report.loss
        self._weight = _KEPT * self._weight + (1 - _KEPT)
        self._last.append(report)
        while len(self._last) > 1 and self._window_s - self._last[0].step_s >= _WINDOW_S:
            self._last.popleft()

    @property
    def loss(self) -> float:
        """The running mean of the training loss."""
        return self._loss / self._weight if self._weight else float("nan")

    @property
    def tokens_a_s(self) -> float:
        """Tokens a second."""
        return sum(report.step_tokens for report in self._last) / self._window_s if self._window_s > 0 else 0.0

    @property
    def mfu(self) -> float | None:
        """Model FLOPs utilisation, from 0 to 1; None where the peak is not known."""
        if not self._beginning.peak_flops or not self._window_s:
            return None
        return sum(report.flops for report in self._last) / self._window_s / self._beginning.peak_flops

    @property
    def elapsed_s(self) -> float:
        """Since this leg of the run began."""
        return self._clock() - self._began_s

    def left_s(self, tokens_left: int) -> float | None:
        """Until the end; None before the first step."""
        if not self.tokens_a_s:
            return None
        between = max(1.0, self.elapsed_s / self._stepping_s)
        return tokens_left / self.tokens_a_s * between

    @property
    def _window_s(self) -> float:
        return sum(report.step_s for report in self._last)
