"""The corpus as one stream of documents, each id once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from synthcpt.corpus.cleaning import clean_line, clean_text, content_hash, decode_text, markdown_title, stem_title
from synthcpt.corpus.converted import convert
from synthcpt.corpus.hub import hub_rows, parse_hub
from synthcpt.corpus.rows import Fields, Found, row_document
from synthcpt.corpus.sources import CONVERTED_KINDS, HUB_KIND, Place, Source, find_sources
from synthcpt.corpus.streams import open_bytes
from synthcpt.corpus.tables import TABLES
from synthcpt.errors import CorpusError
from synthcpt.records import Document


@dataclass(slots=True)
class ReadCounts:
    """What became of the input so far.

    Attributes:
        documents: handed out.
        duplicates: left out, because an earlier document has the same id, title and text.
        skipped_files: files in folders that are in no readable format, by suffix (hidden ones are not counted).
    """

    documents: int = 0
    duplicates: int = 0
    skipped_files: Counter[str] = field(default_factory=Counter)


class DocumentStream(Iterator[Document]):
    """The documents one after another; `counts` grows while they are read."""

    def __init__(self, documents: Iterator[Document], counts: ReadCounts) -> None:
        self._documents = documents
        self.counts = counts

    def __next__(self) -> Document:
        return next(self._documents)


def read_documents(
    inputs: Sequence[str],
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
) -> DocumentStream:
    """Stream the documents of files, folders and datasets.

    Inputs are looked up at once and read as the stream is consumed. What is kept of a document that was handed out
    is two hashes, about 150 bytes.

    A text file's id is its path below the input folder; a row's is its id field, or else the file's path and a hash
    of its title and text. So ids depend neither on the order of the input nor on what else is in it. A row's other
    fields become `Document.meta`, where "source" is the file's path below the input folder.

    Args:
        inputs: files, folders (searched with all their subfolders, but for hidden files) and
            ``hf:NAME[:CONFIG][:SPLIT]`` for datasets of the Hugging Face Hub or local folders in its layout.
        text_field: the field of a row that holds the text; by default the first of text, content, body, document
            and article.
        title_field: by default the first of title, name and heading; "" takes none.
        id_field: by default the first of id, doc_id, wiki_id and uuid; "" makes ids from the texts, as is done for
            a row whose id is empty.

    Raises:
        CorpusError: an input is missing, broken or without documents, a field is not there, or two documents of one
            id differ. Of missing inputs and unsupported formats at once, of the rest when the stream comes to it.
        MissingExtra: a file needs the convert extra.
    """
    counts = ReadCounts()
    sources = find_sources(inputs, counts.skipped_files)
    return DocumentStream(_distinct(sources, Fields(text_field, title_field, id_field), counts), counts)


def _distinct(sources: list[Source], fields: Fields, counts: ReadCounts) -> Iterator[Document]:
    contents: dict[int, int] = {}
    for found in _found(sources, fields):
        key = int.from_bytes(blake2b(found.document.id.encode(), digest_size=16).digest(), "big")
        known = contents.get(key)
        if known is None:
            contents[key] = found.content
            counts.documents += 1
            yield found.document
        elif known == found.content:
            counts.duplicates += 1
        else:
            raise _conflict(found, sources, fields)
    if not contents:
        raise CorpusError("There is no document in the input: all its tables are empty. Name other files.")


def _conflict(second: Found, sources: list[Source], fields: Fields) -> CorpusError:
    """Reads again from the start to name the first place, which nobody remembers."""
    shared = second.document.id
    first = next((found.place for found in _found(sources, fields) if found.document.id == shared), second.place)
    advice = (
        "Name a field that tells them apart with --id-field, or make the ids from the texts with --id-field ''."
        if second.id_from_field
        else "Rename one of the files, or give one folder that holds both as the input."
    )
    return CorpusError(
        f"Two documents have the id {shared[:100]!r} but not the same title and text: {first} and {second.place}. "
        f"{advice}"
    )


def _found(sources: list[Source], fields: Fields) -> Iterator[Found]:
    for source in sources:
        if source.kind == HUB_KIND:
            yield from _hub_documents(source, fields)
        elif source.kind in TABLES:
            yield from _table_documents(source, fields)
        else:
            yield _file_document(source)


def _hub_documents(source: Source, fields: Fields) -> Iterator[Found]:
    dataset = parse_hub(source.name)
    for number, row in hub_rows(dataset):
        yield row_document(row, dataset.label, Place(source.name, "row", number), fields)


def _table_documents(source: Source, fields: Fields) -> Iterator[Found]:
    table, path = TABLES[source.kind], str(source.path)
    for number, row in table.rows(source):
        yield row_document(row, source.name, Place(path, table.unit, number), fields)


def _file_document(source: Source) -> Found:
    title, text = _converted(source) if source.kind in CONVERTED_KINDS else _plain(source)
    title = title or stem_title(source.stem)
    document = Document(id=source.name, text=text, title=title, meta={"source": source.name})
    return Found(document, Place(str(source.path)), content_hash(title, text), False)


def _plain(source: Source) -> tuple[str, str]:
    with open_bytes(source) as stream:
        text = clean_text(decode_text(stream.read()))
    return markdown_title(text) if source.kind == ".md" else "", text


def _converted(source: Source) -> tuple[str, str]:
    title, markdown = convert(source)
    text = clean_text(markdown)
    # A line of a PDF that starts with "# " is text, not a heading.
    return clean_line(title) or ("" if source.kind == ".pdf" else markdown_title(text)), text
