"""What a method is.

A method is a module in ``generators/``, named as the method. It holds

    PAPER: str                     the paper it follows, as a reader would cite it
    SUMMARY: str                   what it makes, one line
    WHEN: str                      when to use it, a sentence or two
    COST: str                      its calls and tokens as a formula
    VERSION: int                   raised when its output changes
    PROMPTS: tuple[str, ...]       the prompt files it uses, ``prompts/<method>/<name>.md``
    class Options(MethodOptions)   its options, with the paper's defaults
    def generate(document, ask, options, context) -> async iterator of SyntheticDocument | Rejection

and, where it must know the whole corpus before its first document, a class ``Survey`` (see `CorpusSurvey`); nothing of
batching, retries, caches or files. Methods never import one another.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from synthcpt.backends import Capabilities
from synthcpt.errors import RequestFailed
from synthcpt.randomness import stream
from synthcpt.records import Completion, Document, Json, Request
from synthcpt.templates import Prompt
from synthcpt.text.tokens import estimate_tokens

T = TypeVar("T")
Answered = TypeVar("Answered", bound=BaseModel)


class MethodOptions(BaseModel):
    """A method's options: every field has a default and a description; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Context:
    """What a method may know besides the document.

    Attributes:
        seed: the run's.
        method: the method's name.
        document_id: of the document at hand.
        token_quota: how many synthetic tokens to make of this document, or None for as many as the options say.
        survey: what the method's `Survey` found in the whole corpus; None for a method without one.
    """

    seed: int
    method: str
    document_id: str
    token_quota: int | None = None
    survey: Json = None

    def rng(self, purpose: str) -> random.Random:
        """A random stream of its own for each purpose."""
        return stream(self.seed, self.method, self.document_id, purpose)


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion and the key it is stored under."""

    completion: Completion
    key: str

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.completion.text

    @property
    def tokens(self) -> int:
        """About how many tokens the text has: the backend's count, but for one that also counts hidden reasoning."""
        counted, estimated = self.completion.completion_tokens, estimate_tokens(self.text)
        return counted if estimated / 2 <= counted <= 2 * estimated else estimated


class Ask(Protocol):
    """A method's way to a language model, bound to one document; answers are durable."""

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The run's own limit on new tokens, where one was set."""
        ...

    def prompt(self, name: str) -> Prompt:
        """A prompt of the run: the user's version where there is one."""
        ...

    async def __call__(self, request: Request) -> Answer:
        """The answer to a request; see its ``finish_reason`` for whether it is whole.

        Raises:
            RequestFailed: given up for good, after bounded retries; it is in the failures file.
        """
        ...

    async def json(self, request: Request, answer_type: type[Answered]) -> tuple[Answered, tuple[str, ...]]:
        """A structured answer, validated and if need be repaired, and the keys of the calls it took.

        Raises:
            RequestFailed: as above, or no attempt gave a valid answer (``malformed_answer``).
        """
        ...

    def each(self, requests: Iterable[tuple[T, Request]]) -> AsyncIterator[tuple[T, Answer | RequestFailed]]:
        """Ask many, a bounded number at once; yields each tag with its answer or failure as it comes.

        ``requests`` is consumed as there is room, so it may be lazy and long.
        """
        ...


class CorpusSurvey(Protocol):
    """What a method learns from the whole corpus before its first document: a domain's vocabulary, say.

    The run keeps the result (``survey.json``), and every part of it, now and after ``--extend``, uses the same. It must
    not depend on the documents' order.
    """

    def __init__(self, options: MethodOptions, seed: int) -> None: ...

    def see(self, document: Document) -> None:
        """Take in one document; called once for each, with bounded memory."""
        ...

    def result(self) -> Json:
        """What was learnt, as JSON."""
        ...
