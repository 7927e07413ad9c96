"""Texts with answers in them: which characters carry loss, and the same as chat turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant"}


class Spanned(NamedTuple):
    """A text and the character ranges of it that carry loss."""

    text: str
    spans: tuple[tuple[int, int], ...]


def spanned(pieces: Iterable[tuple[str, bool]]) -> Spanned:
    """Join pieces of a text, each with whether it carries loss; neighbouring ranges become one."""
    text, spans = "", list[tuple[int, int]]()
    for piece, carries_loss in pieces:
        start, text = len(text), text + piece
        if carries_loss and piece:
            joined = bool(spans) and spans[-1][1] == start
            spans[-1 if joined else len(spans) :] = [(spans[-1][0] if joined else start, len(text))]
    return Spanned(text, tuple(spans))


def turns(*contents: str) -> tuple[Mapping[str, str], ...]:
    """Chat turns that begin with the user and alternate."""
    return tuple(
        {"role": "assistant" if number % 2 else "user", "content": content} for number, content in enumerate(contents)
    )


def plain_chat(messages: Sequence[Mapping[str, str]]) -> Spanned:
    """A chat as plain text, for a model without a chat template; the assistant's words carry loss."""
    pieces: list[tuple[str, bool]] = []
    for number, message in enumerate(messages):
        gap = "\n\n" if number else ""
        pieces.append((f"{gap}{_SPEAKERS[message['role']]}: ", False))
        pieces.append((message["content"], message["role"] == "assistant"))
    return spanned(pieces)
