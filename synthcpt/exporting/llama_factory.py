"""LLaMA-Factory.

Checked against LLaMA-Factory 0.9.5 (``hparams``, ``data/converter.py``, ``data/processor``, ``data/template.py``).

Its stage for pretraining (``pt``) cannot keep texts apart. The stage ``sft`` can (``neat_packing``), and with the
template ``empty`` it adds nothing to a text but the tokenizer's begin token: so a text is written as a conversation
that alternates between stretches without and with loss. The end token is written out, since that template adds none.
Where it is unknown, texts without spans are written for ``pt``, which adds it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthcpt.errors import ConfigError
from synthcpt.exporting import hugging_face
from synthcpt.exporting.base import Amount, Plan, as_yaml
from synthcpt.exporting.rows import Text

if TYPE_CHECKING:
    import pyarrow as pa

_DATASET = "synthcpt"


class LlamaFactory:
    """`synthcpt.exporting.base.Target` for LLaMA-Factory."""

    name = "llama-factory"
    title = "LLaMA-Factory"
    version = "LLaMA-Factory 0.9.5"

    def check(self, plan: Plan, /) -> None:
        """Loss spans need the end token.

        Raises:
            ConfigError: it is unknown.
        """
        hugging_face.schedule(plan.config, 1)
        if plan.spans and plan.end_token is None:
            raise ConfigError(
                "LLaMA-Factory adds no end token to texts with loss on answers only, so it must be written into them. "
                "Name the model's folder with --model, or the token with --set end_token='</s>'."
            )

    def most_tokens(self, plan: Plan, /) -> int | None:
        """``sft`` cuts off what is too long (and with packing keeps a token free); ``pt`` cuts into blocks."""
        return None if plan.end_token is None else plan.config.window_tokens - 2

    def schema(self, plan: Plan, /) -> pa.Schema:
        """The columns of its "alpaca" format, or plain texts."""
        import pyarrow as pa

        if plan.end_token is None:
            return pa.schema([("text", pa.large_string())])
        return pa.schema([
            ("instruction", pa.large_string()), ("output", pa.large_string()),
            ("history", pa.list_(pa.list_(pa.large_string()))),
        ])  # fmt: skip

    def row(self, text: Text, plan: Plan, /) -> dict[str, Any]:
        """Turns: what carries no loss is asked, what does is answered. What stands after the last loss is left out."""
        if plan.end_token is None:
            return {"text": text.text}
        turns: list[list[str]] = []
        asked = ""
        for segment in text.segments():
            if segment.loss:
                turns.append([asked, segment.text])
                asked = ""
            else:
                asked = segment.text
        if text.end_carries_loss:
            turns[-1][1] += plan.end_token
        *history, (instruction, output) = turns
        return {"instruction": instruction, "output": output, "history": history}

    def files(self, plan: Plan, amount: Amount, /) -> Mapping[str, str]:
        """The YAML file, and what describes the data to it."""
        heading = f"Continued pretraining with {self.version}: llamafactory-cli train llama_factory.yaml"
        columns = (
            {"prompt": "text"}
            if plan.end_token is None
            else {"prompt": "instruction", "response": "output", "history": "history"}
        )
        info = {_DATASET: {"file_name": "data", "columns": columns}}
        return {
            "llama_factory.yaml": as_yaml({**self._data(plan), **self._training(plan, amount)}, heading),
            "dataset_info.json": json.dumps(info, indent=2) + "\n",
        }

    def _data(self, plan: Plan) -> dict[str, Any]:
        config = plan.config
        isolated = plan.end_token is not None
        return {
            "model_name_or_path": plan.model,
            "stage": "sft" if isolated else "pt",
            "do_train": True,
            "finetuning_type": "lora" if config.lora_rank else "full",
            "dataset_dir": ".",
            "dataset": _DATASET,
            "template": "empty" if isolated else None,
            "cutoff_len": config.window_tokens,
            "packing": True,
            "neat_packing": True if isolated else None,
            "flash_attn": "fa2" if isolated else "auto",
            "enable_thinking": None,
            "add_tokens": ",".join(plan.added_tokens) or None,
            "resize_vocab": True if plan.latent else None,
            "overwrite_cache": True,
        }

    def _training(self, plan: Plan, amount: Amount) -> dict[str, Any]:
        config = plan.config
        lora = {
            "lora_rank": config.lora_rank, "lora_alpha": round(config.alpha), "lora_dropout": config.lora_dropout,
            "lora_target": "all", "use_rslora": config.rslora or None,
            "additional_target": "embed_tokens,lm_head" if plan.latent else None,
        }  # fmt: skip
        return {
            **(lora if config.lora_rank else {}),
            "per_device_train_batch_size": 1,
            "gradient_accumulation_steps": config.accumulation,
            **hugging_face.length(config, amount),
            **hugging_face.schedule(config, amount.steps),
            **hugging_face.optimiser(config),
            "bf16": True,
            "disable_gradient_checkpointing": not config.activation_checkpointing,
            "enable_liger_kernel": config.liger or None,
            "neftune_noise_alpha": config.neftune or None,
            **hugging_face.logging(amount),
            "seed": config.seed,
            "report_to": "none",
            "output_dir": "model",
        }

    def commands(self, plan: Plan, /) -> str:
        """To install and to train."""
        flash = " flash-attn" if plan.end_token is not None else ""
        several = f"FORCE_TORCHRUN=1 NPROC_PER_NODE={plan.config.devices} " if plan.config.devices > 1 else ""
        return f"pip install 'llamafactory==0.9.5'{flash}\n{several}llamafactory-cli train llama_factory.yaml"

    def cannot(self, plan: Plan, /) -> tuple[str, ...]:
        """Against `synthcpt train`."""
        common = (
            "Markup of special tokens inside a text (an end token, say) is read as that token.",
            "A resumed run reads and skips all it has seen: the time to resume grows with the step.",
        )
        if plan.end_token is None:
            return (
                "Texts in a window see one another: the end token was unknown, so this export uses the stage `pt`, "
                "which has no document mask. Export again with a --model whose tokenizer is here, or with "
                "--set end_token=..., and the stage `sft` keeps them apart.",
                "For tokenizers that add a begin token, the first token of every window is overwritten with it.",
                "The rest of every 1,000 texts that fills no window is thrown away.",
                *common,
            )
        return (
            "The first token of each text in a window is predicted from the end of the text before it.",
            "Windows are packed once, from 1,000 neighbouring texts at a time, and hold the same texts in every pass.",
            "Texts longer than a window were cut for this export; the pieces count as texts.",
            *common,
        )


TARGET = LlamaFactory()
