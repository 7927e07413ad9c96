"""What the benchmarks of training train: a model of random weights, random texts as token ids, and synthcpt on them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from figures import support

VOCABULARY = 8192
END = 0
"""The id that ends each text."""


@dataclass(frozen=True)
class Shape:
    """A Llama's size."""

    layers: int
    width: int
    heads: int
    key_heads: int
    inner: int
    vocabulary: int = VOCABULARY
    tied: bool = True


def lengths(texts: int, window_tokens: int, median: float = 200, sigma: float = 0.8) -> npt.NDArray[np.int64]:
    """Tokens of each text: log-normal, as those of real corpora are, at most a window."""
    drawn = np.random.default_rng(0).lognormal(np.log(median), sigma, texts)
    return np.clip(drawn, 8, window_tokens).astype(np.int64)


def token_texts(total: int, window_tokens: int, vocabulary: int = VOCABULARY, median: float = 200) -> list[list[int]]:
    """Texts of random ids, `END` at the end of each, that have ``total`` tokens together."""
    many = lengths(total // 20 + 10, window_tokens, median)
    count = int(np.searchsorted(np.cumsum(many), total))
    sizes = [*map(int, many[:count]), total - int(many[:count].sum())]
    rng = np.random.default_rng(1)
    return [[*rng.integers(1, vocabulary, size - 1).tolist(), END] for size in sizes if size]


class Enough(Exception):
    """The steps that were to be timed are done; what comes after them (a checkpoint, the final model) is not wanted."""


def write_model(folder: Path, shape: Shape, window_tokens: int, *, weights: bool = True) -> Path:
    """A Llama of random weights in fp32, with a tokenizer that only names its ids; or its configuration alone."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads,
        max_position_embeddings=window_tokens, bos_token_id=None, eos_token_id=END, pad_token_id=END,
        tie_word_embeddings=shape.tied,
    )  # fmt: skip
    config.architectures = ["LlamaForCausalLM"]
    (LlamaForCausalLM(config) if weights else config).save_pretrained(folder)
    words = {f"w{number}": number for number in range(1, shape.vocabulary)} | {"</s>": END}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w1")), eos_token="</s>", pad_token="</s>"
    )
    tokenizer.save_pretrained(folder)
    return folder


@dataclass
class Clock:
    """When each step was done, and what it read; the first step is not timed, since it warms everything up.

    Attributes:
        at: seconds, by step.
        tokens: real tokens of each step; padding is not among them.
        trained: those that carry loss.
        loss: of each step.
    """

    at: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    trained: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)

    def told(self, warm_up: int = 1) -> dict[str, Any]:
        """What a side hands back."""
        timed_s = self.at[-1] - self.at[warm_up - 1]
        timed = sum(self.tokens[warm_up : len(self.at)])
        return {
            "rate": timed / timed_s, "tokens": sum(self.tokens), "trained": sum(self.trained),
            "steps": len(self.at), "timed": timed, "timed_s": timed_s, "loss": self.loss[-1] if self.loss else None,
        }  # fmt: skip


def train_synthcpt(work: dict[str, Any]) -> dict[str, Any]:
    """`synthcpt train`'s own stage on the texts, given as ids; runs in this process.

    Args:
        work: ``model`` and ``texts`` (paths), ``output``, ``window_tokens``, ``batch_tokens``, ``threads``,
            ``warm_up`` steps that are not timed, ``stop_after`` so many (by default all), and ``settings`` of the
            training.
    """
    import warnings

    warnings.simplefilter("ignore")
    with support():
        from token_stores import make_part, make_store

    from synthcpt.packing.audit import audit
    from synthcpt.packing.planning import make_plan
    from synthcpt.training import stage
    from synthcpt.training.config import TrainConfig, make_train_config
    from synthcpt.training.data import Data
    from synthcpt.training.showing.watcher import Watcher

    texts = json.loads(Path(work["texts"]).read_text())
    clock = Clock()
    found: dict[str, Any] = {}

    def prepare(config: TrainConfig, _world: Any, _tell: Any) -> Data:
        part = make_part(make_store("texts", texts))
        plan = make_plan([part], config.amounts(), config.windows())
        account = audit(plan)
        return Data(plan, account, _NoTokenizer(), 1, (), (), ({"name": "texts"},), config.model)

    class Timed(Watcher):
        def began(self, beginning: Any) -> None:
            found["formula"], found["peak"] = beginning.flops_formula, beginning.peak_flops

        def stepped(self, report: Any) -> None:
            clock.at.append(time.perf_counter())
            clock.tokens.append(report.step_tokens)
            clock.trained.append(report.step_trained_tokens)
            clock.loss.append(report.loss)
            found["flops_a_token"] = report.flops / report.step_tokens
            if report.step == work.get("stop_after"):
                raise Enough

    stage.prepare_data = prepare  # the texts are ids already
    config = make_train_config({
        "model": work["model"], "data": "texts", "output": work["output"], "window_tokens": work["window_tokens"],
        "batch_tokens": work["batch_tokens"], "epochs": 1, "heldout": 0, "schedule": "constant", "warmup": 0,
        "lr": 1e-4, "weight_decay": 0.0, "threads": work["threads"], "checkpoint_every": 1_000_000,
        **work.get("settings", {}),
    })  # fmt: skip
    with suppress(Enough):
        stage.Training(config, watch=Timed).run()
    return {**clock.told(work.get("warm_up", 1)), **found}


class _NoTokenizer:
    """Stands where the trainer saves a tokenizer."""

    def save_pretrained(self, folder: Path) -> None:
        """Nothing."""
