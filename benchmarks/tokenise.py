"""How fast texts become packed windows, beside the bare `tokenizers` library on the same texts.

    python benchmarks/tokenise.py [--threads N]

A byte-level BPE tokenizer of 16k words is trained on the spot on the example's documents. The texts are theirs and
documents generated from their sentences, cut to the lengths of an ordinary corpus. One side calls `encode_batch` and
drops what comes out; the other reads JSON Lines, tokenises, writes the store and makes the plan of a training. In
turns, in one process, with as many threads.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
from documents import write_documents
from figures import EXAMPLE, Figure, alternating, apart, progress, script

from synthcpt.packing.mixture import Amounts
from synthcpt.packing.plan import Packing
from synthcpt.packing.planning import make_plan
from synthcpt.packing.readers import Part
from synthcpt.packing.sources import Text, open_source
from synthcpt.packing.store import TokenStore
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.packing.tokenise import tokenise

VOCABULARY = 16_000
LEAST_RATIO = 0.8
MOST_MB = 1000
WINDOW = 4096
BATCH_TEXTS = 256


def measure(given: argparse.Namespace) -> list[Figure]:
    """The ratio to the bare library, with and without spans; then memory, a long text and many tiny ones."""
    megabytes, rounds = (4, 3) if given.quick else (40, 5)
    figures = []
    for spans in (False, True):
        figures += apart(_beside_the_library, megabytes, rounds, given.threads, spans)
    sizes = (20, 80) if given.quick else (50, 400)
    figures.append(_memory(sizes, given.threads))
    figures.append(apart(_shape, "one text of 50 MB", 1, 50_000_000, given.threads))
    count = 100_000 if given.quick else 1_000_000
    figures.append(apart(_shape, f"{count:,} texts of 20 characters", count, 20, given.threads))
    return figures


def make_tokenizer() -> Any:
    """A byte-level BPE tokenizer trained on the example."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    engine.train_from_iterator(_example(), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=engine, eos_token="<|endoftext|>")


def _example() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.glob("*")) if path.suffix in (".md", ".txt")]


def _texts(megabytes: float) -> Iterator[str]:
    """Documents and stretches of them, of 200 to 8,000 characters."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_documents(Path(folder) / "documents.jsonl", 400, words=900, names=4)
        documents = [orjson.loads(line)["text"] for line in path.read_bytes().splitlines()]
    documents += _example() * 5
    rng, left = random.Random(0), megabytes * 1e6
    while left > 0:
        document = rng.choice(documents)
        length = min(len(document), int(rng.lognormvariate(7.5, 0.8)) + 200)
        start = rng.randrange(len(document) - length + 1)
        left -= length
        yield document[start : start + length]


def _beside_the_library(megabytes: float, rounds: int, threads: int, spans: bool) -> list[Figure]:
    tokenizer = make_tokenizer()
    texts = list(_texts(megabytes))
    rates: dict[str, list[float]] = {"library": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "texts.jsonl"
        corpus.write_bytes(b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts))
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        for number, side in enumerate(alternating(("library", "ours"), rounds)):
            began = time.perf_counter()
            if side == "library":
                tokens = _library(tokenizer.backend_tokenizer, texts, threads)
            else:
                tokens = _ours(tokenizer, texts if spans else corpus, Path(folder) / str(number), threads)
            rates[side].append(tokens / (time.perf_counter() - began))
            progress(f"{'spans' if spans else 'plain'}, {side}: {rates[side][-1] / 1e6:.2f}M tokens/s")
    ours, library = (statistics.median(rates[side]) for side in ("ours", "library"))
    kind = "rows whose second half carries loss, in memory" if spans else "JSON Lines"
    target = "" if spans else f"at least {LEAST_RATIO} of it"
    return [
        Figure(
            f"tokenise and pack {megabytes:g} MB of {kind}, {threads} threads", f"{ours / 1e6:.2f}M tokens/s",
            f"encode_batch {library / 1e6:.2f}M tokens/s, ratio {ours / library:.2f}", target,
            None if spans else ours / library >= LEAST_RATIO,
        )
    ]  # fmt: skip


def _library(engine: Any, texts: Sequence[str], threads: int) -> int:
    def encode(at: int) -> int:
        found = engine.encode_batch(texts[at : at + BATCH_TEXTS], add_special_tokens=False)
        return sum(map(len, found))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(encode, range(0, len(texts), BATCH_TEXTS)))


def _ours(tokenizer: Any, given: Any, cache: Path, threads: int) -> int:
    if isinstance(given, Path):
        source: Any = open_source(str(given), title_field="", cache=cache)
    else:
        source = Rows([Text(str(n), text, ((len(text) // 2, len(text)),)) for n, text in enumerate(given)])
    store = tokenise(source, TextTokenizer(tokenizer), cache, threads=threads)
    _pack(store)
    return store.tokens


def _pack(store: TokenStore) -> None:
    make_plan([Part(store.name, "data", lambda _epoch: store)], Amounts(epochs=1), Packing(WINDOW, 16))


class Rows:
    """Texts in memory, or made as they are read, as a source."""

    kind = "corpus"
    name = "rows"
    varies = False

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def fingerprint(self) -> str:
        """Each cache here holds one store."""
        return "rows"

    def files(self) -> list[dict[str, str]]:
        """None."""
        return []

    def texts(self) -> Iterator[Text]:
        """All of them."""
        return iter(self._rows() if callable(self._rows) else self._rows)


def _memory(sizes: Sequence[int], threads: int) -> Figure:
    """The most memory that tokenising took, for a corpus and for one several times as long; without the plan."""
    found = [apart(_peak_mb, size, threads) for size in sizes]
    told = ", ".join(f"{peak:,.0f} MB for {tokens / 1e6:.0f}M tokens" for peak, tokens in found)
    a_token = max(0.0, (found[1][0] - found[0][0]) * 1e6 / (found[1][1] - found[0][1]))
    whole = found[1][0] + a_token * 1e9 / 1e6
    return Figure(
        "memory of tokenising", told, f"so {whole:,.0f} MB for 1B tokens", f"at most {MOST_MB} MB", whole <= MOST_MB
    )


def _peak_mb(megabytes: int, threads: int) -> tuple[float, int]:
    texts = list(_texts(2))

    def rows() -> Iterator[Text]:
        size = number = 0
        while size < megabytes * 1e6:
            text = texts[number % len(texts)]
            size, number = size + len(text), number + 1
            yield Text(str(number), text, source_ids=(str(number),))

    with tempfile.TemporaryDirectory() as folder:
        store = tokenise(Rows(rows), TextTokenizer(make_tokenizer()), Path(folder), threads=threads)  # type: ignore[arg-type]
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, store.tokens


def _shape(name: str, count: int, chars: int, threads: int) -> Figure:
    material = " ".join(_example())
    body = (material * (chars // len(material) + 1))[:chars]
    source = Rows(lambda: (Text(str(number), body) for number in range(count)))
    with tempfile.TemporaryDirectory() as folder:
        made = TextTokenizer(make_tokenizer())
        began = time.perf_counter()
        store = tokenise(source, made, Path(folder), threads=threads)  # type: ignore[arg-type]
        wall_s = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return Figure(name, f"{store.tokens / wall_s / 1e6:.2f}M tokens/s", f"{wall_s:.1f} s, at most {peak:,.0f} MB")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="that encode, on either side")


if __name__ == "__main__":
    script(measure, __doc__, _add_options)
