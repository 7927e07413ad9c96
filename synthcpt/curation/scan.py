"""The first reading: a few numbers a text, whatever its length, and the gates' verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from synthcpt.curation.config import CurateConfig
from synthcpt.curation.contamination import Overlap
from synthcpt.curation.gates import in_other_language, out_of_bounds, repetitive
from synthcpt.curation.minhash import Banding
from synthcpt.curation.reading import Inputs
from synthcpt.curation.words import Hashes, WordHasher, hash64
from synthcpt.text.gates import Verdict

SOURCE_STEP = "source"
FEWEST_WORDS = 50
"""Near-duplicates of shorter texts are not looked for: the word or two in which they differ are what they tell."""

_COLUMNS = ["id", "text", "method", "source_ids", "spans", "tokens", "meta"]

Tell = Callable[[str, int, int], None]
"""Told what is done now, how much of it is done, and how much there is."""


@dataclass(slots=True)
class Table:
    """A row of numbers for each text, about 130 bytes of them.

    Attributes:
        ids: hashes of the ids as written; see `renamed`.
        first, second: together the hash of the text without case and runs of white space, and of where loss counts.
        groups: near-duplicates are looked for in one group: source document, method, step.
        bands: of the MinHash signature; no columns where near-duplicates are not looked for.
        documents, methods: numbers for source documents and methods.
        tokens: as the run counts them.
        copies: the text is a copy of the document that its method added on purpose.
        reasons: why it is left out, as a place in `REASONS`; 0 for what is kept.
        renamed: an earlier run has a text of the same id; this one is written under `new_id`.
        compared: near-duplicates of it are looked for: `bands` holds its signature.
        details: row -> what a gate saw.
        document_names, method_names: whom the numbers stand for.
    """

    ids: Hashes
    first: Hashes
    second: Hashes
    groups: Hashes
    bands: npt.NDArray[np.uint32]
    documents: npt.NDArray[np.int32]
    methods: npt.NDArray[np.int16]
    tokens: npt.NDArray[np.int64]
    copies: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.uint8]
    renamed: npt.NDArray[np.bool_]
    compared: npt.NDArray[np.bool_]
    details: dict[int, str] = field(default_factory=dict)
    document_names: dict[tuple[str, ...], int] = field(default_factory=dict)
    method_names: dict[str, int] = field(default_factory=dict)

    def drop(self, row: int, verdict: Verdict) -> None:
        """Leave a row out."""
        self.reasons[row] = REASONS.index(verdict.reason)
        self.details[row] = verdict.detail


CHOICES = ("document_limit", "token_budget")
"""Why good texts are left out: they are counted, and stand in no file of rejected ones."""

REASONS = (
    "", "too_short", "too_long", "repetitive", "language", "contaminated", "duplicate", "near_duplicate", *CHOICES
)  # fmt: skip
"""Why texts are left out, in the order in which it is asked; a row's reason is a place in here."""


def scan(inputs: Inputs, config: CurateConfig, overlap: Overlap | None, tell: Tell) -> Table:
    """Read all texts once.

    Args:
        inputs: the runs.
        config: what to do.
        overlap: sees every text; None without questions.
        tell: told how far it is.
    """
    banding = Banding(config.permutations, config.jaccard, config.shingle_words) if config.near else None
    table = _empty_table(inputs.rows, banding.bands if banding else 0)
    hasher = WordHasher()
    for start, _, batch in inputs.batches(_COLUMNS):
        for row, read in enumerate(batch.to_pylist(), start):
            _note(table, row, read)
            text = read["text"]
            words = hasher.hashes(text)
            verdict = (
                out_of_bounds(read["tokens"], config.min_tokens, config.max_tokens)
                or repetitive(words, config.max_repetition)
                or in_other_language(text, config.language)
            )
            if verdict:
                table.drop(row, verdict)
                continue
            if overlap is not None:
                overlap.see(row, int(table.documents[row]), words)
            if banding is not None and len(words) >= FEWEST_WORDS:
                table.bands[row] = banding.of(words)
                table.compared[row] = True
        tell("reading", start + len(batch), inputs.rows)
    _rename(table, inputs)
    return table


def _empty_table(rows: int, bands: int) -> Table:
    def column(kind: type[np.generic]) -> npt.NDArray[Any]:
        return np.zeros(rows, dtype=kind)

    return Table(
        ids=column(np.uint64), first=column(np.uint64), second=column(np.uint64), groups=column(np.uint64),
        bands=np.zeros((rows, bands), dtype=np.uint32), documents=column(np.int32), methods=column(np.int16),
        tokens=column(np.int64), copies=column(np.bool_), reasons=column(np.uint8),
        renamed=column(np.bool_),
        compared=column(np.bool_),
    )  # fmt: skip


def _note(table: Table, row: int, read: dict[str, Any]) -> None:
    step = str(orjson.loads(read["meta"]).get("step") or "")
    text = " ".join(read["text"].casefold().split())
    loss = orjson.dumps(read["spans"] or [])  # the same text with loss on another part teaches something else
    digest = blake2b(loss + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    document = tuple(read["source_ids"])
    table.ids[row] = hash64(read["id"])
    table.first[row] = int.from_bytes(digest[:8], "big")
    table.second[row] = int.from_bytes(digest[8:], "big")
    table.groups[row] = hash64(read["method"], step, *document)
    table.documents[row] = table.document_names.setdefault(document, len(table.document_names))
    table.methods[row] = table.method_names.setdefault(read["method"], len(table.method_names))
    table.tokens[row] = read["tokens"]
    table.copies[row] = step == SOURCE_STEP


def _rename(table: Table, inputs: Inputs) -> None:
    """Two runs of one method give the same ids to different texts; later ones get their run's number."""
    if len(inputs.runs) == 1:
        return
    order = np.argsort(table.ids, kind="stable")
    table.renamed[order[1:]] = table.ids[order[1:]] == table.ids[order[:-1]]
    if not table.renamed.any():
        return
    for start, place, batch in inputs.batches(["id"]):
        for row in np.flatnonzero(table.renamed[start : start + len(batch)]).tolist():
            table.ids[start + row] = hash64(new_id(batch.column(0)[row].as_py(), place))


def new_id(row_id: str, place: int) -> str:
    """The id of a text of the run at this place, where an earlier run has one of the same id."""
    return f"{row_id}+{place + 1}"
