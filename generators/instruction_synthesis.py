"""Instruction synthesis: passages with question-answer pairs, in chains where each shows the way to the next.

Follows Cheng, Gu, Huang, Bi, Huang and Wei, "Instruction pre-training: language models are supervised multitask
learners" (arXiv 2406.14491, EMNLP 2024), sections 2.1 and 2.2. N passages are cut into M slices, and the i-th of each
slice make a chain: round by round the model is shown the chain's passages with their pairs and writes pairs for the
next passage in their manner. A chain becomes one M-shot text, loss on all of it.

A chain's passages are of one document, so that no document's texts depend on which others there are; the paper groups
by place in a file. The paper tunes a 7B synthesizer for the pairs; here any model is asked, and answers JSON.

Mended of the official code: every answer must rest on words quoted from its passage (a quarter to a third of the
paper's were wrong in finance); a passage without pairs gives no empty text, and ends its chain; option order, styles,
templates and inversion are drawn from streams of their own; lengths are counted in tokens.

Of fixed size: one call a passage, whatever the token target.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import TypeAlias, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Ask, Context, GateOptions, Passage, Rows, split_to_fit
from synthcpt.records import Document, Rejection, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.choices import right_option, shuffled
from synthcpt.text.grounding import Quotable, ungrounded
from synthcpt.text.mentions import canonical
from synthcpt.text.tokens import estimate_tokens

SUMMARY = "passages with question-answer pairs, in few-shot chains"
PAPER = "Cheng et al. 2024, Instruction pre-training, arXiv:2406.14491"
WHEN = "a model shall learn a domain and to answer questions on it at once; cheap, for a whole corpus"
COST = "1 call a passage of ~400 tokens; each reads up to M passages with their pairs and writes ~500 tokens"
VERSION = 1
PROMPTS = ("pairs", "further")

_FIRST_PAIR, _PAIRS_A_PASSAGE = 1 << 24, 1 << 8
_MODES = {"classic": 80, "dialog": 5, "numbered": 5, "inline": 5, "next_turn": 5}
_FEW_PAIR_MODES = {"classic": 95, "dialog": 5}

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
    """A passage with its pairs, and the calls they came from."""

    passage: Passage
    pairs: list[Pair]
    keys: tuple[str, ...]


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
        cut = split_to_fit(document, ask, prompts, most_tokens=options.passage_tokens, together=options.rounds + 1)
        passages = [passage for passage in cut if passage.text.strip()]
        size = -(-len(passages) // options.rounds)
        self.slices = [passages[start : start + size] for start in range(0, len(passages), size)]

    async def chain(self, number: int) -> list[Row]:
        """The texts of one chain: one, or more where a passage without pairs or the length ends it early."""
        rows: list[Row] = []
        linked: list[Link] = []
        for passage in (part[number] for part in self.slices if number < len(part)):
            if sum(map(_tokens, linked)) + 2 * estimate_tokens(passage.text) > self.options.most_tokens:
                linked = self._end(linked, rows)
            link = await self._link(passage, linked, rows)
            linked = [*linked, link] if link else self._end(linked, rows)
        self._end(linked, rows)
        return rows

    async def _link(self, passage: Passage, linked: Sequence[Link], rows: list[Row]) -> Link | None:
        """The passage with those of its pairs that hold; None where there are none."""
        slots = {"title": self.document.title or "(untitled)", "document": passage.text, "count": self.options.pairs}
        if linked:
            examples = "\n\n".join(f"{link.passage.text.strip()}\n\n{_as_examples(link.pairs)}" for link in linked)
            request = self.ask.prompt("instruction_synthesis/further").render(examples=examples, **slots)
        else:
            request = self.ask.prompt("instruction_synthesis/pairs").render(**slots)
        try:
            answer, keys = await self.ask.json(request, PairsAnswer)
        except RequestFailed:
            return None  # it is in the failures file
        kept = self._kept(passage, answer.pairs[: self.options.pairs], keys, rows)
        return Link(passage, kept, keys) if kept else None

    def _kept(self, passage: Passage, pairs: Sequence[Pair], keys: tuple[str, ...], rows: list[Row]) -> list[Pair]:
        source, asked, kept = Quotable(passage.text), set[str](), list[Pair]()
        for place, pair in enumerate(pairs):
            verdict = self._verdict(pair, source)
            if verdict is None and canonical(pair.question) in asked:
                verdict = gates.Verdict("duplicate", "the question was asked before")
            asked.add(canonical(pair.question))
            if verdict is None:
                kept.append(pair)
                rows += [self._closed_book(passage, place, pair, keys)] if self.options.closed_book else []
            else:
                rows.append(self.rows.rejected(self._closed_book(passage, place, pair, keys), verdict))
        return kept

    def _verdict(self, pair: Pair, source: Quotable) -> gates.Verdict | None:
        verdict = self.rows.verdict(f"{pair.question} {pair.answer}", copying=False, length=False)
        if not verdict and pair.options and right_option(pair.options, pair.answer) is None:
            verdict = gates.Verdict("no_right_option", f"{pair.answer[:80]!r} is none of the options")
        title, least = self.document.title, self.options.least_support
        return verdict or ungrounded(pair.question, _said(pair), pair.evidence, source, title, least)

    def _closed_book(self, passage: Passage, place: int, pair: Pair, keys: tuple[str, ...]) -> SyntheticDocument:
        """The pair alone, as a chat."""
        messages = turns(pair.question.strip() or "?", _said(pair).strip() or "?")
        text, spans = plain_chat(messages)
        return self.rows.row(
            f"pair-{passage.index}-{place}", _FIRST_PAIR + passage.index * _PAIRS_A_PASSAGE + place, text, keys=keys,
            spans=spans, messages=messages, meta={"step": "pair", "evidence": pair.evidence},
        )  # fmt: skip

    def _end(self, linked: Sequence[Link], rows: list[Row]) -> list[Link]:
        """Write a chain's text, if there is any; gives back the empty beginning of the next."""
        if linked:
            first = linked[0].passage.index
            shown = [self._shown(link) for link in linked]
            meta = {
                "step": "chain", "pairs": [len(link.pairs) for link in linked],
                "passages": [[link.passage.start, link.passage.end] for link in linked],
            }  # fmt: skip
            keys = [key for link in linked for key in link.keys]
            rows.append(self.rows.row(f"chain-{first}", 1 + first, "\n\n".join(shown), keys=keys, meta=meta))
        return []

    def _shown(self, link: Link) -> str:
        """One passage and its pairs as they stand in the text; the passage unaltered."""
        index, templates = link.passage.index, _templates()
        weights = _MODES if len(link.pairs) > 1 else _FEW_PAIR_MODES
        mode = self._rng("mode", index).choices(list(weights), list(weights.values()))[0]
        pairs = self._rendered(link, mode)
        intro = self._rng("intro", index).choice(templates["intro"])
        text = link.passage.text.strip("\n")
        if self._rng("inverted", index).random() < self.options.inverted:
            return "\n\n".join([pairs, self._rng("intro", index).choice(templates["inverted"]), text])
        return "\n\n".join(part for part in (text, intro, pairs) if part)

    def _rendered(self, link: Link, mode: str) -> str:
        rng, options = self._rng("template", link.passage.index), self._rng("options", link.passage.index)
        wording = {kind: rng.choice(_templates()[kind]) for kind in ("plain", "choice", "reasoned", "reasoned_choice")}
        told = [_render(pair, wording, options) for pair in link.pairs]
        if mode == "dialog":
            return "\n".join(f"User: {ask}\nAssistant: {answer}" for _, ask, answer in told)
        if mode == "numbered":
            return "\n".join(f"{number}. {text}" for number, (text, _, _) in enumerate(told, 1))
        if mode == "inline":
            return " ".join(" ".join(text.split()) for text, _, _ in told)
        if mode == "next_turn":
            return "\n\n".join(f"- {ask}\n- {answer}" for _, ask, answer in told)
        return "\n\n".join(text for text, _, _ in told)

    def _rng(self, purpose: str, passage: int) -> random.Random:
        return self.context.rng(f"{purpose}-{passage}")


def _render(pair: Pair, wording: dict[str, str], rng: random.Random) -> tuple[str, str, str]:
    """The pair by its kind's template; and its two halves for forms of their own."""
    slots = {"question": pair.question.strip(), "answer": pair.answer.strip(), "reasoning": pair.reasoning.strip()}
    kind, asked = ("reasoned" if slots["reasoning"] else "plain"), slots["question"]
    right = right_option(pair.options, pair.answer) if pair.options else None
    if right is not None:
        choices = shuffled([option.strip() for option in pair.options], right, rng)
        slots |= {"options": choices.lines, "answer": choices.gold}
        kind, asked = ("reasoned_choice" if kind == "reasoned" else "choice"), f"{asked}\n{choices.lines}"
    answered = f"{slots['reasoning']} {slots['answer']}".strip()
    return Template(wording[kind]).substitute(slots), asked, answered


def _said(pair: Pair) -> str:
    """What the pair claims: the right option in words, where it has options."""
    right = right_option(pair.options, pair.answer) if pair.options else None
    return pair.answer if right is None else pair.options[right]


def _as_examples(pairs: Sequence[Pair]) -> str:
    """Pairs as the model is shown them."""
    return PairsAnswer(pairs=list(pairs)).model_dump_json()


def _tokens(link: Link) -> int:
    return estimate_tokens(link.passage.text) + sum(estimate_tokens(pair.question + pair.answer) for pair in link.pairs)


@cache
def _templates() -> dict[str, list[str]]:
    """Kind -> its templates."""
    source = resources.files("synthcpt.prompts").joinpath("instruction_synthesis", "templates.yaml")
    return cast(dict[str, list[str]], yaml.safe_load(source.read_text(encoding="utf-8")))
