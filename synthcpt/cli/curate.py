"""`synthcpt curate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthcpt.cli.flags import flag

_DROPPED, _CHOSEN, _RUN = "What is dropped", "How much is kept", "The run"


def curate(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Finished runs; of several equal texts the first one's stays.", metavar="RUN", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.", show_default=False)],
    against: Annotated[
        list[str] | None,
        flag("Evaluation questions; texts that contain one are dropped. Repeatable.", _DROPPED, metavar="FILE"),
    ] = None,
    exact: Annotated[
        bool | None,
        flag("Drop texts that are another one again (the default).", _DROPPED, "--exact/--no-exact"),
    ] = None,
    near: Annotated[
        bool | None,
        flag(
            "Drop near-duplicates among texts of one document, method and prompt (the default).",
            _DROPPED,
            "--near/--no-near",
        ),
    ] = None,
    jaccard: Annotated[float | None, flag("How alike near-duplicates are (0.9).", _DROPPED)] = None,
    min_tokens: Annotated[int | None, flag("Drop shorter texts.", _DROPPED)] = None,
    max_tokens: Annotated[int | None, flag("Drop longer texts.", _DROPPED)] = None,
    language: Annotated[
        list[str] | None, flag("Keep this language only, e.g. en; repeatable.", _DROPPED, metavar="CODE")
    ] = None,
    target_tokens: Annotated[
        str | None,
        flag(
            "Keep about so many tokens, e.g. 10M, of all documents and methods alike; with one seed, smaller targets' "
            "texts are among larger ones'.",
            _CHOSEN,
            metavar="N",
        ),
    ] = None,
    max_per_document: Annotated[
        int | None, flag("Keep at most so many texts of a source document.", _CHOSEN, metavar="N")
    ] = None,
    seed: Annotated[int | None, flag("Of the choice (0).", _CHOSEN)] = None,
    set_: Annotated[
        list[str] | None,
        flag(
            "Any setting, e.g. balance=proportional; repeatable. `--list` shows them all.",
            _RUN,
            "--set",
            metavar="NAME=VALUE",
        ),
    ] = None,
    list_: Annotated[  # noqa: ARG001
        bool,
        typer.Option(
            "--list",
            help="Show every setting with its default, and stop.",
            is_eager=True,
            callback=lambda wanted: _list(wanted),
        ),
    ] = False,
    overwrite: Annotated[bool, flag("Replace the curated run that is in --output.", _RUN, "--overwrite")] = False,
    quiet: Annotated[bool, flag("No progress display.", _RUN, "--quiet", "-q")] = False,
) -> None:
    """Make one run of the texts of others that are worth training on.

    Drops duplicates, near-duplicates, texts that contain evaluation questions, and loops; says what and why. Rewrites
    of one passage are never taken for duplicates by their meaning. What comes out is a run like those that went in.
    """
    from synthcpt.cli.run_curate import run_curate
    from synthcpt.config import parse_assignments

    flags = {
        "against": against, "exact": exact, "near": near, "jaccard": jaccard, "min_tokens": min_tokens,
        "max_tokens": max_tokens, "language": language, "target_tokens": target_tokens,
        "max_per_document": max_per_document, "seed": seed,
    }  # fmt: skip
    given = {name: value for name, value in flags.items() if value is not None and value != []}
    settings = {**given, **parse_assignments(set_ or [], "--set")}
    run_curate(runs, output, settings, overwrite=overwrite, quiet=quiet)


def _list(wanted: bool) -> None:
    if wanted:
        from synthcpt.cli.run_curate import show_settings

        show_settings()
        raise typer.Exit
