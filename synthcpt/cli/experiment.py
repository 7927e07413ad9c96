"""`synthcpt experiment`: run, plan, report, recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

experiment = typer.Typer(
    help="Compare ways to inject knowledge: arms x budgets x seeds, through generate, curate, train and evaluate.",
    no_args_is_help=True,
)


def _names(incomplete: str) -> list[str]:
    from synthcpt.experiments.recipes import shipped_recipes

    return [name for name in shipped_recipes() if name.startswith(incomplete)]


_Recipe = Annotated[
    str,
    typer.Argument(
        help="A recipe's file, or the name of a shipped one.",
        metavar="RECIPE",
        autocompletion=_names,
        show_default=False,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The experiment's folder (outputs/NAME).", show_default=False),
]
_Arms = Annotated[
    list[str] | None, typer.Option("--arm", help="Only this arm; repeatable.", metavar="ARM", show_default=False)
]


@experiment.command("run")
def run(
    recipe: _Recipe,
    output: _Output = None,
    arm: _Arms = None,
    share: Annotated[
        Path | None,
        typer.Option(help="Use the stages of another experiment's folder, too.", metavar="FOLDER", show_default=False),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Stages at work at once.", show_default=False, min=1)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")] = False,
) -> None:
    """Run an experiment, or go on with it; what is finished is not done again."""
    from synthcpt.cli.run_experiment import run_experiment

    run_experiment(recipe, output, arm or [], jobs, share, quiet=quiet)


@experiment.command("plan")
def plan(recipe: _Recipe, output: _Output = None, arm: _Arms = None) -> None:
    """Show what would run and cost, and what is done already."""
    from synthcpt.cli.run_experiment import show_plan

    show_plan(recipe, output, arm or [])


@experiment.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="The experiment's folder.", metavar="FOLDER", show_default=False)],
    format_: Annotated[
        str, typer.Option("--format", help="How to print the table: text, markdown, latex or csv.")
    ] = "text",
) -> None:
    """Print the table, and write the page, the tables and the figures."""
    from synthcpt.cli.run_experiment import show_report

    show_report(folder, format_)


@experiment.command("recipes")
def recipes() -> None:
    """List the shipped recipes."""
    from synthcpt.cli.run_experiment import show_recipes

    show_recipes()
