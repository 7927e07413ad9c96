"""What every benchmark hands back: figures, each beside what it is compared with, and the means to take them."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "tests" / "support"
EXAMPLE = ROOT / "examples" / "skerrow" / "documents"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        what: what was measured.
        value: the figure, with its unit.
        beside: what it is compared with, from the same run; empty where there is nothing.
        target: what was to be reached; empty for a figure that is only told.
        met: whether it was; None without a target.
    """

    what: str
    value: str
    beside: str = ""
    target: str = ""
    met: bool | None = None


Measure = Callable[[argparse.Namespace], list[Figure]]


def script(measure: Measure, doc: str | None, options: Callable[[argparse.ArgumentParser], Any] | None = None) -> None:
    """A benchmark as a command: reads the flags, measures, prints a table.

    Args:
        measure: takes the figures; ``quick`` asks for less work, and for figures that are only roughly right.
        doc: what ``--help`` says.
        options: adds flags of the script's own.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute at most, for figures that are roughly right")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    if options:
        options(parser)
    given = parser.parse_args()
    figures = measure(given)
    if given.json:
        given.json.write_text(json.dumps([asdict(figure) for figure in figures]))
    print(table(figures))


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table that can be read as it is."""
    rows = [("what", "figure", "beside", "target", "met")]
    rows += [(one.what, one.value, one.beside, one.target, _verdict(one)) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _verdict(figure: Figure) -> str:
    return "" if figure.met is None else "yes" if figure.met else "NO"


def apart(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """What the function returns in a new process of its own, so that no measurement warms another's caches."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()


class Spent:
    """Wall clock and CPU seconds (all threads of this process, user and system) of a `with` block."""

    wall_s = cpu_s = 0.0

    def __enter__(self) -> Spent:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._began[0], time.process_time() - self._began[1]


def progress(line: str) -> None:
    """Tell the person who waits; the table goes to stdout, this does not."""
    print(f"  {line}", file=sys.stderr, flush=True)


def alternating(sides: Sequence[str], rounds: int) -> Iterator[str]:
    """Each side once a round, the first one last in the next round, so that neither always has the warmer machine."""
    for number in range(rounds):
        yield from sides if number % 2 == 0 else reversed(sides)


@contextmanager
def support() -> Iterator[None]:
    """Lets a benchmark import what tests/support holds."""
    sys.path.insert(0, str(SUPPORT))
    try:
        yield
    finally:
        sys.path.remove(str(SUPPORT))
