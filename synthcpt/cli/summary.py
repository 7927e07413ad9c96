"""The tables at the end: what a run made, what it dropped and why; or what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from synthcpt.generation import Generation, Run
from synthcpt.generation.reasons import REASONS

if TYPE_CHECKING:
    from synthcpt.generation.forecast import Forecast

_EXAMPLE_CHARS = 900


def show_summary(run: Run, work: Generation, console: Console, command: str) -> None:
    """What the run holds now."""
    totals, progress = run.totals(), work.progress
    if not totals:
        return
    table = Table(title=f"{run.path}", title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in _facts(totals):
        table.add_row(name, value)
    if progress.cost:
        table.add_row("cost", f"{progress.cost:,.2f}")
    console.print(table)
    dropped = [
        ("text dropped", totals["rejected"]),
        ("call failed", totals["failed_requests"]),
        ("document failed", totals["failed_documents"]),
    ]
    if any(counts for _, counts in dropped):
        reasons = Table(title="Left out", title_justify="left", box=None, padding=(0, 2), show_header=False)
        for what, counts in dropped:
            for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
                reasons.add_row(f"{count:,}", what, reason, REASONS.get(reason, ""))
        console.print(reasons)
    _tell_skipped(work, console)
    _show_example(run, console)
    _advise(run, work, totals, console, command)


def _facts(totals: dict[str, Any]) -> list[tuple[str, str]]:
    growth = totals["row_tokens"] / max(1, totals["source_tokens"])
    cached = (
        f", {totals['cached_tokens'] / totals['prompt_tokens']:.0%} of them cached" if totals["cached_tokens"] else ""
    )
    return [
        ("documents", f"{totals['documents']:,} of about {totals['source_tokens']:,} tokens"),
        ("calls", f"{totals['answers']:,} answered"),
        ("tokens", f"{totals['prompt_tokens']:,} in{cached}; {totals['completion_tokens']:,} out"),
        ("texts", f"{totals['rows']:,} of about {totals['row_tokens']:,} tokens: {growth:.1f} times the documents"),
    ]


def _tell_skipped(work: Generation, console: Console) -> None:
    counts = work.read
    if counts is None:
        return
    if counts.duplicates:
        console.print(f"{counts.duplicates:,} documents were there twice and were read once.", highlight=False)
    if counts.skipped_files:
        kinds = ", ".join(
            f"{count:,} {suffix or 'without suffix'}" for suffix, count in counts.skipped_files.most_common(5)
        )
        console.print(f"Files of other kinds were not read: {kinds}.", highlight=False)


def _show_example(run: Run, console: Console) -> None:
    row = run.example()
    if row is None:
        return
    text = row["text"]
    shown = text if len(text) <= _EXAMPLE_CHARS else text[:_EXAMPLE_CHARS].rsplit(" ", 1)[0] + " ..."
    console.print(Panel(Text(shown), title=f"One of them: {escape(row['id'])}", title_align="left", border_style="dim"))


def _advise(run: Run, work: Generation, totals: dict[str, Any], console: Console, command: str) -> None:
    target = work.config.target_tokens
    if not run.complete:
        done, of = len(run.parts) - len(run.unfinished_parts), len(run.parts)
        console.print(f"{done} of {of} parts are finished; the manifest is written with the last.", highlight=False)
        return
    if target and totals["row_tokens"] < 0.95 * target:
        console.print(
            f"The target of {target:,} tokens was not reached: documents ran out of combinations. Raise max_entities, "
            "or generate with another method or seed into a second run.",
            highlight=False,
        )
    transient = [reason for reason in totals["failed_requests"] if reason in ("transient_error", "overload_error")]
    if transient:
        console.print(
            f"Some calls failed for passing reasons; try them again with: {command} --retry-failed", highlight=False
        )
    path = escape(str(run.path))
    console.print(f"\nThe corpus is in {path}/data; look at it with", highlight=False)
    console.print(
        f"  python -c \"from datasets import load_dataset; print(load_dataset('{path}')['train'][0]['text'])\"",
        highlight=False,
        soft_wrap=True,
    )


def show_forecast(forecast: Forecast, console: Console) -> None:
    """What a run would take."""
    table = Table(title="Forecast", title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in forecast.facts():
        table.add_row(name, value)
    console.print(table)
    for line in forecast.notes:
        console.print(line, highlight=False)
