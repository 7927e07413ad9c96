"""What a run shows on the console: a live panel on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from synthcpt.training.reports import Beginning, Ending, EvaluationReport, HeldOut, StepReport
from synthcpt.training.showing.closing import heldout_ends, show_ending
from synthcpt.training.showing.metrics import read_metrics
from synthcpt.training.showing.plain import duration, plain, short_count
from synthcpt.training.showing.speed import Speed

_LINE_EVERY_S = 10.0
_SOURCES_SHOWN = 8


class Terminal:
    """Shows a run to whoever started it.

    Args:
        output: the run's folder; a resumed run takes its first held-out losses from its metrics.
        console: where progress goes.
        summary: where the table at the end goes.
        quiet: the table at the end alone.
        clock: seconds, ever growing.
    """

    def __init__(
        self,
        output: Path,
        console: Console,
        summary: Console,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output, self._console, self._summary = output, console, summary
        self._quiet, self._clock = quiet, clock
        self._beginning: Beginning | None = None
        self._speed: Speed | None = None
        self._step: StepReport | None = None
        self._first: dict[str, HeldOut] = {}
        self._now: dict[str, HeldOut] = {}
        self._live: Live | None = None
        self._said_s = float("-inf")

    def began(self, beginning: Beginning) -> None:
        """Tell what will be done, and start the panel."""
        self._beginning, self._speed = beginning, Speed(beginning, self._clock)
        if beginning.from_step:
            self._first, self._now = heldout_ends(read_metrics(self._output))
        if self._quiet:
            return
        introduce(beginning, self._console)
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._panel, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def stepped(self, report: StepReport) -> None:
        """Take a step in; a line, where there is no panel, at most every ten seconds."""
        self._step = report
        if self._speed is None or self._beginning is None:
            return
        self._speed.stepped(report)
        if not self._quiet and self._live is None and self._clock() - self._said_s >= _LINE_EVERY_S:
            self._said_s = self._clock()
            self._say("; ".join(f"{name} {value}" for name, value in _figures(report, self._speed, self._beginning)))

    def evaluated(self, report: EvaluationReport) -> None:
        """Take held-out losses in; a line, where there is no panel."""
        self._first = {**report.heldout, **self._first}
        self._now = dict(report.heldout)
        if not self._quiet and self._live is None and report.heldout:
            losses = ", ".join(
                f"{plain(name, most=40)} {heldout.loss:.4f} ({heldout.bits_per_byte:.4f} bits/byte)"
                for name, heldout in report.heldout.items()
            )
            self._say(f"step {report.step:,}: held-out {losses}")

    def noted(self, sentence: str) -> None:
        """Print it, above the panel."""
        if not self._quiet:
            self._say(plain(sentence))

    def warn(self, sentence: str) -> None:
        """Print it, also where all else is quiet."""
        self._say(plain(sentence))

    def ended(self, ending: Ending) -> None:
        """Put the table in the panel's place."""
        self.close()
        if self._beginning is not None:
            loss = self._speed.loss if self._speed is not None and self._step is not None else None
            show_ending(self._beginning, ending, loss, self._first, self._now, self._summary)

    def close(self) -> None:
        """Take the panel away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _panel(self) -> RenderableType:
        beginning, speed, report = self._beginning, self._speed, self._step
        if beginning is None or speed is None or report is None:
            return Text("The first step ..." if beginning else "")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        bar = ProgressBar(total=max(1, beginning.tokens), completed=report.tokens, width=40)
        grid.add_row("", bar)
        for name, value in _figures(report, speed, beginning):
            grid.add_row(Text(name), Text(value))
        for name, heldout in list(self._now.items())[:_SOURCES_SHOWN]:
            grid.add_row(Text("held-out"), Text(_standing(name, heldout, self._first.get(name))))
        if len(self._now) > _SOURCES_SHOWN:
            grid.add_row(Text(""), Text(f"and {len(self._now) - _SOURCES_SHOWN} more sources"))
        return grid


def introduce(beginning: Beginning, console: Console) -> None:
    """The start: what is trained, on what, how MFU is counted, what was decided."""
    new = beginning.trainable_parameters
    share = "all" if new == beginning.parameters else f"{short_count(new)} ({new / max(1, beginning.parameters):.2%})"
    resumed = f", going on from step {beginning.from_step:,}" if beginning.from_step else ""
    lines = [
        ("model", f"{plain(beginning.model)}: {short_count(beginning.parameters)} parameters, {share} of them trained"),
        ("data", ", ".join(plain(name, most=40) for name in beginning.data)),
        (
            "steps",
            f"{beginning.steps:,} of {beginning.batch_tokens:,} tokens, "
            f"{short_count(beginning.tokens)} in all{resumed}",
        ),
        ("devices", plain(beginning.devices)),
        ("FLOPs", plain(beginning.flops_formula)),
        ("output", plain(beginning.output)),
    ]
    console.print(facts_table(tuple((name, value) for name, value in lines if value)))
    if beginning.audit:
        console.print(facts_table(beginning.audit, title="The data, token by token"))
    for note in beginning.notes:
        console.print(Text(f"- {plain(note)}"))


def facts_table(facts: tuple[tuple[str, str], ...], title: str | None = None) -> Table:
    """Names and values, shown as they are whatever they hold."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", max_width=28, overflow="fold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(plain(name)), Text(plain(value)))
    return table


def _figures(report: StepReport, speed: Speed, beginning: Beginning) -> list[tuple[str, str]]:
    tokens_left = max(0, beginning.tokens - report.tokens)
    left_s = speed.left_s(tokens_left)
    to_go = f"about {duration(left_s)} and {short_count(tokens_left)} tokens to go" if left_s is not None else ""
    mfu = f", MFU {speed.mfu:.1%}" if speed.mfu is not None else ""
    done = report.tokens / max(1, beginning.tokens)
    figures = [
        ("tokens", f"{short_count(report.tokens)} of {short_count(beginning.tokens)} ({done:.1%})"),
        ("step", f"{report.step:,} of {beginning.steps:,}"),
        ("loss", f"{speed.loss:.4f} (last {report.loss:.4f}), gradient {report.grad_norm:.3g}"),
        ("lr", f"{report.lr:.3g}"),
        ("speed", f"{speed.tokens_a_s:,.0f} tokens/s{mfu}"),
        ("time", f"{duration(speed.elapsed_s)}, {to_go}" if to_go else duration(speed.elapsed_s)),
    ]
    return [*figures, ("phase", plain(report.phase, most=40))] if report.phase else figures


def _standing(name: str, now: HeldOut, first: HeldOut | None) -> str:
    before = f", began at {first.loss:.4f}" if first is not None and first != now else ""
    return f"{plain(name, most=30)} {now.loss:.4f} ({now.bits_per_byte:.4f} bits/byte){before}"
