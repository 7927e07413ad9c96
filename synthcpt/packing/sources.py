"""What the user names to train on: a finished run, or a corpus. Either is a stream of texts with an identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import orjson

from synthcpt.corpus import read_documents
from synthcpt.corpus.sources import HUB_KIND, find_sources
from synthcpt.errors import DataCorrupt
from synthcpt.generation.run import SETTINGS, Run
from synthcpt.packing.cache import content_key, default_cache, known_sha256
from synthcpt.packing.hub_identity import hub_identity
from synthcpt.records import Json
from synthcpt.text.headings import title_above

LATENT_METHOD = "latent_thoughts"
CORPUS_STEP = "document"

_ROWS_AT_ONCE = 512
_COLUMNS = ["id", "text", "method", "source_ids", "spans", "meta", "messages"]
_READER_VERSION = 1
"""To be raised when the same files give other texts than before."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a source.

    Attributes:
        id: its name in the source.
        text: as it is to be trained on.
        spans: character ranges that carry loss, ascending; empty: all of it.
        source_ids: the documents it was made from.
        step: what made it: the step of its method, else the method; ``document`` for a text of a corpus.
        messages: the text as chat turns (``role``, ``content``), where it is a chat.
        latent: its row has chunks with thoughts between them; ``meta["chunks"]`` says where.
        meta: whatever else the row tells.
        file, row: where it was read: an index into the source's files, and its place in that file, from 0.
    """

    id: str
    text: str
    spans: Sequence[Sequence[int]] = ()
    source_ids: Sequence[str] = ()
    step: str = CORPUS_STEP
    messages: Sequence[Mapping[str, str]] = ()
    latent: bool = False
    meta: Mapping[str, Json] = field(default_factory=dict)
    file: int = 0
    row: int = 0


class TextSource(Protocol):
    """A stream of texts that can be read again.

    Attributes:
        name: the user's word for it.
        kind: ``run``, or ``corpus``, in which each fact stands once.
        varies: its texts are laid out differently in every epoch.
    """

    name: str
    kind: ClassVar[Literal["run", "corpus"]]

    @property
    def varies(self) -> bool:
        """Its texts are laid out differently in every epoch."""

    def fingerprint(self) -> str:
        """A hash of its content; where it lies and what it is called do not matter."""

    def files(self) -> list[dict[str, str]]:
        """``path`` and ``sha256`` of each file read, the path below the source; after `texts` was read through."""

    def texts(self) -> Iterator[Text]:
        """All texts, in the source's order; the same each time."""


def open_source(
    spec: str,
    name: str | None = None,
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    limit: int | None = None,
    cache: Path | None = None,
) -> TextSource:
    """The source the user means.

    Args:
        spec: a finished run's folder, or anything `synthcpt.corpus.read_documents` takes.
        name: for logs and mixes; the spec where absent.
        text_field: the field of a corpus's rows that holds the text; see `synthcpt.corpus.read_documents`.
        title_field: the one that holds the title.
        id_field: the one that identifies a row.
        limit: read this many texts only.
        cache: where hashes of files are noted; see `cache.default_cache`.

    Raises:
        RunIncomplete: a run that is not finished.
        DataCorrupt: a file of a run is not the one that was written.
        CorpusError: there is nothing that can be read.
    """
    cache = cache or default_cache()
    if (Path(spec) / SETTINGS).is_file():
        return RunSource(Run(spec), name or spec, limit, cache)
    fields = {"text_field": text_field, "title_field": title_field, "id_field": id_field}
    return CorpusSource(spec, name or spec, fields, limit, cache)


class RunSource:
    """A finished run.

    Args:
        run: which; every shard is compared with the manifest.
        name: for logs and mixes.
        limit: read this many texts only.
        cache: where hashes of files are noted.

    Raises:
        RunIncomplete: it is not finished.
        DataCorrupt: a shard is missing or is not the one that was written.
    """

    kind: ClassVar[Literal["run", "corpus"]] = "run"

    def __init__(self, run: Run, name: str, limit: int | None, cache: Path) -> None:
        self.run, self.name, self._limit = run, name, limit
        self.manifest = run.manifest
        self._shards: list[dict[str, Any]] = self.manifest["shards"]
        for shard in self._shards:
            path = run.path / shard["file"]
            if not path.is_file():
                raise DataCorrupt(f"{path} is missing, though the run is finished. Restore it, or make the run anew.")
            if known_sha256(path, cache) != shard["sha256"]:
                raise DataCorrupt(f"{path} is not the file that the run wrote. Restore it, or make the run anew.")

    @property
    def varies(self) -> bool:
        """Only texts with latent thoughts do."""
        settings = self.run.settings  # a curated run may hold the texts of several methods
        return LATENT_METHOD in settings.get("methods", [settings["method"]])

    def fingerprint(self) -> str:
        """A hash of the shards' hashes."""
        hashes = [shard["sha256"] for shard in self._shards]
        return content_key({"run": hashes, "limit": self._limit, "reader": _READER_VERSION})

    def files(self) -> list[dict[str, str]]:
        """The shards."""
        return [{"path": shard["file"], "sha256": shard["sha256"]} for shard in self._shards]

    def texts(self) -> Iterator[Text]:
        """All rows of all shards."""
        return islice(self._texts(), self._limit)

    def _texts(self) -> Iterator[Text]:
        import pyarrow.parquet as pq

        for number, shard in enumerate(self._shards):
            with pq.ParquetFile(self.run.path / shard["file"]) as file:
                at = 0
                for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=_COLUMNS):
                    for row in batch.to_pylist():
                        yield _run_text(row, number, at)
                        at += 1


def _run_text(row: dict[str, Any], file: int, at: int) -> Text:
    meta = orjson.loads(row["meta"])
    return Text(
        row["id"], row["text"], row["spans"], row["source_ids"], str(meta.get("step") or row["method"]),
        row["messages"] or (), row["method"] == LATENT_METHOD and "chunks" in meta, meta, file, at,
    )  # fmt: skip


class CorpusSource:
    """Files, folders or a dataset: each document is a text, under its title where it does not begin with it.

    Args:
        spec: one input of `synthcpt.corpus.read_documents`.
        name: for logs and mixes.
        fields: which field of a row is what; see there.
        limit: read this many documents only.
        cache: where hashes of files are noted.

    Raises:
        CorpusError: there is nothing that can be read.
    """

    kind: ClassVar[Literal["run", "corpus"]] = "corpus"
    varies = False

    def __init__(self, spec: str, name: str, fields: Mapping[str, str | None], limit: int | None, cache: Path) -> None:
        self.spec, self.name = spec, name
        self._fields, self._limit, self._cache = dict(fields), limit, cache
        self._found = find_sources([spec], Counter())

    def fingerprint(self) -> str:
        """A hash of the files' hashes and of how they are read; for a dataset of the Hub, of its commit."""
        facts = {"files": self._hashes, "fields": self._fields, "limit": self._limit, "reader": _READER_VERSION}
        return content_key(facts)

    def files(self) -> list[dict[str, str]]:
        """The files."""
        return [{"path": name, "sha256": sha256} for name, sha256 in self._hashes]

    @cached_property
    def _hashes(self) -> list[tuple[str, str]]:
        if self._found[0].kind == HUB_KIND:
            return [(self.spec, hub_identity(self.spec, self._cache))]
        return [(source.name, known_sha256(source.path, self._cache)) for source in self._found]

    def texts(self) -> Iterator[Text]:
        """All documents; one that occurs twice is read once."""
        numbers = {source.name: number for number, source in enumerate(self._found)}
        read = [0] * len(self._found)
        for document in islice(read_documents([self.spec], **self._fields), self._limit):
            file = numbers.get(str(document.meta.get("source")), 0)
            text = title_above(document.text, document.title)
            yield Text(document.id, text, source_ids=(document.id,), meta=document.meta, file=file, row=read[file])
            read[file] += 1
