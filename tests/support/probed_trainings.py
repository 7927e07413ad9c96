"""Trainings on random token ids that are probed: a tokenizer of 128 words, and probes in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trainings

PROBED = 23


def words_tokenizer() -> Any:
    """``t1`` is token 1, and so on; token 0 ends a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {f"t{number}": number for number in range(trainings.VOCABULARY)}
    engine = Tokenizer(models.WordLevel(words, unk_token="t1"))
    engine.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=engine, eos_token="t0", unk_token="t1")


def given_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `trainings.given_ids`, with that tokenizer."""
    monkeypatch.setattr(trainings, "NoTokenizer", words_tokenizer)
    trainings.given_ids(monkeypatch)


def write_probes(path: Path, count: int = PROBED) -> Path:
    """Probes of one to four words after two to twenty, of the documents d0 to d8 that `trainings.some_parts` has."""
    rows = []
    for number in range(count):
        words = [f"t{(7 * number + 3 * at) % 120 + 2}" for at in range(2 + number % 19 + 1 + number % 4)]
        cut = len(words) - 1 - number % 4
        rows.append(
            {"id": f"p{number}", "prefix": " ".join(words[:cut]), "target": " ".join(words[cut:]),
             "document": f"d{number % 9}", "kind": "memorisation" if number % 2 else "semantic"}
        )  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
