"""Diverse QA: a document's segments with questions of six forms, and the segments distilled, taught and listed.

Follows Su et al., "Nemotron-CC: transforming Common Crawl into a refined long-horizon pretraining dataset" (arXiv
2412.02595), section 2.3 and appendix, with the caps of its released pipeline: the four prompts for good documents, each
on segments of its own size. Questions are appended to their segment: shuffled, and as many kept as a draw from 1 to ten
for each 150 tokens says. The fifth form, for poor documents, is `rephrase`'s ``wiki``.

Mended of the released pipeline: a line that is longer than a segment is cut and not dropped, with it a whole page
without line ends; one malformed question costs itself and not its whole row; answers must rest on quoted words, and
what a problem computes must follow from them.

Of fixed size: one call a segment and form, whatever the token target.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Answer, Ask, Context, GateOptions, Passage, Rows, split_to_fit
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.boilerplate import strip_boilerplate
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.choices import bare_options, right_option, shuffled
from synthcpt.text.grounding import Quotable
from synthcpt.text.headings import carry_title, title_above
from synthcpt.text.mentions import canonical
from synthcpt.text.questions import objection
from synthcpt.text.tokens import estimate_tokens
from synthcpt.text.triples import looks_english

SUMMARY = "questions of six forms on each segment, and the segment distilled, taught and listed"
PAPER = "Su et al. 2024, Nemotron-CC, arXiv:2412.02595"
WHEN = "good documents that are to be seen in several forms at a small, known cost; a strong plain baseline"
COST = "4 calls a segment of 1,000-2,000 tokens (one a form); each reads the segment and writes 300-700 tokens"
VERSION = 1
PROMPTS = ("questions", "distill", "knowledge", "list")

Form: TypeAlias = Literal["questions", "distill", "knowledge", "list"]
FORMS: tuple[Form, ...] = ("questions", "distill", "knowledge", "list")
Row: TypeAlias = SyntheticDocument | Rejection

_SEGMENT_TOKENS: dict[Form, int] = {"questions": 1000, "distill": 2000, "knowledge": 1400, "list": 1000}
_FIRST = {form: 1 + (number << 24) for number, form in enumerate(FORMS)}
_FIRST_PAIR, _PAIRS_A_SEGMENT = len(FORMS) << 24, 1 << 8
_TOKENS_FOR_TEN_PAIRS = 150


class Options(GateOptions):
    """The options of diverse QA."""

    forms: tuple[Form, ...] = Field(FORMS, min_length=1, description="what to write, each named once")
    questions: int = Field(8, ge=1, le=16, description="questions to ask for a segment")
    fewest_tokens: int = Field(10, ge=0, description="leave out the shorter pieces that a cut leaves")
    least_support: float = Field(
        0.3, ge=0, le=1, description="reject an answer of whose content words fewer than this share are the segment's"
    )
    context_tokens: int | None = Field(
        None, ge=512, description="fit prompts and answers in this context; null for the model's own"
    )
    closed_book: bool = Field(False, description="add each question as a chat without its segment")
    min_words: int = Field(15, ge=0, description="reject a shorter text")
    max_copied: float = Field(
        0.7, ge=0, le=1, description="reject a text of whose 8-word runs more than this share is the document's"
    )


class Question(BaseModel):
    """One question, as the model gives it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    form: Literal["yes_no", "open", "choice", "comparison", "comprehension", "problem"]
    question: str = Field(max_length=2000)
    options: list[str] = Field(default_factory=list, max_length=8)
    answer: str = Field(max_length=4000)
    evidence: str = Field(max_length=4000)


class QuestionsAnswer(BaseModel):
    """What the call for questions must answer."""

    model_config = ConfigDict(title="questions", extra="ignore", strict=True)

    questions: list[Question] = Field(max_length=16)


class Item(NamedTuple):
    """A text to write: a form and a segment."""

    form: Form
    segment: Passage


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """A text each segment and form."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    if options.include_source:
        yield writer.rows.source()
    made = 0
    if "questions" in options.forms:
        for rows in await asyncio.gather(*map(writer.questions, writer.segments("questions"))):
            for row in rows:
                made += 1
                yield row
    async for item, answer in ask.each(writer.requests()):
        if isinstance(answer, Answer):
            made += 1
            yield writer.text(item, answer)
    if not made:
        raise DocumentFailed("no_texts", "none of the calls brought anything")


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        self.title = document.title or "(untitled)"
        self.labels = ("Question: ", "Answer: ") if looks_english([document.text]) else ("", "")

    def segments(self, form: Form) -> list[Passage]:
        """The document cut for a form; without the snippets that a cut may leave."""
        cut = split_to_fit(
            self.document, self.ask, [f"diverse_qa/{form}"],
            context_tokens=self.options.context_tokens, most_tokens=_SEGMENT_TOKENS[form],
        )  # fmt: skip
        long = [one for one in cut if estimate_tokens(one.text) >= self.options.fewest_tokens and one.text.strip()]
        return long or cut[:1]

    def requests(self) -> Iterator[tuple[Item, Request]]:
        """All but the questions."""
        for form in FORMS[1:]:
            for segment in self.segments(form) if form in self.options.forms else ():
                prompt = self.ask.prompt(f"diverse_qa/{form}")
                yield Item(form, segment), prompt.render(title=self.title, document=segment.text)

    def text(self, item: Item, answer: Answer) -> Row:
        """The answer as a row, judged."""
        text, index = strip_boilerplate(answer.text), item.segment.index
        verdict = gates.truncated(answer.completion) or self.rows.verdict(text)
        if not verdict and item.form == "list" and not text.lstrip().startswith(("-", "*", "•", "1")):
            verdict = gates.Verdict("no_list", "a list was asked for")
        meta = {"step": item.form, "segment": [item.segment.start, item.segment.end]}
        row = self.rows.row(
            f"{item.form}-{index}", _FIRST[item.form] + index, carry_title(text, self.document.title),
            keys=(answer.key,), tokens=answer.tokens, meta=meta,
        )  # fmt: skip
        return self.rows.judged(row, verdict)

    async def questions(self, segment: Passage) -> list[Row]:
        """The segment with its questions, and each that was dropped; nothing where the call failed."""
        slots = {"title": self.title, "document": segment.text, "count": self.options.questions}
        request = self.ask.prompt("diverse_qa/questions").render(**slots)
        try:
            answer, keys = await self.ask.json(request, QuestionsAnswer)
        except RequestFailed:
            return []  # it is in the failures file
        rows, kept, asked = list[Row](), list[tuple[str, str]](), set[str]()
        source, rng = Quotable(segment.text), self.context.rng(f"options-{segment.index}")
        for place, one in enumerate(answer.questions[: self.options.questions]):
            verdict = self._verdict(one, source)
            if verdict is None and canonical(one.question) in asked:
                verdict = gates.Verdict("duplicate", "the question was asked before")
            pair = _shown(one, rng)
            alone = self._alone(segment, place, one, pair, keys)
            if verdict is not None:
                rows.append(self.rows.rejected(alone, verdict))
            else:
                asked.add(canonical(one.question))
                kept.append(pair)
                rows += [alone] if self.options.closed_book else []
        return [*rows, self._appended(segment, kept, keys)]

    def _verdict(self, one: Question, source: Quotable) -> gates.Verdict | None:
        verdict = self.rows.verdict(f"{one.question} {one.answer}", copying=False, length=False)
        problem = one.form == "problem"
        if not verdict and one.form == "choice" and not one.options:
            verdict = gates.Verdict("bad_options", "0 options to choose from")
        least = 0.0 if problem or one.form == "yes_no" else self.options.least_support
        return verdict or objection(
            one.question, one.answer, one.evidence, source, self.document.title, least,
            options=_choices(one), computes=problem,
        )  # fmt: skip

    def _appended(self, segment: Passage, pairs: Sequence[tuple[str, str]], keys: tuple[str, ...]) -> Row:
        """The segment and some of its questions, shuffled."""
        rng = self.context.rng(f"kept-{segment.index}")
        most = rng.randint(1, max(1, 10 * estimate_tokens(segment.text) // _TOKENS_FOR_TEN_PAIRS))
        chosen = rng.sample(pairs, len(pairs))[:most]
        told = [f"{self.labels[0]}{question}\n{self.labels[1]}{answer}" for question, answer in chosen]
        text = title_above(segment.text, self.document.title)
        meta = {"step": "questions", "segment": [segment.start, segment.end], "kept": len(chosen), "valid": len(pairs)}
        row = self.rows.row(
            f"questions-{segment.index}", _FIRST["questions"] + segment.index, "\n\n".join([text, *told]), keys=keys,
            meta=meta,
        )  # fmt: skip
        return self.rows.judged(row, None if chosen else gates.Verdict("no_questions", "none of them can be used"))

    def _alone(
        self, segment: Passage, place: int, one: Question, pair: tuple[str, str], keys: tuple[str, ...]
    ) -> SyntheticDocument:
        """The question as a chat."""
        messages = turns(pair[0] or "?", pair[1] or "?")
        text, spans = plain_chat(messages)
        meta = {"step": "question", "form": one.form, "evidence": one.evidence}
        return self.rows.row(
            f"question-{segment.index}-{place}", _FIRST_PAIR + segment.index * _PAIRS_A_SEGMENT + place, text,
            keys=keys, spans=spans, messages=messages, meta=meta,
        )  # fmt: skip


def _choices(one: Question) -> list[str]:
    """What there is to choose from, which a question of another form may have as well."""
    return one.options if one.form == "choice" or right_option(one.options, one.answer) is not None else []


def _shown(one: Question, rng: random.Random) -> tuple[str, str]:
    """Question and answer as they stand in a text; options shuffled."""
    options = _choices(one)
    right = right_option(options, one.answer)
    if right is None:
        return one.question.strip(), one.answer.strip()
    choices = shuffled(bare_options(options), right, rng)
    return f"{one.question.strip()}\n{choices.lines}", choices.gold
