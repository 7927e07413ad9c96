"""Files that hold many documents, as numbered rows: JSONL, JSON, CSV, TSV and Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from synthcpt.corpus.lenient_json import parse_json
from synthcpt.corpus.sources import Source
from synthcpt.corpus.streams import open_bytes, open_lines, open_text
from synthcpt.errors import CorpusError

Row: TypeAlias = tuple[int, Mapping[str, Any]]
"""A number to find it by, counted from 1, and its fields."""

_CELL_CHARACTERS = 2**31 - 1  # the most that the csv module takes on every platform
_BATCH_ROWS = 256


class Table(NamedTuple):
    """How to read a kind of file, and what its rows' numbers count."""

    rows: Callable[[Source], Iterator[Row]]
    unit: str


def jsonl_rows(source: Source) -> Iterator[Row]:
    """One object a line; blank lines are passed over.

    Raises:
        CorpusError: a line is broken or no object.
    """
    with open_lines(source) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = parse_json(line)
            except json.JSONDecodeError as error:
                raise CorpusError(
                    f"{source.path}, line {number} is broken JSON: {error.msg}, at column {error.colno}. "
                    "Mend the line or remove it."
                ) from error
            yield number, _as_object(row, f"{source.path}, line {number}")


def json_rows(source: Source) -> Iterator[Row]:
    """A list of objects, or one object; the file is read whole.

    Raises:
        CorpusError: it is broken, or holds something else.
    """
    with open_bytes(source) as stream:
        data = stream.read()
    try:
        value = parse_json(data)
    except json.JSONDecodeError as error:
        raise CorpusError(
            f"{source.path}, line {error.lineno} is broken JSON: {error.msg}, at column {error.colno}. Mend the file, "
            "or name it .jsonl if it holds one object a line."
        ) from error
    for number, row in enumerate(value if isinstance(value, list) else [value], start=1):
        yield number, _as_object(row, f"{source.path}, item {number}")


def _as_object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CorpusError(
            f"{place} is a JSON {type(value).__name__}, not an object. Write each document as an object with a field "
            'for its text, such as {"text": "..."}.'
        )
    return value


def csv_rows(source: Source) -> Iterator[Row]:
    """Comma-separated rows under a header; see `_separated_rows`."""
    return _separated_rows(source, ",")


def tsv_rows(source: Source) -> Iterator[Row]:
    """Tab-separated rows under a header; see `_separated_rows`."""
    return _separated_rows(source, "\t")


def _separated_rows(source: Source, delimiter: str) -> Iterator[Row]:
    """Rows by the first line's names; the number is that of the line a row ends on, blank lines are passed over.

    Raises:
        CorpusError: the quoting is broken, a row has more cells than the header, or two columns have one name.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _CELL_CHARACTERS))
    with open_text(source) as stream:
        # Strict, because a forgiving reader takes all that follows a stray quote for one cell.
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, source)
            for cells in reader:
                if cells:
                    _check_width(cells, header, source, reader.line_num)
                    yield reader.line_num, dict(zip(header, cells, strict=False))
        except csv.Error as error:
            raise CorpusError(
                f"{source.path}, line {reader.line_num} is broken: {error}. A cell with a quote, the separator or a "
                "line end in it must be quoted, and a quote inside it doubled."
            ) from error


def _check_header(header: list[str], source: Source) -> None:
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise CorpusError(
            f"{source.path} has two columns named {twice[0][:60]!r}. Rename one of them in its first line."
        )


def _check_width(cells: list[str], header: list[str], source: Source, line: int) -> None:
    if len(cells) > len(header):
        raise CorpusError(
            f"{source.path}, line {line} has {len(cells)} cells, but the first line names {len(header)} columns. "
            "Quote cells that hold the separator, and name every column in the first line."
        )


def parquet_rows(source: Source) -> Iterator[Row]:
    """The rows of a Parquet file, a few hundred in memory at a time.

    Raises:
        CorpusError: the file is broken or not Parquet.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    # ValueError and OverflowError: a value that Python cannot hold, such as a date after the year 9999.
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise CorpusError(
            f"{source.path} cannot be read as Parquet: {error}. Fetch or write the file anew, or take it out of the "
            "input."
        ) from error


TABLES: dict[str, Table] = {
    ".jsonl": Table(jsonl_rows, "line"),
    ".json": Table(json_rows, "item"),
    ".csv": Table(csv_rows, "line"),
    ".tsv": Table(tsv_rows, "line"),
    ".parquet": Table(parquet_rows, "row"),
}
"""Suffix -> how its rows are read."""
