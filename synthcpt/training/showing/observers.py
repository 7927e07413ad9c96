"""All who watch a run, as one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from synthcpt.errors import UserError
from synthcpt.files import replacing, write_text
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, Observer, StepReport
from synthcpt.training.showing.card import model_card
from synthcpt.training.showing.metrics import MetricsLog, read_metrics
from synthcpt.training.showing.painter import Painter
from synthcpt.training.showing.tensorboard import TensorBoard
from synthcpt.training.showing.terminal import Terminal
from synthcpt.training.showing.wandb import WandB
from synthcpt.training.showing.watcher import Watcher

_PICTURE = "loss.png"


def observers(
    output: Path,
    *,
    quiet: bool = False,
    wandb: str | None = None,
    recipe: Mapping[str, Any] | None = None,
    console: Console | None = None,
    summary: Console | None = None,
) -> Observer:
    """Metrics, TensorBoard, wandb where asked, curves, the model card and the terminal, told in this order.

    Args:
        output: the run's folder.
        quiet: no progress; the table at the end is shown all the same.
        wandb: a Weights & Biases project to send figures to.
        recipe: the resolved configuration, for wandb.
        console: where progress goes; standard error by default.
        summary: where the table at the end goes; standard output by default.

    Raises:
        MissingExtra: tensorboard, matplotlib or a wandb that was asked for is not installed.
    """
    terminal = Terminal(output, console or SteadyConsole(stderr=True), summary or SteadyConsole(), quiet=quiet)
    recorders: list[Observer] = [Metrics(output), TensorBoard(output)]
    if wandb is not None:
        recorders.append(WandB(output, wandb, recipe))
    return Several([*recorders, Painter(output, terminal.warn), Card(output), terminal], terminal.warn)


class SteadyConsole(Console):
    """A console whose reader may go away: rich would end the process, a training run must not."""

    def on_broken_pipe(self) -> None:
        """Show nothing from now on."""
        self.quiet = True


class Several:
    """Tells each of several observers.

    One that cannot write any more (the disk is full, a server is gone) is left out from then on, in a sentence, and the
    run goes on; at the beginning, when nothing is lost yet, its error is the user's to mend.

    Args:
        told: the observers, in order.
        tell: takes a sentence for the user.
    """

    def __init__(self, told: Sequence[Observer], tell: Callable[[str], None]) -> None:
        self._told, self._tell = list(told), tell

    def began(self, beginning: Beginning) -> None:
        """Tell each; the first error closes all and is raised."""
        try:
            for observer in self._told:
                observer.began(beginning)
        except (OSError, UserError):
            self.close()
            raise

    def stepped(self, report: StepReport) -> None:
        """Tell each."""
        self._each(lambda observer: observer.stepped(report))

    def evaluated(self, report: EvaluationReport) -> None:
        """Tell each."""
        self._each(lambda observer: observer.evaluated(report))

    def noted(self, sentence: str) -> None:
        """Tell each."""
        self._each(lambda observer: observer.noted(sentence))

    def ended(self, ending: Ending) -> None:
        """Tell each."""
        self._each(lambda observer: observer.ended(ending))

    def close(self) -> None:
        """Close each, also after one fails."""
        self._each(lambda observer: observer.close())

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for observer in list(self._told):
            try:
                tell(observer)
            except (OSError, UserError) as error:
                self._told.remove(observer)
                with suppress(OSError, UserError):  # it has failed already; and so may have the terminal
                    observer.close()
                with suppress(OSError):
                    self._tell(f"{type(observer).__name__} stopped ({error}). Training goes on without it.")


class Metrics:
    """Opens the run's `MetricsLog` once it is known from which step the run goes on."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._log: MetricsLog | None = None

    def began(self, beginning: Beginning) -> None:
        """Open the file, cut back to where the run goes on."""
        self._log = MetricsLog(self._output, beginning.from_step)
        self._log.began(beginning)

    def stepped(self, report: StepReport) -> None:
        """A line."""
        if self._log is not None:
            self._log.stepped(report)

    def evaluated(self, report: EvaluationReport) -> None:
        """A line."""
        if self._log is not None:
            self._log.evaluated(report)

    def noted(self, sentence: str) -> None:
        """A line."""
        if self._log is not None:
            self._log.noted(sentence)

    def ended(self, ending: Ending) -> None:
        """The last line."""
        if self._log is not None:
            self._log.ended(ending)

    def close(self) -> None:
        """Let go of the file."""
        if self._log is not None:
            self._log.close()


class Card(Watcher):
    """Writes the model card at the end, and puts the curves beside it.

    Its facts come from the metrics and from `Ending.extra`: ``base_model``, ``sources``, ``recipe`` and ``notes``, as
    `card.model_card` takes them.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._model = ""

    def began(self, beginning: Beginning) -> None:
        """Remember the model's name."""
        self._model = beginning.model

    def ended(self, ending: Ending) -> None:
        """Write it."""
        folder, drawn = Path(ending.model_path), self._output / _PICTURE
        if drawn.exists():
            with drawn.open("rb") as picture, replacing(folder / _PICTURE) as file:
                shutil.copyfileobj(picture, file)
        facts = {"base_model": self._model} | {
            name: ending.extra[name] for name in ("base_model", "sources", "recipe", "notes") if name in ending.extra
        }
        card = model_card(read_metrics(self._output), picture=_PICTURE if drawn.exists() else "", **facts)
        write_text(folder / "README.md", card)
