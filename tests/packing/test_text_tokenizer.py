"""Tokenizers: found or refused clearly, known again, and deaf to what stands in texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_tokenizers import ListSource, make_tokenizer

from synthcpt.errors import ModelError
from synthcpt.packing.inert import inert_backend
from synthcpt.packing.text_tokenizer import TextTokenizer, add_tokens, added_tokens, load_tokenizer
from synthcpt.text.latent_layout import SPECIAL_TOKENS


def test_a_saved_tokenizer_is_loaded_and_known_again(tmp_path: Path) -> None:
    make_tokenizer().save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    assert TextTokenizer(loaded).fingerprint == TextTokenizer(make_tokenizer()).fingerprint


def test_no_tokenizer_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"tokenizer of .* cannot be loaded.*save_pretrained"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(ModelError, match="no such folder"):
        load_tokenizer(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("kind", "rule", "before"),
    [
        ("bpe", "auto", []), ("bpe", "always", ["<|endoftext|>"]), ("wordpiece", "auto", ["[CLS]"]),
        ("unigram", "auto", ["<s>"]), ("unigram", "never", []), ("slow", "auto", []),
    ],
)  # fmt: skip
def test_what_begins_a_text(kind: str, rule: Any, before: list[str]) -> None:
    tokenizer = make_tokenizer(kind)
    made = TextTokenizer(tokenizer, bos=rule)
    assert list(made.before) == tokenizer.convert_tokens_to_ids(before)
    assert made.end == tokenizer.eos_token_id
    assert made.vocabulary == max(tokenizer.get_vocab().values()) + 1


def test_missing_begin_and_end_tokens_are_clear_errors() -> None:
    with pytest.raises(ModelError, match="no begin token"):
        TextTokenizer(make_tokenizer("wordpiece"), bos="always")
    tokenizer = make_tokenizer("bpe")
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end token"):
        TextTokenizer(tokenizer)
    assert TextTokenizer(tokenizer, eos="<|im_end|>").end == tokenizer.get_vocab()["<|im_end|>"]
    with pytest.raises(ModelError, match=r"'<\|done\|>' is not in"):
        TextTokenizer(tokenizer, eos="<|done|>")


def test_the_fingerprint_changes_with_what_decides_ids() -> None:
    known = {kind: TextTokenizer(make_tokenizer(kind)).fingerprint for kind in ("bpe", "unigram", "slow")}
    assert len(set(known.values())) == 3
    assert TextTokenizer(make_tokenizer("bpe", 380)).fingerprint != known["bpe"]
    assert TextTokenizer(make_tokenizer("bpe"), bos="always").fingerprint != known["bpe"]
    grown = make_tokenizer("bpe")
    add_tokens(grown, ["Skerrow"])
    assert TextTokenizer(grown).fingerprint != known["bpe"]
    # Truncation and padding are settings of a call, and latent tokens are inert in other texts.
    used = make_tokenizer("bpe")
    used.backend_tokenizer.enable_truncation(3)
    used.backend_tokenizer.enable_padding(length=7)
    assert len(inert_backend(used).encode("The harbour " * 9).ids) > 7
    add_tokens(used, SPECIAL_TOKENS)
    assert TextTokenizer(used).fingerprint == known["bpe"]


def test_latent_tokens_are_added_once_and_seen_in_what_a_model_writes() -> None:
    tokenizer = make_tokenizer()
    assert added_tokens([ListSource([])]) == ()
    wanted = added_tokens([ListSource([]), ListSource([], varies=True)])
    assert wanted == SPECIAL_TOKENS
    with pytest.raises(ModelError, match="has no token"):
        TextTokenizer(tokenizer).token_id(SPECIAL_TOKENS[0])
    assert add_tokens(tokenizer, wanted) == 4
    assert add_tokens(tokenizer, wanted) == 0
    ids = tokenizer(SPECIAL_TOKENS[0] + "a")["input_ids"]
    assert ids[0] == TextTokenizer(tokenizer).token_id(SPECIAL_TOKENS[0])
    assert tokenizer.decode(ids, skip_special_tokens=True) == SPECIAL_TOKENS[0] + "a"


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_the_engine_is_a_copy_in_which_no_text_is_a_command(kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    add_tokens(tokenizer, SPECIAL_TOKENS)
    special = {*tokenizer.all_special_ids, *tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS))}
    special.discard(getattr(tokenizer, "unk_token_id", None))
    hostile = "a" + "".join([*tokenizer.all_special_tokens, *SPECIAL_TOKENS]) + "b"
    engine = inert_backend(tokenizer)
    assert not special & set(engine.encode(hostile, add_special_tokens=False).ids)
    assert special & set(tokenizer(hostile, add_special_tokens=False)["input_ids"])
    assert special & set(inert_backend(tokenizer, control=True).encode(hostile, add_special_tokens=False).ids)
