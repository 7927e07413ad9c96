"""Whether two models mean the same tokens by the same rows of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthcpt.errors import ModelError
from synthcpt.merging.reading import read_json


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer's tokens by id.

    Attributes:
        tokens: all of them.
        added: the ids of those that were added beside the trained vocabulary: special tokens and placeholders.
    """

    tokens: dict[int, str]
    added: frozenset[int]


def read_vocabulary(folder: Path, name: str) -> Vocabulary | None:
    """The vocabulary in tokenizer.json (or vocab.json); None where the folder has neither.

    Raises:
        ModelError: the file is not what it should be.
    """
    if (folder / "tokenizer.json").exists():
        content = read_json(folder / "tokenizer.json", name)
        trained = (content.get("model") or {}).get("vocab")
        added = content.get("added_tokens") or []
    elif (folder / "vocab.json").exists():
        trained, added = read_json(folder / "vocab.json", name), []
    else:
        return None
    try:
        tokens = _by_id(trained)
        extra = {int(token["id"]): str(token["content"]) for token in added}
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise ModelError(
            f"The tokenizer of {name} cannot be understood; write it anew with save_pretrained."
        ) from error
    return Vocabulary({**tokens, **extra}, frozenset(extra))


def _by_id(trained: Any) -> dict[int, str]:
    """Byte-pair and word-piece tokenizers map tokens to ids; unigram ones list tokens with their scores."""
    if isinstance(trained, list):
        return {number: str(entry[0]) for number, entry in enumerate(trained)}
    return {int(number): str(token) for token, number in (trained or {}).items()}


def compare(first: Vocabulary, first_name: str, other: Vocabulary, other_name: str) -> list[str]:
    """Notes on harmless differences: tokens that one has beyond the other's, and special tokens under other names.

    Raises:
        ModelError: an id stands for one word here and for another there.
    """
    shared = first.tokens.keys() & other.tokens.keys()
    differing = sorted(number for number in shared if first.tokens[number] != other.tokens[number])
    words = [number for number in differing if not {number} <= first.added & other.added]
    if words:
        at = words[0]
        raise ModelError(
            f"{first_name} and {other_name} have different vocabularies: token {at} is {first.tokens[at]!r} in the one "
            f"and {other.tokens[at]!r} in the other ({len(words):,} differ). Merge models of one tokenizer only."
        )
    notes = []
    if differing:
        at = differing[0]
        notes.append(
            f"Added tokens differ: token {at} is {first.tokens[at]!r} in {first_name} and {other.tokens[at]!r} in "
            f"{other_name} ({len(differing):,} in all)."
        )
    for more, more_name, less, less_name in (
        (first, first_name, other, other_name),
        (other, other_name, first, first_name),
    ):
        if beyond := len(more.tokens.keys() - less.tokens.keys()):
            notes.append(f"{more_name} has tokens that {less_name} does not have ({beyond:,} in all).")
    return notes


def check_new_tokens(trained: Vocabulary, instruct: Vocabulary, base: Vocabulary) -> None:
    """See that rows which the base had no token for did not become two different ones.

    Raises:
        ModelError: a token added in further training has the id of one added in instruction tuning.
    """
    new = (trained.tokens.keys() & instruct.tokens.keys()) - base.tokens.keys()
    clash = sorted(number for number in new if trained.tokens[number] != instruct.tokens[number])
    if clash:
        at = clash[0]
        raise ModelError(
            f"Token {at} was added twice: as {trained.tokens[at]!r} to the trained model and as "
            f"{instruct.tokens[at]!r} to the instruct model. Train with the instruct model's tokenizer, or without new "
            "tokens."
        )
