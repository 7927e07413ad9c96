"""How a flag is declared that has no default of its own: the stage's configuration has it."""

from __future__ import annotations

from typing import Any

import typer


def flag(text: str, panel: str, *names: str, metavar: str | None = None) -> Any:
    """An option in a panel of the help, with the default told by its text."""
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)
