"""Instruction synthesis: passages with question-answer pairs, in chains where each shows the way to the next.

Follows Cheng, Gu, Huang, Bi, Huang and Wei, "Instruction pre-training: language models are supervised multitask
learners" (arXiv 2406.14491, EMNLP 2024), sections 2.1 and 2.2. N passages are cut into M slices, and the i-th of each
slice make a chain: round by round the model is shown the chain's passages with their pairs and writes pairs for the
next passage in their manner. A chain becomes one M-shot text, loss on all of it.

A chain's passages are of one document, so that no document's texts depend on which others there are; the paper groups
by place in a file. The paper tunes a 7B synthesizer for the pairs; here any model is asked, and answers JSON.

Mended of the official code: every answer must rest on words quoted from its passage (a quarter to a third of the
paper's were wrong in finance); a passage without pairs gives no empty text, and ends its chain; option order, styles,
templates and inversion are drawn from streams of their own; lengths are counted in tokens, of the text as it is.

Of fixed size: one call a passage, whatever the token target. Where the model's context cannot hold all of a chain, the
latest of its passages are shown. Documents in other languages than English get templates that have no words.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import TypeAlias, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Ask, Context, GateOptions, Passage, Rows, room_tokens, split_to_fit
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.grounding import Quotable
from synthcpt.text.headings import title_above
from synthcpt.text.mentions import canonical
from synthcpt.text.questions import answer_in_words, objection
from synthcpt.text.renderings import arranged, render, without_words
from synthcpt.text.tokens import estimate_tokens
from synthcpt.text.triples import looks_english

SUMMARY = "passages with question-answer pairs, in few-shot chains"
PAPER = "Cheng et al. 2024, Instruction pre-training, arXiv:2406.14491"
WHEN = "a model shall learn a domain and to answer questions on it at once; cheap, for a whole corpus"
COST = "1 call a passage of ~400 tokens; each reads up to M passages with their pairs and writes ~500 tokens"
VERSION = 1
PROMPTS = ("pairs", "further")

_FIRST_PAIR, _PAIRS_A_PASSAGE = 1 << 24, 1 << 8
_MODES = {"classic": 80, "dialog": 5, "numbered": 5, "inline": 5, "next_turn": 5}
_ONE_PAIR_MODES = {"classic": 95, "dialog": 5}
_MODES_WITHOUT_WORDS = {"classic": 85, "numbered": 5, "inline": 5, "next_turn": 5}
_KINDS = ("plain", "choice", "reasoned", "reasoned_choice")

Row: TypeAlias = SyntheticDocument | Rejection


class Options(GateOptions):
    """The options of instruction synthesis."""

    rounds: int = Field(3, ge=1, le=16, description="passages a chain, the paper's M: 3 for domains, 2 from scratch")
    passage_tokens: int = Field(400, ge=32, description="cut documents into passages of about this size at most")
    pairs: int = Field(5, ge=1, le=16, description="question-answer pairs to ask for a passage")
    most_tokens: int = Field(4096, ge=256, description="end a chain sooner where its text would be longer")
    inverted: float = Field(0.05, ge=0, le=1, description="how often the pairs stand before their passage")
    least_support: float = Field(
        0.5, ge=0, le=1, description="reject an answer of whose content words fewer than this share are the passage's"
    )
    context_tokens: int | None = Field(
        None, ge=512, description="fit prompts and answers in this context; null for the model's own"
    )
    closed_book: bool = Field(
        False, description="add each pair as a chat without the passage: in context alone, facts are learnt badly"
    )


class Pair(BaseModel):
    """One question and its answer, as the model gives them."""

    model_config = ConfigDict(extra="ignore", strict=True)

    question: str = Field(max_length=2000)
    options: list[str] = Field(default_factory=list, max_length=8)
    reasoning: str = Field("", max_length=4000)
    answer: str = Field(max_length=4000)
    evidence: str = Field(max_length=4000)


class PairsAnswer(BaseModel):
    """What a call must answer."""

    model_config = ConfigDict(title="pairs", extra="ignore", strict=True)

    pairs: list[Pair] = Field(max_length=16)


@dataclass(frozen=True, slots=True)
class Link:
    """A passage with its pairs, the calls they came from, and both as they stand in a text."""

    passage: Passage
    pairs: list[Pair]
    keys: tuple[str, ...]
    shown: str


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """The document's chains, and what was not good enough to be in one."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    if options.include_source:
        yield writer.rows.source()
    made = 0
    for rows in await asyncio.gather(*map(writer.chain, range(len(writer.slices[0])))):
        for row in rows:
            made += isinstance(row, SyntheticDocument)
            yield row
    if not made:
        raise DocumentFailed("no_pairs", "no passage of it has a question-answer pair that could be used")


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        prompts = [f"instruction_synthesis/{name}" for name in PROMPTS]
        # A passage and its pairs must fit a text together.
        most = min(options.passage_tokens, options.most_tokens // 2)
        cut = split_to_fit(
            document, ask, prompts,
            context_tokens=options.context_tokens, most_tokens=most, together=options.rounds + 1,
        )  # fmt: skip
        passages = [passage for passage in cut if passage.text.strip()]
        size = -(-len(passages) // options.rounds)
        self.slices = [passages[start : start + size] for start in range(0, len(passages), size)]
        context_tokens = options.context_tokens or ask.capabilities.context_tokens
        self.room = None if context_tokens is None else room_tokens(ask, prompts, context_tokens)

    async def chain(self, number: int) -> list[Row]:
        """The texts of one chain: one, or more where a passage without pairs or the length ends it early."""
        rows: list[Row] = []
        linked: list[Link] = []
        for passage in (part[number] for part in self.slices if number < len(part)):
            link = await self._link(passage, linked, rows)
            if link is None or estimate_tokens(self._text([*linked, link])) > self.options.most_tokens:
                rows += self._ended(linked)
                linked = []
            if link is not None:
                linked = [*linked, link]
        return rows + self._ended(linked)

    async def _link(self, passage: Passage, linked: Sequence[Link], rows: list[Row]) -> Link | None:
        """The passage with those of its pairs that hold; None where there are none."""
        try:
            answer, keys = await self.ask.json(self._request(passage, linked), PairsAnswer)
        except RequestFailed:
            return None  # it is in the failures file
        kept = self._kept(passage, answer.pairs[: self.options.pairs], keys, rows)
        return Link(passage, kept, keys, self._shown(passage, kept)) if kept else None

    def _request(self, passage: Passage, linked: Sequence[Link]) -> Request:
        """Asks for a passage's pairs, after the pattern of as many of the chain's latest as there is room for."""
        slots = {"title": self.document.title or "(untitled)", "document": passage.text, "count": self.options.pairs}
        room = float("inf") if self.room is None else self.room - estimate_tokens(passage.text)
        examples: list[str] = []
        for link in reversed(linked):
            example = f"{link.passage.text.strip()}\n\n{PairsAnswer(pairs=link.pairs).model_dump_json()}"
            room -= estimate_tokens(example)
            if room < 0:
                break
            examples.insert(0, example)
        if not examples:
            return self.ask.prompt("instruction_synthesis/pairs").render(**slots)
        return self.ask.prompt("instruction_synthesis/further").render(examples="\n\n".join(examples), **slots)

    def _kept(self, passage: Passage, pairs: Sequence[Pair], keys: tuple[str, ...], rows: list[Row]) -> list[Pair]:
        """The pairs that hold; the others are added to the rows as rejected."""
        source, asked, kept = Quotable(passage.text), set[str](), list[Pair]()
        for place, pair in enumerate(pairs):
            verdict = self._verdict(pair, source)
            if verdict is None and canonical(pair.question) in asked:
                verdict = gates.Verdict("duplicate", "the question was asked before")
            if verdict is None:
                asked.add(canonical(pair.question))
                kept.append(pair)
                rows += [self._closed_book(passage, place, pair, keys)] if self.options.closed_book else []
            else:
                rows.append(self.rows.rejected(self._closed_book(passage, place, pair, keys), verdict))
        return kept

    def _verdict(self, pair: Pair, source: Quotable) -> gates.Verdict | None:
        return self.rows.verdict(f"{pair.question} {pair.answer}", copying=False, length=False) or objection(
            pair.question, pair.answer, pair.evidence, source, self.document.title, self.options.least_support,
            options=pair.options, reasoning=pair.reasoning,
        )  # fmt: skip

    def _closed_book(self, passage: Passage, place: int, pair: Pair, keys: tuple[str, ...]) -> SyntheticDocument:
        """The pair alone, as a chat."""
        rng = self.context.rng(f"closed-book-{passage.index}-{place}")
        told = render(pair.question, pair.answer, pair.options, "", dict.fromkeys(_KINDS, ""), rng)
        messages = turns(told.asked or "?", told.answered or "?")
        text, spans = plain_chat(messages)
        meta = {
            "step": "pair", "evidence": pair.evidence, "passage": [passage.start, passage.end],
            "answer": answer_in_words(pair.answer, pair.options),
        }  # fmt: skip
        return self.rows.row(
            f"pair-{passage.index}-{place}", _FIRST_PAIR + passage.index * _PAIRS_A_PASSAGE + place, text, keys=keys,
            spans=spans, messages=messages, meta=meta,
        )  # fmt: skip

    def _text(self, linked: Sequence[Link]) -> str:
        return title_above("\n\n".join(link.shown for link in linked), self.document.title)

    def _ended(self, linked: Sequence[Link]) -> list[Row]:
        """A chain's text, if there is any; rejected where a single passage with its pairs is too long."""
        if not linked:
            return []
        first, text = linked[0].passage.index, self._text(linked)
        meta = {
            "step": "chain", "pairs": [len(link.pairs) for link in linked],
            "passages": [[link.passage.start, link.passage.end] for link in linked],
        }  # fmt: skip
        keys = [key for link in linked for key in link.keys]
        row = self.rows.row(f"chain-{first}", 1 + first, text, keys=keys, meta=meta)
        too_long = row.tokens > self.options.most_tokens
        verdict = gates.Verdict("too_long", f"{row.tokens} tokens, {self.options.most_tokens} allowed")
        return [self.rows.judged(row, verdict if too_long else None)]

    @cached_property
    def templates(self) -> dict[str, list[str]]:
        """Kind -> the templates that suit the document's language."""
        return _templates() if self.english else without_words(_templates())

    @cached_property
    def english(self) -> bool:
        """Whether the document is in English, as the templates are."""
        return looks_english([self.document.text])

    def _shown(self, passage: Passage, kept: Sequence[Pair]) -> str:
        """A passage and its pairs as they stand in a text; the passage unaltered."""
        pairs, text = self._rendered(passage, kept), passage.text.strip("\n")
        inverted = self._rng("inverted", passage).random() < self.options.inverted
        link = self._rng("intro", passage).choice(self.templates["inverted" if inverted else "intro"])
        return "\n\n".join(part for part in ((pairs, link, text) if inverted else (text, link, pairs)) if part)

    def _rendered(self, passage: Passage, pairs: Sequence[Pair]) -> str:
        modes = _MODES if self.english else _MODES_WITHOUT_WORDS
        weights = modes if len(pairs) > 1 else _ONE_PAIR_MODES if self.english else {"classic": 1}
        mode = self._rng("mode", passage).choices(list(weights), list(weights.values()))[0]
        rng, options = self._rng("template", passage), self._rng("options", passage)
        wording = {kind: rng.choice(self.templates[kind]) for kind in _KINDS}
        told = [render(one.question, one.answer, one.options, one.reasoning, wording, options) for one in pairs]
        return arranged(told, mode)

    def _rng(self, purpose: str, passage: Passage) -> random.Random:
        return self.context.rng(f"{purpose}-{passage.index}")


@cache
def _templates() -> dict[str, list[str]]:
    """Kind -> its templates."""
    source = resources.files("synthcpt.prompts").joinpath("instruction_synthesis", "templates.yaml")
    return cast(dict[str, list[str]], yaml.safe_load(source.read_text(encoding="utf-8")))
