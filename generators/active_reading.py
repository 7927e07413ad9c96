"""Active Reading: the model invents ways to study a document, then studies it in each of them.

Follows Lin, Berges, Chen, Yih, Ghosh and Oguz, "Learning facts at scale with Active Reading" (arXiv 2508.09494). One
call invents study strategies for the document; then one call each strategy carries it out, and what comes of it is
trained on, all of it carrying loss. Without ``task`` the strategies are for whoever wants to know the document
(task-agnostic); with it the model first thinks of the questions that such a test would ask and invents strategies that
prepare for these kinds of question (task-specific). The paper's accuracy on its Wikipedia questions, for an 8B model:
7.4 untrained, 15.9 on the repeated documents, 25.7 on paraphrases, 47.9 on question-answer pairs, 63.3 task-agnostic,
66.3 task-specific. It mixes in a tenth of pretraining data, more at scale, and finds that the 8B model learns better
from texts of its own (66.3) than from those of a 70B model (62.3).

The paper leaves the number of strategies to the operator. A token quota is filled with the first strategies, then with
further ones, asked for in rounds that name those there are, then with further draws of each.

Strategies are compared by name and wording within a passage, and texts as wholes within the document, so that what a
model repeats is not trained on twice. Documents longer than the model's context (or than ``passage_tokens``) are split
at sentence ends; each passage gets strategies of its own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

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
from synthcpt.text.headings import carry_title
from synthcpt.text.mentions import canonical

SUMMARY = "study texts: the model invents strategies for a document, then carries out each"
PAPER = "Lin et al. 2025, Learning facts at scale with Active Reading, arXiv:2508.09494"
WHEN = "facts must be known without the document at hand; with a task, for one kind of question above all"
COST = "1 + S calls a document of S strategies (times the draws); each reads the document and writes ~750 tokens"
VERSION = 1
PROMPTS = ("strategies", "task_strategies", "apply")

_ALIKE = 0.6
"""Two strategies that share this much of their instructions' words are one."""
_WORD = re.compile(r"\w{4,}")


class Options(GateOptions):
    """The options of Active Reading."""

    strategies: int = Field(8, ge=1, le=40, description="strategies to invent for a document, or a passage of it")
    task: str = Field(
        "", max_length=4000, description='what the test is like, e.g. "trivia questions"; empty for task-agnostic'
    )
    draws: int = Field(1, ge=1, le=1000, description="how often each strategy is carried out")
    max_rounds: int = Field(4, ge=1, le=100, description="with a token target: rounds of inventing further strategies")
    max_draws: int = Field(32, ge=1, le=1000, description="with a token target: the most often one is carried out")
    max_copied: float = Field(
        0.8, ge=0, le=1, description="reject a text of whose 8-word runs more than this share is the document's"
    )
    passage_tokens: int | None = Field(
        None, ge=64, description="study passages of at most this size; null for as much as the context takes"
    )
    context_tokens: int | None = Field(
        None, ge=512, description="split documents to fit this context; null for the model's own"
    )


class Strategy(BaseModel):
    """A way to study."""

    model_config = ConfigDict(title="strategy", extra="ignore", strict=True)

    name: str = Field(max_length=200)
    instructions: str = Field(max_length=4000)


class StrategyAnswer(BaseModel):
    """What the inventing call must answer."""

    model_config = ConfigDict(title="strategies", extra="ignore", strict=True)

    strategies: list[Strategy] = Field(max_length=60)


class TaskStrategyAnswer(BaseModel):
    """The same with a task: thinking of the questions first is what fits the strategies to it."""

    model_config = ConfigDict(title="task_strategies", extra="ignore", strict=True)

    questions: list[str] = Field(max_length=120)
    strategies: list[Strategy] = Field(max_length=60)


@dataclass(frozen=True, slots=True)
class Study:
    """A strategy to carry out: the passage, the strategy's number among the passage's, which time."""

    passage: int
    number: int
    draw: int

    @property
    def ordinal(self) -> int:
        """Its place among the document's texts."""
        return 1 + (self.draw << 40) + (self.passage << 16) + self.number


async def generate(
    document: Document, ask: Ask, options: Options, context: Context
) -> AsyncIterator[SyntheticDocument | Rejection]:
    """A text each strategy and draw; with a token quota, further strategies and draws until it is filled."""
    if not document.text.strip():
        raise DocumentFailed("empty_document", "it has no text")
    student = _Student(document, ask, options, context)
    if options.include_source:
        yield student.rows.source()
    studies = await in_smaller_passages(student.begin)
    tokens = asked = 0
    text_tokens = ask.prompt("active_reading/apply").new_tokens
    while studies:
        plan = iter(studies)
        async for row in until_quota(plan, student.write, context.token_quota, tokens, text_tokens):
            tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
            yield row
        asked += len(studies)
        if context.token_quota is None or not tokens or next(plan, None):
            return
        wanted = round((context.token_quota - tokens) * asked / tokens)
        studies = list(islice(await student.more(), wanted)) if wanted > 0 else []


class _Student:
    """One document under way."""

    def __init__(self, document: Document, ask: Ask, options: Options, context: Context) -> None:
        self.document, self.ask, self.options, self.context = document, ask, options, context
        self.rows = Rows(document, ask, context, options)
        self.passages: list[Passage] = []
        self.strategies: list[list[Strategy]] = []
        self.keys: dict[tuple[int, int], tuple[str, ...]] = {}
        self.rounds, self.draws = 1, options.draws
        self.texts: set[str] = set()
        self.texts_before = 0

    async def begin(self, shrink: float) -> list[Study]:
        """Split the document, and invent the first strategies."""
        options = self.options
        self.passages = split_to_fit(
            self.document, self.ask, [f"active_reading/{name}" for name in PROMPTS],
            context_tokens=options.context_tokens, most_tokens=options.passage_tokens, shrink=shrink,
        )  # fmt: skip
        self.strategies = [[] for _ in self.passages]
        fresh = await self._invent()
        if not fresh:
            raise DocumentFailed("no_strategies", "the model named none that could be used")
        return _in_turn(fresh, range(options.draws))

    async def more(self) -> Iterator[Study]:
        """What is left to do when all is done: new strategies, or else the known ones once more; perhaps nothing."""
        if self.rounds < self.options.max_rounds:
            self.rounds += 1
            fresh = await self._invent()
            if fresh:
                return iter(_in_turn(fresh, range(1)))
            self.rounds = self.options.max_rounds
        made, self.texts_before = len(self.texts) - self.texts_before, len(self.texts)
        if not made or self.draws >= self.options.max_draws:  # a model that only repeats itself is not asked again
            return iter(())
        self.draws += 1
        known = [Study(p, n, 0) for p, strategies in enumerate(self.strategies) for n in range(len(strategies))]
        return iter(_in_turn(known, range(self.draws - 1, self.draws)))

    async def _invent(self) -> list[Study]:
        """One call a passage for strategies that it does not have yet."""
        fresh: list[Study] = []
        failure: RequestFailed | None = None
        for passage in self.passages:
            try:
                fresh += await self._invent_for(passage)
            except RequestFailed as failed:
                if failed.reason == "prompt_too_long" and self.rounds == 1:
                    raise  # smaller passages will do; later on there are texts already, and no way back
                failure = failed
        if failure and not any(self.strategies):
            raise failure
        return fresh

    async def _invent_for(self, passage: Passage) -> list[Study]:
        known, options = self.strategies[passage.index], self.options
        slots = {"known": "; ".join(strategy.name for strategy in known) or "none", "count": options.strategies}
        slots |= {"task": options.task.strip()} if options.task.strip() else {}
        prompt = self.ask.prompt(f"active_reading/{'task_' * ('task' in slots)}strategies")
        request = prompt.render(title=self.document.title or "(untitled)", document=passage.text, **slots)
        answer_type: type[StrategyAnswer | TaskStrategyAnswer]
        answer_type = TaskStrategyAnswer if "task" in slots else StrategyAnswer
        answer, keys = await self.ask.json(request, answer_type)
        first = len(known)
        for strategy in answer.strategies:
            if len(known) < first + options.strategies and _is_new(strategy, known):
                self.keys[passage.index, len(known)] = keys
                known.append(strategy)
        return [Study(passage.index, number, 0) for number in range(first, len(known))]

    async def write(self, plan: Iterator[Study]) -> AsyncIterator[SyntheticDocument | Rejection]:
        """Carry out strategies and judge the texts, in a fixed order: of two alike, the first is kept."""
        studies = sorted(plan, key=lambda study: (study.passage, study.draw, study.number))
        answers = [
            (study, answer)
            async for study, answer in self.ask.each((study, self._request(study)) for study in studies)
            if isinstance(answer, Answer)
        ]
        for study, answer in sorted(answers, key=lambda item: item[0].ordinal):
            yield self._row(study, answer)

    def _request(self, study: Study) -> Request:
        strategy = self.strategies[study.passage][study.number]
        request = self.ask.prompt("active_reading/apply").render(
            title=self.document.title or "(untitled)", document=self.passages[study.passage].text,
            strategy=strategy.name.strip(), instructions=strategy.instructions.strip(),
        )  # fmt: skip
        return replace(request, draw=study.draw)

    def _row(self, study: Study, answer: Answer) -> SyntheticDocument | Rejection:
        strategy, passage = self.strategies[study.passage][study.number], self.passages[study.passage]
        text = answer.text.strip()
        verdict = gates.truncated(answer.completion) or self.rows.verdict(text) or self._repeated(text)
        meta = {
            "step": "apply", "strategy": strategy.name.strip(), "instructions": strategy.instructions.strip(),
            "task": self.options.task.strip(), "draw": study.draw, "passage": (passage.start, passage.end),
        }  # fmt: skip
        row = self.rows.row(
            f"study-{study.passage}-{study.number}-{study.draw}", study.ordinal, carry_title(text, self.document.title),
            keys=(*self.keys[study.passage, study.number], answer.key), tokens=answer.tokens, meta=meta,
        )  # fmt: skip
        return self.rows.judged(row, verdict)

    def _repeated(self, text: str) -> gates.Verdict | None:
        form = " ".join(text.split())
        if form in self.texts:
            return gates.Verdict("duplicate", "an earlier text of this document, word by word")
        self.texts.add(form)
        return None


def _in_turn(studies: Sequence[Study], draws: range) -> list[Study]:
    """Each passage's first strategy, then each one's second, and so on; then all of it again for the next draw."""
    ranked = sorted(studies, key=lambda study: (study.number, study.passage))
    return [replace(study, draw=draw) for draw in draws for study in ranked]


def _is_new(strategy: Strategy, known: Sequence[Strategy]) -> bool:
    """Whether it says something, and neither its name nor its wording is a known strategy's."""
    name, words = canonical(strategy.name), _words(strategy)
    if not name or not strategy.instructions.strip() or gates.refused(strategy.instructions):
        return False
    for other in known:
        others = _words(other)
        if canonical(other.name) == name or (words and len(words & others) >= _ALIKE * len(words | others)):
            return False
    return True


def _words(strategy: Strategy) -> set[str]:
    return set(_WORD.findall(strategy.instructions.casefold()))
