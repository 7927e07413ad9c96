"""How fast reading comprehension mines, what it finds, and that no text makes it slow.

    python benchmarks/reading_comprehension.py [--articles DOC.jsonl]

The whole method on one core, without the engine: passages, sentences, mining, rendering; megabytes of source a second
of CPU time. The documents are sentences of the example corpus, one in eight with a connective in front; and real
articles, where they are (see forecast.py). The official miner does 0.16 MB/s on abstracts and 0.18 MB/s on documents of
1,848 tokens (one core of a like machine), nearly all of it in finding sentences.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from documents import write_documents
from figures import Figure, Spent, progress, script
from forecast import find_articles

from synthcpt.backends import Capabilities
from synthcpt.errors import DocumentFailed
from synthcpt.methods import Context, load_method
from synthcpt.records import Document, Json
from synthcpt.text.sentences import sentence_spans
from synthcpt.text.tokens import estimate_tokens

METHOD = load_method("reading_comprehension")
LEAST_MB_S = 3.5
OFFICIAL_MB_S = {"abstracts": 0.16, "documents": 0.18}
MOST_GROWTH = 2.5
"""Twice the text may take this much more time; in linear time it takes 2, and clocks are not exact."""

CONNECTIVES = ["However, ", "Therefore, ", "In addition, ", "In other words, ", "But ", "Thus, ", "Similarly, "]
HOSTILE = {
    "dots": lambda n: "." * n,
    "spaces": lambda n: "a" + " " * n + "b",
    "pairs of ?!": lambda n: "?!" * n,
    "lines of one dot": lambda n: ".\n" * n,
    "connectives": lambda n: "However, due to " * (n // 2),
}
HOSTILE_SIZE = 20_000
ASK: Any = SimpleNamespace(capabilities=Capabilities(), max_tokens=None)


def measure(given: argparse.Namespace) -> list[Figure]:
    """Speed on three kinds of documents, then growth on hostile ones."""
    rounds, share = (2, 0.2) if given.quick else (5, 1.0)
    corpora = {
        "abstracts": _documents(round(2000 * share), words=200),
        "documents": _documents(round(300 * share), words=1330),
    }
    if given.articles:
        corpora["articles"] = _articles(given.articles)
    figures = [figure for name, documents in corpora.items() for figure in _speed(name, documents, rounds)]
    return [*figures, *(_growth(name, rounds) for name in HOSTILE)]


def _speed(name: str, documents: Sequence[Document], rounds: int) -> list[Figure]:
    with Spent() as surveying:
        survey = METHOD.survey(METHOD.options(), 0)  # type: ignore[misc]
        for document in documents:
            survey.see(document)
        found = survey.result()
    megabytes = sum(len(document.text.encode()) for document in documents) / 1e6
    tasks = asyncio.run(_mine(documents, found))
    rates = []
    for _ in range(rounds):
        with Spent() as spent:
            asyncio.run(_mine(documents, found))
        rates.append(megabytes / spent.cpu_s)
        progress(f"{name}: {rates[-1]:.2f} MB/s")
    rate, words = statistics.median(rates), len(found["keywords"].split())
    tokens = sum(estimate_tokens(document.text) for document in documents) / len(documents)
    official = f"official miner {OFFICIAL_MB_S[name]} MB/s" if name in OFFICIAL_MB_S else ""
    by_type = ", ".join(f"{kind} {count / len(documents):.2f}" for kind, count in sorted(tasks.items()))
    return [
        Figure(
            f"{len(documents)} {name} of {tokens:,.0f} tokens, one core", f"{rate:.2f} MB/s", official,
            f"at least {LEAST_MB_S} MB/s" if official else "", rate >= LEAST_MB_S if official else None,
        ),
        Figure(f"{name}: tasks a document", f"{sum(tasks.values()) / len(documents):.2f}", by_type),
        Figure(f"{name}: survey, training included", f"{megabytes / surveying.cpu_s:.2f} MB/s", f"{words} words found"),
    ]  # fmt: skip


def _growth(name: str, rounds: int) -> Figure:
    """The time of a hostile text and of one twice as long, the least of a few tries each."""
    times = [min(_seconds(HOSTILE[name](size)) for _ in range(rounds + 1)) for size in (HOSTILE_SIZE, 2 * HOSTILE_SIZE)]
    growth = times[1] / times[0]
    return Figure(
        f"{HOSTILE_SIZE:,} {name} in one passage", f"{times[0] * 1e3:.1f} ms; of twice as many {times[1] * 1e3:.1f} ms",
        f"{growth:.2f} times the time", f"at most {MOST_GROWTH} times", growth <= MOST_GROWTH,
    )  # fmt: skip


def _seconds(text: str) -> float:
    """In one passage, and behind a page of English, without which it would be passed on unread."""
    english = "This is the text of a page that was written in the year of the flood and it is all in English. " * 20
    documents = [Document("hostile", english + text)] * 4
    with Spent() as spent:
        asyncio.run(_mine(documents, None, max_len=1 << 30, passage_tokens=1 << 29))
    return spent.cpu_s / len(documents)


async def _mine(documents: Iterable[Document], survey: Json, **settings: int) -> Counter[str]:
    """Run the method over documents; the tasks it made, by type."""
    options, tasks = METHOD.options(**settings), Counter[str]()
    for document in documents:
        context = Context(0, METHOD.name, document.id, None, survey)
        try:
            async for row in METHOD.generate(document, ASK, options, context):
                tasks.update(task["type"] for task in row.meta.get("tasks", ()))
        except DocumentFailed:
            continue
    return tasks


def _documents(count: int, *, words: int) -> list[Document]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_documents(Path(folder) / "documents.jsonl", count, words=words, names=4)
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Document(row["id"], _connected(row["text"], row["id"]), row["title"]) for row in rows]


def _connected(text: str, seed: str) -> str:
    """The text with a connective, or a cause, at one sentence in eight."""
    rng, pieces = random.Random(seed), list[str]()
    for start, end in sentence_spans(text):
        sentence, chance = text[start:end], rng.random()
        if chance < 0.1:
            sentence = rng.choice(CONNECTIVES) + sentence[0].lower() + sentence[1:]
        elif chance < 0.125:
            sentence = sentence.rstrip(" .") + " due to the ice in the harbour. "
        pieces.append(sentence)
    return "".join(pieces)


def _articles(path: Path) -> list[Document]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Document(str(number), row["text"], row.get("title", "")) for number, row in enumerate(rows)]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--articles", type=Path, default=find_articles(), help="JSON Lines with title and text")


if __name__ == "__main__":
    script(measure, __doc__, _add_options)
