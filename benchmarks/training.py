"""Tokens a second of synthcpt's training loop, beside transformers' Trainer and TRL's SFTTrainer.

    python benchmarks/training.py [--others /path/to/python]     # about twelve minutes

A Llama of 10 million random weights, windows of 1,024 tokens, four a step, fp32 on two CPU threads, AdamW; texts of
log-normal length (median 200 tokens), all of them once. Each side and round runs in a process of its own; the first
step is not timed. Rates count real tokens, never padding. ``--others`` is an interpreter that has trl, transformers
and datasets; its torch must be the same as here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from figures import Figure, alternating, apart, progress, script
from training_work import Shape, token_texts, train_synthcpt, write_model

HERE = Path(__file__).parent
WINDOW, ROWS, THREADS = 1024, 4, 2
SMALL, TINY = Shape(4, 384, 6, 3, 1024), Shape(2, 128, 4, 2, 352)
TEXTS_A_BATCH = 15
"""Texts that have as many tokens as a batch of windows, for trainers that take texts and not windows."""


@dataclass(frozen=True)
class Other:
    """Another trainer.

    Attributes:
        side: its name in other_trainers.py.
        what: in words.
        isolated: its texts do not see one another.
        rows: examples it computes at once; of `accumulated` such it makes a step.
    """

    side: str
    what: str
    isolated: bool
    rows: int = ROWS
    accumulated: int = 1


OTHERS = {
    "bfd_split": Other("trl_bfd_split", "TRL SFTTrainer, packing bfd_split, sdpa masks", True),
    "bfd_split, 1 window at once": Other(
        "trl_bfd_split", "the same, a window at once, four accumulated", True, 1, ROWS
    ),
    "flattening": Other(
        "trainer_flattening", "transformers Trainer, DataCollatorWithFlattening, sdpa masks", True, TEXTS_A_BATCH
    ),
    "padded": Other("trainer_padded", "transformers Trainer, each text a padded row", True, TEXTS_A_BATCH),
    "wrapped": Other("trl_wrapped", "TRL SFTTrainer, packing wrapped, texts see one another", False),
}  # fmt: skip


def measure(given: argparse.Namespace) -> list[Figure]:
    """All sides in turns."""
    others = {} if reason_against(given.others) else OTHERS
    if reason := reason_against(given.others):
        progress(f"the other trainers are left out: {reason}")
    rounds, steps, shape = (1, 4, TINY) if given.quick else (given.rounds, 5, SMALL)
    total = WINDOW * ROWS * steps
    rates: dict[str, list[float]] = {side: [] for side in ("synthcpt", *others)}
    seen: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = {
            "model": str(write_model(folder / "model", shape, WINDOW)), "texts": str(folder / "texts.json"),
            "window_tokens": WINDOW, "batch_tokens": WINDOW * ROWS, "threads": THREADS, "warm_up": 1,
        }  # fmt: skip
        (folder / "texts.json").write_text(json.dumps(token_texts(total, WINDOW)))
        for number, side in enumerate(alternating(list(rates), rounds)):
            here = {**work, "output": str(folder / f"{number}")}
            seen[side] = apart(train_synthcpt, here) if side == "synthcpt" else _other(others[side], here, given.others)
            rates[side].append(seen[side]["rate"])
            progress(f"{side}: {seen[side]['rate']:,.0f} tokens/s, {_amounts(seen[side])}")
    ours = statistics.median(rates["synthcpt"])
    figures = [
        Figure("training, synthcpt, texts isolated", f"{ours:,.0f} tokens/s", _amounts(seen["synthcpt"])),
        *(_beside(others[side], rates["synthcpt"], rates[side], seen[side]) for side in others),
    ]
    if others:
        best = max((side for side in others if others[side].isolated), key=lambda side: statistics.median(rates[side]))
        ratio = statistics.median(mine / theirs for mine, theirs in zip(rates["synthcpt"], rates[best], strict=True))
        figures.append(
            Figure("training, over the best that isolates texts", f"{ratio:.2f} times", best, ">= 1.0", ratio >= 1.0)
        )
    if len({one["tokens"] for one in seen.values()}) > 1:
        progress("not all sides read the same number of tokens; see the table")
    return figures


def _beside(other: Other, ours: list[float], theirs: list[float], seen: dict[str, Any]) -> Figure:
    ratios = [mine / one for mine, one in zip(ours, theirs, strict=True)]
    told = f"{statistics.median(theirs):,.0f} tokens/s; {_amounts(seen)}; rounds "
    return Figure(
        f"training, synthcpt over {other.what}", f"{statistics.median(ratios):.2f} times",
        told + ", ".join(f"{ratio:.2f}" for ratio in ratios),
    )  # fmt: skip


def _amounts(seen: dict[str, Any]) -> str:
    return f"{seen['tokens']:,} tokens read, {seen['trained']:,} trained, {seen['steps']} steps"


def _other(other: Other, work: dict[str, Any], interpreter: str) -> dict[str, Any]:
    """What one of the others says of itself, from its own process."""
    told = Path(work["output"]).with_suffix(".json")
    told.write_text(json.dumps({**work, "side": other.side, "rows": other.rows, "accumulated": other.accumulated}))
    command = [interpreter, str(HERE / "other_trainers.py"), str(told)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{other.what} failed:\n{ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def reason_against(interpreter: str) -> str:
    """Why the other trainers cannot run with that interpreter, or beside this torch; empty where they can."""
    ask = "import datasets, torch, transformers, trl; print(torch.__version__)"
    ran = subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=False)
    if ran.returncode:
        return f"{interpreter} lacks trl, transformers or datasets; name one that has them with --others"
    theirs, here = ran.stdout.strip().splitlines()[-1], version("torch")
    return "" if theirs == here else f"{interpreter} has torch {theirs}, and here is {here}"


def options(parser: argparse.ArgumentParser) -> None:
    """Where the others are."""
    parser.add_argument("--others", default=sys.executable, metavar="PYTHON", help="an interpreter that has trl")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side")


if __name__ == "__main__":
    script(measure, __doc__, options)
