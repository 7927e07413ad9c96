"""Texts beside their sources, as the page's browser reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from synthcpt.engine.reading import JournalReader
from synthcpt.records import Json
from synthcpt.reporting.gathering import RunFacts
from synthcpt.reporting.sampling import Sample

MOST_CHARACTERS = 100_000
"""The most of one text or source that a page holds."""

MOST_SOURCE_CHARACTERS = 4_000_000
"""The most of all sources that a page holds; those of which all texts are there come first."""

_ORIGINS = ("span", "segment", "sentence", "chunk")
"""Keys of a row's `meta` under which methods tell the range of the source that a text is about."""


class Utf16:
    """A text's offsets as JavaScript counts them: characters beyond the Basic Multilingual Plane are two there."""

    def __init__(self, text: str) -> None:
        self._wide = [] if text.isascii() else [i for i, character in enumerate(text) if character > "\uffff"]

    def at(self, offset: int) -> int:
        """Where Python's offset is in UTF-16 units."""
        return offset + bisect_left(self._wide, offset)

    def span(self, span: Sequence[int]) -> list[int]:
        """A range, converted."""
        return [self.at(span[0]), self.at(span[1])]


def embed_texts(facts: RunFacts, readers: dict[int, JournalReader], sample: Sample) -> dict[str, Json]:
    """The sample's texts and the sources of these, as JSON for the page's script.

    Returns:
        ``texts``: rows with ``id``, ``source`` (a place in `sources`), ``step``, ``text``, ``tokens``, ``spans`` that
        carry loss, ``origins`` (ranges of the source), ``about`` (names it was asked to be about), and for those left
        out ``reason`` and ``detail``. ``sources``: ``id``, ``title``, ``text``, ``texts`` and whether all are here.
        Offsets count UTF-16 units.
    """
    originals = _sources(facts, readers, sample)
    sources = [shown for _, shown in originals.values()]
    numbers = {key: number for number, key in enumerate(originals)}
    texts = [
        _text(row, numbers[part, place.document], originals[part, place.document][0])
        for part, chosen in sample.places.items()
        for place, row in readers[part].rows(chosen)
    ]
    return {"texts": texts, "sources": sources, "of": sample.of}


def _sources(
    facts: RunFacts, readers: dict[int, JournalReader], sample: Sample
) -> dict[tuple[int, int], tuple[str, dict[str, Json]]]:
    """The sources of the sample's texts, in its order: each whole, and as it is shown."""
    keys = dict.fromkeys((part, place.document) for part, places in sample.places.items() for place in places)
    counts = {(part, one.number): one for part, one in facts.documents}
    room, made = MOST_SOURCE_CHARACTERS, {}
    for key in sorted(keys, key=lambda key: key not in sample.whole):
        text, document = readers[key[0]].text(key[1]), counts[key]
        shown = _cut(text, min(room, MOST_CHARACTERS))
        room -= len(shown["text"])
        told = {"id": document.id, "title": document.title, "tokens": document.source_tokens, "texts": document.rows}
        made[key] = (text, {**told, "whole": key in sample.whole, **shown})
    return {key: made[key] for key in keys}


def names_of(meta: Mapping[str, Any]) -> list[str]:
    """The names that a text was asked to be about, as its method tells them."""
    names = [one.get("name") for one in _mappings(meta.get("entities"))]
    for one in _mappings(meta.get("triples")):
        triple = one.get("triple")
        if isinstance(triple, list) and len(triple) == 3:
            names += [triple[0], triple[2]]
    names.append(meta.get("entity"))
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def _text(row: Mapping[str, Any], source: int, original: str) -> dict[str, Json]:
    meta = row.get("meta") or {}
    text = _cut(row["text"])
    shown = len(row["text"]) if "cut" not in text else MOST_CHARACTERS
    units = Utf16(row["text"])
    step = meta.get("step")
    made: dict[str, Json] = {
        "id": row["id"],
        "source": source,
        "step": step if isinstance(step, str) else "",
        "tokens": row.get("tokens", 0),
        **text,
    }
    spans = [units.span((start, min(end, shown))) for start, end in row.get("spans") or () if start < shown]
    origins = _origins(meta, original)
    optional = {"spans": spans, "origins": origins, "about": names_of(meta)}
    made |= {name: value for name, value in optional.items() if value}
    if "reason" in row:
        made |= {"reason": row["reason"], "detail": row.get("detail", "")}
    return made


def _origins(meta: Mapping[str, Any], original: str) -> list[list[int]]:
    told = [meta.get(name) for name in _ORIGINS] + [one.get("sentence") for one in _mappings(meta.get("triples"))]
    units, most = Utf16(original), min(len(original), MOST_CHARACTERS)
    return [
        units.span(span)
        for span in told
        if isinstance(span, list)
        and len(span) == 2
        and all(type(end) is int for end in span)
        and 0 <= span[0] < span[1] <= most
        and span[1] - span[0] < 0.9 * len(original)
    ]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _cut(text: str, most: int = MOST_CHARACTERS) -> dict[str, Json]:
    return {"text": text} if len(text) <= most else {"text": text[:most], "cut": len(text)}
