"""Reading comprehension: the document itself, followed by tasks that are found in it by rules.

Follows Cheng, Huang and Wei, "Adapting large language models via reading comprehension" (AdaptLLM, arXiv 2309.09530),
section 3. A passage is set in a frame that asks for its title or its second half, and behind it stand tasks mined from
its sentences: words of the domain to make a sentence of, definitions, topics, relations between sentences (entailed,
neutral, contradicted), causes and effects, and paraphrases, told by the connectives that authors write themselves. All
tokens carry loss. No model is asked anything.

``llm`` adds what Arbel and others describe ("TransformLLM", arXiv 2410.21479), whose prompts are not public: a model
writes summaries, explanations, inferences and questions about the passage. Each must quote its evidence, and bring in
no number, date or name of its own; what fails is rejected with the reason.

What the official code gets wrong is mended: it takes quadratic time on dots and spaces (here all is linear), takes no
sentence with a comma or an abbreviation, overlooks pairs that overlap or stand at an edge, turns causes around, uses
one pair for two tasks, lets the tasks grow beyond what a trainer keeps, depends on the hash seed, and draws all choices
from one seed, so that one tells of another.

What is left to the operator: the tokenizer of the model to train (``tokenizer``), whose pieces are no words of the
domain; mixing with general instructions, which gave the paper about half of its gain; and ``closed_book``, since tasks
right behind their text were later found to teach less of it ("New News", arXiv 2505.01812) than tasks alone.

The method is of one size, a row each passage, whatever the token target. A document that is not in English is handed on
as it is, with what a model writes about it. Lengths are estimates, within a tenth of most tokenizers on English prose.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Ask, Context, GateOptions, MethodOptions, Rows, in_smaller_passages, room_tokens
from synthcpt.records import Document, Json, Rejection, SyntheticDocument
from synthcpt.text import gates, mining
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.mentions import find_mention

Category = Literal["summaries", "explanations", "inferences", "questions"]

SUMMARY = "each passage with reading-comprehension tasks mined from it by rules; a model may write more of them"
PAPER = "Cheng et al. 2024, Adapting large language models via reading comprehension, arXiv:2309.09530"
WHEN = "raw text must stay raw text, at no cost, without a model losing its ability to follow prompts; mix with others"
COST = "no calls; with llm 4 a passage of ~1,200 tokens, each reading the passage and writing ~450 tokens"
VERSION = 1
PROMPTS: tuple[Category, ...] = ("summaries", "explanations", "inferences", "questions")

_MINED_PASSAGE_TOKENS, _WRITTEN_PASSAGE_TOKENS = 1848, 1200
_LEAST_ROOM_TOKENS = 100
_ROWS_A_PASSAGE = 1000
_FIRST_REJECTED = 500
_NO_ROOM = gates.Verdict("no_room", "text and tasks would be longer than max_len")

Row = SyntheticDocument | Rejection


class Options(GateOptions):
    """The options of reading comprehension."""

    max_len: int = Field(2048, ge=256, description="the most tokens of a row, text and tasks together")
    passage_tokens: int | None = Field(
        None, ge=64, description="the most of a passage; null for 1848, or 1200 with llm, whose tasks take more room"
    )
    max_per_subtype: int = Field(2, ge=0, le=20, description="at most this many tasks of a subtype in a passage")
    min_keywords: int = Field(3, ge=1, description="words of the domain in a sentence that is asked for by them")
    max_sentence_tokens: int = Field(100, ge=10, description="ask for no longer sentence by its words")
    min_sentence_chars: int = Field(50, ge=1, description="relate no shorter sentences to each other")
    keyword_letters: int | None = Field(
        None, ge=4, le=40,
        description="the fewest letters of a word of the domain; null for the paper's 10, or down to 8 in a corpus "
        "too small to have a thousand such words",
    )  # fmt: skip
    more_connectives: bool = Field(
        False,
        description='also go by connectives the paper does not list: "Consequently", "Nevertheless", "because" ...',
    )
    domain: str = Field(
        "", max_length=80, description='what the documents are about, e.g. "maritime law"; may be empty'
    )
    tokenizer: str = Field(
        "",
        description="tokenizer.json, SentencePiece model or folder of the model to train: its pieces are no words of "
        "the domain; empty for a list of common English words",
    )
    closed_book: bool = Field(False, description="add each task as a row of its own too, without the text")
    llm: bool = Field(False, description="have a model write further tasks")
    categories: tuple[Category, ...] = Field(PROMPTS, min_length=1, description="with llm: the kinds to write")
    tasks_per_category: int = Field(3, ge=1, le=10, description="with llm: tasks of each kind to ask for")
    min_support: float = Field(
        0.4, ge=0, le=1, description="with llm: reject an answer of whose content words the passage has a lower share"
    )
    min_words: int = Field(5, ge=0, description="reject a shorter passage")
    context_tokens: int | None = Field(
        None, ge=512, description="with llm: fit prompts and answers to this context; null for the model's own"
    )

    @property
    def most_passage_tokens(self) -> int:
        """The most tokens of a passage."""
        default = _WRITTEN_PASSAGE_TOKENS if self.llm else _MINED_PASSAGE_TOKENS
        return self.passage_tokens or min(default, self.max_len - _LEAST_ROOM_TOKENS)

    @model_validator(mode="after")
    def _leave_room(self) -> Options:
        if self.most_passage_tokens > self.max_len - _LEAST_ROOM_TOKENS:
            raise ValueError(f"passage_tokens must be {_LEAST_ROOM_TOKENS} below max_len, for the tasks")
        return self


class WrittenTask(BaseModel):
    """A task that a model wrote."""

    model_config = ConfigDict(title="task", extra="ignore", strict=True)

    question: str = Field(max_length=2000)
    answer: str = Field(max_length=6000)
    evidence: str = Field(max_length=4000)


class TasksAnswer(BaseModel):
    """What a call for tasks must answer."""

    model_config = ConfigDict(title="tasks", extra="ignore", strict=True)

    tasks: list[WrittenTask] = Field(max_length=30)


class Survey:
    """Finds the words of the domain: of ten letters and more, whole in the corpus's own SentencePiece model."""

    def __init__(self, options: MethodOptions, seed: int) -> None:  # noqa: ARG002  # the sample needs no seed
        self._options = options if isinstance(options, Options) else Options()
        self._known = mining.known_words(self._options.tokenizer)
        self._sample = mining.SentenceSample()

    def see(self, document: Document) -> None:
        """Take in one document."""
        self._sample.add(document.text)

    def result(self) -> Json:
        """The words, in one string: a run hands them to every document."""
        sentences = self._sample.sentences()
        wanted = self._options.keyword_letters
        keywords = mining.domain_keywords(sentences, self._known, wanted or mining.FEWEST_LETTERS)
        letters = wanted or mining.choose_letters(keywords)
        long = [word for word in keywords if len(word) >= letters]
        return {"sentences": len(sentences), "letters": letters, "keywords": " ".join(long)}


@lru_cache(maxsize=4)
def _keywords(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """A row each passage; the tasks alone, too, where asked for; and what was written and cannot be used."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    reader = _Reader(document, ask, options, context)
    if options.include_source:
        yield reader.rows.source()
    if options.llm:
        await in_smaller_passages(reader.ask_all)
    else:
        reader.cut(options.most_passage_tokens)
    for number in range(len(reader.passages)):
        for row in reader.read(number):
            yield row


class _Reader:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        self.limits = mining.Limits(
            per_subtype=options.max_per_subtype, sentence_chars=options.min_sentence_chars,
            keywords=options.min_keywords, keyword_letters=(context.survey or {}).get("letters", mining.MOST_LETTERS),
            sentence_tokens=options.max_sentence_tokens, more_connectives=options.more_connectives,
        )  # fmt: skip
        self.keywords = _keywords((context.survey or {}).get("keywords", ""))
        self.passages: list[tuple[int, int]] = []
        self.written: list[dict[Category, tuple[TasksAnswer, tuple[str, ...]]]] = []
        self.streams: dict[str, random.Random] = {}

    def cut(self, most_tokens: int) -> None:
        """Cut the document into passages."""
        self.passages = mining.fitting_spans(self.document.text, most_tokens)
        self.written = [{} for _ in self.passages]

    async def ask_all(self, shrink: float) -> None:
        """Cut the document so that prompts fit the model's context, and ask for all tasks of all passages."""
        most, tokens = self.options.most_passage_tokens, self.options.context_tokens
        if tokens := tokens or self.ask.capabilities.context_tokens:
            names = [f"reading_comprehension/{name}" for name in PROMPTS]
            most = min(most, room_tokens(self.ask, names, tokens))
        self.cut(max(1, round(most * shrink)))
        for number, (start, end) in enumerate(self.passages):
            if gates.nearly_empty(self.document.text[start:end], self.options.min_words) is None:
                await self._ask_for(number)

    async def _ask_for(self, number: int) -> None:
        """One call each category; one that fails is in the failures file, and the others go on."""
        start, end = self.passages[number]
        slots = {"title": self.document.title or "(untitled)", "document": self.document.text[start:end]}
        for category in (one for one in PROMPTS if one in self.options.categories):
            prompt = self.ask.prompt(f"reading_comprehension/{category}")
            request = prompt.render(**slots, count=self.options.tasks_per_category)
            try:
                self.written[number][category] = await self.ask.json(request, TasksAnswer)
            except RequestFailed as failure:
                if failure.reason == "prompt_too_long":
                    raise  # smaller passages will do

    def draw(self, purpose: str) -> random.Random:
        """A random stream of its own for each purpose."""
        if purpose not in self.streams:
            self.streams[purpose] = self.context.rng(purpose)
        return self.streams[purpose]

    def read(self, number: int) -> Iterator[Row]:
        """The rows of a passage."""
        start, end = self.passages[number]
        text, title, most_tokens = self.document.text[start:end], self.document.title, self.options.max_len
        segments, blocks = mining.segments(text), list[list[mining.Task]]()
        if mining.is_english(text):
            framed = mining.frame(segments, title, self.draw, first=number == 0, most_tokens=most_tokens)
            found = mining.mine(segments, self.keywords, self.limits, self.draw)
            blocks += mining.word_blocks(text, found, self.draw)
        else:
            framed = mining.plain(segments, title)
        judged = self._written(number, text)
        blocks, rejected = blocks + judged.blocks, judged.rejected
        composed = mining.compose(framed, blocks, self.options.domain.strip(), most_tokens, self.draw)
        if not self.options.closed_book:
            rejected += [(task, _NO_ROOM) for task in composed.left_out if task.form == "written"]
        yield self._passage_row(number, framed, composed)
        for place, (task, verdict) in enumerate(rejected):
            meta = {"step": task.subtype, "task": task.describe(start)}
            name, ordinal = f"{task.subtype}-{number}-{place}", self._ordinal(number) + _FIRST_REJECTED + place
            yield self.rows.rejected(
                self.rows.row(name, ordinal, task.text, keys=self._keys(number, task), meta=meta), verdict
            )
        if self.options.closed_book:
            yield from self._closed_book(number, [task for block in blocks for task in block], text)

    def _written(self, number: int, passage: str) -> mining.Judged:
        """What a model wrote about a passage, checked against it."""
        if not self.written[number]:
            return mining.Judged()
        told = (
            (category, [(task.question, task.answer, task.evidence) for task in answer.tasks])
            for category, (answer, _) in self.written[number].items()
        )
        return mining.judge_written(
            passage, self.document.title, told, self.options.min_support,
            lambda answer: self.rows.verdict(answer, copying=False, length=False),
        )  # fmt: skip

    def _passage_row(self, number: int, framed: mining.Framed, composed: mining.Composed) -> Row:
        start, end = self.passages[number]
        meta = {
            "step": "passage", "passage": (start, end), "frame": framed.name,
            "tasks": [task.describe(start) for task in composed.tasks], "left_out": len(composed.left_out),
        }  # fmt: skip
        keys = [key for _, asked in self.written[number].values() for key in asked]
        row = self.rows.row(
            f"passage-{number}", self._ordinal(number), composed.text, keys=keys, tokens=composed.tokens, meta=meta
        )
        verdict = gates.nearly_empty(self.document.text[start:end], self.options.min_words)
        if verdict is None and row.tokens > self.options.max_len:
            verdict = gates.Verdict("too_long", f"{row.tokens} tokens, {self.options.max_len} allowed")
        return self.rows.judged(row, verdict)

    def _closed_book(self, number: int, tasks: Sequence[mining.Task], passage: str) -> Iterator[Row]:
        """Each task that can be understood alone as a chat of its own; only the answer carries loss."""
        title, start = " ".join(self.document.title.split()), self.passages[number][0]
        for place, task in enumerate(tasks):
            if not mining.stands_alone(task, passage):
                continue
            named = not title or find_mention(title, task.question)
            messages = turns(task.question if named else f"{title}\n\n{task.question}", task.answer)
            chat = plain_chat(messages)
            yield self.rows.row(
                f"closed-{number}-{place}", self._ordinal(number) + 1 + place, chat.text, spans=chat.spans,
                messages=messages, keys=self._keys(number, task),
                meta={"step": "closed_book", "task": task.describe(start)},
            )  # fmt: skip

    def _keys(self, number: int, task: mining.Task) -> tuple[str, ...]:
        return next((keys for category, (_, keys) in self.written[number].items() if category == task.subtype), ())

    def _ordinal(self, number: int) -> int:
        return 1 + number * _ROWS_A_PASSAGE
