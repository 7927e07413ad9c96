"""Where sentences end, and how to cut a long text there. Every function here is lossless and takes linear time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from synthcpt.text.abbreviations import ALWAYS, BEFORE_NUMBERS, OPENERS, SOMETIMES

# These end a sentence whatever follows: CJK, Devanagari, Arabic, Urdu, Ethiopic, Armenian, Burmese, Khmer.
_FIRM = "。！？｡।॥؟۔።։။។"
_CLOSERS = "\"'”’»›)\\]】」』）〉》*_"
_OPENERS = "\"'“‘„«‹([{【「『（〈《*_#>-–—¿¡•|"

_CANDIDATE = re.compile(f"[.!?…\n{_FIRM}]")
# Possessive quantifiers throughout: a match never gives characters back, so no input makes it backtrack.
_TAIL = re.compile(rf"([.!?…{_FIRM}]++)([{_CLOSERS}]*+(?:\[\d{{1,3}}\])*+)(\s*+)")
_SPACE = re.compile(r"\s*+")
_BLOCK_START = re.compile(r"(?:#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|\||```|~~~|>)")
_HEADING_LINE = re.compile(r"\s{0,3}#{1,6}\s")
_MARKER = re.compile(r"(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})\Z")
_FIRST_WORD = re.compile(r"[^\W\d_]{1,15}+")
_QUOTATIVE = "とっ"
_LOOK_BACK_CHARS = 24


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Character spans of the sentences, contiguous and covering the whole text.

    Each span includes its trailing whitespace; headings, list items, table rows and paragraphs end a span whether
    or not a stop does.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _boundaries(text):
        if end < len(text):
            spans.append((start, end))
            start = end
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def _boundaries(text: str) -> Iterator[int]:
    position = 0
    start = len(_SPACE.match(text)[0])  # type: ignore[index]  # matches the empty string at least
    position = start
    while candidate := _CANDIDATE.search(text, position):
        at = candidate.start()
        if text[at] == "\n":
            position = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            ends = _line_ends(text, at, position)
        else:
            position, ends = _at_stop(text, at, start)
        if ends:
            yield position
            start = position


def _at_stop(text: str, at: int, start: int) -> tuple[int, bool]:
    """The end of the stop's tail (closing marks and whitespace), and whether a sentence ends there."""
    tail = _TAIL.match(text, at)
    if tail is None:  # unreachable: the pattern matches wherever the candidate pattern found a stop
        return at + 1, False
    end = tail.end()
    stops, closers, space = tail.groups()
    if "\n" in space and _line_ends(text, tail.end(2), end):
        return end, True
    if stops[-1] in _FIRM:
        return end, not (closers and text[end : end + 1] in _QUOTATIVE)
    if not space:
        return end, not closers and _is_glued(text, at, end)
    return end, _ends_sentence(text, at, end, start, stops, closers)


def _line_ends(text: str, at: int, end: int) -> bool:
    """Whether whitespace from the newline at ``at`` to ``end`` separates blocks and not just lines."""
    if text.count("\n", at, end) > 1 or _BLOCK_START.match(text, end):
        return True
    line_start = text.rfind("\n", 0, at) + 1
    return bool(_HEADING_LINE.match(text, line_start)) or text.startswith(("|", "```", "~~~"), line_start)


def _is_glued(text: str, at: int, end: int) -> bool:
    """A sentence's stop with the next sentence stuck to it: ``... was released.The film``."""
    before, after = text[max(0, at - 2) : at], text[end : end + 2]
    if end - at != 1 or len(before) < 2 or len(after) < 2:
        return False
    word_before = (before[1].islower() and before[0].isalpha()) or before.isdigit()
    word_after = after[0].isupper() and (after[1].islower() or after[1] == " ")
    return word_before and word_after and not _looks_like_code(text, at, end)


def _looks_like_code(text: str, at: int, end: int) -> bool:
    token = text[max(0, at - _LOOK_BACK_CHARS) : at].split(" ")[-1]
    rest = text[end : end + _LOOK_BACK_CHARS].split(" ")[0].rstrip(".,;:!?")
    return any(mark in token + rest for mark in "/\\@_=()[]{}<>.")


def _ends_sentence(text: str, at: int, end: int, start: int, stops: str, closers: str) -> bool:
    upcoming = text[end : end + 6].lstrip(_OPENERS)[:1]
    if upcoming.islower() or (upcoming and upcoming in ",;:)"):
        return False
    if (len(stops) > 1 and set(stops) <= {"."}) or "…" in stops:
        return upcoming.isalpha()
    if stops != "." or closers.strip("*_"):
        return True
    return not _is_abbreviation(text, at, end, start, upcoming)


def _is_abbreviation(text: str, at: int, end: int, start: int, upcoming: str) -> bool:
    begin = max(start, at - _LOOK_BACK_CHARS)
    token = text[begin:at].rsplit(None, 1)[-1].lstrip(_OPENERS) if at > begin else ""
    if begin == start and _MARKER.match(token) and not text[start : at - len(token)].strip(_OPENERS + " \n\t"):
        return True  # the number of a list item
    lower = token.lower()
    is_initial = len(token) == 1 and token.isupper()
    if lower in ALWAYS:
        return True
    if lower in BEFORE_NUMBERS and not is_initial:
        return upcoming.isdigit()
    is_dotted = "." in token and all(len(piece) <= 2 and piece.isalpha() for piece in token.split("."))
    if is_initial or is_dotted or lower in SOMETIMES:
        return upcoming.isalpha() and not _opens_sentence(text, end)
    return False


def _opens_sentence(text: str, end: int) -> bool:
    match = _FIRST_WORD.match(text, end)
    return bool(match) and match[0] in OPENERS  # type: ignore[index]


def chunk_spans(text: str, max_chars: int) -> list[tuple[int, int]]:
    """Cut a text into as few pieces as possible, each at most ``max_chars`` characters, of about one size.

    Pieces are contiguous, cover the text exactly and end where sentences end; a sentence that is longer than a
    piece may be is cut at whitespace, and where there is none, anywhere.

    Raises:
        ValueError: ``max_chars`` is below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars must be at least 1, not {max_chars}.")
    if len(text) <= max_chars:
        return [(0, len(text))] if text else []
    ends = [end for span in sentence_spans(text) for end in _cut_sentence(text, *span, max_chars)]
    count = len(_pack(ends, max_chars))
    low, high = -(-len(text) // count), max_chars
    while low < high:  # the smallest size that still needs no more pieces
        middle = (low + high) // 2
        packed = _pack(ends, middle)
        low, high = (low, middle) if packed and len(packed) <= count else (middle + 1, high)
    cuts = _pack(ends, low)
    return list(zip([0, *cuts[:-1]], cuts, strict=True))


def _cut_sentence(text: str, start: int, end: int, max_chars: int) -> Iterator[int]:
    """Where to cut one sentence: its end, and before it as often as its length demands."""
    while end - start > max_chars:
        limit = start + max_chars
        cut = max(text.rfind(" ", start, limit), text.rfind("\n", start, limit), text.rfind("\t", start, limit)) + 1
        start = cut if cut > start else limit
        yield start
    yield end


def _pack(ends: list[int], max_chars: int) -> list[int]:
    """The ends of pieces filled greedily; empty where one stretch between two ends is longer than a piece."""
    cuts: list[int] = []
    start = 0
    while start < ends[-1]:
        index = bisect_right(ends, start + max_chars) - 1
        if index < 0 or ends[index] <= start:
            return []
        start = ends[index]
        cuts.append(start)
    return cuts
