"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from synthcpt.cli.curate import curate
from synthcpt.cli.doctor import doctor
from synthcpt.cli.evaluate import evaluate
from synthcpt.cli.experiment import experiment
from synthcpt.cli.export import export
from synthcpt.cli.generate import generate
from synthcpt.cli.merge import merge
from synthcpt.cli.methods import methods
from synthcpt.cli.report import report
from synthcpt.cli.trace import trace
from synthcpt.cli.train import train
from synthcpt.cli.view import view
from synthcpt.cli.world import world

app = typer.Typer(
    name="synthcpt",
    help="Expand a small domain corpus into a large synthetic one, to train a language model on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command()(methods)
app.command()(curate)
app.command()(train)
app.command()(merge)
app.command()(evaluate)
app.command()(export)
app.add_typer(experiment, name="experiment")
app.command()(world)
app.command()(report)
app.command()(view)
app.command()(trace)
app.command()(doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from synthcpt import __version__

        typer.echo(f"synthcpt {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What all commands share."""
