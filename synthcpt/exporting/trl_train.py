"""Continued pretraining with TRL's SFTTrainer on the texts in data/, as config.yaml says.

    python train.py                    one GPU, or the CPU
    accelerate launch train.py         several

Each text is tokenised whole, with the end token after it and whatever the tokenizer puts before it. A token carries
loss where it meets a span of its text; a text without spans carries loss on all of it. Markup of special tokens inside
a text is taken for ordinary characters, unless config.yaml says that the texts hold the model's own.
"""
# mypy: ignore-errors

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
import yaml
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.trainer_utils import get_last_checkpoint

HERE = Path(__file__).resolve().parent
NO_LOSS = -100


def encode(rows, tokenizer, split_special_tokens):
    """Texts and their spans as token ids and labels."""
    begin = [token for token in tokenizer("")["input_ids"] if token != tokenizer.eos_token_id]
    encoded = tokenizer(
        rows["text"],
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        split_special_tokens=split_special_tokens,
        verbose=False,
    )
    columns = {"input_ids": [], "labels": []}
    everything = zip(encoded["input_ids"], encoded["offset_mapping"], rows["text"], rows["spans"], strict=True)
    for ids, offsets, text, spans in everything:
        labels, end_label = list(ids), tokenizer.eos_token_id
        if spans is not None:
            labels = labels_of(ids, offsets, spans)
            end_label = end_label if spans[-1][1] == len(text) else NO_LOSS
        columns["input_ids"].append([*begin, *ids, tokenizer.eos_token_id])
        columns["labels"].append([*[NO_LOSS] * len(begin), *labels, end_label])
    return columns


def labels_of(ids, offsets, spans):
    """The ids of tokens that meet a span, and no loss elsewhere; both are in the order of the text."""
    labels, at = [NO_LOSS] * len(ids), 0
    for number, (start, end) in enumerate(offsets):
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        if at < len(spans) and end > spans[at][0]:
            labels[number] = ids[number]
    return labels


def attention():
    """FlashAttention where it is; otherwise SDPA, which keeps texts apart by their positions in transformers 5."""
    if torch.cuda.is_available() and importlib.util.find_spec("flash_attn"):
        return "flash_attention_2"
    return "sdpa"


def load_model(config, tokenizer):
    """The model, with embeddings for the tokens that the texts need."""
    model = AutoModelForCausalLM.from_pretrained(
        config["model"], dtype=getattr(torch, config["dtype"]), attn_implementation=attention()
    )
    if tokenizer.add_tokens(config.get("added_tokens", [])):
        model.resize_token_embeddings(len(tokenizer))
    model.config.use_cache = False
    return model


def main():
    """Tokenise, pack, train, save."""
    from trl import SFTConfig, SFTTrainer

    config = yaml.safe_load((HERE / "config.yaml").read_text(encoding="utf-8"))
    settings = dict(config["training"])
    settings["output_dir"] = str(HERE / settings["output_dir"])
    settings["bf16"] = settings["bf16"] and torch.cuda.is_available()
    tokenizer = AutoTokenizer.from_pretrained(config["model"])
    model = load_model(config, tokenizer)
    texts = load_dataset("parquet", data_files=str(HERE / config["data"]), split="train")
    adapters = None
    if "lora" in config:
        from peft import LoraConfig

        adapters = LoraConfig(**config["lora"])
    arguments = SFTConfig(**settings)
    with arguments.main_process_first():
        tokens = texts.map(
            encode,
            batched=True,
            remove_columns=texts.column_names,
            fn_kwargs={"tokenizer": tokenizer, "split_special_tokens": config["split_special_tokens"]},
        )
    trainer = SFTTrainer(
        model=model, args=arguments, train_dataset=tokens, processing_class=tokenizer, peft_config=adapters
    )
    last = get_last_checkpoint(arguments.output_dir) if Path(arguments.output_dir).is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    trainer.save_model()


if __name__ == "__main__":
    main()
