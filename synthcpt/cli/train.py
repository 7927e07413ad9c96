"""`synthcpt train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthcpt.cli.flags import flag

_AMOUNTS = ("tokens", "epochs")
_DATA, _HOW, _AMOUNT, _RUN = "Data", "How", "How much", "The run"


def _recipe_names(incomplete: str) -> list[str]:
    return [name for name in ("full", "lora", "smoke") if name.startswith(incomplete)]


def train(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The model to train on: a folder, a name on the Hugging Face Hub, or 'tiny', which is made on the spot (the smoke recipe's default).",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        flag(
            "What is to be learnt: finished runs, files, folders, or hf:NAME; repeatable.",
            _DATA,
            "--data",
            "-d",
            metavar="RUN",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The training's folder, e.g. outputs/books-8b.", show_default=False),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Defaults to start from: full (all weights), lora (adapters), smoke (a tiny model, on any machine).",
            autocompletion=_recipe_names,
            show_default=False,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any setting, e.g. lr=1e-5; repeatable. `synthcpt train --list` shows them all.",
            metavar="NAME=VALUE",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A YAML file of settings; flags win over it.", metavar="FILE.yaml", show_default=False),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show every setting with its default, and stop.")] = False,
    replay: Annotated[
        list[str] | None,
        flag(
            "Texts of the kind the model was trained on, read along against forgetting; repeatable.",
            _DATA,
            metavar="TEXTS",
        ),
    ] = None,
    replay_ratio: Annotated[
        float | None, flag("Replay's share of all tokens read (0.1); it displaces no data.", _DATA)
    ] = None,
    heldout_data: Annotated[
        list[str] | None, flag("Texts that the loss is only measured on; repeatable.", _DATA, metavar="TEXTS")
    ] = None,
    probes: Annotated[
        str | None,
        flag(
            "Facts or questions (JSONL: question and answer, or prefix and target) whose answers' log-probabilities are "
            "measured along the way.",
            _DATA,
            metavar="FILE",
        ),
    ] = None,
    text_field: Annotated[str | None, flag("The column that holds a corpus's text.", _DATA)] = None,
    tokens: Annotated[str | None, flag("Read so many tokens of the data, e.g. 1B.", _AMOUNT, metavar="N")] = None,
    epochs: Annotated[float | None, flag("Or: pass over the data so many times (2).", _AMOUNT)] = None,
    lr: Annotated[float | None, flag("The peak learning rate.", _HOW)] = None,
    window_tokens: Annotated[str | None, flag("Length of a packed window.", _HOW, metavar="N")] = None,
    batch_tokens: Annotated[str | None, flag("Slots of a step, over all processes.", _HOW, metavar="N")] = None,
    precision: Annotated[str | None, flag("auto, fp32, bf16 or pure_bf16.", _HOW)] = None,
    seed: Annotated[int | None, flag("Where randomness starts (0).", _RUN)] = None,
    branch: Annotated[
        str | None,
        flag("Begin with the checkpoint of another training, e.g. to anneal it.", _RUN, metavar="RUN[@STEP]"),
    ] = None,
    wandb: Annotated[str | None, flag("Report to this Weights & Biases project, too.", _RUN, metavar="PROJECT")] = None,
    overwrite: Annotated[
        bool, flag("Throw the training in --output away and start again.", _RUN, "--overwrite")
    ] = False,
    quiet: Annotated[bool, flag("No progress display.", _RUN, "--quiet", "-q")] = False,
) -> None:
    """Train a model on a generated corpus: continued pretraining.

    Run it again to go on where it stopped. Several GPUs: torchrun --nproc-per-node 8 -m synthcpt train ...
    """
    flags: dict[str, Any] = dict(locals())
    from synthcpt.cli.run_train import run_train, show_settings
    from synthcpt.config import parse_assignments
    from synthcpt.training.config import make_train_config, read_train_file

    modes = {name: flags.pop(name) for name in ("overwrite", "quiet")}
    if flags.pop("list_"):
        show_settings(recipe or "full")
        return
    path, assignments = flags.pop("config"), flags.pop("set_")
    values = read_train_file(path) if path else {}
    given = {name: value for name, value in flags.items() if value is not None and value != []}
    given |= parse_assignments(assignments or [], "--set")
    if not given.keys().isdisjoint(_AMOUNTS):  # each takes the other's place, too
        values = {name: value for name, value in values.items() if name not in _AMOUNTS}
    run_train(make_train_config({**values, **given}), **modes)
