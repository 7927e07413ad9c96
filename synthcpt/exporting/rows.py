"""A text on its way to another trainer: what it says, what of it carries loss, and where it may be cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Span = tuple[int, int]


class Segment(NamedTuple):
    """A stretch of a text that carries loss, or does not."""

    text: str
    loss: bool


@dataclass(frozen=True, slots=True)
class Text:
    """One text, or a piece of one.

    Attributes:
        text: as the run or the corpus has it.
        spans: character ranges that carry loss, ascending and apart; None: all of it.
        group: the source document it was made from, as a number; texts of one group are kept apart.
        ends: the text is whole at its end, so that the end token follows.
    """

    text: str
    spans: tuple[Span, ...] | None
    group: int
    ends: bool = True

    @property
    def end_carries_loss(self) -> bool:
        """The end token is there and is to be learnt: the loss reaches the end of the text."""
        return self.ends and (self.spans is None or self.spans[-1][1] == len(self.text))

    def segments(self) -> Iterator[Segment]:
        """The text in stretches with and without loss; together they are the text."""
        if self.spans is None:
            yield Segment(self.text, True)
            return
        at = 0
        for start, end in self.spans:
            if at < start:
                yield Segment(self.text[at:start], False)
            yield Segment(self.text[start:end], True)
            at = end
        if at < len(self.text):
            yield Segment(self.text[at:], False)

    def cut(self, ends: Sequence[int]) -> Iterator[Text]:
        """The pieces that end at these characters; the last is the text's end. Pieces without loss are left out."""
        start = 0
        for end in ends:
            last = end == len(self.text)
            spans = self.spans
            if spans is not None:
                met = ((max(a, start) - start, min(b, end) - start) for a, b in spans)
                spans = tuple((a, b) for a, b in met if a < b)
            if spans is None or spans:
                yield Text(self.text[start:end], spans, self.group, self.ends and last)
            start = end


def joined_spans(spans: Sequence[Sequence[int]]) -> tuple[Span, ...]:
    """Spans in order, without empty ones, with those that touch made one."""
    joined: list[Span] = []
    for start, end in sorted((int(span[0]), int(span[1])) for span in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
