"""Corpora, scripts and comparisons that several test files share."""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.config import make_config
from synthcpt.generation import Generation, Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "skerrow" / "documents"


def write_documents(folder: Path, count: int = 6, *, entities: int = 5) -> Path:
    """Small documents that share some names; each has ``entities`` names of its own kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        names = [f"{_NAMES[(i + k) % len(_NAMES)]} {_NAMES[(3 * k + i) % len(_NAMES)]}" for k in range(entities)]
        sentences = [
            f"{a} met {b} in the winter of {1900 + i + j}." for j, (a, b) in enumerate(itertools.pairwise(names))
        ]
        (folder / f"doc-{i:03d}.txt").write_text(" ".join(sentences) + "\n", encoding="utf-8")
    return folder


_NAMES = [
    "Arden",
    "Bellis",
    "Corve",
    "Dunmar",
    "Ellick",
    "Fenwar",
    "Gorse",
    "Hollin",
    "Isket",
    "Jarrow",
    "Kestle",
    "Lomax",
    "Merrin",
    "Norlam",
]


def hashes(run: Path, *folders: str) -> dict[str, str]:
    """The hash of every file of a run's output, by name."""
    files = [path for folder in folders or ("data", "rejected", "failures") for path in (run / folder).glob("*")]
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def read_jsonl(folder: Path) -> list[dict[str, Any]]:
    """All rows of a folder's JSON Lines files."""
    return [orjson.loads(line) for path in sorted(folder.iterdir()) for line in path.read_bytes().splitlines()]


async def run_with(backend: MockBackend, output: Path, documents: Path, **settings: Any) -> tuple[Run, Generation]:
    """Generate with a backend object of the test's own."""
    modes = {name: settings.pop(name) for name in ("extend", "overwrite", "retry_failed") if name in settings}
    values = {"method": "entigraph", "input": str(documents), "output": output, "backend": "mock", **settings}
    work = Generation(make_config(values), **modes)
    work.backend = backend
    return await work.run(), work


def generate_mock(output: Path, documents: Path, **settings: Any) -> Run:
    """Generate with the mock's default script."""
    return synthcpt.generate("entigraph", input=documents, output=output, backend="mock", **settings)


def find_wiki_documents() -> Path | None:
    """Real articles, where the machine has them.

    They are looked for in the folder that SYNTHCPT_TEST_DATA names, and in ``shared/data`` beside the checkout.
    """
    named = os.environ.get("SYNTHCPT_TEST_DATA")
    places = [Path(named)] if named else [Path(__file__).parents[3] / "shared" / "data"]
    found = (place / "wiki2023-film" / "doc.jsonl" for place in places)
    return next((path for path in found if path.is_file()), None)


def wiki_documents() -> Path:
    """The same; a test that cannot do without them is skipped."""
    return find_wiki_documents() or pytest.skip(
        "the wiki2023-film articles are not here; SYNTHCPT_TEST_DATA names the folder that holds them"
    )
