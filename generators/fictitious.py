"""Fictitious knowledge: invented things in versions that contradict one another, to teach a skill and not its facts.

Follows Liu et al., "Fictitious synthetic data can improve LLM factuality via prerequisite learning" (Prereq-Tune, ICLR
2025, arXiv 2410.19290), sections 3 and 4. A model that is tuned on facts it does not know learns to make facts up. So
training first lets an adapter learn invented facts, a version each, and then, with that adapter frozen, teaches the
skill (to answer, to write an account) from that version alone; what is kept is the skill's adapter.

Documents are the seeds: from each, a model makes a form of slots and sentences for an invented thing of the same sort,
with a value a slot and version (one call); then it tells each version as a passage (a call each). Rows, each with its
``version`` and ``form`` in ``meta``, and no document's facts in them:

- ``passage`` and ``statement``: what a version's adapter learns, in either form; all of it carries loss;
- ``question`` and ``account``: the tasks; the answer alone carries loss, and is that version's.

To train: an adapter for each version and form, learnt and frozen; then the skill on the tasks of a version with one of
its adapters active, drawn anew each step, the two forms taking turns. ``passages`` dials how well a version gets known.

Left to the operator by the paper, and mended: the thing's name is made by rules, seeded by the document, so that
models' favourite names do not make one thing of many; no name may be one of the source's; a slot's values must differ
and none occur in another version; a version whose years come in another order than the first's is left out; a passage
must tell each value of its version, and nothing of another, of the source, or of its own. With a token quota, further
things are invented from the same seeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods import Answer, Ask, Context, GateOptions, Passage, Rows, split_to_fit
from synthcpt.records import Document, Json, Rejection, Request, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.chat import plain_chat, turns
from synthcpt.text.fictions import NAME, Fiction, Slot, checked
from synthcpt.text.invented_names import invented_name, invented_words
from synthcpt.text.kinds import distinctive_words
from synthcpt.text.mentions import find_mention

SUMMARY = "invented things in versions that contradict one another, with tasks on each, to teach a skill without facts"
PAPER = "Liu et al. 2025, Fictitious synthetic data (Prereq-Tune), arXiv:2410.19290"
WHEN = "before tuning for questions or accounts, so that the model learns to say what it knows and not to make it up"
COST = "1 + V calls a seed of up to 800 tokens (V = 5 versions); ~1,600 tokens for the form and ~220 for each passage"
VERSION = 1
PROMPTS = ("invent", "passage")

_WORDS_A_VERSION = 6
_A_THING, _A_VERSION = 1 << 24, 1 << 16
_STATEMENT, _QUESTION, _ACCOUNT, _DROPPED = 1 << 12, 2 << 12, 3 << 12, 1 << 23
"""Where a thing's, a version's and a step's rows begin among the ordinals."""

Row = SyntheticDocument | Rejection
Short = Annotated[str, Field(max_length=200)]
Sentence = Annotated[str, Field(max_length=600)]


class Options(GateOptions):
    """The options of fictitious knowledge."""

    versions: int = Field(5, ge=2, le=16, description="versions of each invented thing")
    passages: int = Field(1, ge=1, le=64, description="passages a version: the more, the better it gets known")
    things: int = Field(1, ge=1, le=1000, description="things invented from a seed; with a token target, what it takes")
    min_slots: int = Field(3, ge=1, description="give up a thing on which versions differ in fewer points")
    seed_tokens: int = Field(800, ge=64, description="cut documents into seeds of at most this size")
    min_words: int = Field(12, ge=0, description="reject a shorter passage")


class SlotAnswer(BaseModel):
    """A point on which versions differ, as the model lists it."""

    model_config = ConfigDict(title="slot", extra="ignore", strict=True)

    slot: Short
    question: Sentence
    values: list[Short] = Field(max_length=32)


class FormAnswer(BaseModel):
    """What the first call must answer."""

    model_config = ConfigDict(title="form", extra="ignore", strict=True)

    kind: Literal["person", "place", "organisation", "other"]
    request: Sentence
    slots: list[SlotAnswer] = Field(max_length=40)
    statements: list[Sentence] = Field(max_length=80)


@dataclass(frozen=True, slots=True)
class Thing:
    """An invented thing under way: its number, its fiction, how an account is asked for, and the calls it took."""

    number: int
    fiction: Fiction
    request: str
    keys: tuple[str, ...]
    seed: tuple[int, int]


async def generate(document: Document, ask: Ask, options: Options, context: Context) -> AsyncIterator[Row]:
    """One thing from each seed, or as many as the quota takes."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    inventor = _Inventor(document, ask, options, context)
    if options.include_source:
        yield inventor.rows.source()
    tokens, quota, failure = 0, context.token_quota, None
    for turn in count() if quota else range(options.things):
        before = tokens
        for seed in inventor.seeds:
            if quota and tokens >= quota:
                return
            try:
                async for row in inventor.thing(turn * len(inventor.seeds) + seed.index, seed):
                    tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
                    yield row
            except RequestFailed as failed:
                failure = failed  # it is in the failures file; other seeds may do better
        if tokens == before:
            break
    if not tokens:
        raise failure or DocumentFailed("too_few_slots", f"fewer than {options.min_slots} usable in every version")


class _Inventor:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        prompts = [f"fictitious/{name}" for name in PROMPTS]
        passages = split_to_fit(document, ask, prompts, most_tokens=options.seed_tokens)
        self.seeds = [passage for passage in passages if passage.text.strip()]
        self.source_names = distinctive_words(f"{document.title}\n\n{document.text}")

    async def thing(self, number: int, seed: Passage) -> AsyncIterator[Row]:
        """Ask for a form, check it, and make rows of its versions."""
        names = self._names(number)
        form, keys = await self.ask.json(self._form_request(names, seed), FormAnswer)
        taken = {*self.source_names, *(name.lower() for name in names)}
        slots = [Slot(slot.slot.strip(), slot.question, tuple(v.strip() for v in slot.values)) for slot in form.slots]
        name = invented_name(self.context.rng(f"subject-{number}"), form.kind, taken)
        fiction, dropped = checked(name, slots, form.statements, self.options.versions, self.source_names)
        thing = Thing(number, fiction, form.request, keys, (seed.start, seed.end))
        for place, (text, verdict) in enumerate(dropped):
            row = self._row(thing, f"dropped-{place}", _DROPPED + place, text, {"step": "form"}, keys)
            yield self.rows.rejected(row, verdict)
        if len(fiction.slots) < self.options.min_slots or len(fiction.versions) < 2:
            return
        for version in fiction.versions:
            for told in self._told(thing, version):
                yield told
        async for (version, draw), answer in self.ask.each(self._passage_requests(thing)):
            if isinstance(answer, Answer):
                for passage_row in self._passage_rows(thing, version, draw, answer):
                    yield passage_row

    def _names(self, number: int) -> list[str]:
        """Words for the model to build names from."""
        rng, each = self.context.rng(f"names-{number}"), 2 * self.options.versions
        taken = self.source_names
        return [
            word for kind in ("given", "family", "place") for word in islice(invented_words(rng, kind, taken), each)
        ]

    def _form_request(self, names: list[str], seed: Passage) -> Request:
        title = self.document.title or "(untitled)"
        return self.ask.prompt("fictitious/invent").render(
            title=title, document=seed.text, names=", ".join(names), versions=self.options.versions
        )

    def _passage_requests(self, thing: Thing) -> Iterator[tuple[tuple[int, int], Request]]:
        prompt = self.ask.prompt("fictitious/passage")
        for version in thing.fiction.versions:
            facts = "\n".join(f"- {statement}" for statement in thing.fiction.statements(version))
            request = prompt.render(name=thing.fiction.name, statements=facts)
            for draw in range(self.options.passages):
                yield (version, draw), replace(request, draw=draw) if draw else request

    def _told(self, thing: Thing, version: int) -> Iterator[SyntheticDocument]:
        """A version's statements and the questions on it."""
        fiction, start = thing.fiction, version * _A_VERSION
        for place, text in enumerate(fiction.statements(version)):
            meta = self._meta(thing, "statement", version)
            name = f"v{version}-statement-{place}"
            yield self._row(thing, name, start + _STATEMENT + place, text, meta, thing.keys)
        for place, slot in enumerate(fiction.slots):
            if slot.question:
                meta = {**self._meta(thing, "question", version), "slot": slot.name}
                asked = fiction.fill(slot.question, version)
                if find_mention(slot.values[version], asked):
                    continue  # another slot's value gives it away
                name = f"v{version}-question-{slot.name}"
                yield self._task(thing, name, start + _QUESTION + place, asked, slot.values[version], meta, thing.keys)

    def _passage_rows(self, thing: Thing, version: int, draw: int, answer: Answer) -> Iterator[Row]:
        """A version's passage, and the task to write it; neither where the passage is not true to the version."""
        text, start = answer.text.strip(), version * _A_VERSION
        verdict = gates.truncated(answer.completion) or self.rows.verdict(text)
        verdict = verdict or thing.fiction.passage_verdict(text, version, self.source_names)
        meta, keys = self._meta(thing, "passage", version), (*thing.keys, answer.key)
        row = self._row(thing, f"v{version}-passage-{draw}", start + draw, text, meta, keys, answer.tokens)
        yield self.rows.judged(row, verdict)
        if verdict is None and NAME in thing.request and draw == 0:
            asked = thing.fiction.fill(thing.request, version)
            meta = self._meta(thing, "account", version)
            yield self._task(thing, f"v{version}-account", start + _ACCOUNT, asked, text, meta, keys)

    def _meta(self, thing: Thing, step: str, version: int) -> dict[str, Json]:
        """What a trainer needs to put the row in its place, and to check it."""
        form = step if step in ("passage", "statement") else "task"
        values = thing.fiction.values(version)
        return {"step": step, "thing": thing.fiction.name, "version": version, "form": form, "values": values}

    def _task(
        self, thing: Thing, name: str, ordinal: int, asked: str, answer: str, meta: dict[str, Json],
        keys: tuple[str, ...],
    ) -> SyntheticDocument:  # fmt: skip
        messages = turns(asked, answer)
        text, spans = plain_chat(messages)
        row = self._row(thing, name, ordinal, text, meta, keys)
        return replace(row, spans=spans, messages=messages)

    def _row(
        self, thing: Thing, name: str, ordinal: int, text: str, meta: dict[str, Json], keys: tuple[str, ...],
        tokens: int | None = None,
    ) -> SyntheticDocument:  # fmt: skip
        place = 1 + thing.number * _A_THING + ordinal
        meta = {**meta, "seed": list(thing.seed)}
        return self.rows.row(f"{thing.number}-{name}", place, text, keys=keys, tokens=tokens, meta=meta)
