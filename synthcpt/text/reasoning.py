"""Strips the thoughts a reasoning model speaks before its answer."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"<(think|thinking|thought|reasoning|seed:think)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_OPEN = re.compile(r"<(?:think|thinking|thought|reasoning|seed:think)>", re.IGNORECASE)
_CLOSE = re.compile(r"</(?:think|thinking|thought|reasoning|seed:think)>", re.IGNORECASE)


def strip_reasoning(text: str) -> str:
    """The answer alone.

    Handles a closed block, a block whose opening tag the chat template already wrote (only the closing tag is in
    the text), and one that was cut off before it closed (nothing after it is an answer, so nothing is left).
    """
    if "<" not in text:
        return text
    stripped = _BLOCK.sub("", text)
    closes = list(_CLOSE.finditer(stripped))
    if closes:
        stripped = stripped[closes[-1].end() :]
    unclosed = _OPEN.search(stripped)
    if unclosed:
        stripped = stripped[: unclosed.start()]
    return stripped.lstrip("\n") if stripped != text else text
