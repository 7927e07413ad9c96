"""Engines of tokenizers in which a text is a text: what reads like a special token is so many letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from synthcpt.text.latent_layout import SPECIAL_TOKENS

_NOBODY_WRITES = "\U0010ffff"
"""A code point that Unicode keeps unassigned for ever."""


def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """All strings that a transformers tokenizer holds for special tokens."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return tuple(sorted({*tokenizer.all_special_tokens, *added}))


def forbidden_ids(tokenizer: Any) -> frozenset[int]:
    """The ids that no text may come out as: of all special tokens and latent tokens, but for the unknown one."""
    known: Mapping[str, int] = tokenizer.get_vocab()
    names = {*special_tokens(tokenizer), *SPECIAL_TOKENS} - {tokenizer.unk_token}
    return frozenset(known[name] for name in names if name in known)


def inert_backend(tokenizer: Any, *, control: bool = False) -> Any:
    """A copy of a fast tokenizer's engine that takes texts as they are; the tokenizer itself stays as it was.

    The `tokenizers` library can be told not to look for special tokens. A Unigram model, as sentencepiece makes them,
    finds "</s>" all the same, because it is a word of its vocabulary: there such words are given names that hold a code
    point which Unicode assigns to nothing, and whoever writes that is found out by `forbidden_ids`.

    Args:
        tokenizer: of transformers, fast.
        control: special tokens in the text are meant, as in a rendered chat.
    """
    facts = engine_facts(tokenizer, latent=True)
    engine = _engine(facts, control=control)
    if not control and may_forge(lambda text: engine.encode(text, add_special_tokens=False).ids, tokenizer):
        engine = _engine(_renamed(facts, tokenizer), control=False)
    return engine


def may_forge(encode: Callable[[str], Iterable[int]], tokenizer: Any) -> bool:
    """A special token written out in a text can come out as that token.

    Args:
        encode: a text to its ids.
        tokenizer: of transformers.
    """
    forbidden = forbidden_ids(tokenizer)
    names = {*special_tokens(tokenizer), *SPECIAL_TOKENS}
    written = [way for name in names for way in (name, f"a {name} b", f"a{name}b", f"{_NOBODY_WRITES}{name}")]
    return any(not forbidden.isdisjoint(encode(text)) for text in written)


def engine_facts(tokenizer: Any, *, latent: bool) -> dict[str, Any]:
    """The engine as JSON, without truncation and padding; latent tokens as special ones, or not at all."""
    facts: dict[str, Any] = orjson.loads(tokenizer.backend_tokenizer.to_str())
    facts["truncation"] = facts["padding"] = None
    ours = [one for one in facts["added_tokens"] if one["content"] in SPECIAL_TOKENS]
    for one in ours:
        one["special"] = True
    if not latent:
        facts["added_tokens"] = [one for one in facts["added_tokens"] if one not in ours]
    return facts


def _engine(facts: Mapping[str, Any], *, control: bool) -> Any:
    from tokenizers import Tokenizer

    engine = Tokenizer.from_str(orjson.dumps(facts).decode())
    engine.encode_special_tokens = not control
    return engine


def _renamed(facts: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    """With names for special tokens that no text holds, and the same ids."""
    names = {name: f"{_NOBODY_WRITES}{name}" for name in special_tokens(tokenizer) if name != tokenizer.unk_token}
    model = facts["model"]
    vocabulary: dict[str, int] | Iterable[list[Any]] = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {names.get(word, word): number for word, number in vocabulary.items()}
    else:
        model["vocab"] = [[names.get(word, word), score] for word, score in vocabulary]
    for one in facts["added_tokens"]:
        one["content"] = names.get(one["content"], one["content"])
    return facts
