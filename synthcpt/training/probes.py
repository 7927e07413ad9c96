"""Fact probes: short prefixes whose targets a training may or may not teach, read from a file and made into tokens.

After Chang et al. 2024 (arXiv:2406.11813), section 3: what is measured of a probe is the log-probability of its target
span given its prefix, a mean over the target's tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import orjson

from synthcpt.corpus.sources import HUB_KIND, Place, find_sources
from synthcpt.corpus.tables import TABLES
from synthcpt.errors import QuestionError
from synthcpt.packing.engines import make_engine
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.randomness import stream

_PREFIX, _QUESTION = ("prefix", "prompt"), ("question",)
_TARGET = ("target", "answer", "answers", "possible_answers", "correct_answer")
_DOCUMENT = ("document", "document_id", "doc_id", "context_id", "article_id", "wiki_id")
_OPTIONS = ("choices", "options")


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact, as the model is probed for it.

    Attributes:
        id: unique in its file.
        prefix: what stands before the target.
        target: what is to be foretold, with the blank that parts it from the prefix.
        document: the id of the source document that states the fact; "" where unknown.
        kind: e.g. memorisation, semantic or composition; may be empty.
        group: a condition to be compared with others within one training; may be empty.
    """

    id: str
    prefix: str
    target: str
    document: str = ""
    kind: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class EncodedProbe:
    """A probe as the model reads it.

    Attributes:
        ids: of the prefix and the target.
        targets: how many of them, at the end, are the target's.
    """

    ids: tuple[int, ...]
    targets: int


def read_probes(path: str, limit: int, seed: int) -> list[Probe]:
    """The probes of a file (JSONL, JSON, CSV, TSV, Parquet), at most so many, drawn at random, in the file's order.

    A row has ``prefix`` (or ``prompt``), which is taken as it is, or ``question``, which is laid out as "Question: ...
    Answer:"; and ``target`` or ``answer`` (of several the first). It may have ``id``, ``document``, ``kind`` and
    ``group``. Files of questions, as for `synthcpt evaluate`, are probes as they are.

    Args:
        path: the file.
        limit: how many at most.
        seed: of the draw.

    Raises:
        CorpusError: the file is missing or broken.
        QuestionError: a row without a prefix or a target, an answer that is an option's letter or number, an id twice.
    """
    probes = [_probe(row, place) for place, row in _rows(path)]
    if not probes:
        raise QuestionError(f"There is no probe in {path}: it has no rows. Name another file with --probes.")
    if twice := [name for name, count in Counter(probe.id for probe in probes).items() if count > 1]:
        raise QuestionError(f"Two probes in {path} have the id {twice[0]!r}. Make the ids unique, or leave them out.")
    if len(probes) <= limit:
        return probes
    drawn = sorted(stream(seed, "probes").sample(range(len(probes)), limit))
    return [probes[number] for number in drawn]


def fingerprint(probes: Sequence[Probe]) -> str:
    """By which the same probes are known again."""
    return sha256(orjson.dumps([asdict(probe) for probe in probes])).hexdigest()


def encode_probes(probes: Sequence[Probe], tokenizer: TextTokenizer, window_tokens: int) -> list[EncodedProbe]:
    """The probes as tokens, as texts that are trained on would have them: encoded whole, and no token is special.

    A token that holds the prefix's end and the target's beginning is the target's. What does not fit into a window is
    cut off the prefix's beginning.

    Raises:
        QuestionError: a target that fills a window, or one whose first token nothing stands before.
    """
    texts = [(probe.prefix + probe.target, [(len(probe.prefix), len(probe.prefix + probe.target))]) for probe in probes]
    before, encoded = list(tokenizer.before), []
    for probe, (ids, ranges) in zip(probes, make_engine(tokenizer).with_loss(texts, control=False), strict=True):
        begin, end = (ranges[0][0], ranges[-1][1]) if ranges else (0, 0)
        targets = end - begin
        room = window_tokens - len(before) - targets
        kept = [*before, *(int(number) for number in ids[max(0, begin - room) : end])]
        if not targets or room < 1 or len(kept) == targets:
            raise QuestionError(
                f"The probe {probe.id!r} cannot be measured: its target must be shorter than a window of "
                f"{window_tokens:,} tokens, and something must stand before it."
            )
        encoded.append(EncodedProbe(tuple(kept), targets))
    return encoded


def _rows(path: str) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for source in find_sources([path], Counter()):
        if source.kind == HUB_KIND or source.kind not in TABLES:
            raise QuestionError(f"{path} cannot be read as probes. Name a JSONL, JSON, CSV, TSV or Parquet file.")
        table = TABLES[source.kind]
        for number, row in table.rows(source):
            yield Place(str(source.path), table.unit, number), row


def _probe(row: Mapping[str, Any], place: Place) -> Probe:
    prefix, question = _first(row, _PREFIX), _first(row, _QUESTION)
    target = _first(row, _TARGET)
    if not (prefix or question) or not target:
        missing = "no target or answer" if prefix or question else "no prefix, prompt or question"
        raise QuestionError(
            f"{place} has {missing}. A probe is a row with prefix (or question) and target (or answer), as texts."
        )
    options = next((row[name] for name in _OPTIONS if row.get(name)), None)
    if options is not None and target not in [str(option) for option in _listed(options)]:
        raise QuestionError(f"{place}: the answer {target!r} is none of the options. Give the right one's text.")
    before = prefix or f"Question: {question}\nAnswer:"
    between = "" if before[-1].isspace() or target[0].isspace() else " "
    return Probe(
        id=_first(row, ("id",)) or f"row {place.number}",
        prefix=before,
        target=between + target.rstrip(),
        document=_first(row, _DOCUMENT),
        kind=_first(row, ("kind",)),
        group=_first(row, ("group",)),
    )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these fields that holds a text or a number, as text; "" where none does."""
    for name in names:
        for value in _listed(row.get(name)):
            if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
                return str(value)
    return ""


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
