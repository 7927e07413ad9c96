"""The records everything else passes around: frozen, slotted, typed, units in the names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import orjson

Json: TypeAlias = Any
"""Anything JSON can hold: None, bool, int, float, str, lists and string-keyed mappings of these."""

FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "other"]
"""Why generation ended: a natural end, the token limit, a provider's filter, anything else."""

KEY_VERSION = b"synthcpt-request-1"


@dataclass(frozen=True, slots=True)
class Document:
    """One source text.

    Attributes:
        id: stable under reordering the corpus and under adding other documents.
        text: the body; Unicode in NFC form, one kind of line end, no NUL.
        title: a human's name for it; may be empty.
        meta: whatever else the source row held.
    """

    id: str
    text: str
    title: str = ""
    meta: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn.

    Attributes:
        role: who speaks.
        parts: the text in pieces, joined as they are. A piece that many requests share (the document) is
            hashed and stored once when it is the same piece each time.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The message as sent."""
        return "".join(self.parts)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw the answer; ``None`` leaves the backend's own default.

    Attributes:
        temperature: 0 is greedy.
        max_tokens: the most new tokens.
        top_p, top_k, min_p: truncations of the distribution.
        stop: strings that end the answer.
    """

    temperature: float = 1.0
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a language model.

    Attributes:
        messages: the chat so far.
        sampling: how to draw.
        schema: a JSON schema the answer must satisfy, or None for free text.
        draw: tells repeated samples of one prompt apart.
        prompt: the prompt file's name, e.g. ``entigraph/pair``; says what is asked, not part of the key.
        slots: the values filled into the prompt, for backends that answer by rules; not part of the key.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Json] | None = field(default=None, hash=False)
    draw: int = 0
    prompt: str = ""
    slots: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def key(self, model: str) -> str:
        """The request's identity: 32 hexadecimal digits over model, messages, sampling, schema and draw.

        Timeouts, concurrency and the endpoint are not in it; the prompt's bytes are, so an edited prompt
        asks anew.
        """
        schema = b"" if self.schema is None else _canonical(self.schema)
        *head, last = self.messages
        hasher = _prefix_hasher(model, self.sampling, schema, tuple(head), last.role, last.parts[:-1]).copy()
        tail = last.parts[-1].encode("utf-8", "surrogatepass") if last.parts else b""
        hasher.update(tail)
        # Each message ends with its length, which makes the framing unambiguous whatever the text holds.
        length = _utf8_length(last.parts[:-1]) + len(tail)
        hasher.update(length.to_bytes(8, "big") + self.draw.to_bytes(8, "big"))
        return hasher.hexdigest()


@lru_cache(maxsize=256)
def _prefix_hasher(
    model: str, sampling: Sampling, schema: bytes, head: tuple[Message, ...], role: str, parts: tuple[str, ...]
) -> hashlib.blake2b:
    """The hash state after everything but the last piece of the last message.

    A document's requests share all of that, so its text is hashed once and not once a request.
    """
    hasher = hashlib.blake2b(KEY_VERSION, digest_size=16)
    for field_bytes in (model.encode("utf-8", "surrogatepass"), _canonical(_with_floats(sampling)), schema):
        hasher.update(len(field_bytes).to_bytes(8, "big") + field_bytes)
    for message in head:
        text = message.text.encode("utf-8", "surrogatepass")
        hasher.update(message.role.encode() + b"\0" + text + len(text).to_bytes(8, "big"))
    hasher.update(role.encode() + b"\0")
    for part in parts:
        hasher.update(part.encode("utf-8", "surrogatepass"))
    return hasher


def _with_floats(sampling: Sampling) -> Sampling:
    """With 1 as 1.0 and -0.0 as 0.0: what compares equal must have one key."""
    given = {name: getattr(sampling, name) for name in ("temperature", "top_p", "min_p")}
    return replace(sampling, **{name: value + 0.0 for name, value in given.items() if value is not None})


@lru_cache(maxsize=256)
def _utf8_length(parts: tuple[str, ...]) -> int:
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def _canonical(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a backend answered.

    Attributes:
        text: the answer, without any reasoning the model thought aloud.
        finish_reason: why it ended.
        prompt_tokens, completion_tokens: as the backend counted them; completion tokens include reasoning.
        cached_tokens: those prompt tokens that were served from a prefix cache.
        model: what answered.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """One text to train on.

    Attributes:
        id: unique in the run, made from the source's id and what was asked, never from a counter.
        ordinal: its place among the source's texts; rows are written in this order.
        text: the training text.
        method: the method that made it.
        source_ids: the documents it came from.
        request_keys: the calls it came from, in the journal.
        spans: character ranges ``(start, end)`` that carry loss; empty means all of the text.
        tokens: about how many tokens it has (the backend's own count where the text is an answer).
        meta: what the method wants to tell of it.
        messages: the text as chat turns (``role``, ``content``), where it is a chat; a trainer with a chat template
            of its own renders these, and counts loss on the assistant's turns.
    """

    id: str
    ordinal: int
    text: str
    method: str
    source_ids: tuple[str, ...]
    request_keys: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    tokens: int = 0
    meta: Mapping[str, Json] = field(default_factory=dict)
    messages: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A text that a gate kept out of the data.

    Attributes:
        id, ordinal, text, method, source_ids, request_keys, meta: as in `SyntheticDocument`.
        reason: a short slug for counting, e.g. ``truncated``.
        detail: what the gate saw, for a reader.
    """

    id: str
    ordinal: int
    text: str
    method: str
    source_ids: tuple[str, ...]
    reason: str
    detail: str = ""
    request_keys: tuple[str, ...] = ()
    meta: Mapping[str, Json] = field(default_factory=dict)
