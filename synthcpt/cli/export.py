"""`synthcpt export`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from synthcpt.cli.flags import flag

_DATA, _TRAINING = "Data", "Training"


def _target_names(incomplete: str) -> list[str]:
    from synthcpt.exporting.targets import TARGETS

    return [name for name in TARGETS if name.startswith(incomplete)]


def export(
    to: Annotated[
        str,
        typer.Option(
            help="trl, axolotl, llama-factory or torchtitan.", autocompletion=_target_names, show_default=False
        ),
    ],
    data: Annotated[
        list[str],
        flag("A finished run, or a file, a folder or hf:NAME; repeatable.", _DATA, "--data", "-d", metavar="RUN"),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option(
            help="The model to train: a folder, or a name on the Hub. Its tokenizer counts, if it is here.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[str | None, flag("full (the default) or lora.", _TRAINING)] = None,
    tokens: Annotated[str | None, flag("How many data tokens to train on, e.g. 1B.", _TRAINING, metavar="N")] = None,
    epochs: Annotated[float | None, flag("Or: how many passes over the data (2).", _TRAINING)] = None,
    replay: Annotated[
        list[str] | None,
        flag("Texts of the kind the model was trained on, against forgetting; repeatable.", _DATA, metavar="TEXTS"),
    ] = None,
    replay_ratio: Annotated[
        float | None, flag("The share of all tokens that is replay (0.1 with --replay).", _DATA)
    ] = None,
    text_field: Annotated[str | None, flag("The column that holds a corpus's text.", _DATA)] = None,
    title_field: Annotated[str | None, flag("The column that holds its title.", _DATA)] = None,
    id_field: Annotated[str | None, flag("The column that identifies a row.", _DATA)] = None,
    set_: Annotated[
        list[str] | None,
        flag(
            "Another setting of `synthcpt train`, e.g. lr=1e-5, or devices=8; repeatable.",
            _TRAINING,
            "--set",
            metavar="NAME=VALUE",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")] = False,
) -> None:
    """Write data, settings and a README for another trainer.

    The README says what to run, and what that trainer does not do that `synthcpt train` does.
    """
    from synthcpt.config import parse_assignments
    from synthcpt.exporting.config import make_export_config
    from synthcpt.exporting.export import export as write
    from synthcpt.exporting.targets import find_target

    find_target(to)
    values = {
        "to": to, "data": data, "output": output, "model": model, "recipe": recipe, "tokens": tokens, "epochs": epochs,
        "replay": replay or None, "replay_ratio": replay_ratio, "text_field": text_field, "title_field": title_field,
        "id_field": id_field,
    }  # fmt: skip
    config = make_export_config(values, parse_assignments(set_ or [], "--set"))
    from rich.console import Console

    if quiet:
        _show(write(config, overwrite=overwrite))
        return
    with Console(stderr=True).status("reading") as status:
        exported = write(config, overwrite=overwrite, note=status.update)
    _show(exported)


def _show(exported: Any) -> None:
    """What was written, and what to do with it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from synthcpt.exporting.readme import facts
    from synthcpt.exporting.targets import find_target

    console = Console()
    target = find_target(exported.plan.config.to)
    table = Table(title=Text(f"{exported.output}, for {target.version}"), title_justify="left", show_header=False,
                  box=None, padding=(0, 2))  # fmt: skip
    for name, value in facts(exported):
        table.add_row(name, Text(value))
    console.print(table)
    folder = Text(f"cd {shlex.quote(str(exported.output))}\n{target.commands(exported.plan)}")
    console.print(folder, soft_wrap=True)
    console.print(Text("README.md there says what this trainer does not do."), soft_wrap=True)
