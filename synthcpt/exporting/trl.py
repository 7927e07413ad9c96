"""Hugging Face TRL.

Checked against TRL 1.16.0 with transformers 5.23.0 (`SFTConfig`, `SFTTrainer._prepare_dataset`, `pack_dataset`). The
script tokenises by itself and hands over ``input_ids`` and ``labels``, which TRL then packs as they are: TRL's own
formats have one kind of loss a data set (all of a text, or a completion), and take markup in texts for special tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from synthcpt.exporting import hugging_face
from synthcpt.exporting.base import DATA_FILES, Amount, Plan, as_yaml, spans_row, spans_schema
from synthcpt.exporting.rows import Text

if TYPE_CHECKING:
    import pyarrow as pa


class Trl:
    """`synthcpt.exporting.base.Target` for TRL."""

    name = "trl"
    title = "TRL"
    version = "TRL 1.16 with transformers 5.23"

    def check(self, plan: Plan, /) -> None:
        """All can be written."""
        hugging_face.schedule(plan.config, 1)

    def most_tokens(self, _: Plan, /) -> int | None:
        """TRL's ``bfd_split`` cuts tokens, and keeps all of them."""
        return None

    def schema(self, _: Plan, /) -> pa.Schema:
        """A text and its spans."""
        return spans_schema()

    def row(self, text: Text, _: Plan, /) -> dict[str, Any]:
        """As it is."""
        return spans_row(text)

    def files(self, plan: Plan, amount: Amount, /) -> Mapping[str, str]:
        """The script and what it reads."""
        config = plan.config
        settings: dict[str, Any] = {
            "model": plan.model,
            "dtype": "bfloat16" if config.lora_rank else "float32",
            "data": DATA_FILES,
            "split_special_tokens": not plan.latent and config.chat == "plain",
            "added_tokens": list(plan.added_tokens) or None,
            "lora": _lora(plan),
            "training": {name: value for name, value in self._training(plan, amount).items() if value is not None},
        }
        script = resources.files("synthcpt.exporting").joinpath("trl_train.py").read_text(encoding="utf-8")
        return {
            "train.py": script,
            "config.yaml": as_yaml(settings, "What train.py does; training: holds TRL's SFTConfig."),
        }

    def _training(self, plan: Plan, amount: Amount) -> dict[str, Any]:
        config = plan.config
        return {
            "output_dir": "model",
            "max_length": config.window_tokens,
            "packing": True,
            "packing_strategy": "bfd_split",
            "per_device_train_batch_size": 1,
            "gradient_accumulation_steps": config.accumulation,
            **hugging_face.length(config, amount),
            **hugging_face.schedule(config, amount.steps),
            **hugging_face.optimiser(config),
            "bf16": True,
            "gradient_checkpointing": config.activation_checkpointing,
            "use_liger_kernel": config.liger,
            "neftune_noise_alpha": config.neftune or None,
            **hugging_face.logging(amount),
            "seed": config.seed,
            "report_to": "none",
        }

    def commands(self, plan: Plan, /) -> str:
        """To install and to train."""
        peft = " peft" if plan.config.lora_rank else ""
        launch = "python" if plan.config.devices == 1 else f"accelerate launch --num_processes {plan.config.devices}"
        return f"pip install 'trl>=1.16' pyyaml{peft}\n{launch} train.py"

    def cannot(self, _: Plan, /) -> tuple[str, ...]:
        """Against `synthcpt train`."""
        return (
            "Texts in a window are kept apart by FlashAttention if it is installed, else by transformers' own reading "
            "of positions with SDPA; TRL warns that it cannot tell, and proves neither on your model.",
            "Windows are packed once, from 1,000 neighbouring texts at a time, and hold the same texts in every pass.",
            "TRL's default packing (`bfd`) would throw away whatever is longer than a window; the configuration asks "
            "for `bfd_split`, which keeps it. Do not change that.",
            "A resumed run reads and skips all it has seen: the time to resume grows with the step.",
        )


def _lora(plan: Plan) -> dict[str, Any] | None:
    config = plan.config
    if not config.lora_rank:
        return None
    adapters: dict[str, Any] = {
        "r": config.lora_rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.lora_dropout,
        "use_rslora": config.rslora,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
    }
    if plan.latent:
        adapters["modules_to_save"] = ["embed_tokens", "lm_head"]
    return adapters


TARGET = Trl()
