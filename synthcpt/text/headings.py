"""Keeps a text self-contained: a section that is read alone must say what document it is about."""

from __future__ import annotations

import re

from synthcpt.text.mentions import find_mention

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+)$", re.MULTILINE)


def carry_title(text: str, title: str) -> str:
    """The text with the title in every heading, or above it where it has none and does not begin with the title.

    Models told to name the title in each heading mostly do; where one did not, the title is added, which costs nothing
    and keeps a good text.
    """
    title = " ".join(title.split())
    if not title:
        return text
    if not _HEADING.search(text):
        return text if find_mention(title, text[: 2 * len(title) + 200]) else f"# {title}\n\n{text}"

    def with_title(match: re.Match[str]) -> str:
        marks, heading = match.group(1), match.group(2).rstrip(" \t#")
        if find_mention(title, heading):
            return match.group(0)
        return f"{marks} {heading} ({title})" if heading else f"{marks} {title}"

    return _HEADING.sub(with_title, text)


def title_above(text: str, title: str) -> str:
    """A source's text, unaltered, under its title where it does not begin with it."""
    title, text = " ".join(title.split()), text.strip("\n")
    return text if not title or find_mention(title, text[: 2 * len(title) + 200]) else f"# {title}\n\n{text}"
