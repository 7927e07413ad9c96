"""Strips the thoughts a reasoning model speaks before its answer."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)(think|thinking|thought|reasoning|seed:think)>", re.IGNORECASE)


def strip_reasoning(text: str) -> str:
    """The answer alone.

    Handles a closed block, a block whose opening tag the chat template already wrote (only the closing tag is in
    the text), and one that was cut off before it closed (nothing after it is an answer, so nothing is left).
    """
    if "<" not in text:
        return text
    stripped = _without_blocks(text)
    ends = [tag.end() for tag in _TAG.finditer(stripped) if tag[1]]
    stripped = stripped[ends[-1] :] if ends else stripped
    unclosed = _TAG.search(stripped)
    if unclosed:
        stripped = stripped[: unclosed.start()]
    return stripped.lstrip("\n") if stripped != text else text


def _without_blocks(text: str) -> str:
    """Each opening tag taken out up to its next closing tag, in one pass, however many are never closed."""
    tags = list(_TAG.finditer(text))
    last_close = {tag[2].casefold(): tag.start() for tag in tags if tag[1]}
    kept, end, inside = [], 0, ""
    for tag in tags:
        name = tag[2].casefold()
        if inside and tag[1] and name == inside:
            end, inside = tag.end(), ""
        elif not inside and not tag[1] and last_close.get(name, -1) > tag.start():
            kept.append(text[end : tag.start()])
            inside = name
    return "".join(kept) + text[end:]
