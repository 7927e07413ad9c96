"""What `synthcpt curate` does once its flags are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from synthcpt.curation.card import MEANINGS
from synthcpt.curation.config import CurateConfig
from synthcpt.generation.run import Run


def run_curate(runs: list[str], output: Path, settings: Mapping[str, Any], *, overwrite: bool, quiet: bool) -> None:
    """Curate with a progress bar, and say what was kept and what was not."""
    from synthcpt.curation.stage import curate

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    errors = Console(stderr=True)
    told = False
    with Progress(*columns, console=errors, transient=True, disable=quiet or not errors.is_terminal) as bar:
        task = bar.add_task("reading", total=None)

        def tell(what: str, done: int, total: int) -> None:
            nonlocal told
            told = True
            bar.update(task, description=what, completed=done, total=total)

        folder = curate(runs, output, overwrite=overwrite, tell=tell, **settings)
    console = Console()
    if not told:
        console.print(Text(f"{folder} has been curated so already; do it again with --overwrite."), soft_wrap=True)
    show_curated(Run(folder), console)


def show_curated(run: Run, console: Console) -> None:
    """The table at the end: kept and left out, by reason, with shares."""
    manifest = run.manifest
    totals, tokens = manifest["totals"], manifest["tokens_left_out"]
    left_out = {**totals["rejected"], **totals["not_selected"]}
    texts = totals["rows"] + sum(left_out.values())
    table = Table(title=Text(str(run.path)), title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("texts", "share", "tokens"):
        table.add_column(name, justify="right")
    table.add_column("", overflow="fold")
    table.add_row("read", f"{texts:,}", "", f"{totals['row_tokens'] + sum(tokens.values()):,}", "")
    for reason in sorted(left_out, key=lambda reason: (reason in totals["not_selected"], -left_out[reason])):
        count = left_out[reason]
        table.add_row(reason, f"{count:,}", _share(count, texts), f"{tokens[reason]:,}", MEANINGS[reason])
    table.add_row("kept", f"{totals['rows']:,}", _share(totals["rows"], texts), f"{totals['row_tokens']:,}", "")
    console.print(table)
    for line in _notes(run, manifest):
        console.print(Text(line), soft_wrap=True)


def _notes(run: Run, manifest: Mapping[str, Any]) -> list[str]:
    overlap, target = manifest["overlap"], run.settings["target_tokens"]
    notes = []
    if overlap is None:
        notes.append("The texts were compared with no evaluation questions; --against names them.")
    else:
        notes.append(
            f"Of {overlap['questions']:,} evaluation questions {overlap['found']:,} were found"
            + (f"; {overlap['too_short']:,} are too short to look for" if overlap["too_short"] else "")
            + (f". {run.path}/overlap.jsonl says which" if overlap["seen"] else "")
            + "."
        )
    if target and manifest["totals"]["row_tokens"] < 0.95 * target:
        notes.append(f"The runs do not have {target:,} tokens that can be kept; generate more for this target.")
    if manifest["totals"]["rejected"]:
        notes.append(f"What was dropped, and why: {run.path}/rejected")
    return notes


def show_settings() -> None:
    """Every setting, its default, and what it is."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True)
    table.add_column("default")
    table.add_column("what it is")
    for name, field in CurateConfig.model_fields.items():
        default = "" if field.is_required() or field.default in (None, ()) else str(field.default)
        table.add_row(name, default, field.description or "")
    Console().print(table)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
