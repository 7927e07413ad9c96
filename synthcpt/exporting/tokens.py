"""How many tokens a text has, and where to cut one: by the model's tokenizer where it is here, else by estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from synthcpt.errors import ConfigError, MissingExtra, ModelError
from synthcpt.text.tokens import estimate_tokens

_BLOCK_CHARS_A_TOKEN = 8
"""A piece of n tokens is looked for in this many times n characters; hardly a tokenizer needs more for a token."""
_SPACES = frozenset(" \n\t\r\u3000")
_SPACES_WITHIN = 0.125
"""A piece ends at white space if there is some in its last eighth."""
_SPARE_TOKENS = 8
"""A piece that is tokenised on its own may have a token or two more than it had within its text."""
_SPARE_SHARE = 0.75
"""By estimate, pieces are made this share of what fits."""


class Counting(Protocol):
    """Counts tokens.

    Attributes:
        exact: by the model's own tokenizer.
        end_token: the text of the token that ends a text; None where it is unknown.
    """

    exact: bool
    end_token: str | None

    def count(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text, with those that begin and end it."""

    def cuts(self, text: str, most_tokens: int, *, from_end: bool = False) -> list[int]:
        """Where pieces of at most so many tokens end, in characters; the last is the text's length.

        Args:
            text: to be cut.
            most_tokens: of a piece, with what stands around it.
            from_end: the last piece is a full one, and the first the rest: an answer keeps what stands before it.
        """

    def render(self, messages: Sequence[dict[str, str]], /) -> tuple[str, list[tuple[int, int]]]:
        """A chat as the model's template writes it, and the character ranges of the assistant's turns."""


def open_counting(model: str, end_token: str | None) -> Counting:
    """By the model's tokenizer if it is on this machine, else by estimate; nothing is downloaded.

    Raises:
        ModelError: a folder was named that holds no tokenizer.
    """
    if model:
        tokenizer = _local_tokenizer(model)
        if tokenizer is not None:
            return Exact(tokenizer, end_token)
    return Estimated(end_token)


def _local_tokenizer(model: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        if Path(model).is_dir():
            raise MissingExtra("transformers", "train", "count tokens with the model's own tokenizer") from error
        return None
    try:
        return AutoTokenizer.from_pretrained(model, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        if Path(model).is_dir():
            raise ModelError(f"{model} holds no tokenizer that can be loaded: {error}") from error
        return None  # a name on the Hub whose files are not in the cache


class Estimated:
    """Counts by `synthcpt.text.tokens`."""

    exact = False

    def __init__(self, end_token: str | None) -> None:
        self.end_token = end_token

    def count(self, texts: Sequence[str]) -> list[int]:
        """About how many tokens each has, and its end token."""
        return [estimate_tokens(text) + 1 for text in texts]

    def cuts(self, text: str, most_tokens: int, *, from_end: bool = False) -> list[int]:
        """Cuts with much to spare, as the estimate may be wrong."""
        room = max(1, int(_SPARE_SHARE * most_tokens))
        if len(text.encode("utf-8", "surrogatepass")) <= room or estimate_tokens(text) <= room:
            return [len(text)]

        def fitting(block: str) -> int:
            size = len(block)
            while size > 1 and (tokens := estimate_tokens(block[-size:] if from_end else block[:size])) > room:
                size = max(1, min(size - 1, int(size * room / tokens)))
            return size

        return _cut(text, _BLOCK_CHARS_A_TOKEN * room, fitting, from_end=from_end)

    def render(self, _: Sequence[dict[str, str]], /) -> tuple[str, list[tuple[int, int]]]:
        """Not without a tokenizer.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("chat=template needs the model's tokenizer: name a folder that holds it with --model.")


class Exact:
    """Counts by a transformers tokenizer."""

    exact = True

    def __init__(self, tokenizer: Any, end_token: str | None) -> None:
        self._tokenizer = tokenizer
        self.end_token: str | None = end_token or tokenizer.eos_token
        added = tokenizer("")["input_ids"]
        self._around = len(added) + (tokenizer.eos_token_id not in added)

    def count(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each, one for its end and those the tokenizer adds."""
        encoded = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)
        return [len(ids) + self._around for ids in encoded["input_ids"]]

    def cuts(self, text: str, most_tokens: int, *, from_end: bool = False) -> list[int]:
        """Cuts at white space near the last token that fits."""
        room = max(1, most_tokens - self._around - min(_SPARE_TOKENS, most_tokens // 8))
        if len(text.encode("utf-8", "surrogatepass")) <= room:  # no token is less than a byte
            return [len(text)]

        def fitting(block: str) -> int:
            encoded = self._tokenizer(
                block, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False, verbose=False
            )
            offsets = encoded["offset_mapping"]
            if len(offsets) <= room:
                return len(block)
            return max(1, len(block) - int(offsets[-room][0]) if from_end else int(offsets[room - 1][1]))

        return _cut(text, _BLOCK_CHARS_A_TOKEN * room, fitting, from_end=from_end)

    def render(self, messages: Sequence[dict[str, str]], /) -> tuple[str, list[tuple[int, int]]]:
        """By the model's chat template; each beginning of the chat is rendered, to find where a turn stands.

        Raises:
            ModelError: the model has no template, or one that renders a beginning otherwise than the whole.
        """
        if not self._tokenizer.chat_template:
            raise ModelError("The model has no chat template; leave chat=template away, or name its chat model.")
        whole = self._rendered(messages)
        spans: list[tuple[int, int]] = []
        for number, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._rendered(messages[:number], prompt=True)
            upto = self._rendered(messages[: number + 1]).rstrip("\n")
            if not (whole.startswith(before) and whole.startswith(upto) and len(before) <= len(upto)):
                raise ModelError("The model's chat template renders a chat's beginning otherwise; use chat=plain.")
            spans.append((len(before), len(upto)))
        return whole.rstrip("\n"), spans

    def _rendered(self, messages: Sequence[dict[str, str]], *, prompt: bool = False) -> str:
        rendered: str = self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=prompt
        )
        return rendered


def _cut(text: str, block_chars: int, fitting: Callable[[str], int], *, from_end: bool) -> list[int]:
    """The ends of pieces.

    Args:
        text: to be cut.
        block_chars: how far to look for the end of a piece.
        fitting: how many characters of a block make a piece: of its beginning, or with `from_end` of its end.
        from_end: begin with the last piece.
    """
    ends = [len(text)] if from_end else []
    at = len(text) if from_end else 0
    while at > 0 if from_end else at < len(text):
        if from_end:
            at = _after_space(text, at - fitting(text[max(0, at - block_chars) : at]), at)
            ends.append(at)
        else:
            at = _before_space(text, at, at + fitting(text[at : at + block_chars]))
            ends.append(at)
    return [end for end in sorted(ends) if end]


def _before_space(text: str, start: int, end: int) -> int:
    """The last place after white space in the end of ``text[start:end]``, or ``end`` where there is none."""
    places = range(end, end - int(_SPACES_WITHIN * (end - start)), -1)
    return end if end >= len(text) else next((place for place in places if _begins_word(text, place)), end)


def _after_space(text: str, start: int, end: int) -> int:
    """The first place after white space in the beginning of ``text[start:end]``, or ``start``."""
    places = range(start, start + int(_SPACES_WITHIN * (end - start)))
    return start if start <= 0 else next((place for place in places if _begins_word(text, place)), start)


def _begins_word(text: str, place: int) -> bool:
    return text[place - 1] in _SPACES and text[place] not in _SPACES
