"""Bytes to text, and text to the one form every document has."""

from __future__ import annotations

import codecs
import re
import unicodedata
from hashlib import blake2b

# C0 controls never occur inside a multi-byte UTF-8 sequence, so they can be dropped from the encoded text, which is
# several times faster than a regular expression over the characters. A vertical tab or a form feed ends a line.
_LINE_CONTROLS = b"\v\f"
_TO_NEWLINE = bytes.maketrans(_LINE_CONTROLS, b"\n\n")
_DROPPED = bytes(code for code in range(32) if code not in b"\t\n" + _LINE_CONTROLS)
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BOM = "\ufeff"
_FENCE = re.compile(r" {0,3}(```|~~~)")
_MAX_TITLE_CHARACTERS = 300
_STEM_GAPS = re.compile(r"[_\s]+")


def encoding_of(start: bytes) -> str:
    """The encoding that a file's first bytes announce; UTF-8 (with or without a BOM) unless it is UTF-16."""
    return "utf-16" if start.startswith(_UTF16_BOMS) else "utf-8-sig"


def decode_text(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a BOM; what is invalid becomes U+FFFD."""
    return data.decode(encoding_of(data), "replace")


def replace_surrogates(text: str) -> str:
    """Join surrogate pairs and replace lone surrogates, which UTF-8 cannot hold, by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_text(text: str) -> str:
    r"""NFC, "\n" line ends, no BOM at the start, no C0 control but tab and newline, no lone surrogate."""
    if text.isascii() and text.isprintable():
        return text  # on one line and in order, as most titles and many texts are
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = replace_surrogates(text).encode()
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").translate(_TO_NEWLINE, _DROPPED)
    return unicodedata.normalize("NFC", data.decode().lstrip(_BOM))


def clean_line(text: str) -> str:
    """Clean text on one line, each run of white space a single space: for titles and ids."""
    return " ".join(clean_text(text).split())


def content_hash(title: str, text: str) -> int:
    """64 bits over a clean title and text; two of ten million documents agree by chance once in 300,000 corpora."""
    hasher = blake2b(title.encode(), digest_size=8)
    hasher.update(b"\0" + text.encode())
    return int.from_bytes(hasher.digest(), "big")


def markdown_title(text: str) -> str:
    """The first ``# `` heading outside a code block, unless it is as long as a paragraph; "" without one."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _heading(line)):
            return heading
    return ""


def _heading(line: str) -> str:
    # By hand: a regular expression for the optional closing marks takes quadratic time on a line of spaces.
    if line.startswith("    ") or not line.lstrip(" ").startswith("# "):
        return ""
    words = line.split()[1:]
    if words and not words[-1].strip("#"):
        words.pop()
    heading = " ".join(words)
    return heading if len(heading) <= _MAX_TITLE_CHARACTERS else ""


def stem_title(stem: str) -> str:
    """A file's stem made readable: ``the_great-gatsby`` and ``the-great-gatsby`` lose what stands for a space."""
    words = _STEM_GAPS.sub(" ", stem).strip()
    return clean_line(words if " " in words else words.replace("-", " "))
