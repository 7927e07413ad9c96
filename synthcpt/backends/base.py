"""What a backend is, and the table of those there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from synthcpt.errors import ConfigError, near_match
from synthcpt.records import Completion, Request, Sampling


class BackendOptions(BaseModel):
    """The settings of one backend, all with defaults; subclasses add fields, and unknown keys are errors.

    Attributes:
        model: the model's name or path, as the backend knows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    SHAPING: ClassVar[frozenset[str]] = frozenset()
    """The settings that change what is answered, and not merely how fast; a run keeps to them."""

    model: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do.

    Attributes:
        schema: answers can be held to a JSON schema while they are decoded.
        logprobs: log-probabilities of given tokens can be had: it is a `Scorer`, too.
        context_tokens: the longest prompt + answer, or None where unknown.
        concurrency: how many requests it likes to hold at once, at the start and at most; a scheduler keeps
            this many under way.
        prefix_cache: shared prompt prefixes are computed once.
        verbatim: answers are made of the source's own sentences, so copying is no fault.
        chat_template: whether the model has a chat template of its own; None where that is unknown.
    """

    schema: bool = False
    logprobs: bool = False
    context_tokens: int | None = None
    concurrency: int = 64
    prefix_cache: bool = False
    verbatim: bool = False
    chat_template: bool | None = None


class Backend(Protocol):
    """A source of completions.

    Implementations take their own `Options` in the constructor, which must be cheap and must not load a model
    or open a connection: `start` does.
    """

    name: ClassVar[str]
    Options: ClassVar[type[BackendOptions]]

    def __init__(self, options: Any) -> None: ...

    @property
    def model(self) -> str:
        """The model's name as it goes into request keys and rows."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; exact once `start` has returned."""
        ...

    async def start(self) -> None:
        """Load or connect.

        Raises:
            BackendUnavailable: it cannot work; the message says what to do.
            MissingExtra: a package it needs is not installed.
        """
        ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request; many calls run at once. Cancelling a call drops it.

        Makes exactly one attempt: retrying is the engine's.

        Raises:
            TransientError, OverloadError: worth another attempt.
            RequestRejected, PromptTooLong: this request can never be answered.
            BackendUnavailable: no request can.
        """
        ...

    async def close(self) -> None:
        """Release what `start` took; safe to call twice and without `start`."""
        ...


@dataclass(frozen=True, slots=True)
class ScoredPiece:
    """One piece of a scored text.

    Attributes:
        token_ids: those of the piece; the same whatever stands before or after it.
        logprobs: each token's natural log-probability given all before it; None for a token that nothing precedes.
    """

    token_ids: tuple[int, ...]
    logprobs: tuple[float | None, ...]

    @property
    def total(self) -> float:
        """The log-probability of the piece; a token that nothing precedes counts for nothing."""
        return math.fsum(logprob for logprob in self.logprobs if logprob is not None)


@runtime_checkable
class Scorer(Protocol):
    """A backend whose `Capabilities.logprobs` is true."""

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        """How probable the model finds a text, token by token; no chat template, many calls run at once.

        Each piece is tokenised on its own, and the ids are joined, after the tokenizer's first token where it has
        one; so a piece has the same token ids in every text. A piece that is one special token as a whole is that
        token; inside another piece the same characters are plain text.

        Args:
            pieces: the text, cut wherever probabilities are to be told apart; empty ones are allowed.

        Raises:
            PromptTooLong: the text does not fit the model's context.
            TransientError, RequestRejected, BackendUnavailable: as `Backend.complete`.
        """
        ...


@runtime_checkable
class Continuer(Protocol):
    """A backend that goes on with a text, for base models."""

    async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
        """Go on with a text as it is: no chat template, nothing stripped from the answer; many calls run at once.

        Special tokens spelt out in the text are plain text, as in `Scorer.score`.

        Args:
            prompt: the text, after the tokenizer's first token where it has one.
            sampling: how to draw; a stop string is not part of the answer.
            draw: tells repeated samples of one prompt apart.

        Raises:
            PromptTooLong: no room for a continuation is left in the model's context.
            TransientError, RequestRejected, BackendUnavailable: as `Backend.complete`.
        """
        ...


BACKENDS: dict[str, tuple[str, str, str]] = {
    "extractive": ("synthcpt.backends.extractive", "ExtractiveBackend", "the document's own sentences, by rules"),
    "mock": ("synthcpt.backends.mock", "MockBackend", "scripted answers, for tests and timing"),
    "openai": ("synthcpt.backends.openai", "OpenAIBackend", "any OpenAI-compatible server"),
    "simulated": (
        "synthcpt.backends.simulated",
        "SimulatedBackend",
        "a simulated teacher that knows an invented world's wordings: experiments only",
    ),
    "transformers": ("synthcpt.backends.transformers", "TransformersBackend", "a local model through transformers"),
    "vllm": ("synthcpt.backends.vllm", "VllmBackend", "a local model through vLLM, in this process"),
}
"""Name -> module, class, one line for people. A module is imported when its backend is used."""


def backend_class(name: str) -> type[Backend]:
    """The class behind a backend's name.

    Raises:
        ConfigError: there is no backend of that name.
    """
    if name not in BACKENDS:
        raise ConfigError(f"There is no backend {name!r}. {near_match(name, BACKENDS)}")
    module, attribute, _ = BACKENDS[name]
    loaded: type[Backend] = getattr(import_module(module), attribute)
    return loaded
