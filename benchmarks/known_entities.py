"""A backend for measuring with a random model: every document has the entities it opens with, every answer counts.

A random model names no entities and never ends a text, so a run would stop at its first step. Here the entity call is
made, too, but its answer is replaced by the names that `documents.write_documents` put at the document's head; and
answers that were cut at their limit pass for whole, so that they go through gates and into shards as a real
model's would. All else is the other backend's.
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
    """Wraps a backend.

    Args:
        backend: what answers.

    Attributes:
        asked: the requests that it was given.
        new_tokens: of all answers.
    """

    name: ClassVar[str] = "known"
    Options: ClassVar[type[BackendOptions]] = BackendOptions

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
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
        await self._backend.close()

    async def complete(self, request: Request) -> Completion:
        asked = replace(request, schema=None)
        self.asked.append(asked)
        completion = await self._backend.complete(asked)
        self.new_tokens += completion.completion_tokens
        text = completion.text if request.schema is None else _entity_answer(request)
        return replace(completion, text=text, finish_reason="stop")


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
