"""A small model made on the spot, for a first training on any machine: nothing is downloaded, nothing is known yet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

NAME = "tiny"
"""What `--model` calls it."""

END = "<|endoftext|>"
VOCABULARY = 4096


def make_tiny_model(folder: Path, texts: Iterable[str], *, window_tokens: int, seed: int) -> Path:
    """Write a Llama of about a million random parameters and a tokenizer trained on the texts.

    Args:
        folder: where to; it is used again if it is there.
        texts: what the tokenizer learns its words from.
        window_tokens: the longest text the model can take.
        seed: of the weights.
    """
    if (folder / "config.json").exists():
        return folder
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from synthcpt.backends.local_model import quietly

    tokenizer = _tokenizer(texts)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=window_tokens,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
    )
    tokenizer.save_pretrained(folder)
    with quietly():
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _tokenizer(texts: Iterable[str]) -> Any:
    """Byte-level BPE: every text can be written in it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END, pad_token=END)
