"""Self-teaching: a document, and tasks made of it by rules: memorise it, understand it, recall it without looking.

Follows Zhang et al., "Self-Tuning: instructing LLMs to effectively acquire new knowledge through self-teaching" (ACL
2025 Findings, arXiv 2406.06326), section 3. Asks no model anything. For each document:

- memorisation: the text under its title; all of it carries loss;
- comprehension, with the text in view: its title; its names, dates and figures; whether a statement is borne out,
  denied or left open by it;
- self-reflection, from memory: tell about the title, with and without keywords; fill a blank; choose what fills it;
  end a sentence.

In all but the first, the answer alone carries loss. The paper's stages are the trainer's: these rows of the training
documents with questions on them; then the new documents' memorisation rows with those questions; then the new
documents' rows alone.

What the paper leaves open is an option: how many of each, in what form, how long a passage is shown and recited (its
documents have 57 words; longer ones are cut at sentence ends). With a token quota, as many as that takes and the
document has. Documents without a title have no tasks from memory, those without names and numbers hardly any at all.

Mended of the released data: a false statement has one name, date or number replaced by another of the same kind, and
is checked not to be true elsewhere in the document; distractors are of the answer's kind, too; there is a third class
(the released data has no "can't say"): what is shown lacks a part of the document, for all three classes, and the
statement is of that part and not borne out by the rest; the classes are equally many; sentences with holes where a
template was stripped are left out; several wordings a task; what carries loss is known by place and not by the string
"Answer:".
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import count
from string import Template
from typing import Any, Literal, cast

import yaml
from pydantic import Field

from synthcpt.errors import DocumentFailed
from synthcpt.methods import Ask, Context, GateOptions, MethodOptions, Rows
from synthcpt.records import Document, Json, Rejection, SyntheticDocument
from synthcpt.text.chat import plain_chat, spanned, turns
from synthcpt.text.choices import shuffled
from synthcpt.text.headings import carry_title
from synthcpt.text.sentences import chunk_spans
from synthcpt.text.statements import Gap, Statements
from synthcpt.text.telling import hidden_runs, without_heading
from synthcpt.text.tokens import estimate_tokens

Task = Literal["title", "keywords", "statement", "teach", "flashcards", "cloze", "choice", "completion"]

SUMMARY = "a document and tasks on it by rules: recite, sum up, judge statements, fill blanks, from sight and memory"
PAPER = "Zhang et al. 2025, Self-Tuning, arXiv:2406.06326"
WHEN = "new facts that a model must be able to tell without the text at hand; no model is needed to make the data"
COST = "no calls; about 10 tokens to train on for each of the document's"
VERSION = 1
PROMPTS = ()
TASKS: tuple[Task, ...] = ("title", "keywords", "statement", "teach", "flashcards", "cloze", "choice", "completion")

_TITLED = frozenset(("title", "teach", "flashcards", "cloze", "choice", "completion"))
_ONCE = frozenset(("title", "keywords", "teach", "flashcards"))
_LABELS = ("true", "false", "open")
_FEWEST_DISTRACTORS = 2


class Options(MethodOptions):
    """The options of self-teaching."""

    tasks: tuple[Task, ...] = Field(TASKS, description="the tasks to make besides the memorisation row")
    form: Literal["plain", "chat"] = Field("plain", description="tasks as plain text, or as chat turns as well")
    passage_tokens: int = Field(300, ge=32, description="show and recite passages of at most this size")
    questions_per_100_words: float = Field(
        2.5, ge=0, description="blanks, choices and sentence endings each; at least one a passage"
    )
    statements_per_100_words: float = Field(
        1.0, ge=0, description="true, false and open statements each; at least one of each a passage"
    )
    most_keywords: int = Field(16, ge=1, description="keywords a passage")
    most_options: int = Field(4, ge=3, le=8, description="options a choice has")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that is shown and recited as a whole: its place, its text and its sentences' numbers."""

    index: int
    text: str
    numbers: range


@dataclass(frozen=True, slots=True)
class Item:
    """A task put: what fills its wording, the answer, and what it rests on."""

    slots: Mapping[str, str]
    answer: str
    meta: Mapping[str, Json]


async def generate(
    document: Document,
    ask: Ask,
    options: Options,
    context: Context,
) -> AsyncIterator[SyntheticDocument | Rejection]:
    """The memorisation row, then tasks, each passage's first before any second, until the quota is filled."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    teacher = _Teacher(document, ask, options, context)
    row = teacher.rows.row("memorise", 1, carry_title(document.text, document.title), meta={"step": "memorise"})
    yield row
    tokens = row.tokens
    for rows in teacher.plan():
        if context.token_quota is not None and tokens >= context.token_quota:
            return
        for row in rows:
            tokens += row.tokens
            yield row


class _Teacher:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.options, self.context = document, options, context
        self.rows = Rows(document, ask, context, GateOptions())
        self.told = Statements(document.text, document.title)
        self.passages = list(self._passages())
        self.title = " ".join(document.title.split())

    def _passages(self) -> Iterator[Passage]:
        text, sentences = self.document.text, self.told.sentences
        chars = len(text) * self.options.passage_tokens // max(1, estimate_tokens(text))
        first, index = 0, 0
        for start, end in chunk_spans(text, max(1, chars)):
            last = first
            while last < len(sentences) and sentences[last].start < end:
                last += 1
            if text[start:end].strip():
                yield Passage(index, text[start:end].strip(), range(first, last))
                index += 1
            first = last

    def plan(self) -> Iterator[list[SyntheticDocument]]:
        """Rows that belong together: the first of each task and passage, then the second, until none has any left."""
        wanted = [task for task in TASKS if task in self.options.tasks and (self.title or task not in _TITLED)]
        makers = {(p.index, task): self._items(task, p) for p in self.passages for task in wanted}
        wordings = {place: self.context.rng(f"wording-{place[1]}-{place[0]}") for place in makers}
        for number in count():
            if not makers:
                return
            for (index, task), items in list(makers.items()):
                most = self._most(task, self.passages[index])
                made = next(items, None) if number < most else None
                if made is None:
                    del makers[index, task]
                    continue
                place = (number * len(self.passages) + index) * len(TASKS) + TASKS.index(task)
                yield [
                    self._row(
                        task, f"{task}-{index}-{number}", 2 + place * len(_LABELS) + i, item, wordings[index, task]
                    )
                    for i, item in enumerate(made)
                ]

    def _most(self, task: Task, passage: Passage) -> float:
        """How many items of a task a passage gets."""
        if self.context.token_quota is not None:
            return math.inf
        options, words = self.options, len(passage.text.split())
        rate = options.statements_per_100_words if task == "statement" else options.questions_per_100_words
        return 1 if task in _ONCE else max(1, round(rate * words / 100)) if rate else 0

    def _items(self, task: Task, passage: Passage) -> Iterator[list[Item]]:
        """A passage's items of a task, each item once, in a random order."""
        if task in _ONCE:
            return self._whole(task, passage)
        if task == "statement":
            return ([*three] for three in zip(*(self._statements(label, passage) for label in _LABELS), strict=False))
        make = {"cloze": self._cloze, "choice": self._choice, "completion": self._completion}[task]
        rng = self.context.rng(f"{task}-{passage.index}")
        return ([item] for n in self._tellable(passage, rng) if (item := make(n, passage, rng)) is not None)

    def _tellable(self, passage: Passage, rng: random.Random) -> list[int]:
        tellable, (first, last) = self.told.tellable, (passage.numbers.start, passage.numbers.stop)
        numbers = tellable[bisect_left(tellable, first) : bisect_left(tellable, last)]
        rng.shuffle(numbers)
        return numbers

    def _whole(self, task: Task, passage: Passage) -> Iterator[list[Item]]:
        """The tasks on a passage as a whole."""
        part = (
            f"{self.title} (part {passage.index + 1} of {len(self.passages)})" if len(self.passages) > 1 else self.title
        )
        keywords = self.told.keywords(passage.numbers)[: self.options.most_keywords]
        text = without_heading(passage.text, self.title) if task == "title" else passage.text
        slots = {"text": text, "part": part, "keywords": "; ".join(keywords)}
        answer = {"title": self.title, "keywords": slots["keywords"]}.get(task, passage.text)
        if text and (keywords or task in ("title", "teach")):
            yield [Item(slots, answer, {})]

    def _statements(self, label: str, passage: Passage) -> Iterator[Item]:
        """Statements that what is shown of a passage bears out, denies or leaves open; each sentence once."""
        rng = self.context.rng(f"{label}-{passage.index}")
        runs = hidden_runs(self.told.sentences, passage.numbers)
        for number in self._tellable(passage, rng):
            fitting = [run for run in runs if (number in run) == (label == "open")]
            if not fitting:
                continue
            hidden = rng.choice(fitting)
            shown = [n for n in passage.numbers if n not in hidden]
            statement, meta = self.told.sentences[number].text, dict[str, Json]()
            if label == "open" and self.told.is_stated(number, shown):
                continue
            if label == "false":
                ways = [(v, w) for v in self.told.values(number) for w in self.told.false_values(number, v, shown)]
                if not ways:
                    continue
                value, other = rng.choice(ways)
                statement = self.told.replaced(number, value, other)
                meta = {"kind": value.kind, "replaced": value.text, "by": other.text}
            span = [self.told.sentences[number].start, self.told.sentences[number].end]
            meta |= {"label": label, "sentence": span, "hidden": self.told.span(hidden)}
            text = self.told.without(hidden, passage.numbers)
            yield Item({"text": text, "statement": statement}, label, meta)

    def _cloze(self, number: int, _: Passage, rng: random.Random) -> Item | None:
        """A sentence with a blank."""
        gaps = self.told.gaps(number)
        return self._gap(number, rng.choice(gaps)) if gaps else None

    def _gap(self, number: int, gap: Gap, **meta: Json) -> Item:
        sentence = self.told.sentences[number]
        told = {"kind": gap.value.kind, "sentence": [sentence.start, sentence.end]}
        answer = {"answer": [gap.value.start, gap.value.end]}
        return Item({"sentence": gap.sentence}, gap.value.text, {**told, **answer, **meta})

    def _choice(self, number: int, passage: Passage, rng: random.Random) -> Item | None:
        """A sentence with a blank, and values of one kind that may fill it, one of them truly."""
        ways = [
            (gap, others)
            for gap in self.told.gaps(number)
            if len(others := self.told.false_values(number, gap.value, passage.numbers)) >= _FEWEST_DISTRACTORS
        ]
        if not ways:
            return None
        gap, others = rng.choice(ways)
        texts = [other.text for other in rng.sample(others, min(len(others), self.options.most_options - 1))]
        options = [gap.value.text, *texts]
        choices = shuffled(options, 0, rng)
        item = self._gap(number, gap, options=options)
        return replace(item, slots={**item.slots, "options": choices.lines}, answer=choices.gold)

    def _completion(self, number: int, _: Passage, __: random.Random) -> Item | None:
        """A sentence without its last phrase."""
        sentence, at = self.told.sentences[number], self.told.tail(number)
        if not at:
            return None
        answer = [sentence.start + at, sentence.end]
        span = [sentence.start, sentence.end]
        return Item({"sentence": sentence.text[:at].rstrip()}, sentence.text[at:], {"sentence": span, "answer": answer})

    def _row(self, task: Task, name: str, ordinal: int, item: Item, rng: random.Random) -> SyntheticDocument:
        """The item in one of its wordings; the answer alone carries loss."""
        wording = rng.choice(_templates()[task])
        slots, answer = {"title": self.title or "this subject", **item.slots}, item.answer
        if task == "statement":
            words = wording["answers"]
            answer = words[_LABELS.index(answer)]
            slots["choices"] = ", ".join(rng.sample(words, len(words)))
            name = f"{name}-{item.answer}"
        asked = Template(wording["ask"]).substitute(slots)
        if self.options.form == "chat":
            messages = turns(asked, answer)
            text, spans = plain_chat(messages)
        else:
            messages = ()
            text, spans = spanned([(f"{asked}\n{wording['lead']} ", False), (answer, True)])
        return self.rows.row(name, ordinal, text, spans=spans, messages=messages, meta={"step": task, **item.meta})


@cache
def _templates() -> dict[str, list[dict[str, Any]]]:
    """Task -> its wordings."""
    source = resources.files("synthcpt.prompts").joinpath("self_teaching", "templates.yaml")
    return cast(dict[str, list[dict[str, Any]]], yaml.safe_load(source.read_text(encoding="utf-8")))
