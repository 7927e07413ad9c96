"""Writing weights tensor by tensor, and folders whole or not at all.

safetensors' own writer takes all tensors of a file at once: five gigabytes in memory. Its format is a length, a JSON
header and the numbers, so with shapes known ahead a file can be written as its tensors come.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from synthcpt.errors import ConfigError, UserError
from synthcpt.files import write_text
from synthcpt.merging.reading import CONFIG, INDEX, TORCH_DTYPES, Entry

MERGE = "merge.json"
SHARD_BYTES = 5_000_000_000


def bytes_of(entry: Entry) -> int:
    """How much room a tensor takes on disk."""
    return math.prod(entry.shape) * int(TORCH_DTYPES[entry.dtype].itemsize)


def write_weights(
    folder: Path, entries: Mapping[str, Entry], make: Callable[[str], Tensor], shard_bytes: int = SHARD_BYTES
) -> None:
    """Write tensors to model.safetensors, or to shards with their index.

    Args:
        folder: where.
        entries: shape and dtype of every tensor (the file is not looked at).
        make: the tensor of a name, already in that shape and dtype; called once each, shard by shard.
        shard_bytes: the most of a file.
    """
    from huggingface_hub import split_torch_state_dict_into_shards

    shapes = {
        name: torch.empty(entry.shape, dtype=TORCH_DTYPES[entry.dtype], device="meta")
        for name, entry in entries.items()
    }
    plan = split_torch_state_dict_into_shards(shapes, max_shard_size=shard_bytes)
    for file, names in plan.filename_to_tensors.items():
        _write_file(folder / file, {name: entries[name] for name in names}, make)
    if plan.is_sharded:
        index = {"metadata": plan.metadata, "weight_map": plan.tensor_to_filename}
        write_text(folder / INDEX, json.dumps(index, indent=2, sort_keys=True) + "\n")


def _write_file(path: Path, entries: Mapping[str, Entry], make: Callable[[str], Tensor]) -> None:
    # Wide numbers first, so that each begins at a multiple of its size, as safetensors' readers like it.
    names = sorted(entries, key=lambda name: (-TORCH_DTYPES[entries[name].dtype].itemsize, name))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        start, end = end, end + bytes_of(entries[name])
        header[name] = {"dtype": entries[name].dtype, "shape": list(entries[name].shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            file.write(make(name).contiguous().reshape(-1).view(torch.uint8).numpy().data)
        file.flush()
        os.fsync(file.fileno())


def check_output(output: Path, inputs: Mapping[str, Path], *, overwrite: bool) -> None:
    """See that the folder may be written.

    Raises:
        ConfigError: it is a file, or holds something; or what is to be replaced is no model, or one that is read.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file; name a folder with --output.")
    for name, path in inputs.items():
        if path.resolve().is_relative_to(output.resolve()):
            raise ConfigError(f"{name} is read and lies in {output}; write the merged model to another folder.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not overwrite:
        raise ConfigError(f"{output} is not empty. Name another folder, or replace what is in it with --overwrite.")
    if not (output / MERGE).exists() and not (output / CONFIG).exists():
        raise ConfigError(f"{output} holds something that is no model; --overwrite replaces models only.")


def check_room(output: Path, needed_bytes: int) -> None:
    """See that the disk has room.

    Raises:
        UserError: it has less.
    """
    place = output.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise UserError(
            f"The merged model needs {needed_bytes / 1e9:,.1f} GB and the disk of {output} has {free / 1e9:,.1f} GB "
            "free. Make room, or write to another disk."
        )


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """A folder to write beside ``output``, which takes its place at the end; on an error nothing changes.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    beside = output.with_name(f".{output.name}.{uuid.uuid4().hex[:12]}.tmp")
    old = beside.with_suffix(".old")
    try:
        beside.mkdir(parents=True)
        yield beside
        if output.exists():
            output.rename(old)
        beside.rename(output)
        _sync(output.parent)
    except OSError as error:
        if old.exists() and not output.exists():
            old.rename(output)
        raise UserError(f"{output} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
