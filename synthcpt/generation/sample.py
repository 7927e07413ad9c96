"""A sample of the documents, and from it to all of them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from statistics import fmean

from synthcpt.engine.journal import place_of
from synthcpt.records import Document
from synthcpt.text.tokens import estimate_tokens

SAMPLE_DOCUMENTS, SAMPLE_TOKENS = 48, 40_000
"""A sample has at least so many documents and at least so many tokens, as far as there are."""

_FEWEST_FOR_A_SLOPE = 5
_STEEPEST = 2.0


class Sample:
    """The documents whose hashes come first: a sample that does not depend on the order of the files."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Document]] = []
        self._tokens = 0

    @property
    def documents(self) -> list[Document]:
        """In the order of their hashes."""
        return [document for _, _, document in sorted(self._heap, reverse=True)]

    def offer(self, document: Document) -> None:
        """Take it if it comes before one that is held, or if more are needed."""
        heap, tokens = self._heap, estimate_tokens(document.text)
        heapq.heappush(heap, (-int.from_bytes(place_of(document.id), "big"), tokens, document))
        self._tokens += tokens
        while len(heap) > SAMPLE_DOCUMENTS and self._tokens - heap[0][1] >= SAMPLE_TOKENS:
            self._tokens -= heapq.heappop(heap)[1]


def extrapolate(values: Sequence[float], sizes: Sequence[float], count: int, total_size: float) -> float:
    """The sum of a value over all documents, from its values in some of them.

    A regression estimate (Cochran, Sampling Techniques, chapter 7): the sample's mean, moved along the line of value
    on size to the mean size of all documents. What comes once a document is then counted by documents, what grows with
    the text by tokens, and what is between the two in between. The line is not let fall, nor be more than twice as
    steep as proportion; with fewer than five documents it is proportion.

    Args:
        values: of the sampled documents.
        sizes: of the same documents.
        count: how many documents there are in all.
        total_size: the size of all documents.
    """
    if not values:
        return 0.0
    mean_value, mean_size = fmean(values), fmean(sizes)
    proportion = mean_value / mean_size if mean_size else 0.0
    slope = min(max(0.0, _slope(values, sizes, proportion)), _STEEPEST * proportion)
    # A sample of much larger documents than the rest must not lead below nothing.
    return max(0.0, count * (mean_value - slope * mean_size) + slope * total_size)


def _slope(values: Sequence[float], sizes: Sequence[float], proportion: float) -> float:
    mean_value, mean_size = fmean(values), fmean(sizes)
    spread = sum((size - mean_size) ** 2 for size in sizes)
    if len(values) < _FEWEST_FOR_A_SLOPE or not spread:
        return proportion
    return sum((size - mean_size) * (value - mean_value) for value, size in zip(values, sizes, strict=True)) / spread
