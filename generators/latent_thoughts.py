"""Latent thoughts: a document with the thinking between its lines written out, a thought before each chunk.

Follows Ruan, Band, Maddison and Hashimoto, "Reasoning to learn from latent thoughts" (BoLT, arXiv 2503.18866) and its
code, with a teacher: the document is cut into chunks of a Poisson number of sentences, and for each a model that is
shown the chunk before it and the chunk itself writes what leads from the one to the other. Training then sees each
chunk after its thought (prior) or before it (posterior), by a fair coin that is tossed anew in every epoch; that is
done when training reads the rows, by `synthcpt.text.latent_layout`, whose docstring says what a row holds.

A document gives one row, its ``text`` in the prior layout, from which the source can be had back to the character. Of
fixed size: one thought a chunk (times ``draws``), whatever the token target.

The paper's bootstrapping is not here: a model that was trained on these rows draws thoughts of its own (``draws`` of
them, at temperature 1) and is trained on those that its own log-probabilities favour. A backend whose capabilities say
``logprobs`` scores the layouts' pieces for that.

Mended of the official code: chunks join to the source (it lost leading line ends); a thought that was cut off, failed
or copies its chunk is left out, and the chunk stands alone (it trained on cut and on empty ones); the first chunk has
a prompt of its own (it passed "N/A" for a context, and took a context of those letters for none); special tokens in
the source's own text stay text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

from pydantic import Field

from synthcpt.errors import DocumentFailed
from synthcpt.methods import Answer, Ask, Context, GateOptions, Rows, room_tokens
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.latent_layout import Chunk, write_chunks
from synthcpt.text.overlap import copied_share
from synthcpt.text.poisson_chunks import poisson_chunks
from synthcpt.text.tokens import estimate_tokens

SUMMARY = "the document itself, with the thoughts that lead to each of its chunks written out"
PAPER = "Ruan et al. 2025, Reasoning to learn from latent thoughts, arXiv:2503.18866"
WHEN = "texts that leave their reasoning unsaid (mathematics, science, law), and a model that shall learn to supply it"
COST = "1 call a chunk of ~8 sentences; each reads two chunks and writes ~400 tokens; the row adds the document itself"
VERSION = 1
PROMPTS = ("thought", "opening")

_FIRST_ROW, _ROWS_A_DRAW = 1, 1 << 24
_MARK_TOKENS = 3
"""Special tokens around a thought in the prior layout."""


class Options(GateOptions):
    """The options of latent thoughts."""

    mean_sentences: float = Field(8.0, ge=1, le=200, description="sentences a chunk, in the mean before the cap")
    most_sentences: int = Field(20, ge=1, description="the most sentences a chunk")
    most_chunk_chars: int = Field(
        6000,
        ge=100,
        description="end a chunk sooner at this length; less where the model's context is too small for it",
    )
    chunk_seed: int = Field(42, description="chunks depend on this and the text alone, not on the run's seed")
    context_chunks: int = Field(
        1, ge=1, le=64, description="chunks before the one at hand that the model reads; the paper's own models read 3"
    )
    draws: int = Field(1, ge=1, le=64, description="thoughts asked for a chunk; each draw gives a row of its own")
    max_overlap: float = Field(
        0.4, ge=0, le=1, description="reject a thought that has more than this share of its words in runs of the chunk"
    )
    min_words: int = Field(8, ge=0, description="reject a shorter thought")
    context_tokens: int | None = Field(
        None, ge=512, description="fit prompts and answers to this context; null for the model's own"
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One thought to ask for."""

    draw: int
    chunk: int


async def generate(
    document: Document, ask: Ask, options: Options, context: Context
) -> AsyncIterator[SyntheticDocument | Rejection]:
    """The document with its thoughts, a row a draw; and what the gates kept out of them."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    thinker = _Thinker(document, ask, options, context)
    if options.include_source:
        yield thinker.rows.source()
    async for rejection in thinker.think():
        yield rejection
    if not thinker.thoughts:
        raise DocumentFailed("no_thoughts", f"none of {options.draws * len(thinker.spans)} could be used")
    for draw in sorted({wanted.draw for wanted in thinker.thoughts}):
        yield thinker.row(draw)


class _Thinker:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options = document, ask, options
        self.rows = Rows(document, ask, context, options)
        self.spans = poisson_chunks(
            document.text, mean_sentences=options.mean_sentences, most_sentences=options.most_sentences,
            most_chars=self._most_chars(), seed=options.chunk_seed,
        )  # fmt: skip
        self.thoughts: dict[_Wanted, Answer] = {}

    def _most_chars(self) -> int:
        """The longest chunk of which a prompt can hold as many as it must."""
        options, text = self.options, self.document.text
        tokens = options.context_tokens or self.ask.capabilities.context_tokens
        if tokens is None:
            return options.most_chunk_chars
        room = room_tokens(self.ask, [f"latent_thoughts/{name}" for name in PROMPTS], tokens)
        chars_a_token = len(text) / estimate_tokens(text)
        return max(1, min(options.most_chunk_chars, int(0.9 * chars_a_token * room / (1 + options.context_chunks))))

    async def think(self) -> AsyncIterator[Rejection]:
        """Ask for all thoughts, and keep those that pass the gates."""
        async for wanted, answer in self.ask.each(self._requests()):
            if not isinstance(answer, Answer):
                continue
            verdict = self._verdict(wanted, answer)
            if verdict is None:
                self.thoughts[wanted] = answer
            else:
                yield self._rejected(wanted, answer, verdict)

    def _requests(self) -> Iterator[tuple[_Wanted, Request]]:
        title = self.document.title or "(untitled)"
        prompts = {name: self.ask.prompt(f"latent_thoughts/{name}") for name in PROMPTS}
        for number in range(len(self.spans)):
            chunk = self._text(number, number)
            before = self._text(number - self.options.context_chunks, number - 1)
            if number:
                request = prompts["thought"].render(title=title, document=before, chunk=chunk)
            else:
                request = prompts["opening"].render(title=title, document=chunk)
            for draw in range(self.options.draws):
                yield _Wanted(draw, number), request if draw == 0 else replace(request, draw=draw)

    def _text(self, first: int, last: int) -> str:
        """The chunks from one to another, as they are shown to the model."""
        start, end = self.spans[max(0, first)][0], self.spans[max(0, last)][1]
        return self.document.text[start:end].strip()

    def _verdict(self, wanted: _Wanted, answer: Answer) -> gates.Verdict | None:
        thought = answer.text.strip()
        verdict = gates.truncated(answer.completion) or self.rows.verdict(thought)
        if verdict or self.ask.capabilities.verbatim:
            return verdict
        share = copied_share(thought, self._text(wanted.chunk, wanted.chunk))
        if share > self.options.max_overlap:
            return gates.Verdict("overlap", f"{share:.0%} of its words stand in runs of the chunk that it leads to")
        return None

    def _rejected(self, wanted: _Wanted, answer: Answer, verdict: gates.Verdict) -> Rejection:
        ordinal = _FIRST_ROW + wanted.draw * _ROWS_A_DRAW + 1 + wanted.chunk
        meta = {"step": "thought", "draw": wanted.draw, "chunk": self.spans[wanted.chunk]}
        name = f"thought-{wanted.draw}-{wanted.chunk}"
        row = self.rows.row(name, ordinal, answer.text.strip(), keys=(answer.key,), tokens=answer.tokens, meta=meta)
        return self.rows.rejected(row, verdict)

    def row(self, draw: int) -> SyntheticDocument:
        """The document with the thoughts of one draw; a chunk whose thought is missing stands alone."""
        answers = [self.thoughts.get(_Wanted(draw, number)) for number in range(len(self.spans))]
        text, places = write_chunks(
            Chunk(self.document.text[start:end], answer.text.strip() if answer else "")
            for (start, end), answer in zip(self.spans, answers, strict=True)
        )
        given = [answer for answer in answers if answer is not None]
        tokens = estimate_tokens(self.document.text) + sum(_MARK_TOKENS + answer.tokens for answer in given)
        meta = {
            "step": "latents", "draw": draw, "chunks": places, "thoughts": len(given),
            "context_chunks": self.options.context_chunks,
        }  # fmt: skip
        keys = [answer.key for answer in given]
        return self.rows.row(
            f"latents-{draw}", _FIRST_ROW + draw * _ROWS_A_DRAW, text, keys=keys, tokens=tokens, meta=meta
        )
