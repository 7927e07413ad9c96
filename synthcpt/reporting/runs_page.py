"""The page that lists the runs of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from synthcpt.reporting.elements import Cell, Column, Html, escape, note, table
from synthcpt.reporting.finding import Found, stamp_of
from synthcpt.reporting.page import Section, page
from synthcpt.reporting.write import is_finished


def runs_page(root: Path, runs: Sequence[Found]) -> str:
    """A table of links; for the local server."""
    rows = []
    for run in runs:
        _, size, latest = stamp_of(run.path)
        changed = f"{datetime.fromtimestamp(latest / 1e9, UTC):%Y-%m-%d %H:%M} UTC"
        link = Html(f"<a href='/{quote(run.name)}'>{escape(run.name)}</a>")
        state = "finished" if is_finished(run.path) else "unfinished"
        rows.append(
            (
                Cell(link, run.name),
                run.kind,
                state,
                Cell(f"{size / 1e6:,.1f} MB", size),
                Cell(changed, latest),
            )
        )
    columns = [Column("run"), Column("kind"), Column("state"), Column("size", "right"), Column("last change", "right")]
    body = table(columns, rows) if rows else note("There is no run in this folder yet.")
    return page(root.resolve().name, "runs", f"What {root} holds.", [Section("runs", "Runs", body)])
