"""A document's blocks: what is prose, and what is a heading, a list item, a table row or code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "prose", "item", "row", "code"]

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*+•]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+(?=\S)")
_RULE = re.compile(r"\s*(?:-[-\s]{2,}|=[=\s]{2,}|\*[*\s]{2,}|_[_\s]{2,})$")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_TABLE_RULE = re.compile(r"[\s|:\-]+$")
_CODE_LINE = re.compile(r"(?:\t| {4,})\S|.*[;{}]\s*$|\s*(?:def|class|import|from \S+ import|return|#include|//)\b")
_LABEL = re.compile(r"(?:\*\*|__)([^*_\n]{2,80})(?:(?<=[.:?!])(?:\*\*|__)|(?:\*\*|__)[:.])\s+(?=\S)")

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(
    r"(?<![\w*])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?![\w*])|(?<!\w)_{1,2}(?=[^\W_])|(?<=[^\W_])_{1,2}(?!\w)|`+"
)
_FOOTNOTE = re.compile(r"\[\^?[\w ]{1,8}\](?!\()")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that stands by itself.

    Attributes:
        kind: what it is.
        text: its words on one line, without Markdown; a row's cells stand in ``cells``.
        label: the run-in heading it starts with ("Mungo Teale, tide-keeper"), or empty.
        cells: a table row as (column heading, cell) pairs.
    """

    kind: Kind
    text: str
    label: str = ""
    cells: tuple[tuple[str, str], ...] = ()


def read_blocks(text: str) -> list[Block]:
    """Split a document, Markdown or plain, into its blocks in order."""
    return list(_Reader(text).blocks())


class _Reader:
    """One pass over the lines; `held` is the paragraph or item that the next line may go on."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._held: list[str] = []
        self._kind: Kind = "prose"
        self._columns: list[str] | None = None

    def blocks(self) -> Iterator[Block]:
        fenced = False
        for line in self._lines:
            if _FENCE.match(line):
                yield from self._flush()
                fenced = not fenced
            elif fenced:
                yield Block("code", line)
            else:
                yield from self._line(line)
        yield from self._flush()

    def _line(self, line: str) -> Iterator[Block]:
        if not line.strip():
            yield from self._flush()
            self._columns = None
        elif heading := _HEADING.match(line):
            yield from self._flush()
            yield Block("heading", plain(heading[1].rstrip(" #\t")))
        elif line.lstrip().startswith("|"):
            yield from self._flush()
            yield from self._row(line)
        elif _RULE.match(line):
            self._kind = "heading" if len(self._held) == 1 and self._kind == "prose" else self._kind
            yield from self._flush()
        elif item := _ITEM.match(line):
            yield from self._flush()
            self._kind, self._held = "item", [line[item.end() :]]
        else:
            self._held.append(line.lstrip("> ") if line.startswith(">") else line)

    def _flush(self) -> Iterator[Block]:
        held, kind = self._held, self._kind
        self._held, self._kind = [], "prose"
        if not held:
            return
        if kind == "prose" and sum(bool(_CODE_LINE.match(line)) for line in held) * 2 > len(held):
            yield Block("code", "\n".join(held))
            return
        raw = " ".join(line.strip() for line in held)
        label = _LABEL.match(raw)
        body = plain(raw[label.end() :] if label else raw)
        if body:
            yield Block(kind, body, _ITEM.sub("", plain(label[1])).rstrip(".: ") if label else "")

    def _row(self, line: str) -> Iterator[Block]:
        cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
        if _TABLE_RULE.match(line):
            return
        if self._columns is None:
            self._columns = cells
        else:
            pairs = zip(self._columns, cells, strict=False)
            yield Block("row", " | ".join(cells), cells=tuple(pair for pair in pairs if pair[1]))


def plain(text: str) -> str:
    """Inline Markdown taken off: emphasis, code marks, links and footnote marks; whitespace made single."""
    if "[" in text:
        text = _FOOTNOTE.sub("", _LINK.sub(r"\1", text))
    if "*" in text or "_" in text or "`" in text:
        text = _MARKS.sub("", text)
    return " ".join(text.split())
