"""`synthcpt methods`."""

from __future__ import annotations

import re
from typing import Annotated

import typer


def methods(
    name: Annotated[str | None, typer.Argument(help="Tell all about this one.", show_default=False)] = None,
) -> None:
    """List the methods, or one method's paper, options, defaults and cost."""
    from rich.console import Console
    from rich.table import Table

    from synthcpt.methods import load_method, method_names

    console = Console()
    if name is None:
        table = Table(box=None, padding=(0, 2), show_header=False)
        for each in method_names():
            method = load_method(each)
            table.add_row(f"[bold]{each}[/]", method.summary)
            table.add_row("", f"[dim]{method.paper}[/]")
        console.print(table)
        console.print("\nMore on one: synthcpt methods NAME", highlight=False)
        return
    method = load_method(name)
    console.print(_reflowed(method.doc), highlight=False, markup=False)
    console.print(
        f"\nWhen:  {method.when}\nPaper: {method.paper}\nCost:  {method.cost}\n", highlight=False, markup=False
    )
    table = Table("option", "default", "", box=None, padding=(0, 2))
    for option, field in method.options.model_fields.items():
        default = (
            "null"
            if field.default is None
            else str(field.default).lower()
            if isinstance(field.default, bool)
            else str(field.default)
        )
        table.add_row(option, default, field.description or "")
    console.print(table)
    console.print("\nSet one with --set NAME=VALUE.", highlight=False)


def _reflowed(docstring: str) -> str:
    """A docstring's paragraphs and list items as one line each, for the console to wrap at its own width."""
    blocks = [re.split(r"\n(?=- )", paragraph) for paragraph in docstring.strip().split("\n\n")]
    return "\n\n".join("\n".join(" ".join(item.split()) for item in block) for block in blocks)
