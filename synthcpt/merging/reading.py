"""A model's folder, open for reading tensor by tensor."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from synthcpt.errors import DataCorrupt, ModelError

INDEX, SINGLE, CONFIG = "model.safetensors.index.json", "model.safetensors", "config.json"

TORCH_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
"""safetensors' names of what model files hold."""

_MASKS = (".attn.bias", ".attention.bias")
_BUFFERS = (".attn.masked_bias", ".attention.masked_bias", ".rotary_emb.inv_freq")
_MERGED_DTYPES = ("F32", "BF16", "F16", "F64")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor on disk: its shape, its dtype in safetensors' words, and the file that holds it."""

    shape: tuple[int, ...]
    dtype: str
    file: str

    @property
    def is_float(self) -> bool:
        return self.dtype in _MERGED_DTYPES


class ModelFolder:
    """A folder in Hugging Face layout; a context manager.

    Args:
        name: as the user gave it, for messages.
        path: the folder.

    Attributes:
        config: its config.json.
        entries: its tensors by name; not the constants that old checkpoints carry along (causal masks, rotary
            frequencies), which modelling code makes anew.

    Raises:
        ModelError: there is no config.json, no safetensors file, or the weights are quantised.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.config = self._read_config()
        self.entries: dict[str, Entry] = {}
        self._open = ExitStack()
        self._files: dict[str, Any] = {}
        self._known: set[str] = set()

    def __enter__(self) -> ModelFolder:
        try:
            self._open_files()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def tensor(self, name: str) -> Tensor:
        """One tensor, as it is stored, on the CPU.

        Raises:
            ModelError: it holds NaN or infinity.
        """
        tensor: Tensor = self._files[self.entries[name].file].get_tensor(name)
        if not all_finite(tensor):
            raise ModelError(f"The tensor {name} of {self.name} holds NaN or infinity; that model is broken.")
        return tensor

    def names_like(self, name: str) -> list[str]:
        """How a tensor of another model may be called here: some files leave out the name of the inner model."""
        inner = name.partition(".")[2]
        return [name] if name in self.entries else [inner] if inner in self.entries else [
            own for own in self.entries if own.partition(".")[2] == name
        ]  # fmt: skip

    def _read_config(self) -> dict[str, Any]:
        if (self.path / "adapter_config.json").exists():
            raise ModelError(
                f"{self.name} is a LoRA adapter; merge it into its base model first (peft's merge_and_unload)."
            )
        config = read_json(self.path / CONFIG, self.name)
        if config.get("quantization_config"):
            raise ModelError(f"{self.name} is quantised; merge the models in full precision, and quantise after that.")
        return config

    def _open_files(self) -> None:
        from safetensors import SafetensorError, safe_open

        listed = self._listed_files()
        for file in sorted(set(listed.values())) if listed else [SINGLE]:
            try:
                opened = self._open.enter_context(safe_open(self.path / file, framework="pt"))
            except FileNotFoundError:
                raise ModelError(f"{self.name} lacks its file {file}; is the download whole?") from None
            except (SafetensorError, OSError) as error:
                raise DataCorrupt(f"{self.path / file} is no whole safetensors file ({error}); get it anew.") from error
            self._files[file] = opened
            self._enter(file, opened)
        if lost := sorted(name for name in listed if name not in self._known):
            raise DataCorrupt(f"{self.name}: {INDEX} lists {lost[0]} in {listed[lost[0]]}, which does not hold it.")

    def _listed_files(self) -> dict[str, str]:
        """The file of each tensor, by the index; nothing where there is one file for all."""
        if (self.path / INDEX).exists():
            listed = read_json(self.path / INDEX, self.name).get("weight_map")
            if not isinstance(listed, dict) or not all(_is_plain(file) for file in listed.values()):
                raise DataCorrupt(f"{self.path / INDEX} is no index of safetensors files; get it anew.")
            return listed
        if not (self.path / SINGLE).exists():
            raise ModelError(
                f"{self.name} has no {SINGLE}. Weights in other formats are not read; load the model with transformers "
                "and write it with save_pretrained."
            )
        return {}

    def _enter(self, file: str, opened: Any) -> None:
        for name in opened.keys():  # noqa: SIM118 (it is no mapping)
            piece = opened.get_slice(name)
            entry = Entry(tuple(piece.get_shape()), piece.get_dtype(), file)
            if entry.dtype not in TORCH_DTYPES:
                raise ModelError(f"{self.name} holds {name} in {entry.dtype}; merge the models in full precision.")
            self._known.add(name)
            if not (name.endswith(_BUFFERS) or (name.endswith(_MASKS) and len(entry.shape) == 4)):
                self.entries[name] = entry


def all_finite(tensor: Tensor) -> bool:
    """Whether it holds neither NaN nor infinity; by its extremes, in a tenth of the time of `torch.isfinite`."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    least, greatest = tensor.aminmax()
    return math.isfinite(least) and math.isfinite(greatest)


def _is_plain(file: Any) -> bool:
    """A file's name and no path that leads elsewhere."""
    return isinstance(file, str) and file == Path(file).name and file not in ("", ".", "..")


def read_json(path: Path, name: str) -> dict[str, Any]:
    """A JSON object of a model's folder.

    Raises:
        ModelError: it is missing or something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{name} has no {path.name}; a model's folder holds config.json and safetensors files."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} must hold a JSON object.")
    return value
