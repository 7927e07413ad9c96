"""EntiGraph: many texts about a document, each on how a few of its entities bear on each other.

Follows Yang, Band, Li, Candès and Hashimoto, "Synthetic continued pretraining" (arXiv 2409.07431, ICLR 2025), section 2
and appendix: one call lists a document's entities and summarises it; then one call each pair of entities, and one each
triple, retells the document around them and analyses their relations. The summary is trained on, the document itself
is not.

What the paper leaves to its operator is an option here: how many entities, pairs and triples. Triples come from a
seeded permutation of all of them, which is never built as a list. A token quota per document, where the run has a
target, is filled with pairs first and then with triples.

Documents longer than the model's context are split at sentence ends into passages; entities of different passages
meet in a prompt that holds both passages.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from synthcpt.combinations import Permutation, unrank
from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Answer, Ask, Context, MethodOptions
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.entities import Entity, ground_entities
from synthcpt.text.headings import carry_title
from synthcpt.text.sentences import chunk_spans
from synthcpt.text.tokens import estimate_tokens

SUMMARY = "relations among a document's entities: one text a pair, and one a triple"
PAPER = "Yang et al. 2024, Synthetic continued pretraining, arXiv:2409.07431"
COST = "1 + E(E-1)/2 calls a document of E entities (plus triples); each reads the document and writes ~700 tokens"
VERSION = 1
PROMPTS = ("entities", "pair", "triple")

_PROMPT_OVERHEAD_TOKENS = 700
_FIRST_SUMMARY, _FIRST_PAIR, _FIRST_TRIPLE = 1, 1 << 20, 1 << 40


class Options(MethodOptions):
    """EntiGraph's options."""

    max_entities: int | None = Field(
        100, ge=2, description="keep this many entities a document, the most prominent first; null for all"
    )
    max_pairs: int | None = Field(
        None, ge=0, description="at most this many pairs a document; null for all, as in the paper"
    )
    max_triples: int | None = Field(
        None,
        ge=0,
        description="at most this many triples a document; null for what the token target needs, none without a target",
    )
    include_summary: bool = Field(True, description="train on the summary, as the paper's code does")
    include_source: bool = Field(False, description="add the document itself to the corpus; the paper does not")
    ungrounded: Literal["drop", "keep"] = Field("drop", description="entities that do not occur in the document")
    require_entities: bool = Field(True, description="reject a text that does not mention each of its entities")
    same_language: bool = Field(True, description="reject a text in another language than the document's")
    max_copied: float = Field(
        0.5, ge=0, le=1, description="reject a text of whose 8-word runs more than this share is the document's"
    )
    min_words: int = Field(30, ge=0, description="reject a shorter text")
    context_tokens: int | None = Field(
        None, ge=512, description="split documents to fit this context; null for the model's own"
    )


class EntityAnswer(BaseModel):
    """What the entity call must answer."""

    model_config = ConfigDict(title="entities", extra="ignore", strict=True)

    summary: str = Field(max_length=20_000)
    entities: list[str] = Field(max_length=400)


@dataclass(frozen=True, slots=True)
class Combination:
    """Two or three entities to write about.

    Attributes:
        ordinal: its place among the document's texts.
        name: ``pair-0-3``.
        entities: by their places in the ranking.
        passages: the passages that must be read.
    """

    ordinal: int
    name: str
    entities: tuple[int, ...]
    passages: tuple[int, ...]


async def generate(
    document: Document, ask: Ask, options: Options, context: Context
) -> AsyncIterator[SyntheticDocument | Rejection]:
    """The document's summary, then a text each pair and triple of its entities."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    if options.include_source:
        yield writer.source_row()
    rows = await _read_in_passages_that_fit(writer)
    for row in rows:
        yield row
    tokens = sum(row.tokens for row in rows if isinstance(row, SyntheticDocument))
    async for row in writer.relations(tokens):
        yield row


async def _read_in_passages_that_fit(writer: _Writer) -> list[SyntheticDocument | Rejection]:
    """Read the document; where a tokenizer makes more tokens of it than estimated, again in smaller passages."""
    for shrink in (1.0, 0.5, 0.25):
        writer.passages = _split(writer.document, writer.ask, writer.options, shrink)
        try:
            return await writer.read()
        except RequestFailed as failure:
            if failure.reason != "prompt_too_long" or shrink == 0.25:
                raise
    return []


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.passages: list[str] = []
        self.source = gates.Source(document.text)
        self.entities: list[Entity] = []
        self.spans: dict[str, tuple[int, int] | None] = {}

    def source_row(self) -> SyntheticDocument:
        document = self.document
        text = carry_title(document.text, document.title)
        return self._row("source", 0, text, (), estimate_tokens(text), {"step": "source", "entities": []})

    async def read(self) -> list[SyntheticDocument | Rejection]:
        """One call a passage: its summary (a row) and its entities, grounded and merged over the passages."""
        prompt = self.ask.prompt("entigraph/entities")
        rows: list[SyntheticDocument | Rejection] = []
        named: list[tuple[int, str]] = []
        for i, passage in enumerate(self.passages):
            request = prompt.render(title=self.document.title or "(untitled)", document=passage)
            answer, keys = await self.ask.json(request, EntityAnswer)
            named += [(i, name) for name in answer.entities]
            if self.options.include_summary and answer.summary.strip():
                rows.append(self._summary_row(i, answer.summary.strip(), keys))
        grounding = ground_entities(named, self.passages, keep_ungrounded=self.options.ungrounded == "keep")
        self.entities = grounding.entities[: self.options.max_entities]
        self.spans = {entity.name: entity.span for entity in self.entities}
        if len(self.entities) < 2 and not rows:
            raise DocumentFailed("no_entities", f"{len(self.entities)} usable of {len(named)} named")
        return rows

    def _summary_row(self, passage: int, summary: str, keys: tuple[str, ...]) -> SyntheticDocument | Rejection:
        name, tokens = f"summary-{passage}", estimate_tokens(summary)
        return self._judge(name, _FIRST_SUMMARY + passage, summary, keys, tokens, (), None)

    async def relations(self, tokens: int) -> AsyncIterator[SyntheticDocument | Rejection]:
        """Ask for combinations until the quota is filled, or all of them where there is none.

        With a quota, the next round is sized by what the texts so far came to, so that which texts exist depends on
        the answers alone and not on the order in which they arrived; nothing is asked for and then thrown away.
        """
        quota, plan = self.context.token_quota, self._plan()
        if quota is None:
            async for row in self._ask_all(_by_passage(plan)):
                yield row
            return
        made, round_size = 0, 4
        while tokens < quota and round_size > 0:
            batch = list(islice(plan, round_size))
            if not batch:
                return
            before = tokens
            async for row in self._ask_all(_by_passage(iter(batch))):
                tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
                yield row
            made += len(batch)
            mean = (tokens - before) / len(batch) or 1.0
            round_size = min(round((quota - tokens) / mean), 2 * made)

    async def _ask_all(self, combinations: Iterator[Combination]) -> AsyncIterator[SyntheticDocument | Rejection]:
        requests = ((item, self._request(item)) for item in combinations)
        async for item, answer in self.ask.each(requests):
            if isinstance(answer, Answer):
                yield self._relation_row(item, answer)

    def _plan(self) -> Iterator[Combination]:
        """All pairs in a random order, then triples in a random order, each up to its option."""
        options, n = self.options, len(self.entities)
        triples = options.max_triples
        if triples is None:
            triples = 0 if self.context.token_quota is None else math.comb(n, 3)
        yield from self._combinations(2, "pair", _FIRST_PAIR, options.max_pairs)
        yield from self._combinations(3, "triple", _FIRST_TRIPLE, triples)

    def _combinations(self, size: int, name: str, first_ordinal: int, most: int | None) -> Iterator[Combination]:
        n = len(self.entities)
        order = Permutation(math.comb(n, size), self.context.rng(name))
        found = count()
        for i in range(len(order)):
            if most is not None and most <= 0:
                return
            chosen = unrank(order[i], n, size)
            passages = _cover([self.entities[k].passages for k in chosen])
            if passages is None:
                continue  # three entities of three passages do not fit a prompt together
            yield Combination(first_ordinal + next(found), "-".join((name, *map(str, chosen))), chosen, passages)
            most = None if most is None else most - 1

    def _request(self, item: Combination) -> Request:
        names = [self.entities[k].name for k in item.entities]
        text = "\n\n[...]\n\n".join(self.passages[i] for i in item.passages)
        title = self.document.title or "(untitled)"
        slots = dict(zip(("first", "second", "third"), names, strict=False))
        return self.ask.prompt(f"entigraph/{item.name.split('-')[0]}").render(title=title, document=text, **slots)

    def _relation_row(self, item: Combination, answer: Answer) -> SyntheticDocument | Rejection:
        names = tuple(self.entities[k].name for k in item.entities)
        text = answer.text.strip()
        verdict = gates.truncated(answer.completion)
        return self._judge(item.name, item.ordinal, text, (answer.key,), answer.tokens, names, verdict)

    def _judge(
        self, name: str, ordinal: int, text: str, keys: tuple[str, ...], tokens: int,
        entities: tuple[str, ...], verdict: gates.Verdict | None,
    ) -> SyntheticDocument | Rejection:  # fmt: skip
        options = self.options
        verdict = verdict or gates.refused(text) or (gates.nearly_empty(text, options.min_words) if entities else None)
        if not verdict and entities and options.require_entities:
            verdict = gates.lacks_mention(text, entities)
        if not verdict and not self.ask.capabilities.verbatim:
            verdict = self.source.copied(text, options.max_copied)
        if not verdict and options.same_language:
            verdict = self.source.other_language(text)
        meta: dict[str, object] = {
            "step": name.split("-")[0],
            "entities": [{"name": name, "span": self.spans[name]} for name in entities],
        }
        row = self._row(name, ordinal, carry_title(text, self.document.title), keys, tokens, meta)
        if verdict is None:
            return row
        return Rejection(row.id, ordinal, text, row.method, row.source_ids, verdict.reason, verdict.detail, keys, meta)

    def _row(
        self, name: str, ordinal: int, text: str, keys: tuple[str, ...], tokens: int, meta: dict[str, object]
    ) -> SyntheticDocument:
        method, source = self.context.method, self.document.id
        return SyntheticDocument(f"{source}/{method}/{name}", ordinal, text, method, (source,), keys, (), tokens, meta)


def _split(document: Document, ask: Ask, options: Options, shrink: float) -> list[str]:
    """The whole text, or passages of which any two fit the context together with a prompt and its answer."""
    context_tokens = options.context_tokens or ask.capabilities.context_tokens
    if context_tokens is None:
        return [document.text]
    answer_room = ask.max_tokens or max(
        ask.prompt(f"entigraph/{name}").sampling.get("max_tokens") or 2048 for name in PROMPTS
    )
    room = context_tokens - _PROMPT_OVERHEAD_TOKENS - min(answer_room, context_tokens // 2)
    if room < 64:
        raise DocumentFailed("context_too_small", f"a context of {context_tokens} tokens leaves no room for a document")
    tokens = estimate_tokens(document.text) / shrink
    if tokens <= room:
        return [document.text]
    max_chars = int(len(document.text) * room / tokens / 2 * 0.9)
    return [document.text[start:end] for start, end in chunk_spans(document.text, max_chars)]


def _by_passage(plan: Iterator[Combination]) -> Iterator[Combination]:
    """The same combinations, those of one passage together, as far as a bounded look ahead goes."""
    while batch := list(islice(plan, 4096)):
        yield from sorted(batch, key=lambda item: (item.passages, item.ordinal))


def _cover(passages_of: list[frozenset[int]]) -> tuple[int, ...] | None:
    """The first passage that all entities share, else the first two that hold them all between them, else None."""
    shared = frozenset.intersection(*passages_of)
    if shared:
        return (min(shared),)
    anywhere = sorted(frozenset.union(*passages_of))
    for i, one in enumerate(anywhere):
        for other in anywhere[i + 1 :]:
            if all(one in held or other in held for held in passages_of):
                return (one, other)
    return None
