"""Trains the same texts with transformers' Trainer or TRL's SFTTrainer, and says how fast; started by the benchmarks.

    python benchmarks/other_trainers.py work.json

Needs torch, transformers, datasets and trl, and nothing of synthcpt, so that another environment's interpreter can run
it. The last line of its output is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorWithFlattening, TrainerCallback

NO_LOSS = -100


class Clock(TrainerCallback):
    """Notes when each step ends, and what the collator made of it."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.batches: list[tuple[int, int]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A step is done; on a GPU, when its last kernel is."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.at.append(time.perf_counter())

    def counting(self, collate: Any) -> Any:
        """The collator, with its real and its trained tokens counted."""

        def counted(examples: Any, *more: Any, **named: Any) -> Any:
            batch = collate(examples, *more, **named)
            mask = batch.get("attention_mask")
            real = int(mask.sum()) if mask is not None else batch["input_ids"].numel()
            self.batches.append((real, int((batch["labels"][:, 1:] != NO_LOSS).sum())))
            return batch

        return counted

    def told(self, warm_up: int, accumulated: int) -> dict[str, Any]:
        """As `Clock.told` of training_work.py. Batches come in the order of the steps."""
        steps = [self.batches[i : i + accumulated] for i in range(0, len(self.batches), accumulated)]
        tokens = [sum(real for real, _ in step) for step in steps]
        timed_s, timed = self.at[-1] - self.at[warm_up - 1], sum(tokens[warm_up : len(self.at)])
        return {
            "rate": timed / timed_s, "tokens": sum(tokens), "trained": sum(sum(t for _, t in step) for step in steps),
            "steps": len(self.at), "timed": timed, "timed_s": timed_s,
        }  # fmt: skip


def main() -> None:
    """One side, once."""
    work = json.loads(Path(sys.argv[1]).read_text())
    if work["threads"]:
        torch.set_num_threads(work["threads"])
    transformers.set_seed(0)
    texts = json.loads(Path(work["texts"]).read_text())
    model = load(work)
    clock = Clock()
    trainer = sft(work, model, texts) if work["side"].startswith("trl") else plain(work, model, texts)
    trainer.add_callback(clock)
    trainer.data_collator = clock.counting(trainer.data_collator)
    trainer.train()
    loss = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    print(json.dumps({**clock.told(work["warm_up"], work["accumulated"]), "loss": loss[-1] if loss else None}))


def load(work: dict[str, Any]) -> Any:
    """The model, in fp32; beside adapters in bf16 on GPUs, as synthcpt has it."""
    from transformers import AutoConfig

    half = work.get("lora_rank") and torch.cuda.is_available()
    how = {
        "dtype": torch.bfloat16 if half else torch.float32,
        "attn_implementation": work.get("attention", "sdpa"),
    }
    if work.get("from_scratch"):
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(work["model"]), **how)
    return AutoModelForCausalLM.from_pretrained(work["model"], **how)


def arguments(work: dict[str, Any]) -> dict[str, Any]:
    """What both trainers are told: the same optimiser, batch and precision, and nothing beside the training."""
    cuda = torch.cuda.is_available()
    return {
        "output_dir": work["output"], "num_train_epochs": 1, "max_steps": work.get("stop_after", -1),
        "learning_rate": 1e-4, "lr_scheduler_type": "constant",
        "weight_decay": 0.0, "adam_beta2": 0.95, "max_grad_norm": 1.0, "optim": "adamw_torch_fused",
        "per_device_train_batch_size": work["rows"], "gradient_accumulation_steps": work["accumulated"],
        "bf16": cuda, "use_cpu": not cuda, "gradient_checkpointing": work.get("checkpointing", False),
        "torch_compile": work.get("compile", False), "use_liger_kernel": work.get("liger", False),
        "logging_strategy": "steps", "logging_steps": 1, "save_strategy": "no", "report_to": "none",
        "disable_tqdm": True, "dataloader_num_workers": 0, "seed": 0,
    }  # fmt: skip


def plain(work: dict[str, Any], model: Any, texts: list[list[int]]) -> Any:
    """Transformers' Trainer: rows flattened into one with positions that begin anew, or padded."""
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(work["model"])
    if work["side"] == "trainer_flattening":
        collate: Any = DataCollatorWithFlattening()
    else:

        def collate(examples: Any) -> Any:
            batch = tokenizer.pad(examples, return_tensors="pt")
            labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, NO_LOSS)
            return {**batch, "labels": labels}

    data = Dataset.from_dict({"input_ids": texts})
    return Trainer(model, TrainingArguments(**arguments(work)), train_dataset=data, data_collator=collate)


def sft(work: dict[str, Any], model: Any, texts: list[list[int]]) -> Any:
    """TRL's SFTTrainer, packing as the side's name says: ``trl_bfd_split`` or ``trl_wrapped``."""
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        **arguments(work), max_length=work["window_tokens"], packing=True,
        packing_strategy=work["side"].removeprefix("trl_"),
    )  # fmt: skip
    peft_config = None
    if work.get("lora_rank"):
        from peft import LoraConfig

        rank = work["lora_rank"]
        peft_config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(
        model, config, train_dataset=Dataset.from_dict({"input_ids": texts}),
        processing_class=AutoTokenizer.from_pretrained(work["model"]), peft_config=peft_config,
    )  # fmt: skip


if __name__ == "__main__":
    main()
