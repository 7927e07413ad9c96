"""A backend for measuring with a random model: every document has the entities it opens with, every answer counts.

A random model names no entities and never ends a text, so a run would stop at its first step. Here an entity call is
answered with the names that `documents.write_documents` put at the document's head; and answers that were cut at their
limit pass for whole, so that they go through gates and into shards as a real model's would. All else is the other
backend's.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from synthcpt.backends import Backend, BackendOptions, Capabilities
from synthcpt.config import make_config
from synthcpt.generation import Generation
from synthcpt.records import Completion, Request

_OPENING = re.compile(r"the names in this account are ([^.]*)\.")
GIBBERISH_PASSES = {"require_entities": False, "same_language": False, "min_words": 0, "max_copied": 1.0}
"""Options of EntiGraph under which the gates look at a random model's texts and let them through."""


class KnownEntities:
    """Wraps a backend, which is closed by whoever made it.

    Args:
        backend: what answers.
        entity_calls: ask it for the entities, too, and throw the answer away. Without, all calls are known from the
            start, as they are to a bare client; a long run is like that but for its first seconds.

    Attributes:
        asked: the requests that it was given.
        new_tokens: of all answers.
    """

    name: ClassVar[str] = "known"
    Options: ClassVar[type[BackendOptions]] = BackendOptions

    def __init__(self, backend: Backend, *, entity_calls: bool = False) -> None:
        self._backend, self._entity_calls = backend, entity_calls
        self.asked: list[Request] = []
        self.new_tokens = 0

    @property
    def model(self) -> str:
        return self._backend.model

    @property
    def capabilities(self) -> Capabilities:
        return self._backend.capabilities

    async def start(self) -> None:
        await self._backend.start()

    async def close(self) -> None:
        """Nothing: several runs may use one loaded model."""

    async def complete(self, request: Request) -> Completion:
        if request.schema is None:
            return replace(await self._ask(request), finish_reason="stop")
        asked = await self._ask(replace(request, schema=None)) if self._entity_calls else Completion("", "stop", 0, 0)
        return replace(asked, text=_entity_answer(request), finish_reason="stop")

    async def _ask(self, request: Request) -> Completion:
        self.asked.append(request)
        completion = await self._backend.complete(request)
        self.new_tokens += completion.completion_tokens
        return completion


def _entity_answer(request: Request) -> str:
    opening = _OPENING.match(str(request.slots["document"]))
    if opening is None:
        raise SystemExit("The documents must be those of documents.py.")
    return json.dumps({"summary": "", "entities": opening.group(1).split(", ")})


def generation(source: Path, output: Path, backend: Backend, **settings: Any) -> Generation:
    """An EntiGraph run over ``source`` whose answers, and their number, are this backend's."""
    values = {"method": "entigraph", "input": str(source), "output": output, "truncation": "drop", **settings}
    work = Generation(make_config({**values, "backend": "mock", "options": GIBBERISH_PASSES}))
    work.backend = backend
    return work
