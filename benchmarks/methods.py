"""What each method makes of real articles, with the embedded backend: size, speed, and how near `--dry-run` comes.

    python benchmarks/methods.py [--limit 48] [METHOD ...]

The wiki2023-film articles where they are (see forecast.py), else the example corpus. Told a method: calls and tokens a
document, documents and new tokens a second of one process, and the forecast's calls and text tokens against the actual.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

from figures import EXAMPLE, Figure, Spent, progress, script
from forecast import find_articles

from synthcpt.config import make_config
from synthcpt.generation import Generation
from synthcpt.generation.forecast import Forecast, forecast
from synthcpt.methods import method_names

MOST_OFF = 0.1


def measure(given: argparse.Namespace) -> list[Figure]:
    """One line a method."""
    source = find_articles() or EXAMPLE
    limit = 12 if given.quick else given.limit
    with tempfile.TemporaryDirectory() as folder:
        return [_figure(name, source, Path(folder) / name, limit) for name in given.methods or method_names()]


def _figure(method: str, source: Path, output: Path, limit: int) -> Figure:
    settings = {"method": method, "input": [str(source)], "output": output, "limit": limit}
    expected: Forecast = asyncio.run(forecast(Generation(make_config(settings))))
    with Spent() as spent:
        totals: dict[str, Any] = asyncio.run(Generation(make_config(settings)).run()).manifest["totals"]
    documents, calls, rows = totals["documents"], totals["answers"], totals["row_tokens"]
    progress(f"{method}: {documents / spent.wall_s:.1f} documents/s, dropped {totals['rejected']}")
    guess = sum(expected.calls.values())
    off = max(abs(guess - calls) / max(1, calls), abs(expected.row_tokens - rows) / max(1, rows))
    size = f"{calls / documents:,.1f} calls, {totals['prompt_tokens'] / documents:,.0f} tokens in"
    size += f", {totals['completion_tokens'] / documents:,.0f} out, texts of {rows / documents:,.0f} a document"
    return Figure(
        f"{method}: {size}",
        f"{documents / spent.wall_s:,.1f} documents/s, {rows / spent.wall_s:,.0f} text tokens/s",
        f"forecast {guess:,} calls ({calls:,} made), {expected.row_tokens:,} text tokens ({rows:,})",
        f"forecast within {MOST_OFF:.0%}", off <= MOST_OFF,
    )  # fmt: skip


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="only these")
    parser.add_argument("--limit", type=int, default=48, help="documents")


if __name__ == "__main__":
    script(measure, __doc__, _add_options)
