"""How near `--dry-run` comes: tokens in and out, forecast and then spent, on three corpora.

    python benchmarks/forecast.py

The example corpus and the wiki2023-film articles through the embedded backend, which a forecast may ask for a sample;
and the example corpus through a server that a forecast may not ask: there, as a user would, five documents are run
first, the forecast for all uses what they took, and --extend goes on. The articles are looked for in the folder that
SYNTHCPT_TEST_DATA names and in ``shared/data`` beside the checkout; without them that corpus is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from figures import EXAMPLE, ROOT, Figure, progress, script, support

from synthcpt.config import make_config
from synthcpt.generation import Generation
from synthcpt.generation.forecast import Forecast, forecast

with support():
    from llm_server import Settings, serving_in_thread

MOST_OFF = 0.2


def measure(given: argparse.Namespace) -> list[Figure]:
    """Both kinds of token for each corpus; ``quick`` leaves out the larger one."""
    with tempfile.TemporaryDirectory() as folder:
        figures = _embedded("example corpus, embedded backend", EXAMPLE, Path(folder) / "example")
        articles = None if given.quick else find_articles()
        if articles is not None:
            figures += _embedded("wiki2023-film, embedded backend", articles, Path(folder) / "articles")
        figures += _server(Path(folder) / "server")
        return figures


def _embedded(name: str, source: Path, output: Path) -> list[Figure]:
    settings = {"method": "entigraph", "input": str(source), "output": output}
    return _compare(name, _forecast(settings), _run(settings))


def _server(output: Path) -> list[Figure]:
    with serving_in_thread(Settings(entities=10, answer_chars=2400)) as server:
        settings = {"method": "entigraph", "input": str(EXAMPLE), "output": output}
        settings |= {"base_url": server.url, "model": "test-model"}
        blind = _forecast(settings)
        _run({**settings, "limit": 5})
        informed = _forecast(settings, extend=True)
        spent = _run(settings, extend=True)
    name = "example corpus, server, after --limit 5"
    progress(f"with nothing measured it was {blind.prompt_tokens:,} in and {blind.completion_tokens:,} out")
    return _compare(name, informed, spent)


def _forecast(settings: dict[str, Any], *, extend: bool = False) -> Forecast:
    return asyncio.run(forecast(Generation(make_config(settings), extend=extend)))


def _run(settings: dict[str, Any], *, extend: bool = False) -> dict[str, Any]:
    totals: dict[str, Any] = asyncio.run(Generation(make_config(settings), extend=extend).run()).manifest["totals"]
    return totals


def _compare(name: str, expected: Forecast, spent: dict[str, Any]) -> list[Figure]:
    progress(f"{name}: {expected.calls} expected, {spent['answers']:,} made")
    pairs = {
        "calls": (sum(expected.calls.values()), spent["answers"]),
        "tokens in": (expected.prompt_tokens, spent["prompt_tokens"]),
        "tokens out": (expected.completion_tokens, spent["completion_tokens"]),
    }
    return [
        Figure(
            f"forecast, {name}: {what}", f"{guess:,}, {guess / true - 1:+.1%}", f"spent {true:,}",
            f"within {MOST_OFF:.0%}", abs(guess / true - 1) <= MOST_OFF,
        )
        for what, (guess, true) in pairs.items()
    ]  # fmt: skip


def find_articles() -> Path | None:
    """The wiki2023-film articles, if they are on this machine."""
    places = [Path(os.environ.get("SYNTHCPT_TEST_DATA", "")), ROOT.parent / "shared" / "data"]
    found = [place / "wiki2023-film" / "doc.jsonl" for place in places]
    return next((path for path in found if path.is_file()), None)


if __name__ == "__main__":
    script(measure, __doc__)
