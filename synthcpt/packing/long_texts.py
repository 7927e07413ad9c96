"""A text of many megabytes in bounded memory: encoded in blocks that overlap, joined where two of them agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

LONG_CHARS = 1 << 20
"""Texts longer than this are encoded in blocks of so many characters; the library needs some 200 bytes a token."""
_OVERLAP_CHARS = 1 << 12
_AGREEING_TOKENS = 8
"""Two blocks are joined at a token from which on they agree for so many."""


def encode_long(
    engine: Any, text: str, *, block_chars: int = LONG_CHARS, overlap_chars: int = _OVERLAP_CHARS
) -> tuple[Ints, Ints]:
    """The ids of a long text and where they stand, as if it were encoded at once.

    Tokens depend on their near neighbours alone, so two blocks that overlap agree from soon after the second one's
    beginning until shortly before the first one's end. Where they nowhere do (one letter a million times over, say),
    the second begins where a token of the first ended, and the tokens there are as of two texts.

    Args:
        engine: of the `tokenizers` library.
        text: what to encode.
        block_chars: the most characters encoded at once.
        overlap_chars: by which blocks overlap.

    Returns:
        The ids, shape (tokens,), and their character ranges, shape (tokens, 2).
    """
    ids, offsets = _block(engine, text, 0, block_chars)
    found = [(ids, offsets)]
    end = min(len(text), block_chars)
    while end < len(text):
        ids, offsets = found.pop()
        right_ids, right_offsets = _block(engine, text, end - overlap_chars, block_chars)
        cuts = _meeting(ids, offsets, right_ids, right_offsets, end - overlap_chars)
        if cuts is None:
            cut = int(np.searchsorted(offsets[:, 1], end - overlap_chars // 2, "right"))
            place = int(offsets[cut - 1, 1]) if cut else end
            cut = int(np.searchsorted(offsets[:, 1], place, "right"))
            right_ids, right_offsets = _block(engine, text, place, block_chars)
            cuts, end = (cut, 0), place
        else:
            end -= overlap_chars
        found.append((ids[: cuts[0]], offsets[: cuts[0]]))
        found.append((right_ids[cuts[1] :], right_offsets[cuts[1] :]))
        end = min(len(text), end + block_chars)
    return np.concatenate([ids for ids, _ in found]), np.concatenate([offsets for _, offsets in found])


def _block(engine: Any, text: str, start: int, chars: int) -> tuple[Ints, Ints]:
    encoded = engine.encode(text[start : start + chars], add_special_tokens=False)
    offsets = np.array(encoded.offsets, dtype=np.int32).reshape(-1, 2) + start
    return np.array(encoded.ids, dtype=np.int32), offsets


def _meeting(left: Ints, left_offsets: Ints, right: Ints, right_offsets: Ints, start: int) -> tuple[int, int] | None:
    """The tokens of two blocks from which on they agree, away from either block's edge; None where they do not."""
    ends = left_offsets[-1, 1] if len(left) else start
    middle = start + (int(ends) - start) // 4
    low = int(np.searchsorted(left_offsets[:, 0], middle, "left"))
    high = int(np.searchsorted(left_offsets[:, 1], start + 3 * (int(ends) - start) // 4, "right"))
    for at in range(low, high - _AGREEING_TOKENS):
        place = left_offsets[at, 0]
        if at and left_offsets[at - 1, 1] > place:
            continue  # a token within a character
        other = int(np.searchsorted(right_offsets[:, 0], place, "left"))
        same = slice(at, at + _AGREEING_TOKENS), slice(other, other + _AGREEING_TOKENS)
        if (
            np.array_equal(left[same[0]], right[same[1]])
            and np.array_equal(left_offsets[same[0]], right_offsets[same[1]])
            and (other == 0 or right_offsets[other - 1, 1] <= place)
        ):
            return at, other
    return None
