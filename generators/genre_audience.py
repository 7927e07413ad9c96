"""Genre and audience: each document told anew in several genres, each for other readers.

Follows Hao and others, "Reformulation for Pretraining Data Augmentation" (MAGA or MGA, arXiv 2502.04235): one call a
document thinks of five pairs of a genre and an audience, willing readers and unwilling ones; one call a pair rewrites
the document for it. Then cleaning: a generator's remarks at the edges of a text are taken off, and a text that hardly
shares a keyword with its source is dropped. The rewriting prompt comes in the paper's three variants: ``base``,
``strict`` (a light polish, whose texts act like repetition in the end) and ``relaxed`` (free inventions, which make a
model worse where they are used alone). The real text stays in the mix; without it the paper's models got worse.

The paper's judge forgives omissions and additions and marks only what has lost its source: 1 to 5, 3 to pass, and an
answer that cannot be read fails. It served there to tune prompts and small models, is no test of truth, and is an
option here.

What the paper leaves to its operator is decided here: keywords and their threshold (`synthcpt.text.keywords`);
documents longer than its tool models read are rewritten passage by passage; the document's language is kept. Pairs
that are missing or repeated, texts that are dropped and answers that cannot be read each leave a reason in the
report. With a token quota, further rounds think of further pairs, until one brings nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
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
from synthcpt.text.boilerplate import strip_boilerplate
from synthcpt.text.headings import carry_title
from synthcpt.text.keywords import DEFAULT_COVERAGE, Keywords
from synthcpt.text.mentions import canonical, find_mention
from synthcpt.text.tokens import estimate_tokens

SUMMARY = "each document rewritten in five genres, each for another audience"
PAPER = "Hao et al. 2025, Reformulation for Pretraining Data Augmentation (MAGA), arXiv:2502.04235"
WHEN = "more of the same knowledge in many voices, at a modest price: a corpus too small to repeat further as it is"
COST = "1 + P calls a passage of up to 3,500 tokens (P = 5 pairs), P more with the judge; P texts of ~0.8 its length"
VERSION = 1
PROMPTS = ("pairs", "base", "strict", "relaxed", "judge")

_LENGTH = 0.8
"""Of its passage's, as the paper's texts have it."""
_MOST_USED_GENRES = 40
_USED_GENRE_CHARS = 120

Row = SyntheticDocument | Rejection


class Options(GateOptions):
    """The options of genre and audience."""

    include_source: bool = Field(True, description="add the document itself to the corpus, as the paper does")
    pairs: int = Field(5, ge=1, le=20, description="pairs of genre and audience a passage (and round, with a target)")
    fidelity: Literal["strict", "base", "relaxed"] = Field("base", description="how closely a text keeps to its source")
    min_coverage: float = Field(
        DEFAULT_COVERAGE,
        ge=0,
        le=1,
        description="reject a text with a smaller share of the source's keywords; 0 for none",
    )
    judge: bool = Field(False, description="have each text judged against its source, and reject low scores")
    min_score: int = Field(3, ge=1, le=5, description="the lowest score of the judge that passes")
    passage_tokens: int = Field(3500, ge=64, description="rewrite longer documents in passages of this size")
    context_tokens: int | None = Field(
        None, ge=512, description="split documents to fit this context; null for the model's own"
    )


class Pair(BaseModel):
    """One way to tell a document."""

    model_config = ConfigDict(title="pair", extra="ignore", strict=True, frozen=True)

    genre: str = Field(max_length=1000)
    audience: str = Field(max_length=1000)

    @property
    def key(self) -> tuple[str, str]:
        """What makes two pairs the same."""
        return canonical(self.genre), canonical(self.audience)


class PairsAnswer(BaseModel):
    """What the call for pairs must answer."""

    model_config = ConfigDict(title="pairs", extra="ignore", strict=True)

    pairs: list[Pair] = Field(max_length=40)


class Judgement(BaseModel):
    """What the judge must answer."""

    model_config = ConfigDict(title="judgement", extra="ignore", strict=True)

    analysis: str = Field(max_length=4000)
    score: int = Field(ge=1, le=5)


@dataclass(frozen=True, slots=True)
class Item:
    """A text to write: the passage, the pair, what the pair came from, and the text's place among all."""

    passage: Passage
    round: int
    number: int
    ordinal: int
    pair: Pair
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """Unique in the document."""
        return f"rewrite-{self.passage.index}-{self.round}-{self.number}"


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """The document itself, then a text a pair, passage by passage."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    if options.include_source:
        yield writer.rows.source()
    for rejection in await in_smaller_passages(writer.read):
        yield rejection
    quota, tokens, asked, wanted = context.token_quota, 0, 0, len(writer.items)
    expected = round(_LENGTH * sum(estimate_tokens(p.text) for p in writer.passages) / len(writer.passages))
    while wanted > 0:
        plan, before = writer.items[:wanted], tokens
        async for row in until_quota(iter(plan), writer.write, quota, tokens, expected):
            tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
            yield row
        if quota is None or tokens == before:
            return
        asked += len(plan)
        wanted = round((quota - tokens) * asked / tokens)  # by what the texts so far came to
        if wanted > 0:
            for rejection in await writer.think():
                yield rejection


class _Writer:
    """One document under way; ``items`` is what the present round is to write."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options = document, ask, options
        self.title = document.title or "(untitled)"
        self.rows = Rows(document, ask, context, options)
        self.passages: list[Passage] = []
        self.keywords: dict[int, Keywords] = {}
        self.used: dict[int, dict[tuple[str, str], str]] = {}
        self.round = -1
        self.items: list[Item] = []

    async def read(self, shrink: float) -> list[Rejection]:
        """Split the document and think of the first pairs.

        Raises:
            RequestFailed: no passage got any.
        """
        prompts = ["pairs", self.options.fidelity, *(["judge"] if self.options.judge else [])]
        self.passages = split_to_fit(
            self.document, self.ask, [f"genre_audience/{name}" for name in prompts],
            context_tokens=self.options.context_tokens, most_tokens=self.options.passage_tokens,
            together=2 if self.options.judge else 1, shrink=shrink,
        )  # fmt: skip
        self.keywords = {passage.index: Keywords(passage.text) for passage in self.passages}
        self.used = {passage.index: {} for passage in self.passages}
        self.round = -1
        return await self.think()

    async def think(self) -> list[Rejection]:
        """Begin a round: new pairs for each passage; what falls short of the number asked for is reported."""
        self.round += 1
        answers = await asyncio.gather(*(self._pairs(passage) for passage in self.passages))
        failures = [answer for answer in answers if isinstance(answer, RequestFailed)]
        if self.round == 0 and any(failure.reason == "prompt_too_long" for failure in failures):
            raise next(failure for failure in failures if failure.reason == "prompt_too_long")
        if self.round == 0 and len(failures) == len(answers):
            raise failures[0]
        items, rejections = list[Item](), list[Rejection]()
        for passage, answer in zip(self.passages, answers, strict=True):
            if not isinstance(answer, RequestFailed):
                found = self._items(passage, *answer)
                items += found
                rejections += self._shortfall(passage, len(found), *answer)
        self.items = sorted(items, key=lambda item: item.number)  # each passage's first pair, then each one's second
        return rejections

    async def _pairs(self, passage: Passage) -> tuple[PairsAnswer, tuple[str, ...]] | RequestFailed:
        used = list(self.used[passage.index].values())[-_MOST_USED_GENRES:]
        request = self.ask.prompt("genre_audience/pairs").render(
            title=self.title, document=passage.text, count=self.options.pairs,
            used="\n".join(f"- {genre}" for genre in used) or "(none)",
        )  # fmt: skip
        try:
            return await self.ask.json(replace(request, draw=self.round), PairsAnswer)
        except RequestFailed as failure:  # it is in the failures file; the other passages go on
            return failure

    def _items(self, passage: Passage, answer: PairsAnswer, keys: tuple[str, ...]) -> list[Item]:
        """The distinct pairs that were not used before, up to the number asked for."""
        used, items = self.used[passage.index], list[Item]()
        for pair in answer.pairs:
            if len(items) < self.options.pairs and all(pair.key) and pair.key not in used:
                used[pair.key] = " ".join(pair.genre.split())[:_USED_GENRE_CHARS]
                number = len(items) + 1
                items.append(Item(passage, self.round, number, self._ordinal(passage, number), pair, keys))
        return items

    def _ordinal(self, passage: Passage, number: int) -> int:
        return 1 + (self.round * len(self.passages) + passage.index) * (self.options.pairs + 1) + number

    def _shortfall(
        self, passage: Passage, found: int, answer: PairsAnswer, keys: tuple[str, ...]
    ) -> Iterator[Rejection]:
        if found < self.options.pairs:
            text = "\n".join(f"{pair.genre} / {pair.audience}" for pair in answer.pairs)
            name, ordinal = f"pairs-{passage.index}-{self.round}", self._ordinal(passage, 0)
            row = self.rows.row(name, ordinal, text, keys=keys, meta={"step": "pairs", "passage": passage.index})
            detail = f"{found} of {self.options.pairs} pairs, {len(answer.pairs)} named"
            yield self.rows.rejected(row, gates.Verdict("too_few_pairs", detail))

    async def write(self, plan: Iterator[Item]) -> AsyncIterator[Row]:
        """Ask for texts, clean and judge them."""
        to_judge: list[tuple[Item, SyntheticDocument]] = []
        async for item, answer in self.ask.each((item, self._request(item)) for item in plan):
            if not isinstance(answer, Answer):
                continue
            row = self._row(item, answer)
            if self.options.judge and isinstance(row, SyntheticDocument):
                to_judge.append((item, row))
            else:
                yield row
        for row in await asyncio.gather(*(self._judged(item, row) for item, row in to_judge)):
            yield row

    def _request(self, item: Item) -> Request:
        return self.ask.prompt(f"genre_audience/{self.options.fidelity}").render(
            title=self.title, document=item.passage.text, genre=item.pair.genre, audience=item.pair.audience
        )

    def _row(self, item: Item, answer: Answer) -> Row:
        """The text, cleaned; rejected where a gate says so."""
        text = strip_boilerplate(answer.text)
        verdict = gates.truncated(answer.completion)
        verdict = verdict or self.rows.verdict(text, copying=self.options.fidelity != "strict")
        coverage = self.keywords[item.passage.index].coverage(text)
        if not verdict and coverage < self.options.min_coverage:
            verdict = gates.Verdict("low_coverage", f"{coverage:.0%} of the source's keywords")
        meta = {
            "step": "rewrite",
            "genre": item.pair.genre,
            "audience": item.pair.audience,
            "fidelity": self.options.fidelity,
            "span": [item.passage.start, item.passage.end],
            "coverage": round(coverage, 3),
        }
        titled = text if find_mention(self.document.title, text) else carry_title(text, self.document.title)
        keys = (*item.keys, answer.key)
        row = self.rows.row(item.name, item.ordinal, titled, keys=keys, tokens=answer.tokens, meta=meta)
        return self.rows.judged(row, verdict)

    async def _judged(self, item: Item, row: SyntheticDocument) -> Row:
        """The text with its score; an answer of the judge that cannot be read counts as failed."""
        request = self.ask.prompt("genre_audience/judge").render(
            title=self.title, document=item.passage.text, text=row.text
        )
        try:
            judgement, keys = await self.ask.json(request, Judgement)
        except RequestFailed as failure:
            return self.rows.rejected(row, gates.Verdict("not_judged", f"the judge's answer: {failure.reason}"))
        row = replace(row, request_keys=(*row.request_keys, *keys), meta={**row.meta, "score": judgement.score})
        if judgement.score >= self.options.min_score:
            return row
        detail = f"score {judgement.score}: {judgement.analysis[:300]}"
        return self.rows.rejected(row, gates.Verdict("low_score", detail))
