"""The table at the end of a run, and what to do with the model."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from synthcpt.training.reports import Beginning, Ending, HeldOut
from synthcpt.training.showing.plain import duration, plain


def show_ending(
    beginning: Beginning,
    ending: Ending,
    loss: float | None,
    first: Mapping[str, HeldOut],
    last: Mapping[str, HeldOut],
    console: Console,
) -> None:
    """What was reached, source by source, where the model lies and how to load it.

    Args:
        beginning: of the run.
        ending: of the run.
        loss: the running training loss at its end; None where no step was made.
        first: held-out losses before, by source.
        last: held-out losses after, by source.
        console: where to.
    """
    facts = [
        ("steps", f"{ending.step:,}"),
        ("tokens read", f"{ending.tokens:,}"),
        ("time", duration(ending.wall_s)),
        *([("training loss", f"{loss:.4f} in the mean of the last steps")] if loss is not None else []),
        *beginning.audit,
    ]
    table = Table(
        title=Text(plain(beginning.output)), title_justify="left", show_header=False, box=None, padding=(0, 2)
    )
    table.add_column(max_width=28, overflow="fold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(plain(name)), Text(plain(value)))
    console.print(table)
    if last:
        console.print()
        console.print(_losses(first, last))
    _advise(ending.model_path, console)


def heldout_ends(events: Sequence[Mapping[str, Any]]) -> tuple[dict[str, HeldOut], dict[str, HeldOut]]:
    """The first and the last held-out losses of a run, from its metrics; see `metrics.read_metrics`."""
    first: dict[str, HeldOut] = {}
    last: dict[str, HeldOut] = {}
    for event in events:
        if event["kind"] == "heldout":
            last = {name: _heldout(figures) for name, figures in event["heldout"].items()}
            first = {**last, **first}
    return first, last


def _heldout(figures: Mapping[str, Any]) -> HeldOut:
    loss, bits = (float("nan") if figures[name] is None else figures[name] for name in ("loss", "bits_per_byte"))
    return HeldOut(loss, bits, figures["tokens"])


def _losses(first: Mapping[str, HeldOut], last: Mapping[str, HeldOut]) -> Table:
    table = Table(
        title="Held-out loss (nats a token) and bits per byte", title_justify="left", box=None, padding=(0, 2)
    )
    table.add_column("source", overflow="fold")
    for name in ("before", "after", "change", "bits/byte"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, now in last.items():
        before = first.get(name, now)
        bits = f"{before.bits_per_byte:.4f} -> {now.bits_per_byte:.4f}"
        cells = (plain(name, most=60), f"{before.loss:.4f}", f"{now.loss:.4f}", f"{now.loss - before.loss:+.4f}", bits)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _advise(model_path: str, console: Console) -> None:
    shown = plain(model_path)
    lines = [
        f"\nThe model is in {shown}; its README.md is its model card. Load it in Python with",
        f"  from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        f"  model = AutoModelForCausalLM.from_pretrained({shown!r})\n"
        f"  tokenizer = AutoTokenizer.from_pretrained({shown!r})",
        f"or serve it with\n  vllm serve {shlex.quote(shown)}",
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
