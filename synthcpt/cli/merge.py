"""`synthcpt merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthcpt.cli.flags import flag
from synthcpt.merging.methods import METHODS

_HOW, _RESULT = "How", "The result"


def _method_names(incomplete: str) -> list[str]:
    return [name for name in METHODS if name.startswith(incomplete)]


def _listed() -> str:
    """Each method a line of the help: what it needs and when to use it."""
    lines = []
    for method in METHODS.values():
        given = ", ".join(f"{name}={option.default:g}" for name, option in method.options.items())
        lines.append(f"[bold]{method.name}[/]: {method.needs}{f' ({given})' if given else ''}. For {method.when}.")
    return "\n\n".join(lines)


HELP = f"""Merge the weights of models that share an architecture into one.

{_listed()}

Configuration, tokenizer and dtype are the first model's. Memory for a few tensors is enough, whatever the models' size.
"""


def merge(
    method: Annotated[
        str,
        typer.Argument(help="One of the above.", autocompletion=_method_names, show_default=False),
    ],
    models: Annotated[
        list[str],
        typer.Argument(
            help="Folders of models or of trainings, or OWNER/NAME on the Hub.",
            show_default=False,
            metavar="MODEL",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.", show_default=False)],
    base: Annotated[str | None, flag("What the models were tuned from.", _HOW, metavar="MODEL")] = None,
    weights: Annotated[
        str | None,
        flag("One a model, e.g. 0.7,0.3 (1 each); for linear, task_arithmetic and ties.", _HOW, metavar="W,W"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        flag("An option of the method, e.g. lambda=0.7; repeatable.", _HOW, "--set", metavar="NAME=VALUE"),
    ] = None,
    alphas: Annotated[
        str | None,
        flag(
            "For wise_ft: how much of the training to keep (0.5). Several, e.g. 0,0.25,0.5,0.75,1, write a model each.",
            _HOW,
            metavar="A,A",
        ),
    ] = None,
    dtype: Annotated[str | None, flag("float32, bfloat16 or float16; else as the first model.", _RESULT)] = None,
    overwrite: Annotated[bool, flag("Replace the model in the folder.", _RESULT, "--overwrite")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")] = False,
) -> None:
    from synthcpt.cli.run_merge import run_merge
    from synthcpt.config import parse_assignments

    options = parse_assignments(set_ or [], "--set")
    run_merge(
        {
            "method": method, "models": models, "output": output, "base": base, "options": options, "dtype": dtype,
            "weights": _numbers(weights, "--weights"), "alphas": _numbers(alphas, "--alphas"), "overwrite": overwrite,
        },
        quiet=quiet,
    )  # fmt: skip


merge.__doc__ = HELP


def _numbers(text: str | None, flag: str) -> list[float] | None:
    """``"0.7,0.3"`` as numbers.

    Raises:
        ConfigError: something else.
    """
    from synthcpt.errors import ConfigError

    if text is None:
        return None
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise ConfigError(f"{flag} {text!r} must be numbers with commas between them, e.g. 0.25,0.75.") from None
