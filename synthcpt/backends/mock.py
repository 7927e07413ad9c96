"""Scripted answers, for tests, for timing the engine, and for trying a method's plumbing."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import orjson
from pydantic import Field

from synthcpt.backends.base import BackendOptions, Capabilities
from synthcpt.backends.mock_json import Instance
from synthcpt.errors import OverloadError, TransientError
from synthcpt.records import Completion, Json, Request
from synthcpt.text.tokens import estimate_tokens

Script = Callable[[Request], Completion | str]
"""What answers a request: a text, a whole completion, or an error it raises."""

_tokens = lru_cache(maxsize=256)(estimate_tokens)

_NAME = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)*")
_SENTENCE = (
    "in the account of the matter that is given here and of what came after it the part that was played by each is "
    "told in turn with the reasons for it and the time at which it was done so that nothing of it is left in doubt"
)
_FILLER = _SENTENCE.split()


class MockBackend:
    """Answers at once, or after a random delay, with texts made from the request alone.

    Args:
        options: what the default script writes.
        script: replaces it.

    Attributes:
        asked: how many requests reached it, failed attempts included.
    """

    class Options(BackendOptions):
        """What the default script writes, and how it fails.

        Attributes:
            entities: how many entities a document is said to have, as far as it has capitalised names.
            words: how long a text is.
            latency_s: the mean of an exponential delay.
            transient_rate, overload_rate: shares of attempts that fail so.
        """

        SHAPING = frozenset({"entities", "words"})

        model: str = "mock"
        entities: int = Field(8, ge=0, description="entities a document")
        words: int = Field(120, ge=0, description="words a text")
        latency_s: float = Field(0.0, ge=0, description="mean delay")
        transient_rate: float = Field(0.0, ge=0, le=1, description="share of attempts that fail")
        overload_rate: float = Field(0.0, ge=0, le=1, description="share of attempts that are told to slow down")
        concurrency: int = Field(64, ge=1, description="requests at once")

    name: ClassVar[str] = "mock"

    def __init__(self, options: Options, script: Script | None = None) -> None:
        self.options = options
        self.asked = 0
        self._script = script or self._write
        self._luck = random.Random(0)

    @property
    def model(self) -> str:
        """The name that was set."""
        return self.options.model

    @property
    def capabilities(self) -> Capabilities:
        """Schemas are honoured; the context is boundless."""
        return Capabilities(schema=True, concurrency=self.options.concurrency)

    async def start(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to release."""

    async def complete(self, request: Request) -> Completion:
        """The script's answer, after the delay and the failures that were asked for."""
        self.asked += 1
        options = self.options
        if options.latency_s:
            await asyncio.sleep(self._luck.expovariate(1 / options.latency_s))
        if options.overload_rate and self._luck.random() < options.overload_rate:
            raise OverloadError("the mock is overloaded", wait_s=0.001)
        if options.transient_rate and self._luck.random() < options.transient_rate:
            raise TransientError("the mock failed", wait_s=0.001)
        answer = self._script(request)
        if isinstance(answer, Completion):
            return answer
        prompt_tokens = sum(_tokens(part) for message in request.messages for part in message.parts)
        return Completion(answer, "stop", prompt_tokens, estimate_tokens(answer), model=options.model)

    def _write(self, request: Request) -> str:
        if request.schema is not None:
            return orjson.dumps(self._instance(request)).decode()
        names = [str(request.slots[slot]) for slot in ("first", "second", "third") if slot in request.slots]
        words = (_FILLER * (self.options.words // len(_FILLER) + 1))[: self.options.words]
        return f"# {request.slots.get('title', '')}\n\n{' and '.join(names)}: {' '.join(words)}."

    def _instance(self, request: Request) -> Json:
        """A value that satisfies the schema; its strings are names of the document in turn, or sentences of them."""
        found = _NAME.finditer(" ".join(str(value) for value in request.slots.values()))
        names = list(dict.fromkeys(match.group() for match in found))[: self.options.entities]
        if request.prompt == "entigraph/entities":
            return {"summary": f"An account of {', '.join(names[:3])}.", "entities": names}
        return Instance(dict(request.schema or {}), names or ["something"]).value()
