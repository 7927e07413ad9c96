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
from synthcpt.errors import DocumentFailed
from synthcpt.methods import (
    Answer,
    Ask,
    Context,
    GateOptions,
    Passage,
    Rows,
    in_smaller_passages,
    split_to_fit,
    until_quota,
)
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.entities import Entity, ground_entities
from synthcpt.text.headings import carry_title
from synthcpt.text.tokens import estimate_tokens

SUMMARY = "relations among a document's entities: one text a pair, and one a triple"
PAPER = "Yang et al. 2024, Synthetic continued pretraining, arXiv:2409.07431"
WHEN = "a model must know how the things of a domain bear on each other; breadth, at a high price in tokens"
COST = "1 + E(E-1)/2 calls a document of E entities (plus triples); each reads the document and writes ~700 tokens"
VERSION = 1
PROMPTS = ("entities", "pair", "triple")

_FIRST_SUMMARY, _FIRST_PAIR, _FIRST_TRIPLE = 1, 1 << 20, 1 << 40


class Options(GateOptions):
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
    ungrounded: Literal["drop", "keep"] = Field("drop", description="entities that do not occur in the document")
    require_entities: bool = Field(True, description="reject a text that does not mention each of its entities")
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
        yield writer.rows.source()
    rows = await in_smaller_passages(writer.read)
    for row in rows:
        yield row
    tokens = sum(row.tokens for row in rows if isinstance(row, SyntheticDocument))
    async for row in until_quota(writer.plan(), writer.relations, context.token_quota, tokens):
        yield row


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        self.passages: list[Passage] = []
        self.entities: list[Entity] = []
        self.spans: dict[str, tuple[int, int] | None] = {}

    async def read(self, shrink: float) -> list[SyntheticDocument | Rejection]:
        """One call a passage: its summary (a row) and its entities, grounded and merged over the passages."""
        self.passages = split_to_fit(
            self.document, self.ask, [f"entigraph/{name}" for name in PROMPTS],
            context_tokens=self.options.context_tokens, together=2, shrink=shrink,
        )  # fmt: skip
        prompt = self.ask.prompt("entigraph/entities")
        rows: list[SyntheticDocument | Rejection] = []
        named: list[tuple[int, str]] = []
        for passage in self.passages:
            request = prompt.render(title=self.document.title or "(untitled)", document=passage.text)
            answer, keys = await self.ask.json(request, EntityAnswer)
            named += [(passage.index, name) for name in answer.entities]
            if self.options.include_summary and answer.summary.strip():
                rows.append(self._summary_row(passage.index, answer.summary.strip(), keys))
        texts = [passage.text for passage in self.passages]
        grounding = ground_entities(named, texts, keep_ungrounded=self.options.ungrounded == "keep")
        self.entities = grounding.entities[: self.options.max_entities]
        self.spans = {entity.name: entity.span for entity in self.entities}
        if len(self.entities) < 2 and not rows:
            raise DocumentFailed("no_entities", f"{len(self.entities)} usable of {len(named)} named")
        return rows

    def _summary_row(self, passage: int, summary: str, keys: tuple[str, ...]) -> SyntheticDocument | Rejection:
        name, tokens = f"summary-{passage}", estimate_tokens(summary)
        return self._judge(name, _FIRST_SUMMARY + passage, summary, keys, tokens, (), None)

    async def relations(self, plan: Iterator[Combination]) -> AsyncIterator[SyntheticDocument | Rejection]:
        """Ask for combinations and judge the texts."""
        requests = ((item, self._request(item)) for item in _by_passage(plan))
        async for item, answer in self.ask.each(requests):
            if isinstance(answer, Answer):
                yield self._relation_row(item, answer)

    def plan(self) -> Iterator[Combination]:
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
        text = "\n\n[...]\n\n".join(self.passages[i].text for i in item.passages)
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
        verdict = verdict or self.rows.verdict(text, length=bool(entities))
        if not verdict and entities and self.options.require_entities:
            verdict = gates.lacks_mention(text, entities)
        meta = {
            "step": name.split("-")[0],
            "entities": [{"name": name, "span": self.spans[name]} for name in entities],
        }
        text = carry_title(text, self.document.title)
        return self.rows.judged(self.rows.row(name, ordinal, text, keys=keys, tokens=tokens, meta=meta), verdict)


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
