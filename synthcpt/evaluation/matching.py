"""The names by which a question may point to a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from synthcpt.records import Document

_META_NAMES = ("wiki_id", "article_id", "document_id", "doc_id", "context_id", "passage_id", "set_unique_id", "page_id")


class Match(NamedTuple):
    """The id of the document found, and by what."""

    document: str
    by: str


class DocumentNames:
    """Looks documents up by id, text, file name, ids in the meta, and title; a name that two share finds neither."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._tables: dict[str, dict[str, str | None]] = {
            name: {} for name in ("id", "context", "file name", "meta", "title")
        }
        for document in documents:
            self._add("id", document.id, document.id)
            self._add("context", _text(document.text), document.id)
            for name in _file_names(document):
                self._add("file name", name, document.id)
            for key in _META_NAMES:
                self._add("meta", _label(document.meta.get(key)), document.id)
            self._add("title", _label(document.title), document.id)

    def _add(self, table: str, name: str, document: str) -> None:
        if name:
            known = self._tables[table].setdefault(name, document)
            if known != document:
                self._tables[table][name] = None

    def find(self, name: str | None, context: Any = None, title: Any = None) -> Match | None:
        """The document of a question that names it ``name``, quotes its text, or gives its title."""
        asked = _label(name)
        tries = [
            ("id", name or ""),
            ("context", _text(context) if isinstance(context, str) else ""),
            ("file name", asked),
            ("meta", asked),
            ("title", asked),
            ("title", _label(title)),
        ]
        for table, key in tries:
            found = self._tables[table].get(key) if key else None
            if found is not None:
                return Match(found, table)
        return None


def _file_names(document: Document) -> list[str]:
    """A document's id as a path, without its suffix, without its folders, without both."""
    path = PurePosixPath(document.id)
    names = [document.id, str(path.with_suffix("")) if path.name else "", path.name, path.stem]
    return [_label(name) for name in dict.fromkeys(names)]


def _label(value: Any) -> str:
    """How names are compared: without regard to case and runs of white space."""
    return " ".join(str(value).casefold().split()) if value is not None else ""


def _text(value: str) -> str:
    return " ".join(value.split())
