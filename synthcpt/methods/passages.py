"""Cuts a document into passages that fit the model's context; lossless, at sentence ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from synthcpt.errors import DocumentFailed, RequestFailed
from synthcpt.methods.protocol import Ask
from synthcpt.records import Document
from synthcpt.text.sentences import chunk_spans
from synthcpt.text.tokens import estimate_tokens

T = TypeVar("T")

_PROMPT_OVERHEAD_TOKENS = 700
"""Room for a prompt's own words and for what else fills its slots."""
_DEFAULT_ANSWER_TOKENS = 2048
_LEAST_ROOM_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: its place among the pieces, its character range, its text."""

    index: int
    start: int
    end: int
    text: str


def split_to_fit(
    document: Document, ask: Ask, prompts: Sequence[str], *, context_tokens: int | None = None,
    most_tokens: int | None = None, together: int = 1, shrink: float = 1.0,
) -> list[Passage]:  # fmt: skip
    """The whole text as one passage, or as few passages of about one size as fit.

    Passages are contiguous and cover the text exactly.

    Args:
        document: what to cut.
        ask: knows the model's context and the run's limit on new tokens.
        prompts: the prompts that read a passage, by full name; the longest answer among them must fit, too.
        context_tokens: the user's own limit on prompt and answer; None for the model's.
        most_tokens: a limit on a passage of the method's own, whatever the context.
        together: how many passages a prompt may hold at once.
        shrink: makes passages smaller, where an estimate of tokens proved too low.

    Raises:
        DocumentFailed: ``context_too_small``: nothing of a document would fit.
    """
    context = context_tokens or ask.capabilities.context_tokens
    room = None if context is None else room_tokens(ask, prompts, context)
    tokens = estimate_tokens(document.text) / shrink
    whole = min(room or tokens, most_tokens or tokens)
    if tokens <= whole:
        return [Passage(0, 0, len(document.text), document.text)]
    most = min(part for part in (room and room / together, most_tokens) if part)
    max_chars = max(1, int(len(document.text) * most / tokens * 0.9))
    spans = chunk_spans(document.text, max_chars)
    return [Passage(i, start, end, document.text[start:end]) for i, (start, end) in enumerate(spans)]


def room_tokens(ask: Ask, prompts: Sequence[str], context_tokens: int) -> int:
    """Tokens of a context that are left for passages, beside the prompts' own words and the longest answer.

    Raises:
        DocumentFailed: ``context_too_small``: hardly any.
    """
    answer_tokens = ask.max_tokens or max(
        ask.prompt(name).sampling.get("max_tokens") or _DEFAULT_ANSWER_TOKENS for name in prompts
    )
    room = context_tokens - _PROMPT_OVERHEAD_TOKENS - min(answer_tokens, context_tokens // 2)
    if room < _LEAST_ROOM_TOKENS:
        raise DocumentFailed("context_too_small", f"a context of {context_tokens} tokens leaves no room for a document")
    return room


async def in_smaller_passages(read: Callable[[float], Awaitable[T]]) -> T:
    """Read a document; where a tokenizer makes more tokens of it than estimated, again in smaller passages.

    Args:
        read: does it, given the factor for `split_to_fit`'s ``shrink``.

    Raises:
        RequestFailed: for another reason, or the smallest passages are still too long.
    """
    for shrink in (1.0, 0.5):
        try:
            return await read(shrink)
        except RequestFailed as failure:
            if failure.reason != "prompt_too_long":
                raise
    return await read(0.25)
