"""`synthcpt trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def trace(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    row: Annotated[str, typer.Argument(help="The id of a text, from the id column.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where a text came from: its source, the prompts as sent and the answers as given."""
    from rich.console import Console

    from synthcpt.generation import Run

    found = Run(run).trace(row)
    console = Console()
    if json:
        import orjson

        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return

    def show(heading: str, text: str) -> None:
        console.rule(heading, align="left", style="dim")
        console.print(text, markup=False, highlight=False)

    kept = "reason" not in found["row"]
    show("text" if kept else f"rejected: {found['row']['reason']} ({found['row']['detail']})", found["row"]["text"])
    show(f"source {found['source'].id}", found["source"].text)
    for call in found["calls"]:
        for message in call["messages"]:
            show(f"call {call['key']}: {message['role']}", message["content"])
        answer = call["answer"]
        show(
            f"answered by {answer['model']}, {answer['completion_tokens']} tokens, {answer['finish_reason']}",
            answer["text"],
        )
