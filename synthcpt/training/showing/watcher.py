"""An observer that looks at nothing: the base of those that look at some things only."""

from __future__ import annotations

from synthcpt.training.reports import Beginning, Ending, EvaluationReport, StepReport


class Watcher:
    """Does nothing at any of `reports.Observer`'s calls."""

    def began(self, beginning: Beginning) -> None:
        """A run begins or goes on."""

    def stepped(self, report: StepReport) -> None:
        """A step is done."""

    def evaluated(self, report: EvaluationReport) -> None:
        """Held-out losses were taken."""

    def noted(self, sentence: str) -> None:
        """Something worth a line."""

    def ended(self, ending: Ending) -> None:
        """The run is finished."""

    def close(self) -> None:
        """The last call; may come twice."""
