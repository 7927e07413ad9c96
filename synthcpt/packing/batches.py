"""From the plan to arrays: what one window, one step or one held-out batch holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthcpt.packing.plan import Plan
from synthcpt.packing.store import TokenStore

Ints = npt.NDArray[np.int64]

NO_LOSS = -100
"""The target of a token that carries no loss; torch's own convention."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some texts, one after another in one row.

    Attributes:
        ids: shape (tokens,).
        targets: the token each position is to predict, `NO_LOSS` where that carries no loss; shape (tokens,). The
            last token of a text has none, and so the first token of a text is never predicted from another's end.
        positions: counted anew in each text; shape (tokens,).
        lengths: tokens of each stretch that attends to itself alone, in order; they add up to (tokens,). A stretch is
            a text (or a piece of one); without isolation it is a window.
        parts: the source of each token, shape (tokens,).
    """

    ids: Ints
    targets: Ints
    positions: Ints
    lengths: Ints
    parts: Ints

    @property
    def trained_tokens(self) -> int:
        """How many tokens carry loss."""
        return int((self.targets != NO_LOSS).sum())


def read_windows(plan: Plan, windows: Sequence[int], *, isolate: bool = True) -> Batch:
    """The texts of some windows.

    Args:
        plan: what they hold.
        windows: which.
        isolate: each text attends to itself alone. Otherwise all of a window does, to compare with: only what the
            attention sees and the positions differ, not which tokens carry loss.
    """
    pieces = [piece for window in windows for piece in _pieces_of(plan, window)]
    batch = _batch(
        [(plan.stores[plan.store[i]], int(plan.text[i]), int(plan.start[i]), int(plan.length[i])) for i in pieces],
        [plan.parts_of_stores[plan.store[i]] for i in pieces],
    )
    if isolate:
        return batch
    lengths = np.array([sum(int(plan.length[i]) for i in _pieces_of(plan, window)) for window in windows])
    return replace(batch, lengths=lengths, positions=_positions(lengths))


def _pieces_of(plan: Plan, window: int) -> range:
    return range(int(plan.window_offsets[window]), int(plan.window_offsets[window + 1]))


def _positions(lengths: Ints) -> Ints:
    ends = np.cumsum(lengths)
    positions: Ints = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(ends - lengths, lengths)
    return positions


def heldout_batches(plan: Plan, part: int, batch_tokens: int) -> Iterable[tuple[Batch, int]]:
    """The held-out texts of a source, cut to windows, in batches of about so many tokens; each with its UTF-8 bytes.

    The bytes are those of the tokens that are predicted: a text of n tokens and b bytes of which m are predicted has
    m / n * b.
    """
    pieces: list[tuple[TokenStore, int, int, int]] = []
    bytes_of: list[float] = []
    size = 0
    for store_index, text in zip(plan.heldout_store, plan.heldout_text, strict=True):
        if plan.parts_of_stores[store_index] != part:
            continue
        store = plan.stores[store_index]
        tokens = int(store.offsets[text + 1] - store.offsets[text])
        for start in range(0, tokens, plan.window_tokens):
            length = min(plan.window_tokens, tokens - start)
            if size + length > batch_tokens and pieces:
                yield _measured(pieces, bytes_of, part)
                pieces, bytes_of, size = [], [], 0
            pieces.append((store, int(text), start, length))
            bytes_of.append(float(store.utf8_bytes[text]) / tokens)
            size += length
    if pieces:
        yield _measured(pieces, bytes_of, part)


def _measured(
    pieces: Sequence[tuple[TokenStore, int, int, int]], bytes_a_token: Sequence[float], part: int
) -> tuple[Batch, int]:
    batch = _batch(pieces, [part] * len(pieces))
    predicted = np.add.reduceat(batch.targets != NO_LOSS, np.cumsum(batch.lengths) - batch.lengths)
    return batch, round(float(np.dot(predicted, bytes_a_token)))


def _batch(pieces: Sequence[tuple[TokenStore, int, int, int]], parts: Sequence[int]) -> Batch:
    lengths = np.array([length for *_, length in pieces], dtype=np.int64)
    total = int(lengths.sum())
    ids, targets = np.empty(total, dtype=np.int64), np.full(total, NO_LOSS, dtype=np.int64)
    at = 0
    for store, text, start, length in pieces:
        first = int(store.offsets[text]) + start
        tokens = store.ids[first : first + length]
        ids[at : at + length] = tokens
        # The target of a position is the next token of the same piece.
        ranges = store.loss_ranges[store.loss_offsets[text] : store.loss_offsets[text + 1]]
        if not len(ranges):
            targets[at : at + length - 1] = tokens[1:]
        for begin, end in ranges:
            low, high = max(int(begin) - start, 1), min(int(end) - start, length)
            if low < high:
                targets[at + low - 1 : at + high - 1] = tokens[low:high]
        at += length
    return Batch(ids, targets, _positions(lengths), lengths, np.repeat(np.array(parts, dtype=np.int64), lengths))


def piece_names(plan: Plan, windows: Iterable[int], most: int = 5) -> list[str]:
    """Where the texts of some windows come from, for messages: ``outputs/books, data/train-00000.parquet row 17``."""
    names: list[str] = []
    for window in windows:
        for piece in _pieces_of(plan, window):
            store, text = plan.stores[plan.store[piece]], int(plan.text[piece])
            file, row = (int(number) for number in store.rows[text])
            names.append(f"{store.name}, {store.meta['files'][file]['path']} row {row}")
    return names if len(names) <= most else [*names[:most], f"and {len(names) - most:,} more"]
