"""Best-fit packing: texts into windows of a fixed length, hardly a slot empty, no text cut that fits.

Best-fit decreasing takes the texts from the longest to the shortest and puts each into the fullest window that still
has room. Ding et al. 2024 (arXiv:2404.10830) proposed it for language-model training, against concatenate-and-cut. It
is done on the histogram of lengths, as in Krell et al. 2021 (arXiv:2107.02027): windows of the same contents are one
group with a count, so the work depends on how many different lengths there are, and hardly on how many texts.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]


def index_type(count: int) -> type[np.signedinteger[Any]]:
    """The type of an index into so many texts: half the memory where they are fewer than two billion."""
    return np.int32 if count < 2**31 else np.int64


def cut_into_pieces(lengths: Ints, window_tokens: int) -> tuple[Ints, Ints, Ints]:
    """Texts longer than a window as whole windows and a rest; the others as they are.

    Args:
        lengths: tokens of each text, shape (texts,).
        window_tokens: the window's length.

    Returns:
        For each piece, in the order of the texts: which text, its first token in it, and its length.
    """
    text = np.arange(len(lengths), dtype=index_type(len(lengths)))
    start = np.zeros(len(lengths), dtype=np.int32)
    long = np.flatnonzero(lengths > window_tokens)
    if not len(long):
        return text, start, lengths
    pieces = np.ones(len(lengths), dtype=np.int64)
    pieces[long] = -(-lengths[long] // window_tokens)
    text = np.repeat(text, pieces)
    first = np.cumsum(pieces) - pieces
    start = ((np.arange(len(text)) - first[text]) * window_tokens).astype(np.int32)
    return text, start, np.minimum(window_tokens, lengths[text] - start)


def best_fit(lengths: Ints, window_tokens: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Which pieces share a window.

    Args:
        lengths: tokens of each piece, from 1 to ``window_tokens``; shape (pieces,).
        window_tokens: the window's length.
        rng: which of several pieces of one length goes where, and the order of the windows.

    Returns:
        The pieces in the order of the windows, shape (pieces,), and where each window begins in it and the end, shape
        (windows + 1,).
    """
    counts = np.bincount(lengths, minlength=window_tokens + 1)
    groups = _group_windows(counts, window_tokens)
    shuffled = rng.permutation(np.arange(len(lengths), dtype=index_type(len(lengths))))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    del shuffled
    free = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)  # the first untaken piece of each length

    windows = sum(count for _, count in groups)
    sizes = np.empty(windows, dtype=np.int64)
    place = rng.permutation(windows)
    at = 0
    for contents, count in groups:
        sizes[place[at : at + count]] = len(contents)
        at += count
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    order = np.empty_like(by_length)
    at = 0
    for contents, count in groups:
        begin = offsets[place[at : at + count]]
        for column, length in enumerate(contents):
            order[begin + column] = by_length[free[length] : free[length] + count]
            free[length] += count
        at += count
    return order, offsets


def concatenated(lengths: Ints, window_tokens: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Pieces one after another, cut wherever a window ends: the usual way, here to compare with.

    Returns:
        Which piece each new piece is of, its first token in it, its length; and the windows' offsets as in `best_fit`.
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.unique(np.concatenate([ends, np.arange(window_tokens, total, window_tokens, dtype=np.int64)]))
    begins = np.concatenate([[0], cuts])[:-1].astype(np.int64)
    piece = np.searchsorted(ends, begins, side="right").astype(np.int64)
    start = begins - (ends - lengths)[piece]
    window = begins // window_tokens
    offsets = np.concatenate([[0], np.cumsum(np.bincount(window))]).astype(np.int64)
    return piece, start, cuts - begins, offsets


@dataclass(slots=True)
class _Rooms:
    """Groups of windows by the room they have left: ``stacks[room]`` holds (contents, count) pairs."""

    stacks: dict[int, list[tuple[tuple[int, ...], int]]] = field(default_factory=dict)
    rooms: list[int] = field(default_factory=list)

    def put(self, room: int, contents: tuple[int, ...], count: int) -> None:
        if room not in self.stacks:
            self.stacks[room] = []
            insort(self.rooms, room)
        self.stacks[room].append((contents, count))

    def take_tightest(self, length: int) -> tuple[int, tuple[int, ...], int] | None:
        """A group of the least room that holds ``length``, taken out; None where nothing does."""
        at = bisect_left(self.rooms, length)
        if at == len(self.rooms):
            return None
        room = self.rooms[at]
        contents, count = self.stacks[room].pop()
        if not self.stacks[room]:
            del self.stacks[room], self.rooms[at]
        return room, contents, count


def _group_windows(counts: npt.NDArray[np.int64], window_tokens: int) -> list[tuple[tuple[int, ...], int]]:
    """Groups of windows with the same contents, as (lengths, how many windows).

    A window that has taken a text is tighter than it was, so best fit gives it the next of the same length, too, while
    that fits: a group's windows are filled with a length one after another, which is done for all of them at once.
    """
    groups = _Rooms()
    for length in map(int, np.flatnonzero(counts)[::-1]):
        left = int(counts[length])
        while left:
            room, contents, windows = groups.take_tightest(length) or (window_tokens, (), left)
            a_window = room // length
            filled = min(windows, left // a_window)
            rest = left - filled * a_window if filled < windows else 0
            for texts, count in ((a_window, filled), (rest, 1)):
                if texts and count:
                    groups.put(room - texts * length, contents + (length,) * texts, count)
            unused = windows - filled - (rest > 0)
            if contents and unused:
                groups.put(room, contents, unused)
            left -= filled * a_window + rest
    return [group for stack in groups.stacks.values() for group in stack]
