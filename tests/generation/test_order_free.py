"""Promise 2: output does not depend on concurrency, parts at work, latency, file order or hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from corpora import generate_mock, hashes, run_with, write_documents

from synthcpt.backends.mock import MockBackend

OPTIONS = {"max_triples": 6, "max_pairs": 12}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("reference")
    documents = write_documents(folder / "docs", 24, entities=7)
    generate_mock(folder / "out", documents, options=OPTIONS, parts=3, concurrency=1)
    return documents, folder / "out"


@pytest.mark.parametrize(("concurrency", "latency_s"), [(2, 0.0), (64, 0.0), (8, 0.003), (300, 0.01)])
async def test_concurrency_and_latency_change_nothing(
    concurrency: int, latency_s: float, reference: tuple[Path, Path], tmp_path: Path
) -> None:
    documents, expected = reference
    backend = MockBackend(MockBackend.Options(latency_s=latency_s))
    await run_with(backend, tmp_path / "out", documents, options=OPTIONS, parts=3, concurrency=concurrency)
    assert hashes(tmp_path / "out") == hashes(expected)


async def test_failures_on_the_way_change_nothing(reference: tuple[Path, Path], tmp_path: Path) -> None:
    documents, expected = reference
    backend = MockBackend(MockBackend.Options(transient_rate=0.2, overload_rate=0.1, latency_s=0.001))
    await run_with(backend, tmp_path / "out", documents, options=OPTIONS, parts=3, attempts=50)
    assert hashes(tmp_path / "out") == hashes(expected)


def test_parts_done_one_by_one_in_any_order_are_the_same(reference: tuple[Path, Path], tmp_path: Path) -> None:
    documents, expected = reference
    for part in ("3/3", "1/3", "2/3"):
        run = generate_mock(tmp_path / "out", documents, options=OPTIONS, part=part)
    assert run.complete
    assert hashes(tmp_path / "out") == hashes(expected)
    assert (tmp_path / "out/manifest.json").read_bytes() == (expected / "manifest.json").read_bytes()


@pytest.mark.parametrize("hash_seed", ["1", "31337"])
def test_neither_hash_seed_nor_file_order_matters(hash_seed: str, reference: tuple[Path, Path], tmp_path: Path) -> None:
    documents, _ = reference
    rows = [
        {"id": path.name, "title": path.stem.replace("-", " "), "text": path.read_text()}
        for path in sorted(documents.iterdir())
    ]
    made = []
    for name, ordered in (("forward", rows), ("backward", rows[::-1])):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in ordered))
        (tmp_path / name).mkdir()
        source = tmp_path / name / "docs.jsonl"
        (tmp_path / f"{name}.jsonl").rename(source)
        code = (
            "import synthcpt, sys; "
            "synthcpt.generate('entigraph', input=sys.argv[1], output=sys.argv[2], backend='mock', parts=3, "
            f"options={OPTIONS!r})"
        )
        command = [sys.executable, "-c", code, str(source), str(tmp_path / name / "out")]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, check=True)
        made.append(hashes(tmp_path / name / "out"))
    assert made[0] == made[1]
    assert made[0]


def test_adding_a_document_changes_no_other_documents_texts(reference: tuple[Path, Path], tmp_path: Path) -> None:
    _, expected = reference
    more = write_documents(tmp_path / "docs", 30, entities=7)
    ours = generate_mock(tmp_path / "out", more, options=OPTIONS)
    from synthcpt import Run

    before = {row["id"]: row["text"] for row in Run(expected).dataset()}
    after = {row["id"]: row["text"] for row in ours.dataset()}
    assert before.items() < after.items()


def test_another_seed_is_another_plan(reference: tuple[Path, Path], tmp_path: Path) -> None:
    documents, expected = reference
    generate_mock(tmp_path / "out", documents, options=OPTIONS, parts=3, seed=1)
    assert hashes(tmp_path / "out", "data") != hashes(expected, "data")
