"""From sources to another trainer's folder: two readings of the texts, whatever their size.

The first reading counts tokens, which decides how much replay there is, the order, and the number of steps; the second
writes. The folder is written beside its place and renamed, so that it is whole or not there.
"""

from __future__ import annotations

import os
import shutil
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from synthcpt.errors import ConfigError, UserError
from synthcpt.exporting.base import Amount, Plan, Target, amount_of
from synthcpt.exporting.config import ExportConfig
from synthcpt.exporting.mixing import Order, Sizes, make_order
from synthcpt.exporting.reading import Source, open_sources
from synthcpt.exporting.readme import readme
from synthcpt.exporting.rows import Text
from synthcpt.exporting.shuffling import in_order
from synthcpt.exporting.targets import find_target
from synthcpt.exporting.tokens import Counting, open_counting
from synthcpt.files import write_text

_COUNTED_AT_ONCE = 256
_ROWS_A_GROUP = 2048
_TOKENS_A_FILE = 100_000_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        output: the folder.
        plan, amount: what it was written by.
        rows: how many texts and pieces.
        cut: how many of them are pieces of texts that did not fit.
        dropped: texts left out, by reason.
        files: their names, the data's apart.
    """

    output: Path
    plan: Plan
    amount: Amount
    rows: int
    cut: int
    dropped: dict[str, int]
    files: tuple[str, ...]


def export(config: ExportConfig, *, overwrite: bool = False, note: Callable[[str], None] | None = None) -> Exported:
    """Write data, configuration and README for another trainer.

    Args:
        config: what and for whom.
        overwrite: replace what is in the output folder.
        note: told what is being done, in a few words.

    Raises:
        ConfigError: something that the trainer or the sources do not have.
        RunIncomplete, DataCorrupt, CorpusError, ModelError: a source or a tokenizer that cannot be used.
        UserError: the folder is not empty, or cannot be written.
    """
    say = note or (lambda _: None)
    target = find_target(config.to)
    _check_output(config.output, overwrite=overwrite)
    counting = open_counting(config.model, config.end_token)
    sources = open_sources(config, counting)
    say("counting tokens")
    spans, sizes = _first_reading(sources, target, _plan(config, counting, spans=False, sources=sources), counting)
    plan = _plan(config, counting, spans=spans, sources=sources)
    target.check(plan)
    order = make_order(sizes, config.ratio, config.seed, repeats=config.replay_repeats)
    amount = amount_of(config, order)
    say(f"writing {len(order.texts):,} texts")
    beside = config.output.with_name(f".{config.output.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        (beside / "data").mkdir(parents=True)
        cut = _write(beside, sources, target, plan, order, counting)
        exported = Exported(
            config.output, plan, amount, len(order.texts), cut, _dropped(sources),
            tuple(target.files(plan, amount)),
        )  # fmt: skip
        for name, content in target.files(plan, amount).items():
            write_text(beside / name, content)
        write_text(beside / "README.md", readme(target, exported))
        _put(beside, config.output)
    except OSError as error:
        raise UserError(f"{config.output} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(beside)
    return exported


def _check_output(output: Path, *, overwrite: bool) -> None:
    if output.is_file():
        raise ConfigError(f"{output} is a file; name a folder with --output.")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise ConfigError(f"{output} is not empty. Name another folder, or replace what is in it with --overwrite.")


def _plan(config: ExportConfig, counting: Counting, *, spans: bool, sources: list[Source]) -> Plan:
    latent = any(source.latent for source in sources)
    return Plan(config, counting.end_token, counting.exact, spans, latent)


def _pieces(texts: Iterable[Text], target: Target, plan: Plan, counting: Counting) -> Iterator[Text]:
    """The texts, those that the target does not take whole in pieces."""
    most = target.most_tokens(plan)
    for text in texts:
        ends = [] if most is None else counting.cuts(text.text, most, from_end=text.spans is not None)
        if len(ends) > 1:
            yield from text.cut(ends)
        else:
            yield text


def _first_reading(sources: list[Source], target: Target, plan: Plan, counting: Counting) -> tuple[bool, Sizes]:
    """Whether there are loss spans, and the sizes of all texts."""
    tokens, groups, replay = array("q"), array("Q"), bytearray()
    spans = False
    for source in sources:
        pieces = _pieces(source.texts(), target, plan, counting)
        while batch := list(islice(pieces, _COUNTED_AT_ONCE)):
            tokens.extend(counting.count([text.text for text in batch]))
            groups.extend(text.group for text in batch)
            replay.extend([source.replay] * len(batch))
            spans = spans or any(text.spans is not None for text in batch)
    return spans, Sizes(
        np.array(tokens, dtype=np.int64), np.array(groups, dtype=np.uint64),
        np.frombuffer(bytes(replay), dtype=np.bool_),
    )  # fmt: skip


def _write(folder: Path, sources: list[Source], target: Target, plan: Plan, order: Order, counting: Counting) -> int:
    """Write the data files; tells how many rows are pieces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cut = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal cut
        for source in sources:
            for text in _pieces(source.texts(), target, plan, counting):
                cut += not text.ends
                yield target.row(text, plan)

    schema = target.schema(plan)
    lists = in_order(rows(), order.texts, schema, folder, order.tokens)
    for number, part in enumerate(_by_file(lists, len(order.texts), order.tokens)):
        with pq.ParquetWriter(folder / f"data/train-{number:05d}.parquet", schema, compression="zstd") as writer:
            for group in part:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
    return cut


def _by_file(lists: Iterator[list[dict[str, Any]]], rows: int, tokens: int) -> Iterator[Iterator[list[dict[str, Any]]]]:
    """Row groups for one file after another, of about equally many rows."""
    groups = (rows_[at : at + _ROWS_A_GROUP] for rows_ in lists for at in range(0, len(rows_), _ROWS_A_GROUP))
    files = max(1, -(-tokens // _TOKENS_A_FILE))
    a_file = max(1, -(-rows // files))
    left = next(groups, None)

    def one_file() -> Iterator[list[dict[str, Any]]]:
        nonlocal left
        written = 0
        while left is not None and written < a_file:
            written += len(left)
            yield left
            left = next(groups, None)

    while left is not None:
        yield one_file()


def _dropped(sources: list[Source]) -> dict[str, int]:
    dropped: dict[str, int] = {}
    for source in sources:
        for reason, count in source.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return dict(sorted(dropped.items()))


def _put(beside: Path, output: Path) -> None:
    """Give the finished folder its name; what had it is removed after that."""
    old = output.with_name(f".{output.name}.{uuid.uuid4().hex[:12]}.old")
    if output.exists():
        output.rename(old)
    beside.rename(output)
    _sync(output.parent)
    if old.exists():
        shutil.rmtree(old)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
