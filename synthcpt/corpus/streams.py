"""Opening files, compressed or not, with what can go wrong turned into one sentence."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from synthcpt.corpus.cleaning import encoding_of
from synthcpt.corpus.sources import Source
from synthcpt.errors import CorpusError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PACKED_BYTES = 1 << 16
_MAX_WINDOW_BYTES = 1 << 31  # what `zstd --long=31` writes


class BrokenArchive(OSError):
    """Compressed data that cannot be unpacked, or that ends too early."""


@contextmanager
def open_bytes(source: Source) -> Iterator[BinaryIO]:
    """The file's unpacked bytes.

    Raises:
        CorpusError: here or while the stream is read: the file is not readable, or not what its suffix says.
    """
    try:
        with _open(source) as stream:
            yield cast(BinaryIO, stream)
    except (BrokenArchive, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{source.path} cannot be unpacked: {error}. Fetch or compress the file anew, or take it out of the input."
        ) from error
    except OSError as error:
        raise CorpusError(
            f"{source.path} cannot be read: {error.strerror or error}. Check that the file is there and may be read."
        ) from error


@contextmanager
def open_text(source: Source) -> Iterator[io.TextIOWrapper]:
    """The same as text, with its line ends as they are; invalid bytes become U+FFFD."""
    with open_bytes(source) as stream:
        encoding = encoding_of(_peek(stream))
        yield io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")


@contextmanager
def open_lines(source: Source) -> Iterator[Iterator[bytes | str]]:
    """The file's lines: bytes as they are where it is UTF-8, which spares decoding them; otherwise decoded."""
    with open_bytes(source) as stream:
        encoding = encoding_of(_peek(stream))
        yield stream if encoding == "utf-8-sig" else io.TextIOWrapper(stream, encoding=encoding, errors="replace")


def _open(source: Source) -> IO[bytes]:
    if source.packing and source.path.stat().st_size == 0:
        raise BrokenArchive("the file is empty")
    if source.packing == ".gz":
        return cast(IO[bytes], gzip.open(source.path, "rb"))
    raw = source.path.open("rb")
    return io.BufferedReader(_ZstdReader(raw), 1 << 20) if source.packing == ".zst" else raw


def _peek(stream: BinaryIO) -> bytes:
    return cast(io.BufferedReader, stream).peek(2)[:3]


class _ZstdReader(io.RawIOBase):
    """Unpacks zstd frames; unlike zstandard's own reader it notices when the last frame is cut off."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard

        self._raw = raw
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        self._frame = self._decompressor.decompressobj()
        self._in_frame = False
        self._unpacked = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._unpacked and (packed := self._next_packed()):
            self._unpacked = memoryview(self._unpack(packed))
        taken = min(len(target), len(self._unpacked))
        target[:taken] = self._unpacked[:taken]
        self._unpacked = self._unpacked[taken:]
        return taken

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _next_packed(self) -> bytes:
        rest = b""
        if self._frame.eof:
            rest = self._frame.unused_data
            self._frame = self._decompressor.decompressobj()
            self._in_frame = False
        packed = rest or self._raw.read(_PACKED_BYTES)
        if not packed and self._in_frame:
            raise BrokenArchive("the file ends in the middle of the compressed data")
        return packed

    def _unpack(self, packed: bytes) -> bytes:
        self._in_frame = True
        try:
            return self._frame.decompress(packed)
        except self._error as error:
            raise BrokenArchive(str(error)) from error
