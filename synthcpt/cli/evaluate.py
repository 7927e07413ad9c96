"""`synthcpt evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthcpt.cli.flags import flag

_ASKED, _HOW, _FORGOT, _RUN = "What is asked", "How", "What was forgotten", "The run"


def evaluate(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="The model: its folder, a training's folder, a name on the Hugging Face Hub, or what a server calls it.",
            show_default=False,
        ),
    ] = None,
    questions: Annotated[
        list[str] | None,
        flag(
            "Questions with answers: JSONL, JSON, CSV, Parquet or hf:NAME; repeatable.",
            _ASKED,
            "--questions",
            metavar="FILE",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The evaluation's folder; without one nothing is kept.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="What to compare with, question by question: the model before training, or a finished evaluation's folder.",
            show_default=False,
            metavar="MODEL",
        ),
    ] = None,
    documents: Annotated[
        list[str] | None,
        flag(
            "The documents asked about: asks with the book open, too, and with what a search finds; repeatable.",
            _ASKED,
            "--documents",
            "-d",
            metavar="DIR",
        ),
    ] = None,
    settings: Annotated[
        str | None,
        flag(
            "Of closed_book, open_book, retrieval, choice, choice_cot, likelihood; by default all that can be asked.",
            _ASKED,
            metavar="NAME,...",
        ),
    ] = None,
    limit: Annotated[int | None, flag("Ask the first N questions only.", _ASKED, metavar="N")] = None,
    shots: Annotated[int | None, flag("Show so many answered questions first (0).", _HOW, metavar="K")] = None,
    demonstrations: Annotated[
        list[str] | None, flag("The file they are taken from; never about the same document.", _HOW, metavar="FILE")
    ] = None,
    chat: Annotated[
        str | None,
        flag(
            "Ask in chat turns: auto (where the model has a chat template), yes, or no (plain text).",
            _HOW,
            metavar="auto|yes|no",
        ),
    ] = None,
    samples: Annotated[
        int | None, flag("Reasoned answers of each multiple-choice question (8).", _HOW, metavar="N")
    ] = None,
    judge: Annotated[
        str | None,
        flag("A model that judges free answers, too; see judge_base_url with --list.", _HOW, metavar="MODEL"),
    ] = None,
    general: Annotated[
        list[str] | None,
        flag("Held-out general texts, as PATH or NAME=PATH: bits per byte; repeatable.", _FORGOT, metavar="TEXTS"),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        flag(
            "Tasks of lm-evaluation-harness, e.g. hellaswag,piqa (needs the extra lm-eval).",
            _FORGOT,
            metavar="NAME,...",
        ),
    ] = None,
    backend: Annotated[
        str | None,
        flag("vllm, transformers or openai; by default vLLM where it and a GPU are there.", _RUN, metavar="NAME"),
    ] = None,
    base_url: Annotated[
        str | None, flag("An OpenAI-compatible server that has the model.", _RUN, metavar="URL")
    ] = None,
    device: Annotated[str | None, flag("For transformers: cpu, cuda, ...", _RUN)] = None,
    seed: Annotated[int | None, flag("Where randomness starts (0).", _RUN)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any setting, e.g. max_tokens=32; repeatable. `synthcpt evaluate --list` shows them all.",
            metavar="NAME=VALUE",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A YAML file of settings; flags win over it.", metavar="FILE.yaml", show_default=False),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show every setting with its default, and stop.")] = False,
    overwrite: Annotated[
        bool, flag("Throw the evaluation in --output away and start again.", _RUN, "--overwrite")
    ] = False,
    quiet: Annotated[bool, flag("No progress display, and no table.", _RUN, "--quiet", "-q")] = False,
) -> None:
    """Ask a model what it knows of the documents, and measure what it forgot.

    Every score has its 95% interval; with --baseline also the paired difference. Run it again to go on where it stopped.
    """
    flags: dict[str, Any] = dict(locals())
    from synthcpt.cli.run_evaluate import run_evaluate, show_settings
    from synthcpt.config import parse_assignments
    from synthcpt.evaluation.config import make_evaluate_config, read_evaluate_file

    modes = {name: flags.pop(name) for name in ("overwrite", "quiet")}
    if flags.pop("list_"):
        show_settings()
        return
    path, assignments = flags.pop("config"), flags.pop("set_")
    values = read_evaluate_file(path) if path else {}
    given = {name: value for name, value in flags.items() if value is not None and value != []}
    if "tasks" in given:
        given["tasks"] = [name for each in given["tasks"] for name in each.replace(",", " ").split()]
    given |= parse_assignments(assignments or [], "--set")
    run_evaluate(make_evaluate_config({**values, **given}), **modes)
