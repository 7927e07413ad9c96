"""Triples: a document reduced to its essential facts, each a subject, a relation and an object.

Follows Pezeshkpour and Hruschka, "Learning beyond the surface: how far can continual pre-training with LoRA enhance
LLMs' domain-specific insight learning?" (arXiv 2501.17840): a model reads triples off the documents, and training
sees those instead of the text. The paper finds little gain from raw documents, and large ones from triples for what
a document states outright and for what takes counting over it; little for what takes judging what is likely.

A document gives one row, the list of its facts as statements, all of it carrying loss. Options keep the source
sentence beside each (``with_sentences``), write them as tuples (``form``), add a row each fact (``lines``), add the raw
text (``include_source``), and ask for counts (``counts``) in chat rows whose answers carry the loss: questions that are
answered by counting the document's own triples, so that each answer can be computed again from ``meta``. These
questions are English, and are left out for documents that are not.

Mended of the bare recipe, which trains on whatever the model lists: the model must copy the sentence that states a
fact; both ends must occur in the text, and one in that sentence; numbers must be that sentence's; a "not" or a
"probably" that stands between the ends must be in the triple; pronouns are no ends. A triple that fails is a
rejection with its reason. Each fact is kept once. The list of facts is of one size, whatever the token target; long
documents are read in passages (``passage_tokens``), for which a model lists more facts than for a whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Ask, Context, GateOptions, Passage, Rows, in_smaller_passages, split_to_fit
from synthcpt.records import Document, Json, Rejection, SyntheticDocument
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.gates import Verdict
from synthcpt.text.headings import carry_title
from synthcpt.text.triples import Evidence, Triple, counts, looks_english

SUMMARY = "a document's facts as subject, relation and object, each checked against its sentence"
PAPER = "Pezeshkpour and Hruschka 2025, Learning beyond the surface, arXiv:2501.17840"
WHEN = "records and reports whose facts matter and whose wording does not; what takes counting over them"
COST = "1 call a passage of ~800 tokens; it reads the passage and writes ~2 tokens for each of it"
VERSION = 1
PROMPTS = ("extract",)

_OPENING_CHARS = 4000
_FIRST_LINE, _FIRST_COUNT, _FIRST_REJECTED = 1 << 20, 1 << 40, 1 << 50


class Options(GateOptions):
    """The options of triples."""

    form: Literal["statements", "tuples"] = Field(
        "statements", description='how a fact is written: as a sentence, or as "subject | relation | object"'
    )
    with_sentences: bool = Field(False, description="write the source sentence beside each fact")
    lines: bool = Field(False, description="add a row for each fact")
    counts: bool = Field(False, description="add questions that are answered by counting facts")
    min_words: int = Field(3, ge=0, description="reject a shorter list of facts")
    passage_tokens: int | None = Field(
        800, ge=64, description="read passages of at most this size; null for as much as the context takes"
    )
    context_tokens: int | None = Field(
        None, ge=512, description="split documents to fit this context; null for the model's own"
    )


class Fact(BaseModel):
    """One fact as the model lists it."""

    model_config = ConfigDict(title="triple", extra="ignore", strict=True)

    subject: str = Field(max_length=1000)
    relation: str = Field(max_length=1000)
    object: str = Field(max_length=1000)
    sentence: str = Field(max_length=4000)


class Facts(BaseModel):
    """What the call must answer."""

    model_config = ConfigDict(title="triples", extra="ignore", strict=True)

    triples: list[Fact] = Field(max_length=400)


async def generate(
    document: Document, ask: Ask, options: Options, context: Context
) -> AsyncIterator[SyntheticDocument | Rejection]:
    """The document's facts in one row, then those that the options add; and what the checks kept out."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    reader = _Reader(document, ask, options, context)
    if options.include_source:
        yield reader.rows.source()
    await in_smaller_passages(reader.read)
    for rejection in reader.rejections:
        yield rejection
    if not reader.triples:
        raise DocumentFailed("no_triples", f"none of {reader.listed} listed could be used")
    for row in reader.all_rows():
        yield row


class _Reader:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options = document, ask, options
        self.rows = Rows(document, ask, context, options)
        self.triples: list[Triple] = []
        self.keys: tuple[str, ...] = ()
        self.rejections: list[Rejection] = []
        self.listed = 0
        self._keys: list[tuple[str, ...]] = []
        self._known: set[tuple[str, str, str]] = set()

    async def read(self, shrink: float) -> None:
        """One call a passage, and the facts in it that can be verified."""
        passages = split_to_fit(
            self.document, self.ask, ["triples/extract"], shrink=shrink,
            context_tokens=self.options.context_tokens, most_tokens=self.options.passage_tokens,
        )  # fmt: skip
        answers: list[tuple[Passage, Facts, tuple[str, ...]]] = []
        failure: RequestFailed | None = None
        for passage in passages:
            request = self.ask.prompt("triples/extract").render(
                title=self.document.title or "(untitled)", document=passage.text
            )
            try:
                answers.append((passage, *await self.ask.json(request, Facts)))
            except RequestFailed as failed:
                if failed.reason == "prompt_too_long":
                    raise
                failure = failed  # it is in the failures file; the other passages are read all the same
        if failure and not answers:
            raise failure
        opening = f"{self.document.title}\n{self.document.text[:_OPENING_CHARS]}"
        for passage, facts, keys in answers:
            evidence = Evidence(passage.text, opening)
            for place, fact in enumerate(facts.triples):
                self._take(evidence, passage, place, fact, keys)
        self.keys = tuple(key for _, _, keys in answers for key in keys)

    def _take(self, evidence: Evidence, passage: Passage, place: int, fact: Fact, keys: tuple[str, ...]) -> None:
        """Keep a fact that the text bears out and that is not known yet."""
        self.listed += 1
        subject, relation, thing = (" ".join(part.split()) for part in (fact.subject, fact.relation, fact.object))
        listed = Triple(subject, relation, thing)
        found = evidence.verify(listed, fact.sentence)
        if isinstance(found, Triple):
            start, end = found.sentence
            found = replace(found, sentence=(passage.start + start, passage.start + end))
        if isinstance(found, Triple) and found.form in self._known:
            found = Verdict("duplicate", "it is known already")
        if isinstance(found, Triple):
            self._known.add(found.form)
            self.triples.append(found)
            self._keys.append(keys)
            return
        text = f"{listed.subject} | {listed.relation} | {listed.object}"
        meta = {"step": "triple", "passage": passage.index, "sentence": fact.sentence}
        ordinal = _FIRST_REJECTED + passage.index * 1000 + place
        row = self.rows.row(f"listed-{passage.index}-{place}", ordinal, text, keys=keys, meta=meta)
        self.rejections.append(self.rows.rejected(row, found))

    def all_rows(self) -> Iterator[SyntheticDocument | Rejection]:
        """The list of facts, and the rows that the options add."""
        text = "\n".join(f"- {self._written(triple)}" for triple in self.triples)
        everything = list(range(len(self.triples)))
        yield self._row("facts", 1, text, everything)
        if self.options.lines:
            for number, triple in enumerate(self.triples):
                yield self._row("fact", _FIRST_LINE + number, self._written(triple), [number])
        if self.options.counts and looks_english([self.document.text]):
            yield from self._counts()

    def _written(self, triple: Triple) -> str:
        text = triple.statement()
        if self.options.form == "tuples":
            text = f"{triple.subject} | {triple.relation} | {triple.object}"
        if self.options.with_sentences:
            text += f' ("{self._sentence(triple)}")'
        return text

    def _sentence(self, triple: Triple) -> str:
        start, end = triple.sentence
        return " ".join(self.document.text[start:end].split())

    def _row(self, step: str, ordinal: int, text: str, numbers: list[int]) -> SyntheticDocument | Rejection:
        name = step if step == "facts" else f"{step}-{numbers[0]}"
        keys = self.keys if step == "facts" else self._keys[numbers[0]]
        verdict = self.rows.verdict(text, copying=False, length=step == "facts")
        heading = f"# {' '.join(self.document.title.split())}\n\n" if step == "facts" and self.document.title else ""
        text = heading + text if heading else carry_title(text, self.document.title)
        meta = {"step": step, "triples": self._told(numbers)}
        return self.rows.judged(self.rows.row(name, ordinal, text, keys=keys, meta=meta), verdict)

    def _counts(self) -> Iterator[SyntheticDocument]:
        for place, count in enumerate(counts(self.triples, self.document.title)):
            messages = turns(count.question, count.answer)
            text, spans = plain_chat(messages)
            keys = dict.fromkeys(key for number in count.triples for key in self._keys[number])
            meta = {"step": "count", "count": len(count.triples), "triples": self._told(count.triples)}
            yield self.rows.row(
                f"count-{place}",
                _FIRST_COUNT + place,
                text,
                keys=tuple(keys),
                spans=spans,
                messages=messages,
                meta=meta,
            )

    def _told(self, numbers: list[int] | tuple[int, ...]) -> Json:
        chosen = [self.triples[number] for number in numbers]
        return [{"triple": (one.subject, one.relation, one.object), "sentence": one.sentence} for one in chosen]
