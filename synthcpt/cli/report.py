"""`synthcpt report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path,
        typer.Argument(help="The folder of a run, a training, an evaluation or an experiment.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write (report.html in the folder).", metavar="FILE", show_default=False
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write one HTML page about a run: what it made, its texts beside their sources, curves, cost, configuration.

    The page is a single file that loads nothing: it can be mailed, archived or opened offline.
    """
    from rich.console import Console

    from synthcpt.reporting.write import write_report

    path = write_report(folder, output)
    size = path.stat().st_size / 1e6
    Console().print(f"The report is in {path} ({size:.1f} MB).", markup=False, highlight=False, soft_wrap=True)
    if open_:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
