"""Texts as they are, for a local model: pieces to tokens to score, its log-probabilities back into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from synthcpt.backends.base import ScoredPiece
from synthcpt.errors import RequestRejected
from synthcpt.records import Sampling


@dataclass(slots=True)
class Scoring:
    """One text on its way to be scored.

    Attributes:
        pieces: the text.
        piece_ids: the token ids of each, once it is tokenised.
    """

    pieces: Sequence[str]
    piece_ids: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text on its way to be continued.

    Attributes:
        prompt: the text.
        sampling: how to draw.
        schema: none; a request may have one.
    """

    prompt: str
    sampling: Sampling
    schema: None = None


Logprobs: TypeAlias = tuple[float | None, ...]
"""One of each token of a text, the first token's None."""


class PieceEncoder:
    """Tokenises pieces so that neighbours never change a piece's tokens.

    Args:
        tokenizer: a transformers tokenizer; not shared with another thread.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._added: dict[str, int] = tokenizer.get_added_vocab()
        first: int | None = tokenizer.bos_token_id
        # Many tokenizers know a first token that they do not put before texts; then the model was trained without it.
        self.lead = [first] if first is not None and tokenizer("a")["input_ids"][:1] == [first] else []

    def encode(self, pieces: Sequence[str]) -> list[list[int]]:
        """The token ids of each piece."""
        return [self._encode_one(piece) for piece in pieces]

    def prompt(self, text: str) -> list[int]:
        """The token ids of a text to go on with, the tokenizer's first token before it where it has one.

        Raises:
            RequestRejected: there are none.
        """
        token_ids = [*self.lead, *self._encode_plain(text)]
        if not token_ids:
            raise RequestRejected("An empty text cannot be continued: the model has no first token to begin with.")
        return token_ids

    def _encode_one(self, piece: str) -> list[int]:
        if piece in self._added:
            return [self._added[piece]]
        return self._encode_plain(piece)

    def _encode_plain(self, text: str) -> list[int]:
        encoded = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True) if text else {}
        return list(encoded.get("input_ids", ()))


def in_pieces(piece_ids: Sequence[Sequence[int]], logprobs: Logprobs) -> list[ScoredPiece]:
    """The pieces with their part of the log-probabilities.

    Args:
        piece_ids: the token ids of each piece.
        logprobs: those of the whole text, its first token included where the tokenizer has one.
    """
    at = len(logprobs) - sum(map(len, piece_ids))
    scored: list[ScoredPiece] = []
    for ids in piece_ids:
        scored.append(ScoredPiece(tuple(ids), logprobs[at : at + len(ids)]))
        at += len(ids)
    return scored
