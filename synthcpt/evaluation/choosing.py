"""Which backend answers, and why."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from synthcpt.backends import Backend, backend_class
from synthcpt.config import validate
from synthcpt.errors import ConfigError
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.merging.finding import find_folder

_SMALL_BYTES, _MIDDLE_BYTES = 64 * 10**6, 2 * 10**9
_BATCHES = (256, 64, 16)
"""Requests computed at once: by weights of up to so many bytes, and above."""


class Chosen(NamedTuple):
    """A backend that has not been started.

    Attributes:
        backend: what answers.
        why: a sentence for people: which, and why.
        batch_size: how many requests it computes at once, where answers depend on their batch in the last digits;
            None where the backend does as it likes.
    """

    backend: Backend
    why: str
    batch_size: int | None


def choose_model(config: EvaluateConfig) -> Chosen:
    """The backend of the model that is evaluated: a server where there is a URL, vLLM where it and a GPU are there,
    transformers elsewhere.

    Raises:
        ConfigError: no such backend, or one of its settings is wrong.
        ModelError: there is no such model.
    """
    name, why = _name(config.backend, config.base_url)
    values: dict[str, Any] = {}
    batch_size = None
    if name in ("vllm", "transformers"):
        folder = find_folder(config.model)
        values = {"model": str(folder), "dtype": config.dtype, "seed": config.seed}
        values["trust_remote_code"] = config.trust_remote_code
        if name == "transformers":
            batch_size = config.batch_size or config.backend_options.get("batch_size") or _batch_size(folder)
            values |= {"batch_size": batch_size, "device": config.device}
    elif config.model:
        values = {"model": config.model}
    backend = _made(name, values | config.backend_options, config.base_url)
    return Chosen(backend, f"Answers come from {config.model} through {name}{why}.", batch_size)


def choose_judge(config: EvaluateConfig) -> Chosen:
    """The backend of the judge.

    Raises:
        ConfigError, ModelError: as `choose_model`.
    """
    name, why = _name(config.judge_backend, config.judge_base_url)
    local = name in ("vllm", "transformers")
    model = str(find_folder(config.judge)) if local else config.judge
    backend = _made(name, {"model": model} | config.judge_options, config.judge_base_url)
    return Chosen(backend, f"{config.judge} judges the answers, through {name}{why}.", None)


def _name(named: str | None, base_url: str) -> tuple[str, str]:
    """The backend's name, and why it is this one, as the end of a sentence."""
    if named:
        return named, ", as asked"
    if base_url:
        return "openai", f", the server at {base_url}"
    if find_spec("vllm") is None:
        return "transformers", ", as vLLM is not installed"
    if not _gpus():
        return "transformers", ", as vLLM wants a GPU and there is none"
    return "vllm", ", as there is a GPU and vLLM is installed"


def _gpus() -> int:
    if find_spec("torch") is None:
        return 0
    import torch

    count: int = torch.cuda.device_count()
    return count


def _batch_size(folder: Path) -> int:
    held = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    small, middle, large = _BATCHES
    return large if held > _MIDDLE_BYTES or not held else middle if held > _SMALL_BYTES else small


def _made(name: str, values: dict[str, Any], base_url: str) -> Backend:
    cls = backend_class(name)
    if base_url:
        if "base_url" not in cls.Options.model_fields:
            raise ConfigError(f"The backend {name!r} takes no base_url; did you mean --backend openai?")
        values = {**values, "base_url": base_url}
    return cls(validate(cls.Options, values, f"setting of the backend {name}"))
