"""The simulated teacher: answers drawn from what a document of an invented world states."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from pydantic import Field

from synthcpt.backends.base import BackendOptions, Capabilities
from synthcpt.backends.simulated.reading import Known, Reader
from synthcpt.backends.simulated.rules import rules
from synthcpt.backends.simulated.teller import Teller
from synthcpt.errors import BackendUnavailable, RequestRejected
from synthcpt.randomness import stream
from synthcpt.records import Completion, Request
from synthcpt.text.tokens import estimate_tokens
from synthcpt.worlds import read_world

_VERSION = "simulated-teacher-1"
"""Changes whenever an answer does, so that a run never mixes two versions' answers."""

_MOST_KNOWN = 4096
_MESSAGE_TOKENS = 4

_tokens = lru_cache(maxsize=1024)(estimate_tokens)


class SimulatedOptions(BackendOptions):
    """Settings of the simulated teacher.

    Attributes:
        model: has no effect but to be checked.
        world: the folder of the world whose documents are read, as `synthcpt.worlds.write_world` wrote it.
        seed: of its draws; another seed is another teacher's choice of words.
    """

    SHAPING: ClassVar[frozenset[str]] = frozenset({"world", "seed"})

    world: str = Field("", description="the invented world's folder")
    seed: int = Field(0, description="of its choice of words")


class SimulatedBackend:
    """No language model: it stands for one where a document's every fact is known, so that a CPU can run experiments.

    It reads which of the world's facts a document states, and tells these and no others, in wordings and an order
    drawn from a stream of the seed and the request: a request is answered alike each time, another draw of it
    differently. Sampling settings have no effect but through the request's key. Token counts are those of
    `estimate_tokens`.
    """

    name: ClassVar[str] = "simulated"
    Options: ClassVar[type[BackendOptions]] = SimulatedOptions

    def __init__(self, options: SimulatedOptions) -> None:
        self._options = options
        self._reader: Reader | None = None
        self._known: OrderedDict[tuple[str, str], Known | None] = OrderedDict()

    @property
    def model(self) -> str:
        """The teacher's version; every row, card and report names it so."""
        return _VERSION

    @property
    def capabilities(self) -> Capabilities:
        """One processor does the work at once, so that holding many requests gains nothing."""
        return Capabilities(schema=True, concurrency=8)

    async def start(self) -> None:
        """Read the world.

        Raises:
            BackendUnavailable: no world is set, or a model that there is not.
            UserError: the folder holds no world.
        """
        if self._options.model not in ("", _VERSION):
            raise BackendUnavailable(
                f"The simulated backend has no model {self._options.model!r}: it is no language model. Leave the "
                "model empty, or choose another backend."
            )
        if not self._options.world:
            raise BackendUnavailable(
                "The simulated teacher knows one invented world; say which with --backend-option world=FOLDER."
            )
        if self._reader is None:
            self._reader = Reader(read_world(self._options.world))

    async def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises:
            RequestRejected: it does not answer the prompt, a slot is missing, or the text is not of its world.
            BackendUnavailable: `start` was not called.
        """
        answers = rules()
        if request.prompt not in answers:
            raise RequestRejected(
                f"The simulated teacher cannot answer the prompt {request.prompt!r}; it answers "
                f"{', '.join(sorted(answers))}. Choose another method or backend."
            )
        rule, needed = answers[request.prompt]
        missing = [slot for slot in needed if slot not in request.slots]
        if missing:
            raise RequestRejected(
                f"The simulated teacher needs the slot {missing[0]!r} to answer {request.prompt}; keep it in the "
                "prompt file."
            )
        slots = {name: str(value) for name, value in request.slots.items()}
        if self._reader is None:
            raise BackendUnavailable("The simulated backend was not started; its world is not read.")
        known = self._read(self._reader, slots.get("title", ""), _material(slots, needed))
        if known is None:
            raise RequestRejected(
                "The simulated teacher finds nothing in this text of the world that it knows. Give it the world's "
                "documents.jsonl as input, or another backend."
            )
        rng = stream(self._options.seed, "simulated", request.key(_VERSION))
        text = rule(Teller(known, rng, self._reader), slots)
        asked = sum(_MESSAGE_TOKENS + sum(map(_tokens, message.parts)) for message in request.messages)
        return Completion(text, "stop", asked, estimate_tokens(text), model=_VERSION)

    async def close(self) -> None:
        """Forget the documents read."""
        self._known.clear()

    def _read(self, reader: Reader, title: str, text: str) -> Known | None:
        key = (title, text)
        if key not in self._known:
            self._known[key] = reader.read(title, text)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return self._known[key]


def _material(slots: Mapping[str, str], needed: Sequence[str]) -> str:
    """What an answer may rest on: the document with what follows it, or else all that the prompt lists."""
    document = [slots[slot] for slot in ("document", "chunk") if slot in slots]
    return "\n\n".join(document or [slots[slot] for slot in needed])
