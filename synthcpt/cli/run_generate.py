"""What `synthcpt generate` does once its flags are read."""

from __future__ import annotations

import asyncio
import shlex
import sys

from rich.console import Console

from synthcpt.cli.progress import watch
from synthcpt.cli.summary import show_forecast, show_summary
from synthcpt.config import GenerateConfig
from synthcpt.generation import Generation


def run_generate(
    config: GenerateConfig, *, dry_run: bool, extend: bool, overwrite: bool, retry_failed: bool, quiet: bool
) -> None:
    """Forecast, or run with a progress display and a summary at the end."""
    work = Generation(config, extend=extend, overwrite=overwrite, retry_failed=retry_failed)
    console = Console(stderr=True)
    if not quiet:
        _introduce(work, console)
    if dry_run:
        from synthcpt.generation.forecast import forecast

        show_forecast(asyncio.run(forecast(work)), Console())
        return
    with watch(work, console, quiet=quiet):
        run = asyncio.run(work.run())
    show_summary(run, work, Console(), shlex.join(["synthcpt", *sys.argv[1:]]))


def _introduce(work: Generation, console: Console) -> None:
    from synthcpt.backends import BACKENDS

    backend = work.backend
    console.print(f"[bold]{work.method.name}[/]: {work.method.summary}", highlight=False, soft_wrap=True)
    named = f"{work.config.model}, through {backend.name}" if work.config.model else backend.name
    console.print(f"Answers: {named} ({BACKENDS[backend.name][2]})", highlight=False, soft_wrap=True)
    if backend.name == "extractive":
        advice = "This is no language model. Name one with --model, or a server with --base-url."
        console.print(advice, highlight=False, soft_wrap=True)
