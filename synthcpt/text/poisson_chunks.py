"""Cuts a text into chunks of a random number of sentences; the same text is always cut alike."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator

from synthcpt.randomness import stream
from synthcpt.text.sentences import chunk_spans, sentence_spans

_HEADING = re.compile(r"\s*#{1,6}[ \t]")


def poisson_chunks(
    text: str, *, mean_sentences: float = 8.0, most_sentences: int = 20, most_chars: int = 6000, seed: int = 0
) -> list[tuple[int, int]]:
    """Character spans of the chunks, contiguous and covering the whole text.

    A chunk has 1 + Poisson(``mean_sentences`` - 1) sentences, at most ``most_sentences``, drawn from a stream that the
    text itself seeds. White space between two chunks belongs to the second, as most tokenizers would have it; a
    heading is never the last of a chunk but the text's own last.

    Args:
        text: what to cut; a text of white space alone has no chunks.
        mean_sentences: the mean, before the cap.
        most_sentences: the cap.
        most_chars: a chunk ends sooner where its next sentence would make it longer; a longer sentence is cut.
        seed: another one gives other chunks.

    Raises:
        ValueError: a mean or a cap below 1.
    """
    if mean_sentences < 1 or most_sentences < 1 or most_chars < 1:
        raise ValueError("A chunk has at least one sentence, and a sentence at least one character.")
    if not text.strip():
        return []
    rng = stream(seed, "poisson-chunks", text)
    cuts: list[int] = []
    for cut in _cuts(_sentences(text, most_chars), rng, mean_sentences, most_sentences, most_chars):
        last = cuts[-1] if cuts else 0
        while cut > last and text[cut - 1].isspace():
            cut -= 1
        if cut > last:
            cuts.append(cut)
    if cuts and text[cuts[-1] :].isspace():
        cuts.pop()
    cuts.append(len(text))
    return list(zip([0, *cuts[:-1]], cuts, strict=True))


def _cuts(
    sentences: Iterator[tuple[int, int]], rng: random.Random, mean: float, most_sentences: int, most_chars: int
) -> Iterator[int]:
    """Where one chunk ends and the next begins, before white space is handed over."""
    start, wanted, count = 0, 0, 0
    for begin, end in sentences:
        if count == wanted or (count and end - start > most_chars):
            if count:
                yield begin
            start, count = begin, 0
            wanted = min(most_sentences, 1 + _poisson(mean - 1, rng))
        count += 1


def _sentences(text: str, most_chars: int) -> Iterator[tuple[int, int]]:
    """The sentences, each with the headings before it; those that are too long in pieces."""
    heading_start: int | None = None
    for start, end in sentence_spans(text):
        begin = start if heading_start is None else heading_start
        if _HEADING.match(text, start) and end < len(text) and end - begin <= most_chars:
            heading_start = begin
            continue
        heading_start = None
        if end - begin <= most_chars:
            yield begin, end
            continue
        for piece_start, piece_end in chunk_spans(text[begin:end], most_chars):
            yield begin + piece_start, begin + piece_end


def _poisson(mean: float, rng: random.Random) -> int:
    """A Poisson draw, by multiplying uniform draws until they fall below exp(-mean) (Knuth); for small means."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
