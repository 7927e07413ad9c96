"""How long a person waits: from the command to the first request sent, to a finished small run, to the help text.

    python benchmarks/startup.py [--rounds 7]

The first request is timed by its arrival at a server in this process; the commands run on the example corpus. Wall
clock, medians; the shortest is what the commands take on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import EXAMPLE, Figure, progress, script, support

with support():
    from llm_server import failure, serving_in_thread

MOST_FIRST_REQUEST_S, MOST_HELP_S = 1.5, 0.4
SYNTHCPT = [sys.executable, "-m", "synthcpt"]


def measure(given: argparse.Namespace) -> list[Figure]:
    """Each wait several times, in turns."""
    waits: dict[Callable[[], float], list[float]] = {first_request: [], small_run: [], help_text: [], bare_python: []}
    for _ in range(3 if given.quick else given.rounds):
        for wait, taken in waits.items():
            taken.append(wait())
        progress(", ".join(f"{wait.__name__} {taken[-1]:.2f} s" for wait, taken in waits.items()))
    python = f"python -c pass {statistics.median(waits[bare_python]):.2f} s"
    return [
        _figure("command to the first request sent", waits[first_request], python, MOST_FIRST_REQUEST_S),
        _figure("synthcpt --help", waits[help_text], python, MOST_HELP_S),
        _figure("one document, embedded backend, command to finished", waits[small_run], python, None),
    ]


def _figure(what: str, taken: list[float], beside: str, most_s: float | None) -> Figure:
    value = statistics.median(taken)
    figure = f"{value:.2f} s (shortest {min(taken):.2f})"
    if most_s is None:
        return Figure(what, figure, beside)
    return Figure(what, figure, beside, f"<= {most_s} s", value <= most_s)


def first_request() -> float:
    """Seconds to the arrival of the first chat at a server."""
    arrivals: list[float] = []

    def refuse(*_: Any) -> Any:
        arrivals.append(time.perf_counter())
        return failure(401, "That was all.", "invalid_api_key")

    with tempfile.TemporaryDirectory() as folder, serving_in_thread(hook=refuse) as server:
        began_s = time.perf_counter()
        command = _generate(Path(folder), "--base-url", server.url, "--model", "test-model")
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
    return arrivals[0] - began_s


def small_run() -> float:
    """Seconds of a whole run over one document with the embedded backend."""
    with tempfile.TemporaryDirectory() as folder:
        return _seconds(_generate(Path(folder), "--limit", "1"))


def help_text() -> float:
    """Seconds of ``synthcpt --help``."""
    return _seconds([*SYNTHCPT, "--help"])


def bare_python() -> float:
    """Seconds of an interpreter that does nothing."""
    return _seconds([sys.executable, "-c", "pass"])


def _generate(folder: Path, *flags: str) -> list[str]:
    command = [*SYNTHCPT, "generate", "--method", "entigraph", "--input", str(EXAMPLE), "--quiet"]
    return [*command, "--output", str(folder / "out"), *flags]


def _seconds(command: list[str]) -> float:
    began_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began_s


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=7)


if __name__ == "__main__":
    script(measure, __doc__, _options)
