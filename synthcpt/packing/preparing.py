"""From a row to what is tokenised: plain text, a rendered chat, or pieces with latent thoughts between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from synthcpt.errors import DataCorrupt
from synthcpt.packing.chat_rendering import ChatRenderer, Spans
from synthcpt.packing.sources import Text
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.text.latent_layout import Piece, laid_out, read_chunks

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Options:
    """What decides the ids beside the texts and the tokenizer.

    Attributes:
        chat: chats as they stand in the text, or by the model's chat template.
        loss: on a text's spans, or on all of it.
        epoch, seed: of the layout of texts that vary.
    """

    chat: Literal["plain", "template"] = "plain"
    loss: Literal["spans", "all"] = "spans"
    epoch: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is tokenised.

    Attributes:
        source: the text it is of.
        body: all of it.
        spans: character ranges of it that carry loss, ascending and apart; empty: all.
        pieces: of which it consists, where each is to be tokenised on its own; else empty.
        control: special tokens in it are meant.
    """

    source: Text
    body: str
    spans: Spans = ()
    pieces: tuple[Piece, ...] = ()
    control: bool = False


class Preparer:
    """Prepares texts.

    Args:
        tokenizer: whose chat template.
        options: which texts become what.

    Raises:
        ModelError: a template is asked for and there is none.
    """

    def __init__(self, tokenizer: TextTokenizer, options: Options) -> None:
        self._options = options
        self._renderer = ChatRenderer(tokenizer) if options.chat == "template" else None

    def prepare(self, text: Text) -> Prepared | str:
        """What is tokenised, or the reason why nothing is.

        Raises:
            DataCorrupt: a text and the note of its thoughts do not fit.
            ModelError: the chat template cannot be used.
        """
        prepared = self._prepared(text)
        if isinstance(prepared, str):
            return prepared
        if not prepared.body or prepared.body.isspace():
            return "empty"
        if self._options.loss == "spans" and (text.spans or prepared.control) and not prepared.spans:
            return "no_loss"
        return prepared

    def _prepared(self, text: Text) -> Prepared | str:
        if text.latent:
            pieces = self._pieces(text)
            return Prepared(text, "".join(piece.text for piece in pieces if not piece.special), (), pieces)
        if self._renderer is not None and text.messages:
            if self._renderer.holds_control_tokens(text.messages):
                return "control_tokens"
            body, spans = self._renderer.render(text.messages)
            return Prepared(text, _valid(body), self._loss(spans, len(body)), (), True)
        return Prepared(text, _valid(text.text), self._loss(text.spans, len(text.text)))

    def _loss(self, spans: Iterable[Sequence[int]], length: int) -> Spans:
        return joined_spans(spans, length) if self._options.loss == "spans" else ()

    def _pieces(self, text: Text) -> tuple[Piece, ...]:
        try:
            chunks = read_chunks(text.text, text.meta["chunks"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataCorrupt(f"The text {text.id!r} does not fit the note of its own chunks: {error}") from error
        return laid_out(chunks, self._options.seed, self._options.epoch, text.id)


def joined_spans(spans: Iterable[Sequence[int]], length: int) -> Spans:
    """The ranges in order, within the text; those that touch or overlap become one, empty ones go."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, span[0]), min(length, span[1])) for span in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        elif start < end:
            joined.append((start, end))
    return tuple(joined)


def _valid(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes; as long as before, so that spans keep their places."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
