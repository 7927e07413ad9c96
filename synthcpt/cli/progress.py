"""What a run shows while it works: a live panel on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from synthcpt.generation import Generation

_LINE_EVERY_S = 10.0
_RATE_WINDOW_S = 30.0


@contextmanager
def watch(work: Generation, console: Console, *, quiet: bool) -> Iterator[None]:
    """Show a run's progress for as long as the block runs."""
    if quiet:
        yield
        return
    rates = Rates(work)
    if console.is_terminal:
        with Live(get_renderable=lambda: panel(work, rates), console=console, refresh_per_second=4, transient=True):
            yield
        return
    ended = threading.Event()
    printer = threading.Thread(target=_print_lines, args=(work, rates, console, ended), daemon=True)
    printer.start()
    try:
        yield
    finally:
        ended.set()
        printer.join()


class Rates:
    """Speeds over the last half minute, and what is left at that speed.

    Args:
        work: the run to look at; `sample` is to be called now and then.
    """

    def __init__(self, work: Generation) -> None:
        self._work = work
        self._samples: deque[tuple[float, int, int, float]] = deque()
        self.started_s = time.monotonic()
        self.tokens_in_a_s = self.tokens_out_a_s = 0.0
        self.left_s: float | None = None

    def sample(self) -> None:
        """Look at the counters now."""
        progress, now = self._work.progress, time.monotonic()
        self._samples.append((now, progress.prompt_tokens, progress.completion_tokens, self._share_done()))
        while now - self._samples[0][0] > _RATE_WINDOW_S and len(self._samples) > 2:
            self._samples.popleft()
        then, tokens_in, tokens_out, share = self._samples[0]
        elapsed = now - then
        if elapsed < 0.5 or self._work.phase != "asking":
            return
        self.tokens_in_a_s = (progress.prompt_tokens - tokens_in) / elapsed
        self.tokens_out_a_s = (progress.completion_tokens - tokens_out) / elapsed
        gained = self._share_done() - share
        self.left_s = (1 - self._share_done()) / gained * elapsed if gained > 0 else None

    def _share_done(self) -> float:
        progress = self._work.progress
        by_documents = progress.documents_done / progress.documents if progress.documents else 0.0
        by_tokens = progress.row_tokens / progress.target_tokens if progress.target_tokens else 0.0
        return min(1.0, max(by_documents, by_tokens))


def panel(work: Generation, rates: Rates) -> Table:
    """The live display."""
    rates.sample()
    progress = work.progress
    grid = Table.grid(padding=(0, 2))
    elapsed_s = time.monotonic() - rates.started_s
    if work.phase != "asking":
        grid.add_row(
            {"reading": "Reading the documents", "loading": "Starting the backend"}.get(work.phase, "Writing"),
            duration(elapsed_s),
        )
        return grid
    bar = ProgressBar(total=max(1, progress.documents), completed=progress.documents_done, width=30)
    grid.add_row("documents", bar, f"{progress.documents_done:,} of {progress.documents:,}")
    for name, value, more in _figures(work, rates):
        grid.add_row(name, value, more)
    left = f"about {duration(rates.left_s)} to go" if rates.left_s is not None else ""
    grid.add_row("time", duration(elapsed_s), left)
    return grid


def _figures(work: Generation, rates: Rates) -> list[tuple[str, str, str]]:
    progress, slots = work.progress, work.slots
    sent = slots.in_use if slots else 0
    window = f", window {int(slots.limit)} of {slots.ceiling}" if slots and slots.limit < slots.ceiling else ""
    troubles = ", ".join(
        f"{count:,} {name}"
        for name, count in (
            ("failed", progress.failed),
            ("tried again", progress.retried),
            ("repaired", progress.repaired),
        )
        if count
    )
    cached = (
        f"{progress.cached_tokens / progress.prompt_tokens:.0%} from the prefix cache" if progress.cached_tokens else ""
    )
    target = f"{progress.row_tokens / progress.target_tokens:.0%} of the target" if progress.target_tokens else ""
    figures = [
        ("calls", f"{progress.answers:,} done, {sent:,} in flight{window}", troubles),
        ("tokens in", f"{progress.prompt_tokens:,}, {rates.tokens_in_a_s:,.0f}/s", cached),
        ("tokens out", f"{progress.completion_tokens:,}, {rates.tokens_out_a_s:,.0f}/s", ""),
        ("texts", f"{progress.rows:,} of {progress.row_tokens:,} tokens", target),
    ]
    if progress.rejected:
        figures.append(
            (
                "dropped",
                f"{sum(progress.rejected.values()):,}",
                ", ".join(f"{r} {n:,}" for r, n in progress.rejected.most_common(4)),
            )
        )
    if progress.cost:
        cap = f"of {work.config.max_cost:g}" if work.config.max_cost else ""
        figures.append(("cost", f"{progress.cost:,.2f}", cap))
    return figures


def _print_lines(work: Generation, rates: Rates, console: Console, ended: threading.Event) -> None:
    """One line at most every ten seconds: for logs."""
    while not ended.wait(_LINE_EVERY_S):
        rates.sample()
        if work.phase != "asking":
            console.print(f"{work.phase}...", highlight=False)
            continue
        progress = work.progress
        parts = [f"documents {progress.documents_done:,}/{progress.documents:,}"]
        parts += [f"{name} {value}" + (f" ({more})" if more else "") for name, value, more in _figures(work, rates)]
        parts += [f"about {duration(rates.left_s)} to go"] if rates.left_s is not None else []
        console.print("; ".join(parts), highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """``3723`` -> ``1 h 02 min``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    return f"{seconds / 86400:.1f} days"
