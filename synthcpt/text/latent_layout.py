"""How a text with latent thoughts is laid out for training: before what they explain, or after it.

A document is a row of chunks, most with a thought that lies between the chunk and what comes before it. Each chunk is
trained on in one of two layouts, of which a fair coin picks one anew in every epoch:

    prior       [start][prior] thought [end] chunk                         think, then write
    posterior   [start][end] chunk [start][posterior] thought [end]        read, then explain

So one model learns p(thought, chunk | context) and q(thought | chunk, context). The context is whatever stands before
in the sequence. A chunk without a thought is laid out as it is, with no token around it.

A row's text is its chunks in the prior layout with the special tokens written out, which is how the model is to be
used; the row's ``meta["chunks"]`` says where in it each chunk and each thought stands. From the two come the source,
and what an epoch trains on:

    chunks = read_chunks(row["text"], meta["chunks"])
    "".join(chunk.text for chunk in chunks)         # the source, to the character
    laid_out(chunks, seed, epoch, row["id"])        # the pieces, in order

Every piece is to be tokenised on its own, without special tokens added, and the ids joined: then a thought has the same
token ids in both layouts, which the importance weights p(thought, chunk) / q(thought) rest on (the end token belongs
to the thought on both sides). Where the source holds the very characters of a special token, its pieces hold them with
a bar more (``<||latent_end|>``), so that no text can be taken for a token, and none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypedDict

from synthcpt.randomness import stream

START, END = "<|latent_start|>", "<|latent_end|>"
PRIOR, POSTERIOR = "<|latent_prior|>", "<|latent_posterior|>"
SPECIAL_TOKENS = (START, END, PRIOR, POSTERIOR)
"""To be added to the tokenizer, and given embeddings, before training."""

Layout: TypeAlias = Literal["prior", "posterior"]
Mode: TypeAlias = Literal["coin", "prior", "posterior", "thoughts", "raw"]
"""``coin`` is the paper's; ``prior`` and ``posterior`` lay out all chunks alike; ``thoughts`` leaves the chunks out,
and ``raw`` the thoughts."""

_UNGUARDED = re.compile(r"<\|(\|*latent_(?:start|end|prior|posterior)\|>)")
_GUARDED = re.compile(r"<\|\|(\|*latent_(?:start|end|prior|posterior)\|>)")


class Chunk(NamedTuple):
    """A stretch of the source as it is, and the thought before it; empty where there is none."""

    text: str
    thought: str = ""


class Piece(NamedTuple):
    """A stretch of a training sequence; ``special`` says that it is one special token."""

    text: str
    special: bool = False


def guard(text: str) -> str:
    """The text with a bar more in whatever reads like a special token; `unguard` takes it out again."""
    return _UNGUARDED.sub(r"<||\1", text)


def unguard(text: str) -> str:
    """What was guarded."""
    return _GUARDED.sub(r"<|\1", text)


def toss(seed: int, epoch: int, document_id: str, chunk: int) -> Layout:
    """The layout of a document's chunk in an epoch; equal arguments always give the same."""
    rng = stream(seed, "latent-layout", str(epoch), document_id, str(chunk))
    return "prior" if rng.random() < 0.5 else "posterior"


def pieces(chunk: Chunk, layout: Layout) -> tuple[Piece, ...]:
    """One chunk in one layout."""
    text, thought = Piece(guard(chunk.text)), Piece(guard(chunk.thought))
    start, end = Piece(START, True), Piece(END, True)
    if not chunk.thought:
        return (text,)
    if layout == "prior":
        return (start, Piece(PRIOR, True), thought, end, text)
    return (start, end, text, start, Piece(POSTERIOR, True), thought, end)


def laid_out(
    chunks: Sequence[Chunk], seed: int, epoch: int, document_id: str, mode: Mode = "coin"
) -> tuple[Piece, ...]:
    """All pieces of a document in an epoch, in order.

    Args:
        chunks: of the row, in order.
        seed: the training's.
        epoch: counts the passes over the data; another one tosses anew.
        document_id: the row's.
        mode: see `Mode`.
    """
    if mode == "raw":
        return tuple(Piece(guard(chunk.text)) for chunk in chunks)
    if mode == "thoughts":
        return tuple(piece for chunk in chunks for piece in pieces(chunk, "prior")[:-1])
    layouts = (toss(seed, epoch, document_id, number) if mode == "coin" else mode for number in range(len(chunks)))
    return tuple(piece for chunk, layout in zip(chunks, layouts, strict=True) for piece in pieces(chunk, layout))


class Place(TypedDict):
    """Where in a row's text a chunk and its thought stand, as character ranges; None for no thought."""

    chunk: tuple[int, int]
    thought: tuple[int, int] | None


def write_chunks(chunks: Iterable[Chunk]) -> tuple[str, list[Place]]:
    """The chunks in the prior layout as one text, and where in it they stand."""
    parts: list[str] = []
    places: list[Place] = []
    length = 0
    for chunk in chunks:
        spans: list[tuple[int, int]] = []
        for piece in pieces(chunk, "prior"):
            parts.append(piece.text)
            length += len(piece.text)
            if not piece.special:
                spans.append((length - len(piece.text), length))
        places.append({"chunk": spans[-1], "thought": spans[0] if len(spans) > 1 else None})
    return "".join(parts), places


def read_chunks(text: str, places: Sequence[Place]) -> list[Chunk]:
    """The chunks that `write_chunks` wrote.

    Args:
        text: the row's.
        places: its ``meta["chunks"]``; lists do for tuples.

    Raises:
        ValueError: the text is another one than the places are of.
    """
    chunks = [
        Chunk(unguard(text[slice(*place["chunk"])]), unguard(text[slice(*place["thought"] or (0, 0))]))
        for place in places
    ]
    if write_chunks(chunks)[0] != text:
        raise ValueError("The row's text is not the one its chunks were noted for; it was changed since.")
    return chunks
