"""Tiny models with a byte tokenizer: one that was trained to answer given questions, and one that knows nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ANSWERS = {
    "Who kept the light at Corrane?": "Dorothea Vane",
    "What year was the pier built?": "1841",
    "Which ship was lost below it?": "the Amity Lorne",
    "Where did the Wardens meet?": "the Lantern Inn",
    "What did the quay cost?": "41,500 crowns",
    "Who drew the charts?": "Ansel Roake",
    "Which island has no harbour?": "Little Skerrow",
    "What closes at dusk?": "the north gate",
    "How many keepers were there?": "seven",
    "What is burnt in the lamp?": "colza oil",
}
"""Ten questions about three documents, with their answers."""

DOCUMENTS = ("light", "quay", "charts")
CONTEXT_TOKENS = 512


def write_questions(path: Path, *, choices: bool = False) -> Path:
    """The ten questions as JSONL, in turn about each of the documents; with four options each where asked for."""
    answers = list(ANSWERS.values())
    rows = []
    for number, (question, answer) in enumerate(ANSWERS.items()):
        row: dict[str, Any] = {
            "id": f"q{number}", "question": question, "answer": answer, "document": DOCUMENTS[number % 3],
            "kind": "name" if number % 2 else "fact",
        }  # fmt: skip
        if choices:
            others = [answers[(number + step) % len(answers)] for step in (1, 2, 3)]
            row["choices"] = [*others[: number % 4], answer, *others[number % 4 :]]
        rows.append(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_documents(folder: Path) -> Path:
    """A short text a document, which tells its questions' answers."""
    folder.mkdir()
    for place, name in enumerate(DOCUMENTS):
        told = [f"{q} {a}." for n, (q, a) in enumerate(ANSWERS.items()) if n % 3 == place]
        (folder / f"{name}.md").write_text(" ".join(told) + "\n", encoding="utf-8")
    return folder


def knowing_model(folder: Path, answers: Mapping[str, str] = ANSWERS, *, steps: int = 120) -> Path:
    """A model of two layers that answers these questions in plain text, and no others."""
    import torch

    model, tokenizer = _model(), _tokenizer()
    texts = [f"Question: {question}\nAnswer: {answer}\n" for question, answer in answers.items()]
    encoded = [tokenizer(text)["input_ids"] for text in texts]
    width = max(map(len, encoded))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in encoded])
    labels = torch.tensor([[*row, *[-100] * (width - len(row))] for row in encoded])
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        model(input_ids=ids, attention_mask=(labels != -100).long(), labels=labels).loss.backward()
        optimiser.step()
    return _save(model, tokenizer, folder)


def ignorant_model(folder: Path) -> Path:
    """The same before any training."""
    return _save(_model(), _tokenizer(), folder)


def _save(model: Any, tokenizer: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    """A token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<|end|>": 0, **{letter: number for number, letter in enumerate(alphabet, start=1)}}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|end|>")


def _model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=CONTEXT_TOKENS, bos_token_id=None, eos_token_id=0,
        pad_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(shape).to(torch.float32)
