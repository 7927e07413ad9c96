"""What packing costs: empty slots, resuming, memory at a billion tokens. What tokenising costs is in tokenise.py.

    python benchmarks/packing.py          # about two minutes

The billion tokens are a file of ids that was never written (a sparse one), and real arrays of 2.5 million texts' places
in it. Peak RSS counts the pages of mapped files, which the system takes back when it needs them; what a process holds
of its own (RssAnon) stands beside it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from engine import resident_mb
from figures import EXAMPLE, Figure, apart, script
from tokenise import make_tokenizer
from training_work import lengths

WINDOW, BATCH_WINDOWS = 4096, 16
LEAST_FILLED, MOST_RSS_MB, MOST_SLOWER = 0.995, 1000, 1.5
STEPS = (10, 1_000, 10_000)


def measure(given: argparse.Namespace) -> list[Figure]:
    """All of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = example_run(folder / "run")
        return [
            *filling(run, folder / "filling", quick=given.quick),
            resuming(folder / "resuming", quick=given.quick),
            *memory(folder / "memory", quick=given.quick),
        ]


def example_run(folder: Path) -> Path:
    """The example corpus, rephrased by the embedded backend."""
    command = [sys.executable, "-m", "synthcpt", "generate", "--method", "rephrase", "--input", str(EXAMPLE)]
    subprocess.run([*command, "--output", str(folder), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return folder


def filling(run: Path, folder: Path, *, quick: bool) -> list[Figure]:
    """How full windows are: of the example's run, and of a hundred thousand texts."""
    from synthcpt.packing.windows import best_fit, cut_into_pieces

    folder.mkdir()
    make_tokenizer().save_pretrained(folder / "tokenizer")
    tokens, windows, dropped = apart(plan_of_run, run, folder / "tokenizer", folder / "cache")
    filled = tokens / (windows * 2048)
    figures = [
        Figure(
            "packing, the example's run, windows of 2,048", f"{filled:.2%} of the slots", f"{windows} windows, "
            f"{tokens:,} tokens, {dropped} dropped",
        )
    ]  # fmt: skip
    sizes = np.random.default_rng(0).lognormal(np.log(300), 1.0, 10_000 if quick else 1_000_000).astype(np.int64) + 1
    began_s = time.perf_counter()
    _, _, pieces = cut_into_pieces(sizes, WINDOW)
    order, offsets = best_fit(pieces, WINDOW, np.random.default_rng(0))
    spent_s = time.perf_counter() - began_s
    filled = int(sizes.sum()) / ((len(offsets) - 1) * WINDOW)
    lost = int(sizes.sum() - pieces[order].sum())
    figures.append(
        Figure(
            f"packing, {len(sizes):,} log-normal texts, windows of {WINDOW:,}", f"{filled:.3%} of the slots",
            f"{len(offsets) - 1:,} windows in {spent_s:.1f} s, {lost} tokens lost", f">= {LEAST_FILLED:.1%}, 0 lost",
            filled >= LEAST_FILLED and lost == 0,
        )
    )  # fmt: skip
    return figures


def plan_of_run(run: Path, tokenizer: Path, cache: Path) -> tuple[int, int, int]:
    """Tokens, windows and dropped texts of one pass over a run, in windows of 2,048."""
    from synthcpt.packing.audit import audit
    from synthcpt.packing.mixture import Amounts
    from synthcpt.packing.plan import Packing
    from synthcpt.packing.planning import make_plan
    from synthcpt.packing.readers import Part
    from synthcpt.packing.sources import open_source
    from synthcpt.packing.text_tokenizer import TextTokenizer, load_tokenizer
    from synthcpt.packing.tokenise import tokenise

    texts = TextTokenizer(load_tokenizer(str(tokenizer)))
    store = tokenise(open_source(str(run), cache=cache), texts, cache)
    plan = make_plan([Part("run", "data", lambda _: store)], Amounts(epochs=1, heldout=0), Packing(2048, 8))
    audit(plan)
    return plan.tokens, plan.windows, sum(store.meta["dropped"].values())


def resuming(folder: Path, *, quick: bool) -> Figure:
    """From a plan on disk to a step's first batch, in a fresh process each time."""
    steps = STEPS[:2] if quick else STEPS
    tokens = int(1.1 * steps[-1] * WINDOW * 2)
    store = sparse_store(folder / "store", tokens)
    planned = apart(save_plan, store, folder / "plan", 2)
    spent_ms: dict[int, list[float]] = {step: [] for step in steps}
    for _ in range(3 if quick else 9):
        for step in steps:
            spent_ms[step].append(apart(first_batch, store, folder / "plan", step))
    medians = {step: statistics.median(times) for step, times in spent_ms.items()}
    slower = medians[steps[-1]] / medians[steps[0]]
    beside = ", ".join(f"step {step:,}: {spent:.1f} ms" for step, spent in medians.items())
    return Figure(
        f"resuming, plan of {planned:,} steps, last over first step", f"{slower:.2f} times", beside,
        f"<= {MOST_SLOWER} times", slower <= MOST_SLOWER,
    )  # fmt: skip


def sparse_store(folder: Path, tokens: int) -> Path:
    """A token store whose ids are a hole in a file, with none of them on disk; texts of about 400 tokens."""
    import orjson

    from synthcpt.packing.store import ARRAYS, FORMAT, META

    folder.mkdir(parents=True)
    sizes = lengths(tokens // 250, 100_000, median=290)
    ends = np.cumsum(sizes)
    texts = int(np.searchsorted(ends, tokens))
    offsets = np.concatenate([[0], ends[:texts]])
    index = np.arange(texts)
    arrays = {
        "offsets": offsets, "utf8_bytes": np.diff(offsets) * 4, "steps": np.zeros(texts),
        "rows": np.stack([np.zeros(texts, dtype=np.int64), index], axis=1), "group_offsets": np.arange(texts + 1),
        "groups": (index // 20).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15), "loss_offsets": np.zeros(texts + 1),
        "loss_ranges": np.empty((0, 2)),
    }  # fmt: skip
    for name, array in arrays.items():
        (folder / f"{name}.bin").write_bytes(array.astype(ARRAYS[name][0]).tobytes())
    total = int(offsets[-1])
    with (folder / "ids.bin").open("wb") as file:
        file.truncate(2 * total)
    entries = {name: len(array) for name, array in arrays.items()} | {"ids": total}
    meta = {
        "name": "texts", "tokenizer": "none", "files": [{"path": "texts", "sha256": ""}], "format": FORMAT,
        "dtype": "<u2", "entries": entries, "texts": texts, "tokens": total, "vocabulary": 2, "steps": ["text"],
        "dropped": {},
    }  # fmt: skip
    (folder / META).write_bytes(orjson.dumps(meta))
    return folder


def save_plan(store: Path, folder: Path, batch_windows: int = BATCH_WINDOWS) -> int:
    """Plan one pass over the store and save that; gives back its steps."""
    from synthcpt.packing.mixture import Amounts
    from synthcpt.packing.plan import Packing
    from synthcpt.packing.planning import make_plan
    from synthcpt.packing.readers import Part
    from synthcpt.packing.store import TokenStore

    opened = TokenStore.open(store)
    part = Part("texts", "data", lambda _: opened)
    plan = make_plan([part], Amounts(epochs=1, heldout=0), Packing(WINDOW, batch_windows))
    plan.save(folder)
    return plan.steps


def first_batch(store: Path, folder: Path, step: int) -> float:
    """Milliseconds from opening the plan to the step's batch."""
    from synthcpt.packing.batches import read_windows
    from synthcpt.packing.plan import open_plan
    from synthcpt.packing.store import TokenStore

    began_s = time.perf_counter()
    plan = open_plan(folder, [TokenStore.open(store)], [0])
    read_windows(plan, plan.windows_of(step))
    return 1000 * (time.perf_counter() - began_s)


def memory(folder: Path, *, quick: bool) -> list[Figure]:
    """Planning a billion tokens, and reading 200 steps of the plan, each in a fresh process."""
    tokens = 50_000_000 if quick else 1_000_000_000
    store = sparse_store(folder / "store", tokens)
    planned = apart(_measured, "plan", store, folder / "plan")
    read = apart(_measured, "read", store, folder / "plan")
    figures = []
    for what, found in (("plan", planned), ("read 200 steps of", read)):
        beside = (
            f"of that {found['anonymous_mb']:,.0f} MB of its own at the end, the rest mapped files; "
            f"{found['before_mb']:,.0f} MB after the imports; {found['spent_s']:.1f} s"
        )
        figures.append(
            Figure(
                f"memory, {what} {tokens:,} tokens of {found['texts']:,} texts", f"peak RSS {found['peak_mb']:,.0f} MB",
                beside, f"<= {MOST_RSS_MB:,} MB", found["peak_mb"] <= MOST_RSS_MB,
            )
        )  # fmt: skip
    return figures


def _measured(what: str, store: Path, folder: Path) -> dict[str, Any]:
    from synthcpt.packing.batches import read_windows
    from synthcpt.packing.plan import open_plan
    from synthcpt.packing.planning import make_plan  # noqa: F401  (what is imported counts before)
    from synthcpt.packing.store import TokenStore

    before_mb = resident_mb("VmRSS")
    began_s = time.perf_counter()
    if what == "plan":
        save_plan(store, folder)
    else:
        plan = open_plan(folder, [TokenStore.open(store)], [0])
        for step in np.linspace(0, plan.steps - 1, 200).astype(int):
            read_windows(plan, plan.windows_of(int(step)))
    return {
        "before_mb": before_mb, "spent_s": time.perf_counter() - began_s, "peak_mb": resident_mb("VmHWM"),
        "anonymous_mb": resident_mb("RssAnon"), "texts": TokenStore.open(store).texts,
    }  # fmt: skip


if __name__ == "__main__":
    script(measure, __doc__)
