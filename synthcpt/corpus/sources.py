"""From what the user names (files, folders, ``hf:`` datasets) to the files to read."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from synthcpt.corpus.cleaning import clean_text
from synthcpt.corpus.hub import HUB_PREFIX, parse_hub
from synthcpt.errors import CorpusError, MissingExtra

TEXT_KINDS = frozenset({".txt", ".md"})
CONVERTED_KINDS = frozenset({".pdf", ".html", ".htm", ".docx", ".pptx"})
COMPRESSIBLE_KINDS = TEXT_KINDS | {".jsonl", ".json", ".csv", ".tsv"}
KINDS = COMPRESSIBLE_KINDS | CONVERTED_KINDS | {".parquet"}
PACKINGS = (".gz", ".zst")
HUB_KIND = "hub"

FORMATS = (
    ".txt, .md, .jsonl, .json, .csv and .tsv (each also as .gz or .zst), .parquet, and with the convert extra .pdf, "
    ".html, .docx and .pptx"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one dataset of the Hub.

    Attributes:
        path: where it is; for a dataset the specification as given.
        name: its path below the input folder, with forward slashes; the same on every machine.
        kind: the suffix that says how to read it, or `HUB_KIND`.
        packing: ``.gz``, ``.zst`` or "".
    """

    path: Path
    name: str
    kind: str
    packing: str = ""

    @property
    def stem(self) -> str:
        """The file's name without its suffixes."""
        return self.path.name[: len(self.path.name) - len(self.kind + self.packing)]


class Place(NamedTuple):
    """Where a document was found, for messages: ``data.jsonl, line 7``."""

    path: str
    unit: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.path}, {self.unit} {self.number}" if self.unit else self.path


def find_sources(inputs: Sequence[str], skipped_files: Counter[str]) -> list[Source]:
    """All sources of all inputs, a folder's in the order of their names.

    Args:
        inputs: files, folders and ``hf:NAME[:CONFIG][:SPLIT]``.
        skipped_files: counts, by suffix, the files in folders that are in no readable format.

    Raises:
        CorpusError: no input, a missing path, an unsupported file, a folder without a readable one, a broken link.
        MissingExtra: a file needs the convert extra.
    """
    if not inputs:
        raise CorpusError("There is no input. Name a file, a folder or a dataset (hf:NAME).")
    sources = [source for given in inputs for source in _sources_of(given, skipped_files)]
    if any(source.kind in CONVERTED_KINDS for source in sources) and find_spec("markitdown") is None:
        raise MissingExtra("markitdown", "convert", "read PDF, HTML, Word and PowerPoint files")
    return sources


def _sources_of(given: str, skipped_files: Counter[str]) -> list[Source]:
    if given.startswith(HUB_PREFIX):
        parse_hub(given)
        return [Source(Path(given), given, HUB_KIND)]
    path = Path(given)
    try:
        if path.is_dir():
            return _folder_sources(path, skipped_files)
        if path.is_file():
            return [_file_source(path)]
        exists = path.exists()
    except OSError as error:
        raise CorpusError(
            f"{error.filename or given} cannot be read: {error.strerror}. Check its permissions."
        ) from error
    if exists:
        raise CorpusError(f"{given} is neither a file nor a folder. Write its content to a file and name that.")
    raise CorpusError(
        f"There is no file or folder {given!r}. Check the path; a dataset of the Hugging Face Hub is written hf:NAME."
    )


def _file_source(path: Path) -> Source:
    source = _as_source(path, path.name)
    if source is None:
        raise CorpusError(f"{path} is in no format that can be read here. Readable are {FORMATS}. Convert it to one.")
    return source


def _folder_sources(folder: Path, skipped_files: Counter[str]) -> list[Source]:
    sources = []
    for path, name in _files_below(folder):
        source = _as_source(path, name)
        if source is None or not _is_readable_file(path):
            skipped_files[path.suffix.lower()] += 1
        else:
            sources.append(source)
    if not sources:
        raise CorpusError(f"The folder {folder} holds no file that can be read. Readable are {FORMATS}.")
    return sorted(sources, key=lambda source: source.name)


def _as_source(path: Path, name: str) -> Source | None:
    lower = path.name.lower()
    packing = next((suffix for suffix in PACKINGS if lower.endswith(suffix)), "")
    _, dot, suffix = lower.removesuffix(packing).rpartition(".")
    kind = dot + suffix
    readable = COMPRESSIBLE_KINDS if packing else KINDS
    return Source(path, clean_text(name), kind, packing) if kind in readable else None


def _is_readable_file(path: Path) -> bool:
    """False for pipes and sockets; a dangling link is an error, because a part of the corpus is not there."""
    if path.is_symlink() and not path.exists():
        raise CorpusError(f"{path} is a link to a file that is not there. Restore the file, or remove the link.")
    return path.is_file()


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file that is not hidden, with its path below the folder.

    Each real folder is entered once, which ends link loops. Linked folders come last, so that a folder that is
    reachable both ways keeps its real path.
    """
    folders, links = deque([(folder, "")]), deque[tuple[Path, str]]()
    entered: set[tuple[int, int]] = set()
    while folders or links:
        here, prefix = (folders or links).popleft()
        status = here.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            continue
        entered.add(identity)
        for path in sorted(here.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_dir():
                (links if path.is_symlink() else folders).append((path, f"{prefix}{path.name}/"))
            else:
                yield path, prefix + path.name
