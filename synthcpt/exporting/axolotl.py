"""axolotl.

Checked against axolotl 0.19.0 (its pydantic schema, ``prompt_strategies/input_output.py`` and ``completion.py``).

Texts are written as segments of the type ``input_output``, which carries any loss spans and adds nothing of its own;
the end token is therefore written out, which its tokenizer reads back as that token. Where the end token is unknown,
texts without spans are written for the type ``completion``, which adds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthcpt.errors import ConfigError
from synthcpt.exporting import hugging_face
from synthcpt.exporting.base import Amount, Plan, as_yaml
from synthcpt.exporting.config import ExportConfig
from synthcpt.exporting.rows import Text

if TYPE_CHECKING:
    import pyarrow as pa

_COMPLETION_WINDOWS = 60
"""``completion`` reads the first 64 windows of a text and throws the rest away."""


class Axolotl:
    """`synthcpt.exporting.base.Target` for axolotl."""

    name = "axolotl"
    title = "axolotl"
    version = "axolotl 0.19"

    def check(self, plan: Plan, /) -> None:
        """Loss spans need the end token.

        Raises:
            ConfigError: it is unknown.
        """
        hugging_face.schedule(plan.config, 1)
        if plan.spans and plan.end_token is None:
            raise ConfigError(
                "axolotl adds no end token to texts with loss on answers only, so it must be written into them. Name "
                "the model's folder with --model, or the token with --set end_token='</s>'."
            )

    def most_tokens(self, plan: Plan, /) -> int | None:
        """Longer texts of segments would be dropped; those of ``completion`` are cut by axolotl, up to a limit."""
        return plan.config.window_tokens * (1 if plan.end_token is not None else _COMPLETION_WINDOWS)

    def schema(self, plan: Plan, /) -> pa.Schema:
        """Segments with their loss, or plain texts."""
        import pyarrow as pa

        if plan.end_token is None:
            return pa.schema([("text", pa.large_string())])
        segment = pa.struct([("label", pa.bool_()), ("text", pa.large_string())])
        return pa.schema([("segments", pa.list_(segment))])

    def row(self, text: Text, plan: Plan, /) -> dict[str, Any]:
        """The segments, with the end token in one of its own."""
        if plan.end_token is None:
            return {"text": text.text}
        segments = [{"label": segment.loss, "text": segment.text} for segment in text.segments()]
        if text.ends:
            segments.append({"label": text.end_carries_loss, "text": plan.end_token})
        return {"segments": segments}

    def files(self, plan: Plan, amount: Amount, /) -> Mapping[str, str]:
        """The YAML file."""
        heading = f"Continued pretraining with {self.version}: axolotl train axolotl.yaml"
        return {"axolotl.yaml": as_yaml({**self._data(plan), **self._training(plan, amount)}, heading)}

    def _data(self, plan: Plan) -> dict[str, Any]:
        config = plan.config
        return {
            "base_model": plan.model,
            "datasets": [
                {"path": "data", "ds_type": "parquet", "split": "train"}
                | {"type": "completion" if plan.end_token is None else "input_output"}
            ],
            "dataset_prepared_path": "prepared",
            "shuffle_merged_datasets": False,
            "sequence_len": config.window_tokens,
            "excess_length_strategy": "raise" if plan.exact else "truncate",
            "sample_packing": True,
            "pad_to_sequence_len": True,
            "attn_implementation": "flash_attention_2",
            "train_on_inputs": False,
            "tokens": list(plan.added_tokens) or None,
        }

    def _training(self, plan: Plan, amount: Amount) -> dict[str, Any]:
        config = plan.config
        optimiser = hugging_face.optimiser(config)
        lora = {
            "adapter": "lora", "lora_r": config.lora_rank, "lora_alpha": config.alpha,
            "lora_dropout": config.lora_dropout, "lora_target_linear": True, "peft_use_rslora": config.rslora or None,
            "lora_modules_to_save": ["embed_tokens", "lm_head"] if plan.latent else None,
        }  # fmt: skip
        length = hugging_face.length(config, amount)
        return {
            **(lora if config.lora_rank else {}),
            "micro_batch_size": 1,
            "gradient_accumulation_steps": config.accumulation,
            **({"num_epochs": length["num_train_epochs"]} if "num_train_epochs" in length else length),
            **_schedule(config, amount),
            "optimizer": "adamw_torch_fused" if config.lora_rank else "optimi_adamw",
            **optimiser,
            "bf16": True,
            "gradient_checkpointing": config.activation_checkpointing,
            **({"plugins": ["axolotl.integrations.liger.LigerPlugin"]} if config.liger else {}),
            "neftune_noise_alpha": config.neftune or None,
            "logging_steps": max(1, amount.steps // 200),
            "save_steps": max(1, amount.steps // 10),
            "save_total_limit": 2,
            "val_set_size": 0.0,
            "seed": config.seed,
            "output_dir": "model",
        }

    def commands(self, plan: Plan, /) -> str:
        """To install and to train."""
        extras = "flash-attn" if plan.config.lora_rank else "flash-attn,optimizers"
        return (
            f"pip install --no-build-isolation 'axolotl[{extras}]==0.19.0'\n"
            f"axolotl train axolotl.yaml --num-processes {plan.config.devices}"
        )

    def cannot(self, _: Plan, /) -> tuple[str, ...]:
        """Against `synthcpt train`."""
        return (
            "It keeps weights in bf16, where small updates are rounded away; for that the configuration takes the "
            "optimiser `optimi_adamw`, which keeps what was lost in the rounding (Kahan summation). Not with LoRA, "
            "whose adapters are small enough for other means.",
            "The first token of each text in a window is predicted from the end of the text before it.",
            "The windows left over at the end of a pass may be dropped (`drop_last`).",
            "Markup of special tokens inside a text (an end token, say) is read as that token.",
            "Do not put the files under `pretraining_dataset`: streamed, texts are cut into windows that overlap by "
            "256 tokens with an end token after each, and a stopped run does not find its place again.",
        )


def _schedule(config: ExportConfig, amount: Amount) -> dict[str, Any]:
    settings = hugging_face.schedule(config, amount.steps)
    return {
        "learning_rate": settings["learning_rate"],
        "lr_scheduler": settings["lr_scheduler_type"],
        "lr_scheduler_kwargs": settings["lr_scheduler_kwargs"],
        "warmup_steps": settings["warmup_steps"],
    }


TARGET = Axolotl()
