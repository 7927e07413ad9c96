"""Rephrase: every passage of a document said again in four styles; the baseline that every comparison needs.

Follows Maini and others, "Rephrasing the Web" (WRAP, arXiv 2401.16380): a document is cut into passages of at most 300
tokens, since longer ones lose content, and a model rewrites each in a style: for a child, as an encyclopedia, tersely
for scholars, as questions and answers. One call a passage and style. Answers have the room that Nemotron-CC's pipeline
gives them (512 tokens, 600 for questions and answers), and a model's remarks around them are taken off, as there.

Real and synthetic text are trained on one to one, so that the model still meets the real text's own manner: the
document stands in the corpus as often as it takes, at most four times, beyond which repeated text is known to teach
less than new text (Muennighoff and others, arXiv 2305.16264); ``source_copies`` sets another number.

What the paper leaves to its operator: passages are cut losslessly at sentence ends, all of about one size; the title
goes along with each. The first requests rewrite every passage once, the styles taking turns, so that a small token
quota still sees the whole document. A large quota is filled by drawing again, round after round, until a round brings
no new text (as with a temperature of 0, or with the embedded backend, which answers alike each time).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from pydantic import Field

from synthcpt.errors import DocumentFailed
from synthcpt.methods import Answer, Ask, Context, GateOptions, Passage, Rows, split_to_fit, until_quota
from synthcpt.records import Document, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.boilerplate import strip_boilerplate
from synthcpt.text.headings import carry_title
from synthcpt.text.mentions import find_mention
from synthcpt.text.tokens import estimate_tokens

Style = Literal["easy", "wiki", "terse", "qa"]

SUMMARY = "every passage rephrased: for a child, as an encyclopedia, for scholars, as questions and answers"
PAPER = "Maini et al. 2024, Rephrasing the Web (WRAP), arXiv:2401.16380"
WHEN = "the baseline to hold any other method against; cheap, and nothing is lost or added"
COST = "S calls a passage of up to 300 tokens (S = 4 styles), each writing about as much as it reads; more for a target"
VERSION = 1
STYLES: tuple[Style, ...] = ("easy", "wiki", "terse", "qa")
PROMPTS = STYLES

_MOST_COPIES = 4
_FIRST_TEXT = 1000
"""Ordinals below are the document's own copies'."""
_QUESTION_MARKS = "?？؟;՞፧"
_CUTS = 6

Row = SyntheticDocument | Rejection


class Options(GateOptions):
    """The options of rephrasing."""

    include_source: bool = Field(True, description="add the document itself to the corpus, as the paper does")
    source_copies: int | None = Field(
        None,
        ge=1,
        le=100,
        description="how often the document itself; null for one to one with the rest, up to four times",
    )
    min_words: int = Field(10, ge=0, description="reject a shorter text")
    styles: tuple[Style, ...] = Field(STYLES, min_length=1, description="the styles to write in, each named once")
    passage_tokens: int = Field(300, ge=32, description="cut documents into passages of at most this size")


@dataclass(frozen=True, slots=True)
class Item:
    """A text to write: a passage, a style, and how often the two were asked for before."""

    passage: Passage
    style: Style
    draw: int


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """Each passage in each style, once or as often as the quota takes; and the document itself."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    quota, tokens, asked, wanted = context.token_quota, 0, 0, len(writer.plan(0))
    expected = round(sum(estimate_tokens(p.text) for p in writer.passages) / max(1, len(writer.passages)))
    for draw in count():
        plan, before = writer.plan(draw)[:wanted], tokens
        async for row in until_quota(iter(plan), writer.write, quota, tokens, expected):
            tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
            yield row
        if quota is None or tokens == before or ask.capabilities.verbatim:
            break
        asked += len(plan)
        wanted = round((quota - tokens) * asked / tokens)  # by what the texts so far came to
        if wanted <= 0:
            break
    if options.include_source:
        for row in writer.copies(tokens):
            yield row


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options = document, ask, options
        self.rows = Rows(document, ask, context, options)
        self.styles = [style for style in STYLES if style in options.styles]
        self.passages = _passages(document, ask, options)
        self.seen: dict[tuple[int, Style], set[str]] = {}

    def plan(self, draw: int) -> list[Item]:
        """Every passage in every style, each passage once before any a second time, the styles taking turns."""
        styles = self.styles
        return [
            Item(passage, styles[(passage.index + turn) % len(styles)], draw)
            for turn in range(len(styles))
            for passage in self.passages
        ]

    async def write(self, plan: Iterator[Item]) -> AsyncIterator[Row]:
        """Ask for texts and judge them."""
        async for item, answer in self.ask.each((item, self._request(item)) for item in plan):
            if isinstance(answer, Answer):
                yield self._row(item, answer)

    def copies(self, synthetic_tokens: int) -> Iterator[SyntheticDocument]:
        """The document itself, as often as the option says."""
        source = self.rows.source()
        balance = round(synthetic_tokens / max(1, estimate_tokens(source.text)))
        count = self.options.source_copies or max(1, min(_MOST_COPIES, balance))
        yield source
        for number in range(1, count):
            yield replace(source, id=f"{source.id}-{number}", ordinal=number)

    def _request(self, item: Item) -> Request:
        title = self.document.title or "(untitled)"
        request = self.ask.prompt(f"rephrase/{item.style}").render(title=title, document=item.passage.text)
        return replace(request, draw=item.draw)

    def _row(self, item: Item, answer: Answer) -> Row:
        text = strip_boilerplate(answer.text)
        verdict = gates.truncated(answer.completion) or self.rows.verdict(text) or self._form(item, text)
        place = (item.draw * len(self.passages) + item.passage.index) * len(STYLES) + STYLES.index(item.style)
        span = [item.passage.start, item.passage.end]
        meta = {"step": item.style, "passage": item.passage.index, "draw": item.draw, "span": span}
        titled = text if find_mention(self.document.title, text) else carry_title(text, self.document.title)
        row = self.rows.row(
            f"{item.style}-{item.passage.index}-{item.draw}", _FIRST_TEXT + place, titled,
            keys=(answer.key,), tokens=answer.tokens, meta=meta,
        )  # fmt: skip
        return self.rows.judged(row, verdict)

    def _form(self, item: Item, text: str) -> gates.Verdict | None:
        """Questions that are none, and what an earlier draw brought already."""
        if item.style == "qa" and not any(mark in text for mark in _QUESTION_MARKS):
            return gates.Verdict("no_question", "questions and answers were asked for")
        seen = self.seen.setdefault((item.passage.index, item.style), set())
        if text in seen:
            return gates.Verdict("duplicate", f"an earlier draw than {item.draw} brought the same")
        seen.add(text)
        return None


def _passages(document: Document, ask: Ask, options: Options) -> list[Passage]:
    """Passages of at most so many tokens; where some are denser than the rest of the text, all are made smaller."""
    prompts, shrink = [f"rephrase/{style}" for style in options.styles], 1.0
    for _ in range(_CUTS):
        most = round(options.passage_tokens / shrink)
        passages = split_to_fit(document, ask, prompts, most_tokens=max(1, most))
        if max(estimate_tokens(passage.text) for passage in passages) <= options.passage_tokens:
            break
        shrink *= 1.3
    filled = [passage for passage in passages if passage.text.strip()]
    return [replace(passage, index=number) for number, passage in enumerate(filled)]
