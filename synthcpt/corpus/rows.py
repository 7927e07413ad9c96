"""From a row (a JSON object, a line of a table) to a document."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from synthcpt.corpus.cleaning import clean_line, clean_text, content_hash, decode_text
from synthcpt.corpus.sources import Place
from synthcpt.errors import CorpusError, near_match
from synthcpt.records import Document, Json

TEXT_FIELDS = ("text", "content", "body", "document", "article")
TITLE_FIELDS = ("title", "name", "heading")
ID_FIELDS = ("id", "doc_id", "wiki_id", "uuid")

_SHOWN_FIELDS = 30
_SHOWN_CHARACTERS = 60
_LABEL_TYPES = (str, int, float, decimal.Decimal, uuid.UUID, datetime.date)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a row hold what; None looks for the usual names, an empty title or id for none."""

    text: str | None = None
    title: str | None = None
    id: str | None = None


class Found(NamedTuple):
    """A document, where it was found, the hash of its title and text, and whether a field of the row gave its id."""

    document: Document
    place: Place
    content: int
    id_from_field: bool


def row_document(row: Mapping[str, Any], source_name: str, place: Place, fields: Fields) -> Found:
    """Make a document of a row.

    Raises:
        CorpusError: the row has no text field, or lacks a field that was asked for.
    """
    text_field = _text_field(row, place, fields)
    title_field, title = _find_label(row, TITLE_FIELDS, fields.title, place, "--title-field")
    id_field, given_id = _find_label(row, ID_FIELDS, fields.id, place, "--id-field")
    text = clean_text(_text(row[text_field], text_field, place))
    content = content_hash(title, text)
    document = Document(
        id=given_id or f"{source_name}#{content:016x}",
        text=text,
        title=title,
        meta=_meta(row, {text_field, title_field, id_field}, source_name),
    )
    return Found(document, place, content, bool(given_id))


def _text_field(row: Mapping[str, Any], place: Place, fields: Fields) -> str:
    if fields.text is not None:
        _require(row, fields.text, place, "--text-field")
        return fields.text
    present = [name for name in TEXT_FIELDS if name in row]
    if not present:
        raise CorpusError(
            f"{place} has none of the usual text fields ({', '.join(TEXT_FIELDS)}). "
            f"Its fields are: {', '.join(_shown(row)) or 'none'}. Name the one that holds the text with --text-field, "
            "or, where this file is none of the documents, name the others one by one with --input."
        )
    return next((name for name in present if isinstance(row[name], str)), present[0])


def _find_label(
    row: Mapping[str, Any], usual: Sequence[str], wanted: str | None, place: Place, flag: str
) -> tuple[str | None, str]:
    """The field a title or an id is in, and its value: the one asked for, or the first usual one that is not empty."""
    if wanted:
        _require(row, wanted, place, flag)
        return wanted, _label(row[wanted])
    for name in usual if wanted is None else ():
        if name in row and (label := _label(row[name])):
            return name, label
    return None, ""


def _require(row: Mapping[str, Any], wanted: str, place: Place, flag: str) -> None:
    if wanted not in row:
        raise CorpusError(f"{place} has no field {wanted!r} ({flag}). {near_match(wanted, _shown(row))}".rstrip())


def _shown(row: Mapping[str, Any]) -> list[str]:
    """Field names fit for a message, however many and long they are."""
    return [clean_line(name)[:_SHOWN_CHARACTERS] for name in list(row)[:_SHOWN_FIELDS]]


def _text(value: object, field: str, place: Place) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return decode_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ""  # how pandas writes a missing text
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise CorpusError(
        f"{place} holds no text in its field {field!r} but a value of type {type(value).__name__}. "
        "Name the field that holds the text with --text-field."
    )


def _label(value: object) -> str:
    """A title's or an id's text; "" for what cannot be one. 3.0 becomes "3": a nullable integer column holds floats."""
    if isinstance(value, str):
        return clean_line(value)
    if isinstance(value, bool) or not isinstance(value, _LABEL_TYPES):
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _meta(row: Mapping[str, Any], used: set[str | None], source_name: str) -> dict[str, Json]:
    """The other fields that JSON can hold; "source" is the file, and a row's own field of that name "row_source"."""
    meta: dict[str, Json] = {}
    for name, value in row.items():
        if name in used:
            continue
        key = "row_source" if name == "source" else name
        if value is None or isinstance(value, (str, int)):
            meta[key] = value
        elif isinstance(value, float):
            meta[key] = value if math.isfinite(value) else None
        else:
            _add_as_json(meta, key, value)
    meta["source"] = source_name
    return meta


def _add_as_json(meta: dict[str, Json], key: str, value: object) -> None:
    try:
        meta[key] = orjson.loads(orjson.dumps(value, default=_plain))
    except orjson.JSONEncodeError:
        return  # bytes, images and the like are not metadata; the text is what is read here


def _plain(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    raise TypeError
