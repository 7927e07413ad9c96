"""A text with the differences that do not matter to a search taken out, and the way back to its characters."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_SAME = (
    dict.fromkeys("’‘ʼ‛`´＇", "'")
    | dict.fromkeys("“”„‟«»", '"')
    | dict.fromkeys("-‐‑‒–—−﹣－", " ")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")  # invisible
    | {"…": "…"}
)
_ASCII = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\t\n\v\f\r-`", b"abcdefghijklmnopqrstuvwxyz     " + b" '")
_ALL_ASCII = bytes(range(128))
_MANY_CHARS = 24
"""From so many different characters on, one pass that looks each up is faster than a replacement for each."""

_OTHERS_WITH_BASE = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]++")
# Marks that compose with the character before them, and the vowels and finals of decomposed Hangul.
_COMPOSING = "\u0300-\u036f\u0483-\u0487\u1160-\u11ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
_CLUSTER = re.compile(f"(?s:.)[{_COMPOSING}]*+")
_COMPOSES = re.compile(f"[{_COMPOSING}]")
# Thai to Myanmar, Khmer, kana and CJK (also beyond the basic plane); Hangul, whose particles follow without a space.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u30ff\u31f0-\u31ff\u3400-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text.

    Attributes:
        text: lower case, hyphens and all whitespace as single spaces, one kind of quote and of apostrophe.
        has_wide_spaces: somewhere two spaces stand together.
        offsets: for each folded character, and for the end, where it starts in the original; None where the two
            have the same offsets.
    """

    text: str
    has_wide_spaces: bool
    offsets: array[int] | None = None

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that the folded ones came from."""
        if self.offsets is None:
            return start, end
        last = self.offsets[end - 1]
        while self.offsets[end] == last:  # the original character unfolded to more than the match: take all of it
            end += 1
        return self.offsets[start], self.offsets[end]


def fold(text: str) -> Folded:
    """Fold a text for searching."""
    if text.isascii():
        folded = _fold_ascii(text)
    else:
        even = _fold_evenly(text)
        if even is None:
            return _fold_unevenly(text)
        folded = even
    return Folded(folded, "  " in folded)


def _fold_ascii(text: str) -> str:
    """With its ASCII characters folded; the bytes of others are left alone."""
    return text.encode("utf-8", "surrogatepass").translate(_ASCII).decode("utf-8", "surrogatepass")


def _fold_evenly(text: str) -> str | None:
    """The folded text if each character becomes one, else None."""
    others = set(text.encode("utf-8", "surrogatepass").translate(None, _ALL_ASCII).decode("utf-8", "surrogatepass"))
    table = {char: _fold_cluster(char) for char in others}
    if any(len(folded) != 1 or _COMPOSES.match(char) for char, folded in table.items()):
        return None
    if len(table) > _MANY_CHARS:
        return _fold_ascii(text.translate({ord(char): folded for char, folded in table.items()}))
    for char, folded in table.items():  # the order cannot matter: what is folded folds to itself
        text = text.replace(char, folded)
    return _fold_ascii(text)


def _fold_unevenly(text: str) -> Folded:
    pieces: list[str] = []
    offsets = array("q")
    for piece, starts in _uneven_pieces(text):
        pieces.append(piece)
        offsets.extend(starts)
    offsets.append(len(text))
    folded = "".join(pieces)
    return Folded(folded, "  " in folded, offsets)


def _uneven_pieces(text: str) -> Iterator[tuple[str, range | list[int]]]:
    """Folded pieces with the original offset of each of their characters."""
    end = 0
    for match in _OTHERS_WITH_BASE.finditer(text):
        yield _fold_ascii(text[end : match.start()]), range(end, match.start())
        for cluster in _CLUSTER.finditer(text, match.start(), match.end()):
            folded = _fold_cluster(cluster[0])
            yield folded, [cluster.start()] * len(folded)
        end = match.end()
    yield _fold_ascii(text[end:]), range(end, len(text))


@lru_cache(maxsize=8192)
def _fold_cluster(cluster: str) -> str:
    """One character with its composing marks."""
    if cluster in _SAME:
        return _SAME[cluster]
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
    return "".join(" " if char.isspace() else _SAME.get(char, char) for char in folded)


def is_word_char(char: str) -> bool:
    """Whether a character can be inside a word: letters, digits, the underscore, vowel signs and other marks."""
    return char.isalnum() or char == "_" or (char > "\x7f" and unicodedata.category(char)[0] == "M")


def is_spaceless(char: str) -> bool:
    """Whether the character's script may set words side by side without a space."""
    return char > "\u0dff" and bool(_SPACELESS.match(char))
