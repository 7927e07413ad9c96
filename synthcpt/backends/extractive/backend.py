"""The embedded backend: it answers from the document's own sentences, by rules."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import ClassVar

from synthcpt.backends.base import BackendOptions, Capabilities
from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.pipelines import PipelineReader, load_pipeline
from synthcpt.backends.extractive.reading import read_document
from synthcpt.backends.extractive.rules import rules
from synthcpt.errors import BackendUnavailable, RequestRejected
from synthcpt.records import Completion, Request
from synthcpt.text.tokens import estimate_tokens

_VERSION = "extractive-1"
"""Changes whenever an answer does, so that a run never mixes two versions' answers."""

_MOST_ANALYSES = 128
_MOST_CACHED_CHARS = 20_000_000
_INLINE_CHARS = 20_000
_MESSAGE_TOKENS = 4


class ExtractiveOptions(BackendOptions):
    """Settings of the embedded backend.

    Attributes:
        model: has no effect but to be checked; the rules are the only model there is.
        spacy_model: a spaCy pipeline, by name or path, that finds sentences and names; empty to go by rules.
    """

    spacy_model: str = ""


class ExtractiveBackend:
    """Needs no model, no network and no key, and answers alike each time.

    Sampling settings and draws have no effect. Token counts are those of `estimate_tokens`.
    """

    name: ClassVar[str] = "extractive"
    Options: ClassVar[type[BackendOptions]] = ExtractiveOptions

    def __init__(self, options: ExtractiveOptions) -> None:
        self._options = options
        self._reader: PipelineReader | None = None
        self._analyses: OrderedDict[tuple[str, str], Analysis] = OrderedDict()
        self._cached_chars = 0
        self._reading = asyncio.Lock()

    @property
    def model(self) -> str:
        """The rules' version, and the pipeline's name where one is used."""
        pipeline = self._options.spacy_model
        return f"{_VERSION}+{pipeline}" if pipeline else _VERSION

    @property
    def capabilities(self) -> Capabilities:
        """One processor does the work at once, so that holding many requests gains nothing."""
        return Capabilities(schema=True, verbatim=True, concurrency=8)

    async def start(self) -> None:
        """Load the spaCy pipeline, if one is set.

        Raises:
            BackendUnavailable: the pipeline cannot be loaded, or a model was asked for that the rules are not.
            MissingExtra: a pipeline is set and spaCy is not installed.
        """
        if self._options.model not in ("", self.model):
            raise BackendUnavailable(
                f"The extractive backend has no model {self._options.model!r}: it goes by rules. Leave the model "
                "empty, or choose another backend."
            )
        if self._options.spacy_model and self._reader is None:
            self._reader = PipelineReader(await asyncio.to_thread(load_pipeline, self._options.spacy_model))

    async def complete(self, request: Request) -> Completion:
        """Answer one request by the rule for its prompt.

        Raises:
            RequestRejected: there is no rule for the prompt, or a slot is missing.
            BackendUnavailable: a spaCy pipeline is set and `start` was not called.
        """
        known = rules()
        if request.prompt not in known:
            raise RequestRejected(
                f"The extractive backend cannot answer the prompt {request.prompt!r}; it answers "
                f"{', '.join(sorted(known))}. Choose another backend for this method."
            )
        rule, needed = known[request.prompt]
        missing = [slot for slot in needed if slot not in request.slots]
        if missing:
            raise RequestRejected(
                f"The extractive backend needs the slot {missing[0]!r} to answer {request.prompt}; "
                "keep it in the prompt file."
            )
        slots = {name: str(value) for name, value in request.slots.items()}
        analysis = await self._analysis(slots.get("title", ""), slots.get("document", ""))
        return self._completion(request, rule(analysis, slots))

    async def close(self) -> None:
        """Forget the documents read."""
        self._analyses.clear()
        self._cached_chars = 0

    def _completion(self, request: Request, text: str) -> Completion:
        asked = sum(_MESSAGE_TOKENS + sum(map(estimate_tokens, message.parts)) for message in request.messages)
        return Completion(text, "stop", asked, estimate_tokens(text), model=self.model)

    async def _analysis(self, title: str, document: str) -> Analysis:
        key = (title, document)
        if key in self._analyses:
            self._analyses.move_to_end(key)
            return self._analyses[key]
        if self._options.spacy_model and self._reader is None:
            raise BackendUnavailable("The extractive backend was not started; its spaCy pipeline is not loaded.")
        if self._reader is None and len(document) <= _INLINE_CHARS:
            return self._keep(key, self._analyse(title, document))
        async with self._reading:  # one at a time: a pipeline is not safe to share, and requests share documents
            if key not in self._analyses:
                self._keep(key, await asyncio.to_thread(self._analyse, title, document))
            return self._analyses[key]

    def _analyse(self, title: str, document: str) -> Analysis:
        if self._reader is not None:
            return self._reader.analyse(title, document)
        return Analysis(title, read_document(document))

    def _keep(self, key: tuple[str, str], analysis: Analysis) -> Analysis:
        self._analyses[key] = analysis
        self._cached_chars += len(key[1])
        while len(self._analyses) > 1 and (
            len(self._analyses) > _MOST_ANALYSES or self._cached_chars > _MOST_CACHED_CHARS
        ):
            (_, document), _ = self._analyses.popitem(last=False)
            self._cached_chars -= len(document)
        return analysis
