"""Token stores made of given ids, for tests that need no text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from synthcpt.packing.readers import Part
from synthcpt.packing.store import TokenStore


def make_store(
    name: str,
    texts: Sequence[Sequence[int]],
    *,
    groups: Sequence[str | None] | None = None,
    loss: Sequence[Sequence[tuple[int, int]]] | None = None,
    steps: Sequence[str] | None = None,
    utf8_bytes: Sequence[int] | None = None,
    dropped: Mapping[str, int] | None = None,
) -> TokenStore:
    """A store in memory; each text is its own source document unless groups are given (None: of no document)."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    names = sorted(set(steps or ["text"]))
    ranges = list(loss or [[] for _ in texts])
    sources = list(groups or [f"{name}-{i}" for i in range(len(texts))])
    return TokenStore(
        path=Path(name),
        meta={
            "name": name,
            "tokenizer": "test",
            "vocabulary": 1 + max((max(text) for text in texts if len(text)), default=0),
            "files": [{"path": f"{name}.jsonl", "sha256": ""}],
            "steps": names,
            "dropped": dict(dropped or {}),
        },
        ids=np.concatenate([np.zeros(0, dtype=np.uint16), *(np.array(text, dtype=np.uint16) for text in texts)]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        utf8_bytes=lengths * 4 if utf8_bytes is None else np.array(utf8_bytes, dtype=np.int64),
        steps=np.array([names.index(step) for step in (steps or ["text"] * len(texts))], dtype=np.int16),
        rows=np.stack([np.zeros(len(texts), dtype=np.int64), np.arange(len(texts))], axis=1),
        group_offsets=np.concatenate([[0], np.cumsum([source is not None for source in sources])]).astype(np.int64),
        groups=np.array([_hash(source) for source in sources if source is not None], dtype=np.uint64),
        loss_offsets=np.concatenate([[0], np.cumsum([len(spans) for spans in ranges])]).astype(np.int64),
        loss_ranges=np.array([span for spans in ranges for span in spans], dtype=np.int32).reshape(-1, 2),
    )


def make_part(store: TokenStore, role: str = "data", *, facts_once: bool = False) -> Part:
    """A source whose every epoch is this store."""
    return Part(store.name, role, lambda _epoch: store, facts_once)  # type: ignore[arg-type]


def random_texts(count: int, low: int, high: int, *, vocabulary: int = 300, seed: int = 0) -> list[list[int]]:
    """Texts of random ids, with lengths from ``low`` to ``high``."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, vocabulary, rng.integers(low, high + 1)).tolist() for _ in range(count)]


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
