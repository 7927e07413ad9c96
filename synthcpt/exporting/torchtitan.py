"""torchtitan.

Checked against torchtitan 0.3.0 (``config/configs.py``, ``components/``, ``hf_datasets/text_datasets.py``). Its own
loaders read either plain texts, all with loss, or chats of one turn; the exported module has one that reads both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthcpt.errors import ConfigError
from synthcpt.exporting.base import Amount, Plan, spans_row, spans_schema
from synthcpt.exporting.config import ExportConfig
from synthcpt.exporting.rows import Text

if TYPE_CHECKING:
    import pyarrow as pa

ARCHITECTURES = {
    "llama3": ("1B", "3B", "8B", "70B", "405B"),
    "qwen3": ("0.6B", "1.7B", "4B", "8B", "14B", "32B", "30B-A3B", "235B-A22B"),
}
"""The models that torchtitan builds and loads Hugging Face weights into, by family."""

_NAMES = (
    (re.compile(r"llama-?3(?:\.[123])?-(1B|3B|8B|70B|405B)\b", re.IGNORECASE), "llama3"),
    (re.compile(r"qwen3-(0\.6B|1\.7B|4B|8B|14B|32B|30B-A3B|235B-A22B)\b", re.IGNORECASE), "qwen3"),
)
_DECAYS = {"one_minus_sqrt": "sqrt", "linear": "linear", "cosine": "cosine"}


class Torchtitan:
    """`synthcpt.exporting.base.Target` for torchtitan."""

    name = "torchtitan"
    title = "torchtitan"
    version = "torchtitan 0.3"

    def check(self, plan: Plan, /) -> None:
        """Of models it knows a few.

        Raises:
            ConfigError: the model, its tokens or a setting cannot be had.
        """
        architecture(plan.config)
        _schedule(plan.config, 1)
        if plan.latent:
            raise ConfigError(
                "The texts hold latent thoughts, whose tokens torchtitan cannot add to a model. Export them for trl, "
                "axolotl or llama-factory."
            )
        if plan.config.neftune or plan.config.rslora or plan.config.lora_dropout or plan.config.liger:
            raise ConfigError("torchtitan has no neftune, rslora, lora_dropout or liger; leave them away.")

    def most_tokens(self, _: Plan, /) -> int | None:
        """The loader cuts, and keeps all."""
        return None

    def schema(self, _: Plan, /) -> pa.Schema:
        """A text and its spans."""
        return spans_schema()

    def row(self, text: Text, _: Plan, /) -> dict[str, Any]:
        """As it is."""
        return spans_row(text)

    def files(self, plan: Plan, amount: Amount, /) -> Mapping[str, str]:
        """The module and what it reads."""
        config = plan.config
        family, flavor = architecture(config)
        settings: dict[str, Any] = {
            "family": family,
            "flavor": flavor,
            "hf_assets_path": _assets(config),
            "seed": config.seed,
            "split_special_tokens": config.chat == "plain",
            "optimizer": {
                "lr": config.lr, "betas": [config.beta1, config.beta2], "eps": config.eps,
                "weight_decay": config.weight_decay,
            },
            "lr_scheduler": _schedule(config, amount.steps),
            "training": {
                "local_batch_size": 1, "global_batch_size": config.accumulation * config.devices,
                "seq_len": config.window_tokens, "steps": amount.steps,
                "max_norm": config.clip or math.inf,
            },
            "checkpoint": {
                "enable": True, "interval": max(1, amount.steps // 10), "keep_latest_k": 2,
                "initial_load_in_hf": True, "last_save_in_hf": True, "last_save_model_only": True,
                "export_dtype": "bfloat16",
            },
        }  # fmt: skip
        if config.lora_rank:
            settings["lora"] = {"rank": config.lora_rank, "alpha": config.alpha}
        module = resources.files("synthcpt.exporting").joinpath("torchtitan_cpt.py").read_text(encoding="utf-8")
        return {"torchtitan_cpt.py": module, "settings.json": json.dumps(settings, indent=2) + "\n"}

    def commands(self, plan: Plan, /) -> str:
        """To install, to get the model, and to train."""
        model = plan.config.model
        lines = ["pip install 'torchtitan==0.3.0'"]
        if not Path(model).is_dir():
            lines.append(f"hf download {model or 'MODEL'} --local-dir {_assets(plan.config)}")
        lines.append(
            f"PYTHONPATH=. torchrun --nproc_per_node {plan.config.devices} -m torchtitan.train "
            "--module torchtitan_cpt --config cpt"
        )
        return "\n".join(lines)

    def cannot(self, _: Plan, /) -> tuple[str, ...]:
        """Against `synthcpt train`."""
        return (
            "It trains the model families it has written anew (here Llama 3 and Qwen3), no others.",
            "Texts are cut wherever a window ends, not packed so that few are cut; the rest of a cut text has lost "
            "what stood before it.",
            "Its own loader for chats throws away those longer than a window, and its newest mixing weighs texts, not "
            "tokens: use the loader and the mix of this export.",
            "A run resumes only with the same number of data-parallel processes.",
            "The versions on its main branch after 0.3 have other loaders (Grain); this export is for 0.3.",
        )


def architecture(config: ExportConfig) -> tuple[str, str]:
    """The family and flavor that torchtitan has of the model.

    Raises:
        ConfigError: the name tells none, or an unknown one was given.
    """
    known = ", ".join(f"{family}/{flavor}" for family, flavors in ARCHITECTURES.items() for flavor in flavors)
    if config.architecture:
        family, _, flavor = config.architecture.partition("/")
        if flavor not in (*ARCHITECTURES.get(family, ()), "debugmodel"):
            raise ConfigError(f"torchtitan has no architecture {config.architecture!r}. Known: {known}.")
        return family, flavor
    for pattern, family in _NAMES:
        if match := pattern.search(Path(config.model).name or config.model):
            return family, next(name for name in ARCHITECTURES[family] if name.lower() == match.group(1).lower())
    raise ConfigError(
        f"torchtitan needs to know which of its models {config.model or 'the model'} is. Name it with --model, or with "
        f"--set architecture=. Known: {known}."
    )


def _assets(config: ExportConfig) -> str:
    """The folder of the model's weights and tokenizer."""
    path = Path(config.model)
    return str(path.resolve()) if config.model and path.is_dir() else f"assets/{path.name or 'model'}"


def _schedule(config: ExportConfig, steps: int) -> dict[str, Any]:
    settings: dict[str, Any] = {"warmup_steps": math.ceil(config.warmup * steps), "min_lr_factor": config.min_lr}
    if config.schedule in ("cosine", "linear"):
        return {**settings, "decay_ratio": None, "decay_type": config.schedule}
    if config.schedule == "constant":
        return {**settings, "decay_ratio": 0.0, "decay_type": "linear"}
    if config.schedule == "wsd" and config.decay_shape in _DECAYS:
        return {**settings, "decay_ratio": config.decay, "decay_type": _DECAYS[config.decay_shape]}
    what = f"decay_shape={config.decay_shape}" if config.schedule == "wsd" else f"schedule={config.schedule}"
    raise ConfigError(f"{what} exists only in `synthcpt train`; export wsd, cosine, linear or constant.")


TARGET = Torchtitan()
