"""One question in one setting: what is sent to the model, and the row that its answer makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from synthcpt.backends import Backend, Continuer, ScoredPiece, Scorer
from synthcpt.errors import ConfigError, RequestRejected
from synthcpt.evaluation.calling import attempted, gathered
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.evaluation.metrics import first_line, score_answer
from synthcpt.evaluation.parsing import letter, parse_letters, tally
from synthcpt.evaluation.prompting import Prompt, Prompter, Shots
from synthcpt.evaluation.questions import Question
from synthcpt.evaluation.retrieval import PassageIndex, recall
from synthcpt.records import Completion, Document, Request, Sampling

Row: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[Question], Awaitable[Row]]

MOST_GOLDS = 8
"""Of a question's golds, so many are scored; lists of aliases run into dozens."""

_CHARS_OF_SAID = 2000


@dataclass(slots=True)
class Shelf:
    """What the open-book settings look up.

    Attributes:
        documents: id -> document.
        index: the passages, where something is to be searched.
    """

    documents: Mapping[str, Document] = field(default_factory=dict)
    index: PassageIndex | None = None


class Asking:
    """Puts questions to a started backend.

    Args:
        backend: what answers.
        config: how it is asked.
        shots: demonstrations, where there are some.
        shelf: documents and passages.

    Attributes:
        chat: questions are put in chat turns, and not as plain text.

    Raises:
        ConfigError: the backend cannot be asked as configured.
    """

    def __init__(self, backend: Backend, config: EvaluateConfig, shots: Shots | None, shelf: Shelf) -> None:
        self._backend = backend
        self._config = config
        self._shots = shots
        self._shelf = shelf
        self._prompter = Prompter(frame=config.frame)
        self.chat = _chat(backend, config)

    def of(self, setting: str) -> Ask:
        """What asks a question in a setting.

        Raises:
            ConfigError: the backend cannot do it.
        """
        if setting == "choice":
            return self._choice if isinstance(self._backend, Scorer) else self._choice_by_letter
        if setting == "likelihood" and not isinstance(self._backend, Scorer):
            raise ConfigError(
                f"The backend {self._backend.name} gives no log-probabilities of given texts. Leave the setting "
                "likelihood out, or evaluate the model in this process with --backend transformers or vllm."
            )
        ways: dict[str, Ask] = {
            "closed_book": self._closed_book, "open_book": self._open_book, "retrieval": self._retrieval,
            "choice_cot": self._choice_cot, "likelihood": self._likelihood,
        }  # fmt: skip
        return ways[setting]

    async def _closed_book(self, question: Question) -> Row:
        return await self._free(question, self._prompter.closed_book(question, self._shots_of(question)))

    async def _open_book(self, question: Question) -> Row:
        document = self._shelf.documents[question.document or ""]
        return await self._free(question, self._prompter.open_book(question, document, self._shots_of(question)))

    async def _retrieval(self, question: Question) -> Row:
        hits = self._shelf.index.search(question.text, self._config.passages) if self._shelf.index else []
        prompt = self._prompter.retrieval(question, hits, self._shots_of(question))
        found = recall(hits, question.document)
        return {**await self._free(question, prompt), "recall": found if found == found else None}

    async def _free(self, question: Question, prompt: Prompt) -> Row:
        """A free answer, greedy: its first line is measured against the golds."""
        sampling = Sampling(0.0, self._config.max_tokens, stop=self._config.stop)
        row = _row(prompt.setting, question)
        try:
            said = (await self._answer(prompt, sampling)).text
        except RequestRejected as refusal:
            return row | dict.fromkeys(("exact", "f1", "contains", "attempted"), 0.0) | _refused(refusal)
        answer = first_line(said)
        scores = score_answer(answer, question.answers)
        row |= {"answer": answer, "exact": scores.exact, "f1": scores.f1, "contains": scores.contains}
        row["attempted"] = float(bool(answer))
        return row if said.strip() == answer else {**row, "said": said[:_CHARS_OF_SAID]}

    async def _choice_by_letter(self, question: Question) -> Row:
        """For a server, which scores no given texts: the letter that it names."""
        prompt = self._prompter.choice(question, self._shots_of(question))
        row = _row("choice", question)
        try:
            said = (await self._answer(prompt, Sampling(0.0, self._config.max_tokens, stop=prompt.stop))).text
        except RequestRejected as refusal:
            return row | {"correct": 0.0, "attempted": 0.0} | _refused(refusal)
        named = parse_letters(said, len(question.choices))
        row |= {
            "answer": named,
            "correct": float(named == letter(question.correct or 0)),
            "said": said[:_CHARS_OF_SAID],
        }
        return {**row, "attempted": float(named is not None), "said": said[:_CHARS_OF_SAID]}

    async def _choice(self, question: Question) -> Row:
        """The option whose text is likeliest after the question (as lm-evaluation-harness does, without letters)."""
        row = _row("choice", question)
        try:
            scored = await self._score_each(question, question.choices)
        except RequestRejected as refusal:
            return row | {"correct": 0.0, "attempted": 0.0} | _refused(refusal)
        sizes = {
            "sum": [1] * len(scored),
            "token": [max(1, len(piece.token_ids)) for piece in scored],
            "byte": [max(1, len(choice.encode())) for choice in question.choices],
        }
        chosen = {way: _best([s.total / size for s, size in zip(scored, sizes[way], strict=True)]) for way in sizes}
        row |= {"answer": letter(chosen[self._config.normalise]), "logprobs": [_short(piece.total) for piece in scored]}
        row |= {f"correct_by_{way}": float(place == question.correct) for way, place in chosen.items()}
        return {**row, "correct": row[f"correct_by_{self._config.normalise}"], "attempted": 1.0}

    async def _choice_cot(self, question: Question) -> Row:
        """N samples that reason first, as EntiGraph's evaluation (arXiv 2409.07431, section 4)."""
        config, prompt = self._config, self._prompter.choice_cot(question)
        sampling = Sampling(config.temperature, config.reasoning_tokens, stop=prompt.stop)
        row = _row("choice_cot", question)
        try:
            answers = await gathered([self._answer(prompt, sampling, draw) for draw in range(config.samples)])
        except RequestRejected as refusal:
            return row | {"correct": 0.0, "attempted": 0.0} | _refused(refusal)
        said = [answer.text for answer in answers]
        found = tally(said, question.correct or 0, len(question.choices))
        return {
            **row,
            "answer": found.answer("pick", seed=config.seed, question=question.id),
            "correct": found.correct_of_all,
            "attempted": found.attempted / len(said),
            "samples": list(found.samples),
            "said": said[0][:_CHARS_OF_SAID],
        }

    async def _likelihood(self, question: Question) -> Row:
        """How likely the right answer is, of several golds the likeliest; in plain text for chat models, too."""
        golds = question.answers[:MOST_GOLDS]
        row = _row("likelihood", question)
        try:
            scored = await self._score_each(question, golds)
        except RequestRejected as refusal:
            return row | {"logprob": None} | _refused(refusal)
        best = _best([piece.total for piece in scored])
        piece = scored[best]
        row |= {"answer": golds[best], "logprob": _short(piece.total), "tokens": len(piece.token_ids)}
        return {**row, "bytes": len(golds[best].encode())}

    async def _score_each(self, question: Question, answers: Sequence[str]) -> list[ScoredPiece]:
        """Each answer's log-probability after the question in plain text."""
        scorer = self._backend
        if not isinstance(scorer, Scorer):
            raise ConfigError(f"The backend {scorer.name} gives no log-probabilities of given texts.")
        pieces = self._prompter.closed_book(question, self._shots_of(question)).pieces
        # The answer is a piece of its own, so its tokens are the same after every prompt.
        scored = await gathered([attempted(partial(scorer.score, [*pieces, f" {answer}"])) for answer in answers])
        return [each[-1] for each in scored]

    async def _answer(self, prompt: Prompt, sampling: Sampling, draw: int = 0) -> Completion:
        backend = self._backend
        if self.chat:
            name = f"evaluation/{prompt.setting}"
            request = Request(prompt.messages, replace(sampling, stop=()), draw=draw, prompt=name)
            return await attempted(partial(backend.complete, request))
        if isinstance(backend, Continuer):
            return await attempted(partial(backend.continue_text, prompt.text, sampling, draw))
        raise ConfigError(f"The backend {backend.name} cannot go on with a text; ask in chat turns with --chat yes.")

    def _shots_of(self, question: Question) -> tuple[Question, ...]:
        return self._shots.of(question) if self._shots else ()


def _chat(backend: Backend, config: EvaluateConfig) -> bool:
    """Whether to ask in chat turns."""
    if config.chat != "auto":
        return config.chat == "yes"
    template = backend.capabilities.chat_template
    # A server's model is unknown; most are there for chats.
    return template if template is not None else True


def _row(setting: str, question: Question) -> Row:
    return {
        "setting": setting,
        "id": question.id,
        "document": question.document,
        "kind": question.kind,
        "question": question.text,
        "golds": list(question.answers),
    }


def _refused(refusal: RequestRejected) -> Row:
    """A question that cannot be put, because its document does not fit the context, say."""
    return {"answer": None, "error": str(refusal)}


def _best(values: Sequence[float]) -> int:
    """The place of the largest, the first of equal ones."""
    return max(range(len(values)), key=lambda place: (values[place], -place))


def _short(logprob: float) -> float:
    """To six digits behind the point, more than any engine agrees with another on."""
    return round(logprob, 6)
