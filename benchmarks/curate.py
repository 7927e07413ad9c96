"""Texts a second of `curate`, and the memory it takes as runs grow.

    python benchmarks/curate.py                    # a million texts of 150 words; about ten minutes on one core
    python benchmarks/curate.py --texts 200000

A run is made on the spot: fifty texts a document, of which one in fifty is another one again and one in fifty nearly
another one. Curation compares all of it with 1,000 questions, drops duplicates and near-duplicates, and takes half of
the tokens. Only curation itself is timed, in a process of its own. Beside it stand MinHash signatures by the libraries
that are installed, of the same texts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine import resident_mb
from figures import Figure, Spent, apart, progress, script, support

WORDS, VOCABULARY, A_DOCUMENT, QUESTIONS = 150, 20_000, 50, 1000
SIGNED = 2000
FEWEST_TO_EXTRAPOLATE = 500_000
MOST_GB_AT_TEN_MILLION = 4.0


def measure(given: argparse.Namespace) -> list[Figure]:
    """Speed and memory at the full size; memory at a quarter of it, for what a text more costs."""
    texts = 20_000 if given.quick else given.texts
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_curated(Path(folder) / str(count), count) for count in (texts // 4, texts))
    a_text = (large["peak_mb"] - small["peak_mb"]) * 1e6 / (texts - texts // 4)
    at_ten_million = (small["peak_mb"] + a_text * (10_000_000 - texts // 4) / 1e6) / 1000
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in large["left_out"].items())
    figures = [
        Figure(
            f"curate, {texts:,} texts of {WORDS} words", f"{texts / large['wall_s']:,.0f} texts a second",
            f"{1e6 * large['cpu_s'] / texts:.0f} us of CPU a text; {left_out}",
        ),
        Figure(f"curate, peak memory of {texts:,} texts", f"{large['peak_mb']:.0f} MB", f"{a_text:.0f} bytes a text"),
        _signatures(),
    ]  # fmt: skip
    if texts >= FEWEST_TO_EXTRAPOLATE:  # in fewer, what does not grow hides what a text more costs
        figures.append(
            Figure(
                "curate, peak memory of 10,000,000 texts, by that", f"{at_ten_million:.1f} GB", "",
                f"<= {MOST_GB_AT_TEN_MILLION:g} GB", at_ten_million <= MOST_GB_AT_TEN_MILLION,
            )
        )  # fmt: skip
    return figures


def _curated(folder: Path, texts: int) -> dict[str, Any]:
    began = time.perf_counter()
    apart(make_run, folder, texts)
    progress(f"{texts:,} texts made in {time.perf_counter() - began:.0f} s")
    result = apart(curate_run, folder, texts)
    progress(f"{texts:,} texts curated in {result['wall_s']:.0f} s, {result['peak_mb']:.0f} MB")
    return result


def make_run(folder: Path, texts: int) -> None:
    """A finished run of one shard, and questions, some of them in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with support():
        from full_runs import SCHEMA, write_full_run
    from synthcpt.files import sha256_of

    run = write_full_run(folder / "run", [], method="entigraph")
    shard = next((run / "data").iterdir())
    tokens = 0
    with pq.ParquetWriter(shard, SCHEMA, compression="zstd") as writer:
        for rows in _rows(texts):
            tokens += sum(row["tokens"] for row in rows)
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    manifest = {
        "method": "entigraph", "totals": {"rows": texts, "row_tokens": tokens},
        "shards": [{"file": f"data/{shard.name}", "sha256": sha256_of(shard), "rows": texts}],
    }  # fmt: skip
    (run / "manifest.json").write_text(json.dumps(manifest))
    asked = [
        {"id": f"q{n}", "question": f"What is told of thing {n} in the book?", "answer": "x"} for n in range(QUESTIONS)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))


def _rows(texts: int) -> Iterator[list[dict[str, Any]]]:
    import numpy as np

    rng = np.random.default_rng(0)
    words = np.array([f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}ord" for n in range(VOCABULARY)])
    for start in range(0, texts, 2000):
        rows = []
        drawn = words[rng.integers(0, VOCABULARY, (2000, WORDS))]
        for at in range(min(2000, texts - start)):
            if at % 50 == 48:
                drawn[at] = drawn[at - 3]
            elif at % 50 == 49:
                drawn[at] = drawn[at - 7]
                drawn[at, 0] = "otherwise"
            text, number = " ".join(drawn[at]), start + at
            if number % 5000 == 0:
                text += f" What is told of thing {number // 5000 % QUESTIONS} in the book?"
            document = f"doc-{number // A_DOCUMENT}"
            rows.append({
                "id": f"{document}/entigraph/pair-{at}", "text": text, "method": "entigraph", "source_ids": [document],
                "request_keys": [f"{number:032x}"], "spans": [], "tokens": 200, "model": "m", "backend": "mock",
                "meta": '{"step":"pair"}', "messages": None,
            })  # fmt: skip
        yield rows


def curate_run(folder: Path, texts: int) -> dict[str, Any]:
    """One curation in this process."""
    from synthcpt.curation import curate
    from synthcpt.generation import Run

    with Spent() as spent:
        out = curate(folder / "run", folder / "out", against=folder / "questions.jsonl", target_tokens=texts * 100)
    totals = Run(out).manifest["totals"]
    return {
        "wall_s": spent.wall_s, "cpu_s": spent.cpu_s, "peak_mb": resident_mb("VmHWM"),
        "left_out": {**totals["rejected"], **totals["not_selected"]},
    }  # fmt: skip


def _signatures() -> Figure:
    """CPU a signature of 128 permutations over shingles of five words.

    Ours is of words' hashes, which the other steps read as well; the libraries' of split words. Neither is counted.
    """
    from synthcpt.curation.minhash import Banding
    from synthcpt.curation.words import WordHasher, words_of

    texts = [row["text"] for rows in _rows(SIGNED) for row in rows]
    banding, hasher = Banding(128, 0.9, 5), WordHasher()

    def timed(sign: Callable[[Any], object], of: list[Any]) -> float:
        with Spent() as spent:
            for one in of:
                sign(one)
        return 1e6 * spent.cpu_s / len(of)

    own = timed(banding.of, [hasher.hashes(text) for text in texts])
    split = [words_of(text) for text in texts]
    beside = [f"{name} {timed(sign, split):.0f} us" for name, sign in _libraries().items()]
    return Figure("curate, CPU a MinHash signature", f"{own:.0f} us", ", ".join(beside) or "no library is installed")


def _libraries() -> dict[str, Callable[[list[str]], object]]:
    from importlib.util import find_spec

    def shingles(words: list[str]) -> list[str]:
        return [" ".join(words[at : at + 5]) for at in range(len(words) - 4)]

    found: dict[str, Callable[[list[str]], object]] = {}
    if find_spec("rensa"):
        import rensa

        def by_rensa(words: list[str]) -> object:
            signer = rensa.RMinHash(num_perm=128, seed=1)
            signer.update(shingles(words))
            return signer.digest()

        found["rensa"] = by_rensa
    if find_spec("datasketch"):
        import datasketch

        def by_datasketch(words: list[str]) -> object:
            signer = datasketch.MinHash(num_perm=128, seed=1)
            signer.update_batch([shingle.encode() for shingle in shingles(words)])
            return signer.digest()

        found["datasketch"] = by_datasketch
    return found


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=1_000_000)


if __name__ == "__main__":
    script(measure, __doc__, _options)
