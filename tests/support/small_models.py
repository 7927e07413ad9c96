"""Models of a few thousand random numbers, and what merges of them should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

VOCABULARY_SIZE = 48


def make_model(kind: str, seed: int, **settings: Any) -> Any:
    """A llama, a qwen3 (tied embeddings) or a gpt2 (tied), with weights drawn from the seed."""
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = {"vocab_size": VOCABULARY_SIZE, "bos_token_id": None, "eos_token_id": 1}
    if kind == "gpt2":
        sizes |= {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32}
    else:
        sizes |= {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
                  "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 32,
                  "tie_word_embeddings": kind == "qwen3"}  # fmt: skip
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**sizes, **settings}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model


def write_model(
    folder: Path, kind: str, seed: int, *, dtype: torch.dtype = torch.float32, shard: str = "5GB", **settings: Any
) -> Path:
    """Save such a model with a tokenizer."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    make_model(kind, seed, **settings).to(dtype).save_pretrained(folder, max_shard_size=shard)
    write_tokenizer(folder, [f"w{number}" for number in range(VOCABULARY_SIZE - 8)])
    return folder


def write_tokenizer(folder: Path, words: list[str], added: tuple[str, ...] = ("<end>",)) -> None:
    """A tokenizer of whole words."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0]))
    fast = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token=words[0])
    fast.add_special_tokens({"additional_special_tokens": list(added)})
    fast.save_pretrained(folder)


def load(folder: Path) -> Any:
    """As a user loads it; no weight may be missing or left over."""
    from transformers import AutoModelForCausalLM

    model, told = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(told[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), told
    return model.eval()


def state(folder: Path) -> dict[str, torch.Tensor]:
    """All weights, in fp32, under the names that transformers gives them."""
    return {name: tensor.detach().float() for name, tensor in load(folder).state_dict().items()}


def logits(model: Any) -> torch.Tensor:
    """Of one fixed text."""
    with torch.no_grad():
        return model(torch.arange(2, 20).unsqueeze(0)).logits.float()


def edit_json(path: Path, **changes: Any) -> None:
    """Change top-level keys; a value of None removes the key."""
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to
