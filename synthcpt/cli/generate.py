"""`synthcpt generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from synthcpt.cli.flags import flag

_CORPUS, _BACKEND, _SAMPLING, _AMOUNT, _RUN = "Corpus", "Backend", "Sampling", "How much", "The run"


def _method_names(incomplete: str) -> list[str]:
    from synthcpt.methods import method_names

    return [name for name in method_names() if name.startswith(incomplete)]


def _backend_names(incomplete: str) -> list[str]:
    from synthcpt.backends import BACKENDS

    return [name for name in BACKENDS if name.startswith(incomplete)]


def generate(
    method: Annotated[
        Optional[str],
        typer.Option(
            help="How texts are made; `synthcpt methods` lists them.", autocompletion=_method_names, show_default=False
        ),
    ] = None,
    input: Annotated[
        Optional[list[str]],
        flag("Files, folders, or hf:NAME[:CONFIG][:SPLIT]; repeatable.", _CORPUS, "--input", "-i", metavar="DOCS"),
    ] = None,
    output: Annotated[
        Optional[Path], typer.Option("--output", "-o", help="The run's folder, e.g. outputs/books.", show_default=False)
    ] = None,
    model: Annotated[Optional[str], flag("The model's name or path.", _BACKEND)] = None,
    backend: Annotated[
        Optional[str],
        typer.Option(
            help="extractive, openai, vllm, transformers or mock. Default: vllm with --model, openai with --base-url, else extractive (no model at all).",
            autocompletion=_backend_names,
            rich_help_panel=_BACKEND,
            show_default=False,
        ),
    ] = None,
    base_url: Annotated[
        Optional[str],
        flag(
            "An OpenAI-compatible server, e.g. http://localhost:8000/v1. The key is read from OPENAI_API_KEY.", _BACKEND
        ),
    ] = None,
    backend_option: Annotated[
        Optional[list[str]],
        flag(
            "A setting of the backend, e.g. tensor_parallel_size=4; repeatable.",
            _BACKEND,
            "--backend-option",
            metavar="NAME=VALUE",
        ),
    ] = None,
    concurrency: Annotated[Optional[int], flag("The most requests at once.", _BACKEND)] = None,
    set_: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set",
            help="An option of the method, e.g. max_pairs=200; repeatable. `synthcpt methods METHOD` lists them.",
            metavar="NAME=VALUE",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Optional[Path],
        typer.Option(help="A YAML file of all settings; flags win over it.", metavar="FILE.yaml", show_default=False),
    ] = None,
    text_field: Annotated[Optional[str], flag("The column that holds the text.", _CORPUS)] = None,
    title_field: Annotated[Optional[str], flag("The column that holds the title.", _CORPUS)] = None,
    id_field: Annotated[Optional[str], flag("The column that identifies a row.", _CORPUS)] = None,
    limit: Annotated[Optional[int], flag("Read this many documents only.", _CORPUS)] = None,
    target_tokens: Annotated[
        Optional[str],
        flag("How many synthetic tokens to make in all, e.g. 10M; each document gets its share.", _AMOUNT, metavar="N"),
    ] = None,
    max_cost: Annotated[Optional[float], flag("Stop, in good order, at this spend.", _AMOUNT)] = None,
    price_in: Annotated[Optional[float], flag("Price of a million prompt tokens.", _AMOUNT)] = None,
    price_cached: Annotated[
        Optional[float], flag("Price of a million cached prompt tokens; as --price-in where absent.", _AMOUNT)
    ] = None,
    price_out: Annotated[Optional[float], flag("Price of a million new tokens.", _AMOUNT)] = None,
    temperature: Annotated[Optional[float], flag("Overrides the prompts' own.", _SAMPLING)] = None,
    max_tokens: Annotated[Optional[int], flag("The most new tokens an answer.", _SAMPLING)] = None,
    top_p: Annotated[Optional[float], flag("Nucleus sampling.", _SAMPLING)] = None,
    truncation: Annotated[
        Optional[str],
        flag(
            "An answer that hits its token limit: 'retry' asks once more with twice the room (the default), 'drop' does not. It is never kept.",
            _SAMPLING,
        ),
    ] = None,
    prompts: Annotated[
        Optional[Path], flag("A folder of prompts that replace the shipped ones.", _SAMPLING, metavar="DIR")
    ] = None,
    seed: Annotated[Optional[int], flag("Where randomness starts (0).", _RUN)] = None,
    part: Annotated[
        Optional[str], flag("Do the K-th of N shares only, K from 1: a batch job's work.", _RUN, metavar="K/N")
    ] = None,
    parts: Annotated[Optional[int], flag("How many shares, and shards, the run has.", _RUN)] = None,
    attempts: Annotated[Optional[int], flag("The most attempts of one request (10).", _RUN)] = None,
    dry_run: Annotated[bool, flag("Forecast calls, tokens, cost and time; ask nothing.", _RUN, "--dry-run")] = False,
    extend: Annotated[
        bool, flag("Go on with a finished run whose documents or target grew.", _RUN, "--extend")
    ] = False,
    overwrite: Annotated[bool, flag("Throw the run in --output away and start again.", _RUN, "--overwrite")] = False,
    retry_failed: Annotated[
        bool, flag("Ask again what failed for passing reasons in finished parts.", _RUN, "--retry-failed")
    ] = False,
    quiet: Annotated[bool, flag("No progress display.", _RUN, "--quiet", "-q")] = False,
) -> None:
    """Expand documents into a large synthetic corpus.

    Run it again to go on where it stopped. With no model and no server named, the embedded backend answers from the
    documents' own sentences: it needs nothing, and shows the whole way.
    """
    flags: dict[str, Any] = dict(locals())
    from synthcpt.cli.run_generate import run_generate
    from synthcpt.config import make_config, parse_assignments, read_config_file

    modes = {name: flags.pop(name) for name in ("dry_run", "extend", "overwrite", "retry_failed", "quiet")}
    values = read_config_file(flags.pop("config")) if config else (flags.pop("config") or {})
    options = parse_assignments(flags.pop("set_") or [], "--set")
    backend_options = parse_assignments(flags.pop("backend_option") or [], "--backend-option")
    values = {**values, **{name: value for name, value in flags.items() if value is not None and value != []}}
    values["options"] = {**(values.get("options") or {}), **options}
    values["backend_options"] = {**(values.get("backend_options") or {}), **backend_options}
    run_generate(make_config(values), **modes)
