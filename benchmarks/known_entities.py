"""A backend for measuring with a random model: every document has the entities it opens with, every answer counts.

A random model names no entities and never ends a text, so a run would stop at its first step. Here the entity call is
made, too, but its answer is replaced by the names that `documents.write_documents` put at the document's head; and
answers that were cut at their limit pass for whole, so that they go through gates and into shards as a real
model's would. All else is the other backend's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
    """

    name: ClassVar[str] = "known"
    Options: ClassVar[type[BackendOptions]] = BackendOptions

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

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
        if request.schema is None:
            return replace(await self._backend.complete(request), finish_reason="stop")
        completion = await self._backend.complete(replace(request, schema=None))
        return replace(completion, text=_entity_answer(request), finish_reason="stop")


def _entity_answer(request: Request) -> str:
    opening = _OPENING.match(str(request.slots["document"]))
    if opening is None:
        raise SystemExit("The documents must be those of documents.py.")
    return json.dumps({"summary": "", "entities": opening.group(1).split(", ")})


def generation(
    source: Path, output: Path, backend: Backend, options: Mapping[str, Any] | None = None, **settings: Any
) -> Generation:
    """An EntiGraph run over ``source`` that asks the wrapped backend, with GIBBERISH_PASSES and these options."""
    values = {"method": "entigraph", "input": str(source), "output": output, "truncation": "drop", **settings}
    work = Generation(make_config({**values, "backend": "mock", "options": {**GIBBERISH_PASSES, **(options or {})}}))
    work.backend = KnownEntities(backend)
    return work
