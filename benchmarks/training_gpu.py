"""Tokens a second and MFU of training on one GPU, with and without what makes it cheaper, beside TRL's SFTTrainer.

    python benchmarks/training_gpu.py            # eight minutes at most on one H200
    python benchmarks/training_gpu.py --quick    # tiny sizes, on any machine: only that it works

Llamas of 0.1B and 1.2B random weights made on the spot (nothing is downloaded), windows of 4,096, 65,536 tokens a step,
16,384 at once; computed in bf16 from fp32 weights, and LoRA of rank 128 on bf16 weights. Texts of random ids with
log-normal lengths, median 500. Each line is a process with a time limit of its own: one that fails costs a line.

MFU = tokens/s x FLOPs a token / the device's dense peak. FLOPs a token = 6N + 12 x layers x width x mean text length
(4N + 6A in place of 6N with A adapter weights); input embeddings and what is recomputed do not count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from figures import Figure, progress, script
from training import reason_against
from training_work import Shape, token_texts, train_synthcpt, write_model

HERE = Path(__file__)
SHAPES = {"0.1B": Shape(12, 768, 12, 4, 2048, 32_000), "1B": Shape(16, 2048, 32, 8, 8192, 128_256)}
TINY = {"0.1B": Shape(2, 64, 4, 2, 160, 512), "1B": Shape(3, 64, 4, 2, 160, 512)}


@dataclass(frozen=True)
class Line:
    """One measurement.

    Attributes:
        size: of the model, a key of `SHAPES`.
        what: in words.
        settings: of `synthcpt train`; or of the other trainer.
        other: TRL's trainer and not ours.
        limit_s: after so long the line is given up.
        needs: a package without which it is left out.
    """

    size: str
    what: str
    settings: dict[str, Any] = field(default_factory=dict)
    other: bool = False
    limit_s: int = 60
    needs: str = ""


LORA = {"lora_rank": 128, "lr": 1e-4}
LINES = (
    Line("1B", "synthcpt"),
    Line("0.1B", "synthcpt"),
    Line("1B", "synthcpt, LoRA", LORA),
    Line("1B", "TRL SFTTrainer", {}, True),
    Line("1B", "synthcpt, compile", {"compile": True}, limit_s=90),
    Line("0.1B", "TRL SFTTrainer", {}, True),
    Line("0.1B", "synthcpt, compile", {"compile": True}, limit_s=90),
    Line("1B", "TRL SFTTrainer, LoRA", LORA, True),
    Line("1B", "synthcpt, activation checkpointing", {"activation_checkpointing": True}),
    Line("1B", "synthcpt, Liger", {"liger": True}, needs="liger_kernel"),
    Line("1B", "synthcpt, compile, Liger", {"compile": True, "liger": True}, limit_s=90, needs="liger_kernel"),
    Line("1B", "synthcpt, LoRA, compile", {**LORA, "compile": True}, limit_s=90),
)
"""The most telling first: those that the time does not suffice for are left out."""


def measure(given: argparse.Namespace) -> list[Figure]:
    """All lines, until the time is over."""
    began_s = time.monotonic()
    without_others = reason_against(given.others)
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, line in enumerate(LINES):
            left_s = given.budget_s - (time.monotonic() - began_s)
            if line.other and without_others:
                told: dict[str, Any] = {"failed": f"left out: {without_others}"}
            elif line.needs and find_spec(line.needs) is None:
                told = {"failed": f"left out: {line.needs} is not installed"}
            elif left_s < 30:
                told = {"failed": "left out: no time was left"}
            else:
                told = _line(line, folder / str(number), min(line.limit_s, left_s), given)
            figures.append(_figure(line, told))
            progress(f"{figures[-1].what}: {figures[-1].value}; {figures[-1].beside}")
    return figures


def _figure(line: Line, told: dict[str, Any]) -> Figure:
    what = f"{line.size}, {line.what}"
    if "failed" in told:
        return Figure(what, "none", told["failed"])
    mfu = f", MFU {told['mfu']:.1%}" if told.get("mfu") else ""
    memory = f"{told['peak_gb']:.1f} GB at most; " if told.get("peak_gb") else ""
    return Figure(what, f"{told['rate']:,.0f} tokens/s{mfu}", memory + told["beside"])


def _line(line: Line, folder: Path, limit_s: float, given: argparse.Namespace) -> dict[str, Any]:
    """What a process of its own measured, or why it did not."""
    folder.mkdir()
    work = _work(line, folder, quick=given.quick)
    (folder / "work.json").write_text(json.dumps(work))
    command = [sys.executable, str(HERE), "--line", str(folder / "work.json")]
    if line.other:
        command = [given.others, str(HERE.with_name("other_trainers.py")), str(folder / "work.json")]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"gave up after {limit_s:.0f} s"}
    if ran.returncode:
        return {"failed": (ran.stderr.strip().splitlines() or ["no word"])[-1][:200]}
    told: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    told["beside"] = f"{told['timed']:,} tokens timed in {told['timed_s']:.1f} s; {work.get('attention', '')}".rstrip(
        "; "
    )
    return told


def _work(line: Line, folder: Path, *, quick: bool) -> dict[str, Any]:
    """What the process is told; writes its model's configuration and its texts."""
    shape = (TINY if quick else SHAPES)[line.size]
    window, batch, micro = (256, 1024, 512) if quick else (4096, 65_536, 16_384)
    warm_up, steps = (1, 4) if quick else (3, 28) if line.size == "0.1B" else (2, 9)
    texts = token_texts(batch * (steps + 1), window, shape.vocabulary, median=50 if quick else 500)
    (folder / "texts.json").write_text(json.dumps(texts))
    model = write_model(folder / "model", shape, window, weights=False)
    work = {
        "model": str(model), "texts": str(folder / "texts.json"), "output": str(folder / "out"), "warm_up": warm_up,
        "window_tokens": window, "batch_tokens": batch, "threads": 2 if quick else None, "stop_after": steps,
    }  # fmt: skip
    if not line.other:
        return {**work, "settings": {"micro_tokens": micro, "from_scratch": True, **line.settings}}
    flash = find_spec("flash_attn") is not None
    rows = micro // window if flash else 1  # masks of the square of a row would not pay
    return {
        **work, **line.settings, "side": "trl_bfd_split", "from_scratch": True, "rows": rows,
        "accumulated": batch // window // rows, "attention": "flash_attention_2" if flash else "sdpa",
    }  # fmt: skip


def run_line(path: Path) -> None:
    """One of synthcpt's lines, in this process; prints JSON."""
    import torch

    told = train_synthcpt(json.loads(path.read_text()))
    told["mfu"] = told["rate"] * told["flops_a_token"] / told["peak"] if told["peak"] else None
    if torch.cuda.is_available():
        told["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    print(json.dumps(told))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--budget-s", type=float, default=450, help="begin no line after so many seconds")
    parser.add_argument("--others", default=sys.executable, metavar="PYTHON", help="an interpreter that has trl")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--line"]:
        run_line(Path(sys.argv[2]))
    else:
        script(measure, __doc__, _options)
