"""Turns answers into rows: names, titles, provenance, and the gates that most methods share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import Field

from synthcpt.methods.protocol import Ask, Context, MethodOptions
from synthcpt.records import Document, Json, Rejection, SyntheticDocument
from synthcpt.text import gates
from synthcpt.text.headings import carry_title
from synthcpt.text.tokens import estimate_tokens


class GateOptions(MethodOptions):
    """The gates that most methods share; a method inherits them, and sets other defaults where its paper does."""

    same_language: bool = Field(True, description="reject a text in another language than the document's")
    max_copied: float = Field(
        0.5, ge=0, le=1, description="reject a text of whose 8-word runs more than this share is the document's"
    )
    min_words: int = Field(30, ge=0, description="reject a shorter text")
    include_source: bool = Field(False, description="add the document itself to the corpus")


class Rows:
    """Makes the rows of one document.

    Args:
        document: the source.
        ask: knows whether the backend answers in the source's own sentences, for which copying is no fault.
        context: the method's.
        options: which gates to apply, and how.
    """

    def __init__(self, document: Document, ask: Ask, context: Context, options: GateOptions) -> None:
        self._document, self._ask, self._context, self._options = document, ask, context, options

    @cached_property
    def _source(self) -> gates.Source:
        return gates.Source(self._document.text)

    def source(self) -> SyntheticDocument:
        """The document itself, under its title."""
        text = carry_title(self._document.text, self._document.title)
        return self.row("source", 0, text, meta={"step": "source"})

    def row(
        self, name: str, ordinal: int, text: str, *, keys: Sequence[str] = (), tokens: int | None = None,
        spans: Sequence[tuple[int, int]] = (), messages: Sequence[Mapping[str, str]] = (),
        meta: Mapping[str, Json] | None = None,
    ) -> SyntheticDocument:  # fmt: skip
        """A text to train on.

        Args:
            name: what was asked, unique in the document, e.g. ``pair-0-3``.
            ordinal: its place among the document's texts, rejected ones included.
            text: as it is trained on.
            keys: the calls it came from.
            tokens: the backend's count, where the text is an answer; None to estimate.
            spans: what carries loss; empty for all.
            messages: the same as chat turns, where it is a chat.
            meta: what the method tells of it.
        """
        method, source = self._context.method, self._document.id
        return SyntheticDocument(
            f"{source}/{method}/{name}", ordinal, text, method, (source,), tuple(keys), tuple(spans),
            estimate_tokens(text) if tokens is None else tokens, dict(meta or {}), tuple(messages),
        )  # fmt: skip

    def rejected(self, row: SyntheticDocument, verdict: gates.Verdict) -> Rejection:
        """The same row, kept out of the data, with the reason."""
        return Rejection(
            row.id, row.ordinal, row.text, row.method, row.source_ids,
            verdict.reason, verdict.detail, row.request_keys, row.meta,
        )  # fmt: skip

    def judged(self, row: SyntheticDocument, verdict: gates.Verdict | None) -> SyntheticDocument | Rejection:
        """The row, or its rejection where there is a verdict."""
        return row if verdict is None else self.rejected(row, verdict)

    def verdict(self, text: str, *, copying: bool = True, length: bool = True) -> gates.Verdict | None:
        """What the shared gates say of a text: refusal, length, copying, language; None for nothing.

        Args:
            text: the answer, before titles are added.
            copying: whether copied runs of words count; not for forms that quote.
            length: whether ``min_words`` holds; not for short forms.
        """
        options = self._options
        verdict = gates.refused(text) or (gates.nearly_empty(text, options.min_words) if length else None)
        if not verdict and copying and not self._ask.capabilities.verbatim:
            verdict = self._source.copied(text, options.max_copied)
        if not verdict and options.same_language:
            verdict = self._source.other_language(text)
        return verdict
