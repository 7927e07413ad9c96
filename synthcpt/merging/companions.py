"""What a model's folder holds beside weights: configuration, tokenizer, and how to generate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from synthcpt.files import write_text
from synthcpt.merging.reading import CONFIG, ModelFolder, read_json

_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt", "vocab.txt", "*.model", "*.tiktoken",
)  # fmt: skip
_CHAT = ("chat_template.jinja", "chat_template.json")
_OTHERS = ("generation_config.json", "preprocessor_config.json", "processor_config.json", "*.py")
_ENDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def write_companions(folder: Path, first: ModelFolder, dtype: str | None) -> None:
    """Copy the first model's configuration, tokenizer and generation settings.

    Args:
        folder: where to.
        first: where from.
        dtype: what the weights are written in, by torch's name; None: as they were.
    """
    config = dict(first.config)
    if dtype is not None:
        _set_dtype(config, dtype)
    _write_json(folder / CONFIG, config)
    _copy(first.path, folder, (*_TOKENIZER, *_CHAT, *_OTHERS))


def take_chat(folder: Path, instruct: ModelFolder, *, tokenizer: bool) -> None:
    """Make a model talk as an instruct model does: its chat template, its way of ending an answer.

    Args:
        folder: that `write_companions` wrote.
        instruct: where they come from.
        tokenizer: take its tokenizer as a whole, which is right where the vocabularies are the same. Else only the
            template goes over.
    """
    if tokenizer:
        _copy(instruct.path, folder, _TOKENIZER)
    else:
        _take_template(folder, instruct)
    _copy(instruct.path, folder, (*_CHAT, "generation_config.json"))
    config = read_json(folder / CONFIG, str(folder))
    ends = {key: instruct.config[key] for key in _ENDS if instruct.config.get(key) is not None}
    _write_json(folder / CONFIG, {**config, **ends})


def _take_template(folder: Path, instruct: ModelFolder) -> None:
    """The template may be a file of its own, which is copied, or a line of tokenizer_config.json."""
    name = "tokenizer_config.json"
    if not (folder / name).exists() or not (instruct.path / name).exists():
        return
    mine, its = read_json(folder / name, str(folder)), read_json(instruct.path / name, instruct.name)
    taken: dict[str, Any] = {key: its[key] for key in ("chat_template", "eos_token") if key in its}
    _write_json(folder / name, {**mine, **taken})


def _set_dtype(config: dict[str, Any], dtype: str) -> None:
    """Under the key that is there: transformers 5 renamed it."""
    config["torch_dtype" if "torch_dtype" in config and "dtype" not in config else "dtype"] = dtype
    for key, part in config.items():
        if isinstance(part, dict) and ("dtype" in part or "torch_dtype" in part):
            inner = dict(part)
            _set_dtype(inner, dtype)
            config[key] = inner


def _copy(source: Path, folder: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for path in sorted(source.glob(pattern)):
            shutil.copyfile(path, folder / path.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
