"""`synthcpt world`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def world(
    output: Annotated[Path, typer.Option("--output", "-o", help="The world's folder.", show_default=False)],
    people: Annotated[int, typer.Option(help="How many people.")] = 400,
    new: Annotated[int | None, typer.Option(help="How many of them are new (half).", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Which world.")] = 0,
    texts: Annotated[int, typer.Option(help="Texts about each known person and company.", min=1)] = 40,
) -> None:
    """Make an invented world to test knowledge injection in: people and companies whose every fact is known.

    documents.jsonl and questions.jsonl are what is new; known/ is what a student is pre-trained on first.
    """
    from rich.console import Console

    from synthcpt.worlds import write_world

    made = write_world(output, people, seed, texts, new)
    documents, known = len(made.half("new")), len(made.half("old"))
    sentence = f"{output}: {documents} new documents with questions, and texts on {known} known things for a student."
    Console().print(sentence, markup=False, highlight=False, soft_wrap=True)
