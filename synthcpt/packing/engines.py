"""Texts to ids, and to where the tokens stand: by the `tokenizers` library, or by a slow tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthcpt.packing.inert import forbidden_ids, inert_backend, may_forge
from synthcpt.packing.long_texts import LONG_CHARS, encode_long
from synthcpt.packing.loss_ranges import Ranges, prefix_ranges, token_ranges
from synthcpt.packing.text_tokenizer import TextTokenizer

Spans = Sequence[tuple[int, int]]
Ids = list[int] | npt.NDArray[np.int32]
"""Of one text; a long one's come as an array, which takes a tenth of the memory."""


class Engine(Protocol):
    """Encodes texts without putting anything around them. Safe to be called from several threads.

    Attributes:
        forbidden: ids of special tokens to look for in what comes out, where a text could be taken for one; empty
            where none can.
    """

    forbidden: frozenset[int]

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of texts in which no special token is meant."""

    def with_loss(self, texts: Sequence[tuple[str, Spans]], *, control: bool) -> list[tuple[Ids, Ranges]]:
        """The ids of texts, and which of them carry loss.

        Args:
            texts: each with the character ranges that do.
            control: special tokens in the texts are meant.
        """


def make_engine(tokenizer: TextTokenizer) -> Engine:
    """The one that fits the tokenizer."""
    return FastEngine(tokenizer) if tokenizer.is_fast else SlowEngine(tokenizer)


class FastEngine:
    """By the `tokenizers` library."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._plain = inert_backend(tokenizer.tokenizer)
        self._control = inert_backend(tokenizer.tokenizer, control=True)
        # Without offsets it is faster; old versions cannot.
        self._encode_batch: Any = getattr(self._plain, "encode_batch_fast", self._plain.encode_batch)
        self.forbidden = _forbidden(tokenizer.tokenizer, lambda text: self.ids([text])[0])

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """See `Engine`; a long text is encoded in parts."""
        short = iter(self._encode_batch([t for t in texts if len(t) <= LONG_CHARS], add_special_tokens=False))
        return [next(short).ids if len(text) <= LONG_CHARS else encode_long(self._plain, text)[0] for text in texts]

    def with_loss(self, texts: Sequence[tuple[str, Spans]], *, control: bool) -> list[tuple[Ids, Ranges]]:
        """See `Engine`."""
        engine = self._control if control else self._plain
        short = iter(engine.encode_batch([t for t, _ in texts if len(t) <= LONG_CHARS], add_special_tokens=False))
        found: list[tuple[Ids, Ranges]] = []
        for text, spans in texts:
            if len(text) > LONG_CHARS:
                ids, offsets = encode_long(engine, text)
                found.append((ids, token_ranges(text, spans, len(ids), partial(_place, offsets))))
            else:
                encoded = next(short)
                found.append((encoded.ids, token_ranges(text, spans, len(encoded), encoded.token_to_chars)))
        return found


class SlowEngine:
    """By a tokenizer that is written in Python or wraps sentencepiece."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer.tokenizer
        self.forbidden = _forbidden(self._tokenizer, self._ids)

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """See `Engine`."""
        return [self._ids(text) for text in texts]

    def with_loss(self, texts: Sequence[tuple[str, Spans]], *, control: bool) -> list[tuple[Ids, Ranges]]:
        """See `Engine`."""
        found: list[tuple[Ids, Ranges]] = []
        for text, spans in texts:
            ids = self._ids(text, control=control)
            prefixes = [
                (self._ids(text[:start], control=control), self._ids(text[:end], control=control))
                for start, end in spans
            ]
            found.append((ids, prefix_ranges(spans, ids, prefixes)))
        return found

    def _ids(self, text: str, *, control: bool = False) -> list[int]:
        encoded = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=not control, return_attention_mask=False, verbose=False
        )
        return list(encoded["input_ids"])


def _place(offsets: npt.NDArray[np.int32], token: int) -> tuple[int, int]:
    return int(offsets[token, 0]), int(offsets[token, 1])


def _forbidden(tokenizer: Any, encode: Callable[[str], Ids]) -> frozenset[int]:
    return forbidden_ids(tokenizer) if may_forge(encode, tokenizer) else frozenset()
