"""Continued pretraining with torchtitan on the texts in data/, as settings.json says.

    PYTHONPATH=. torchrun --nproc_per_node 8 -m torchtitan.train --module torchtitan_cpt --config cpt

Any setting of torchtitan's can be given behind that, e.g. ``--training.steps 10``.

Texts follow one another and are cut into windows; a text's positions count from its own first token, by which
torchtitan's attention keeps texts apart. What is outside a text's spans, the begin token and the first token of a text
carry no loss. Markup of special tokens inside a text is taken for ordinary characters, unless settings.json says that
the texts hold the model's own.
"""
# mypy: ignore-errors

from __future__ import annotations

import importlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import load_dataset
from torch.distributed.checkpoint.stateful import Stateful
from torch.utils.data import IterableDataset
from torchtitan.components.checkpoint import CheckpointManager
from torchtitan.components.dataloader import ParallelAwareDataloader
from torchtitan.components.loss import IGNORE_INDEX, ChunkedLossWrapper, CrossEntropyLoss
from torchtitan.components.metrics import MetricsProcessor
from torchtitan.components.optimizer import LRSchedulersContainer, default_adamw
from torchtitan.config import TrainingConfig
from torchtitan.distributed.activation_checkpoint import SelectiveAC
from torchtitan.models.common.config_utils import decoder_vocab_size
from torchtitan.trainer import Trainer

HERE = Path(__file__).resolve().parent


class Texts(IterableDataset, Stateful):
    """Windows of the texts that fall to one process; each pass over them has another order."""

    def __init__(self, tokenizer, window_tokens, seed, rank, ranks, split_special_tokens):
        self.rows = load_dataset("parquet", data_files=str(HERE / "data" / "train-*.parquet"), split="train")
        self.tokenizer, self.window_tokens, self.seed = tokenizer, window_tokens, seed
        self.rank, self.ranks = rank, ranks
        self.begin = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
        # The tokenizer inside, since the one around it puts a begin token before every stretch.
        self.inner = tokenizer.tokenizer
        self.inner.encode_special_tokens = split_special_tokens
        self.passes, self.read = 0, 0
        self.waiting = {"ids": [], "labels": [], "positions": []}

    def order(self):
        """The process's texts in the order of the pass: the first as they were written."""
        order = list(range(len(self.rows)))
        if self.passes:
            random.Random(f"{self.seed}/{self.passes}").shuffle(order)
        return order[self.rank :: self.ranks]

    def __iter__(self):
        while True:
            for number in self.order()[self.read :]:
                self.add(self.rows[number])
                self.read += 1
                while len(self.waiting["ids"]) >= self.window_tokens:
                    yield self.window()
            self.passes, self.read = self.passes + 1, 0

    def add(self, row):
        """Tokenise a text, stretch by stretch, and put it behind what is waiting for a window."""
        ids, loss = list(self.begin), [False] * len(self.begin)
        for stretch, counts in stretches(row["text"], row["spans"]):
            tokens = self.inner.encode(stretch, add_special_tokens=False).ids
            ids += tokens
            loss += [counts] * len(tokens)
        ids.append(self.tokenizer.eos_id)
        loss.append(row["spans"] is None or row["spans"][-1][1] == len(row["text"]))
        self.waiting["ids"] += ids[:-1]
        self.waiting["labels"] += [
            token if counts else IGNORE_INDEX for token, counts in zip(ids[1:], loss[1:], strict=True)
        ]
        self.waiting["positions"] += range(len(ids) - 1)

    def window(self):
        """The next window: inputs, positions from 0 on, and labels."""
        taken = {name: values[: self.window_tokens] for name, values in self.waiting.items()}
        self.waiting = {name: values[self.window_tokens :] for name, values in self.waiting.items()}
        positions, begin = torch.tensor(taken["positions"]), taken["positions"][0]
        if begin:  # the rest of a text that began in the window before
            rest = next((at for at, position in enumerate(taken["positions"]) if position == 0), len(positions))
            positions[:rest] -= begin
        return {"input": torch.tensor(taken["ids"]), "positions": positions}, torch.tensor(taken["labels"])

    def state_dict(self):
        """Where this process is."""
        return {"passes": self.passes, "read": self.read, "waiting": {k: list(v) for k, v in self.waiting.items()}}

    def load_state_dict(self, state):
        """Go on from there."""
        self.passes, self.read, self.waiting = state["passes"], state["read"], state["waiting"]


def stretches(text, spans):
    """A text in stretches with and without loss."""
    at = 0
    for start, end in [(0, len(text))] if spans is None else spans:
        if at < start:
            yield text[at:start], False
        yield text[start:end], True
        at = end
    if at < len(text):
        yield text[at:], False


class TextLoader(ParallelAwareDataloader):
    """Batches of windows."""

    @dataclass(kw_only=True, slots=True)
    class Config(ParallelAwareDataloader.Config):
        seed: int = 0
        split_special_tokens: bool = True

    def __init__(self, config, *, dp_world_size, dp_rank, tokenizer, seq_len, local_batch_size, **_):
        super().__init__(
            Texts(tokenizer, seq_len, config.seed, dp_rank, dp_world_size, config.split_special_tokens),
            dp_rank=dp_rank,
            dp_world_size=dp_world_size,
            batch_size=local_batch_size,
        )


def cpt():
    """The whole configuration."""
    settings = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
    family = importlib.import_module(f"torchtitan.models.{settings['family']}")
    converters = None
    if "lora" in settings:
        from torchtitan.components.lora import LoRAConverter

        converters = [LoRAConverter.Config(**settings["lora"])]
    model = family.model_registry(settings["flavor"], attn_backend="flex", converters=converters)
    return Trainer.Config(
        loss=ChunkedLossWrapper.Config(loss_fn=CrossEntropyLoss.Config(global_vocab_size=decoder_vocab_size(model))),
        hf_assets_path=settings["hf_assets_path"],
        model_spec=model,
        optimizer=default_adamw(**{**settings["optimizer"], "betas": tuple(settings["optimizer"]["betas"])}),
        lr_scheduler=LRSchedulersContainer.Config(**settings["lr_scheduler"]),
        training=TrainingConfig(**settings["training"]),
        dataloader=TextLoader.Config(seed=settings["seed"], split_special_tokens=settings["split_special_tokens"]),
        checkpoint=CheckpointManager.Config(**settings["checkpoint"]),
        activation_checkpoint=SelectiveAC.Config(),
        metrics=MetricsProcessor.Config(enable_tensorboard=True),
    )
