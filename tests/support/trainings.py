"""Tiny models of several architectures, and trainings of them on random token ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from token_stores import make_part, make_store, random_texts

from synthcpt.packing.audit import audit
from synthcpt.packing.planning import make_plan
from synthcpt.packing.readers import Part
from synthcpt.training import stage
from synthcpt.training.config import TrainConfig, make_train_config
from synthcpt.training.data import Data
from synthcpt.training.processes import World
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, StepReport
from synthcpt.training.showing.watcher import Watcher

VOCABULARY = 128
KINDS = ("llama", "qwen3", "gpt2", "gemma3")


def write_tiny_model(folder: Path, kind: str = "llama", *, seed: int = 0, **changes: Any) -> Path:
    """A model of about 60,000 random parameters on disk, in fp32, without a tokenizer."""
    import torch

    torch.manual_seed(seed)
    model = tiny_model(kind, **changes)
    model.save_pretrained(folder)
    return folder


def tiny_model(kind: str, **changes: Any) -> Any:
    """The same, in memory; ``changes`` are fields of its configuration."""
    import transformers

    ends = {"bos_token_id": None, "eos_token_id": 0, "pad_token_id": None}
    shape = {
        "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "head_dim": 8,
    }  # fmt: skip
    configs = {
        "llama": lambda: transformers.LlamaConfig(**{**shape, **ends, **changes}),
        "qwen3": lambda: transformers.Qwen3Config(**{**shape, **ends, **changes}),
        "gemma3": lambda: transformers.Gemma3TextConfig(**{**shape, **ends, "sliding_window": 12, **changes}),
        "gemma2": lambda: transformers.Gemma2Config(**{**shape, **ends, "sliding_window": 12, **changes}),
        "mamba": lambda: transformers.MambaConfig(
            **{"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, **ends, **changes}
        ),
        "gpt2": lambda: transformers.GPT2Config(
            **{"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, **ends,
               "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, **changes}
        ),
    }  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(configs[kind]())


class NoTokenizer:
    """Stands where the trainer saves a tokenizer."""

    def save_pretrained(self, folder: Path) -> None:
        """Nothing."""


class Seen(Watcher):
    """Keeps all it is told."""

    def __init__(self) -> None:
        self.begun: list[Beginning] = []
        self.steps: list[StepReport] = []
        self.evaluations: list[EvaluationReport] = []
        self.notes: list[str] = []
        self.endings: list[Ending] = []
        self.closed = 0

    def began(self, beginning: Beginning) -> None:
        """Keep it."""
        self.begun.append(beginning)

    def stepped(self, report: StepReport) -> None:
        """Keep it."""
        self.steps.append(report)

    def evaluated(self, report: EvaluationReport) -> None:
        """Keep it."""
        self.evaluations.append(report)

    def noted(self, sentence: str) -> None:
        """Keep it."""
        self.notes.append(sentence)

    def ended(self, ending: Ending) -> None:
        """Keep it."""
        self.endings.append(ending)

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    @property
    def losses(self) -> list[float]:
        """Of all steps."""
        return [report.loss for report in self.steps]


def some_parts(texts: int = 60) -> list[Part]:
    """A source, one with answers, and replay."""
    plain = make_store(
        "books", random_texts(texts, 4, 60, vocabulary=VOCABULARY), groups=[f"d{i % 9}" for i in range(texts)]
    )
    answers = make_store(
        "questions", random_texts(texts, 8, 20, vocabulary=VOCABULARY, seed=1), loss=[[(3, 7)]] * texts
    )
    replay = make_store("replay", random_texts(2 * texts, 5, 40, vocabulary=VOCABULARY, seed=2))
    return [make_part(plain), make_part(answers), make_part(replay, "replay")]


def given_ids(monkeypatch: pytest.MonkeyPatch, parts: Sequence[Part] | None = None) -> None:
    """Trainings read these sources, whatever their configuration names."""

    def prepare(config: TrainConfig, world: World, tell: Any) -> Data:
        sources = list(parts or some_parts())
        plan = make_plan(sources, config.amounts(), config.windows())
        origins = tuple({"name": part.name, "role": part.role} for part in sources)
        return Data(plan, audit(plan), NoTokenizer(), VOCABULARY, (), (), origins, config.model)

    monkeypatch.setattr(stage, "prepare_data", prepare)


def settings(model: Path, output: Path, **changes: Any) -> TrainConfig:
    """A training of a few steps."""
    values = {
        "model": str(model), "data": "books", "replay": "replay", "output": output, "window_tokens": 64,
        "batch_tokens": 256, "lr": 1e-2, "epochs": 1, "heldout": 0.05, "threads": 1, "warmup": 0.1,
    }  # fmt: skip
    if "tokens" in changes:
        del values["epochs"]
    return make_train_config({**values, **changes})


def train(model: Path, output: Path, **changes: Any) -> Seen:
    """Train to the end."""
    seen = Seen()
    stage.Training(settings(model, output, **changes), watch=lambda: seen).run()
    return seen


def weights_of(folder: Path) -> dict[str, Any]:
    """A model's weights as numpy arrays."""
    from safetensors.numpy import load_file

    return dict(load_file(folder / "model.safetensors"))
