"""Takes the figures, all of them or those named, one benchmark after another, and writes results.md.

    python benchmarks/run.py                      # about forty minutes
    python benchmarks/run.py --quick engine kill  # two of them, roughly

Each benchmark runs in a process of its own. Its section of results.md is replaced; the others stay as they are. A quick
run writes nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from figures import Figure, table

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"

BENCHMARKS = {
    "engine": ["engine.py"],
    "memory": ["engine.py", "--requests", "1000000"],
    "http_engine": ["http_engine.py"],
    "kill": ["kill.py"],
    "startup": ["startup.py"],
    "forecast": ["forecast.py"],
    "methods": ["methods.py"],
    "reading_comprehension": ["reading_comprehension.py"],
    "vllm_server": ["vllm_server.py"],
    "vllm_inprocess": ["vllm_inprocess.py"],
    "prefix": ["prefix.py"],
    "curate": ["curate.py"],
    "tokenise": ["tokenise.py"],
    "packing": ["packing.py"],
    "training": ["training.py"],
}
"""Name -> script and flags. Alone stand `http_clients.py`, which compares clients and not this package, and
`training_gpu.py`, which needs a GPU."""

NEEDS_VLLM = {"vllm_server", "vllm_inprocess", "prefix"}
PREAMBLE = """# Figures

Written by `python benchmarks/run.py`. What a figure is compared with ran on the same machine in the same minutes, in
turns with it. CPU figures are medians of runs; rates are medians of the ratios of neighbouring passes.
"""


def main() -> None:
    """Run what is named, print one table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="rough figures, which are not kept")
    parser.add_argument("--others", default=sys.executable, metavar="PYTHON", help="an interpreter that has trl")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"there is no {sorted(unknown)[0]!r}; there are {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    for name in given.names or BENCHMARKS:
        print(name, file=sys.stderr, flush=True)
        taken = run(name, quick=given.quick, others=given.others)
        if taken is None:
            taken = [Figure(name, "it failed; what it said is above", met=False)]
        elif taken and not given.quick:
            keep(name, taken)
        figures += taken
    print(table(figures))
    if any(figure.met is False for figure in figures):
        raise SystemExit(1)


def run(name: str, *, quick: bool, others: str = sys.executable) -> list[Figure] | None:
    """The figures of one benchmark; an empty list where it cannot run here, None where it failed."""
    if name in NEEDS_VLLM and importlib.util.find_spec("vllm") is None:
        print("  left out: vLLM is not installed", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "figures.json"
        script, *flags = BENCHMARKS[name]
        if quick and name == "memory":
            flags = ["--requests", "250000"]
        if name == "training":
            flags = ["--others", others]
        command = [sys.executable, str(HERE / script), *flags, "--json", str(report), *(["--quick"] if quick else [])]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            return None
        return [Figure(**figure) for figure in json.loads(report.read_text())]


def keep(name: str, figures: list[Figure]) -> None:
    """Replace the benchmark's section of results.md."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    command = " ".join(["python", f"benchmarks/{BENCHMARKS[name][0]}", *BENCHMARKS[name][1:]])
    sections[name] = f"\n`{command}`, {date.today()}, {machine()}.\n\n{table(figures)}\n"
    ordered = [f"\n## {one}\n{sections[one].rstrip()}\n" for one in BENCHMARKS if one in sections]
    RESULTS.write_text(PREAMBLE + "".join(ordered), encoding="utf-8")


def machine() -> str:
    """The machine, in a few words."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    for line in cpus.read_text().splitlines() if cpus.exists() else []:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
