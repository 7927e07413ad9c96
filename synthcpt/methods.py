"""What a method is, and how one is found.

A method is a module in ``generators/``, named as the method. It holds

    PAPER: str                     the paper it follows, as a reader would cite it
    SUMMARY: str                   what it makes, one line
    COST: str                      its calls and tokens as a formula
    VERSION: int                   raised when its output changes
    PROMPTS: tuple[str, ...]       the prompt files it uses, ``prompts/<method>/<name>.md``
    class Options(MethodOptions)   its options, with the paper's defaults
    def generate(document, ask, options, context) -> async iterator of SyntheticDocument | Rejection

and nothing of batching, retries, caches or files. Methods never import one another.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict

import synthcpt.generators
from synthcpt.backends import Capabilities
from synthcpt.errors import ConfigError, RequestFailed, near_match
from synthcpt.randomness import stream
from synthcpt.records import Completion, Rejection, Request, SyntheticDocument
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
    """

    seed: int
    method: str
    document_id: str
    token_quota: int | None = None

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


@dataclass(frozen=True, slots=True)
class Method:
    """A method's module, looked into."""

    name: str
    summary: str
    paper: str
    cost: str
    version: int
    prompts: tuple[str, ...]
    options: type[MethodOptions]
    generate: Callable[..., AsyncIterator[SyntheticDocument | Rejection]]
    doc: str


def method_names() -> list[str]:
    """All methods, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(synthcpt.generators.__path__))


def load_method(name: str) -> Method:
    """The method of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in method_names():
        raise ConfigError(f"There is no method {name!r}. {near_match(name, method_names())}")
    module = cast(Any, importlib.import_module(f"synthcpt.generators.{name}"))
    return Method(
        name=name,
        summary=module.SUMMARY,
        paper=module.PAPER,
        cost=module.COST,
        version=module.VERSION,
        prompts=module.PROMPTS,
        options=module.Options,
        generate=module.generate,
        doc=module.__doc__ or "",
    )
