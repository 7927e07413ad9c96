"""Names and sentences from outside, made harmless for where they are shown."""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~$&])")


def plain(text: str, *, most: int = 0) -> str:
    """On one line and without control, format or bidirectional characters; cut to `most` characters (0: not cut)."""
    kept = "".join(" " if letter.isspace() else letter for letter in text if letter.isspace() or _is_shown(letter))
    line = " ".join(kept.split())
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"


def markdown(text: str) -> str:
    """As plain text in Markdown, also in a cell of a table."""
    return _MARKDOWN.sub(r"\\\1", plain(text)).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")


def code(text: str) -> str:
    """As code in Markdown, whatever backticks it has; also in a cell of a table."""
    line = plain(text)
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def short_count(number: float) -> str:
    """``12345678`` -> ``12.3M``."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """``3723`` -> ``1 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole / 86400:.1f} days"


def _is_shown(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
