"""Knowledge-Instruct: a document as single facts, each told several times in answer to a request, for chat models.

Follows Ovadia and others, "Knowledge-Instruct" (arXiv 2504.05571), section 3: list a document's entities, and ask for
missed ones until there are none; list the facts about each in three rounds; put into each fact the names it needs to be
read alone, and verify that it names its entity; drop what is there twice; say each fact in other words; let a user ask
for it with one of a set of requests. Popular entities own more facts, and so more texts. Training on the texts together
with general chat data is part of the paper's recipe, and no matter of this method.

The authors published no code, and no prompts for duplicates and paraphrases. Decided here: entities must be found in
the document, facts must hold its numbers, dates and names alone, and these are locked by string check from there on. A
fact that loses one in being put into context is taken as it was. One without its entity's name is put into context once
more and else rejected; the model verifies only where the name is not found as written. Duplicates are found by
`merge_facts`; a fact that several entities share is asked about under each name in turn. Rounds end when they yield
little. The later steps take several facts a call. The fact itself is a text, too, beside its paraphrases.

The requests (``prompts/knowledge_instruct/requests.yaml``) are English; the option ``requests`` takes others. Optional
are questions after what a fact says, and reverse ones, whose answer names the entity. With ``coverage_probe``,
questions are answered from the facts and from the document; each text's ``meta.coverage`` tells how many were right
each way. A token quota is filled with facts in random order, then with further paraphrases of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Ask, Context, GateOptions, Passage, Rows, in_smaller_passages, split_to_fit, until_quota
from synthcpt.methods.coverage import coverage
from synthcpt.methods.rounds import ask_about, ask_in_rounds
from synthcpt.records import Document, Json, Rejection, Request, SyntheticDocument
from synthcpt.text import fact_gates, gates, locks
from synthcpt.text import numbered_facts as forms
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.entities import Entity, ground_entities
from synthcpt.text.fact_gates import is_named
from synthcpt.text.facts import Fact, FactSource, merge_facts, normal_form
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.numbered_facts import bullets, number_facts, one_line

SUMMARY = "single facts, each told in several ways in answer to a user's request; chat format"
PAPER = "Ovadia et al. 2025, Knowledge-Instruct, arXiv:2504.05571"
WHEN = "a chat model must recall a document's facts, and stay a chat model; far cheaper than relations of all entities"
COST = "~2 + 3E calls that read the document (E entities), ~F/4 short ones (F facts); 6 texts of ~60 tokens a fact"
VERSION = 1
PROMPTS = (
    "entities", "facts", "contextualise", "verify", "paraphrase", "questions", "probe", "probe_answer", "probe_judge",
)  # fmt: skip

_FIRST_FACT, _FIRST_REJECTED = 1, 1 << 40
_PLACES_A_FACT, _REVERSE = 1024, 1023
_MOST_ROUNDS = 4
"""Rounds of paraphrases, where a token quota asks for more than one."""

Row = SyntheticDocument | Rejection


class Options(GateOptions):
    """Knowledge-Instruct's options."""

    min_words: int = Field(3, ge=0, description="reject a shorter fact")
    max_copied: float = Field(1.0, ge=0, le=1, description="1 for any: facts may be the document's own sentences")
    max_entities: int | None = Field(100, ge=1, description="keep this many entities a document, the most prominent")
    entity_rounds: int = Field(5, ge=1, le=20, description="ask for missed entities until there are none, so often")
    fact_rounds: int = Field(3, ge=1, le=20, description="ask for the facts about an entity so often")
    least_yield: float = Field(0.1, ge=0, le=1, description="ask no more after a round that adds less than this share")
    max_facts: int | None = Field(40, ge=1, description="keep this many facts an entity (and passage); null for all")
    min_support: float = Field(0.5, ge=0, le=1, description="share of a fact's longer words the document must have")
    similarity: float = Field(0.85, ge=0.5, le=1, description="share of words and word pairs that makes two facts one")
    verify: bool = Field(True, description="have the model verify facts in which the entity is not found as written")
    facts_per_call: int = Field(8, ge=1, le=50, description="facts a call, after they are found; 1 in the paper")
    paraphrases: int = Field(5, ge=0, le=50, description="further wordings of each fact")
    include_fact: bool = Field(True, description="tell the fact as it is, too; else only where no paraphrase will do")
    specific_questions: bool = Field(False, description="ask for one text a fact by a question after what it says")
    reverse_questions: bool = Field(False, description="add a text a fact that asks whom or what it holds for")
    requests: tuple[Annotated[str, Field(pattern=r"\{entity\}")], ...] = Field(
        (), description="requests with {entity} in them, instead of the English ones"
    )
    coverage_probe: int = Field(0, ge=0, le=100, description="questions a document to compare facts and document by")
    context_tokens: int | None = Field(
        None, ge=512, description="split documents to fit this context; null for the model's own"
    )


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """Texts in which a user asks for a fact and an assistant tells it."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    writer = _Writer(document, ask, options, context)
    if options.include_source:
        yield writer.rows.source()
    await in_smaller_passages(writer.list_entities)
    await writer.find_facts()
    await writer.put_into_context()
    for rejection in writer.rejected:
        yield rejection
    if not writer.facts and not writer.rejected:
        raise DocumentFailed("no_facts", f"none about its {len(writer.entities)} entities")
    if options.coverage_probe:
        await writer.probe(options.coverage_probe)
    tokens = 0
    for turn in range(1 if context.token_quota is None or not options.paraphrases else _MOST_ROUNDS):
        async for row in until_quota(writer.plan(), partial(writer.tell, turn), context.token_quota, tokens):
            tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
            yield row


class _Writer:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        self.title = document.title or "(untitled)"
        self.passages, self.entities = list[Passage](), list[Entity]()
        self.facts, self.rejected = list[Fact](), list[Rejection]()
        self.coverage: Json = None
        self.source = FactSource(document.text, document.title)
        self.requests = options.requests or fact_gates.shipped_requests()
        self._same = options.similarity

    async def list_entities(self, shrink: float) -> None:
        """The entities of all passages, merged, as far as the document holds them."""
        self.passages = split_to_fit(
            self.document, self.ask, [f"knowledge_instruct/{name}" for name in ("entities", "facts")],
            context_tokens=self.options.context_tokens, shrink=shrink,
        )  # fmt: skip
        named = await asyncio.gather(*(self._entities_in(passage) for passage in self.passages))
        texts = [passage.text for passage in self.passages]
        listed = [(number, name) for number, names in enumerate(named) for name, _ in names]
        self.entities = ground_entities(listed, texts, keep_ungrounded=False).entities[: self.options.max_entities]
        if not self.entities:
            raise DocumentFailed("no_entities", "none was named that the document holds")

    async def _entities_in(self, passage: Passage) -> list[tuple[str, tuple[str, ...]]]:
        text = Haystack(passage.text)
        return await self._in_rounds(
            "entities", passage, forms.EntityList, lambda name: canonical(name) if gates.mentioned(text, name) else "",
            self.options.entity_rounds, lambda f: f.reason == "prompt_too_long" or len(self.passages) == 1,
        )  # fmt: skip

    async def find_facts(self) -> None:
        """The facts about each entity in each passage that names it; those the document has not are rejected."""
        units = [(entity.name, self.passages[n]) for entity in self.entities for n in sorted(entity.passages)]
        found = await asyncio.gather(*(self._facts_about(entity, passage) for entity, passage in units))
        self.facts = merge_facts(self._keep([fact for facts in found for fact in facts], self._stated), self._same)

    async def _facts_about(self, entity: str, passage: Passage) -> list[Fact]:
        rounds = self.options.fact_rounds
        found = await self._in_rounds("facts", passage, forms.FactList, normal_form, rounds, entity=entity)
        return [Fact(text, (entity,), passage.index, keys) for text, keys in found[: self.options.max_facts]]

    async def _in_rounds(
        self, prompt: str, passage: Passage, answer_type: type[BaseModel], form: Callable[[str], str], rounds: int,
        fatal: Callable[[RequestFailed], bool] = lambda _: False, **slots: str,
    ) -> list[tuple[str, tuple[str, ...]]]:  # fmt: skip
        def request(known: list[str]) -> Request:
            return self._prompt(prompt, title=self.title, document=passage.text, known=bullets(known), **slots)

        least = self.options.least_yield
        return await ask_in_rounds(self.ask, request, answer_type, form, rounds=rounds, least_yield=least, fatal=fatal)

    def _stated(self, fact: Fact) -> gates.Verdict | None:
        passage = f"{self.document.title}\n{self.passages[fact.passage].text}"
        return self.rows.verdict(fact.text) or fact_gates.stated_verdict(
            fact.text, fact.entities[0], passage, self.source, self.options.min_support
        )

    async def put_into_context(self) -> None:
        """Each fact with the names it needs; those that do not name what they are about are rejected."""
        await self._contextualise(self.facts, draw=0)
        await self._verify()
        unnamed = [fact for fact in self.facts if not fact.named]
        await self._contextualise(unnamed, draw=1)
        for fact in unnamed:
            fact.named = is_named(fact.entities[0], fact.text)
        missing = gates.Verdict("entity_missing", "the entity is not named, not even in another form")
        self.facts = merge_facts(self._keep(self.facts, lambda f: None if f.named else missing), self._same)
        for place, fact in enumerate(self.facts):
            fact.place, fact.wordings = place, {normal_form(fact.text)}

    async def _contextualise(self, facts: Sequence[Fact], draw: int) -> None:
        subject = self.document.title or self.entities[0].name
        for fact, answer, keys in await self._about("contextualise", facts, forms.NumberedFacts, draw, title=subject):
            text = one_line(answer.fact)
            if not text or text == fact.text:
                continue
            known = "\n".join((subject, fact.text, *fact.entities))
            verdict = self.rows.verdict(text) or locks.lost(text, fact.text) or locks.invented(text, known)
            fact.context = verdict.reason if verdict else "added"
            if verdict is None:
                fact.text, fact.keys = text, (*fact.keys, *keys)

    async def _verify(self) -> None:
        """Which facts name their entity: by string check and, where that fails, as the model sees it."""
        for fact in self.facts:
            fact.named = is_named(fact.entities[0], fact.text)
        unsure = [fact for fact in self.facts if not fact.named]
        for fact, answer, _ in await self._about("verify", unsure, forms.Namings) if self.options.verify else ():
            fact.named = answer.named

    def _keep(self, facts: Iterable[Fact], judge: Callable[[Fact], gates.Verdict | None]) -> list[Fact]:
        """Those without a verdict; the others are rejected."""
        kept: list[Fact] = []
        for fact in facts:
            verdict = judge(fact)
            if verdict is None:
                kept.append(fact)
                continue
            number, meta = len(self.rejected), {"step": "fact", "entity": fact.entities[0]}
            name, ordinal = f"stated-{number}", _FIRST_REJECTED + number
            row = self.rows.row(name, ordinal, fact.text, keys=fact.keys, meta=meta)
            self.rejected.append(self.rows.rejected(row, verdict))
        return kept

    async def probe(self, questions: int) -> None:
        """Compare the facts with the document."""
        materials = [(p.text, [fact.text for fact in self.facts if fact.passage == p.index]) for p in self.passages]
        self.coverage = await coverage(self.ask, "knowledge_instruct", self.title, materials, questions)

    def plan(self) -> Iterator[Fact]:
        """The facts to be told in one round, those of which further wordings may come."""
        facts = list(self.facts)
        if self.context.token_quota is not None:
            self.context.rng("order").shuffle(facts)
        return (fact for fact in facts if not fact.tired)

    async def tell(self, turn: int, plan: Iterator[Fact]) -> AsyncIterator[Row]:
        """The texts of these facts: as they are in the first round, and in further wordings in each."""
        options, facts, wordings = self.options, list(plan), dict[int, tuple[list[str], tuple[str, ...]]]()
        if options.paraphrases:
            count = str(options.paraphrases)
            for fact, answer, keys in await self._about("paraphrase", facts, forms.Versions, turn, count=count):
                wordings[fact.place] = ([one_line(text) for text in answer.versions[: options.paraphrases]], keys)
        if turn == 0 and (options.specific_questions or options.reverse_questions):
            for fact, answer, keys in await self._about("questions", facts, forms.Questions):
                fact.question, fact.reverse = one_line(answer.question), one_line(answer.reverse)
                fact.keys = (*fact.keys, *keys)
        for fact in facts:
            for row in self._rows_of(fact, turn, *wordings.get(fact.place, ([], ()))):
                yield row

    def _rows_of(self, fact: Fact, turn: int, wordings: Sequence[str], keys: tuple[str, ...]) -> list[Row]:
        rows: list[Row] = []
        for number, text in enumerate(wordings, 1 + turn * self.options.paraphrases):
            verdict = self.rows.verdict(text) or fact_gates.wording_verdict(text, fact)
            fact.wordings.add(normal_form(text))
            rows.append(self.rows.judged(self._row("paraphrase", fact, number, text, keys), verdict))
        fact.tired = not any(isinstance(row, SyntheticDocument) for row in rows)
        if turn == 0 and (self.options.include_fact or fact.tired):
            rows.append(self._row("fact", fact, 0, fact.text))
        if turn == 0 and self.options.reverse_questions and fact_gates.asks_for_entity(fact.reverse, fact):
            rows.append(self._row("reverse", fact, _REVERSE, fact.text))
        return rows

    def _row(self, step: str, fact: Fact, number: int, text: str, keys: tuple[str, ...] = ()) -> SyntheticDocument:
        entity, request = self._request(step, fact, number, text)
        messages = turns(request, text)
        plain = plain_chat(messages)
        span = self.source.span(fact.text)
        meta = {"step": step, "entity": entity, "fact": fact.text, "context": fact.context, "span": span}
        if self.coverage is not None:
            meta["coverage"] = self.coverage
        name, ordinal = f"fact-{fact.place}-{number}", _FIRST_FACT + fact.place * _PLACES_A_FACT + number
        return self.rows.row(
            name, ordinal, plain.text, keys=(*fact.keys, *keys), spans=plain.spans, messages=messages, meta=meta
        )

    def _request(self, step: str, fact: Fact, number: int, text: str) -> tuple[str, str]:
        """What is asked about, and in which words: a question of the fact's own, or a request drawn for this text."""
        if step == "reverse":
            return fact.entities[0], fact.reverse
        first = number <= (0 if self.options.include_fact else 1)
        if first and self.options.specific_questions and fact_gates.asks_for(fact.question, fact):
            return fact.entities[0], fact.question
        named = [name for name in fact.entities if is_named(name, text)] or fact.entities
        entity = named[number % len(named)]
        request = self.context.rng(f"request-{fact.place}-{number}").choice(self.requests)
        return entity, fact_gates.request_about(entity, request)

    def _prompt(self, name: str, **slots: str) -> Request:
        return self.ask.prompt(f"knowledge_instruct/{name}").render(**slots)

    async def _about(
        self, name: str, facts: Sequence[Fact], answer_type: type[BaseModel], draw: int = 0, **slots: str
    ) -> list[tuple[Fact, Any, tuple[str, ...]]]:
        """What the model answers about each fact, several a call."""

        def request(batch: Sequence[Fact]) -> Request:
            return self._prompt(name, facts=number_facts((fact.entities[0], fact.text) for fact in batch), **slots)

        return await ask_about(self.ask, facts, request, answer_type, a_call=self.options.facts_per_call, draw=draw)
