"""Turns chat messages into a local model's prompt tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthcpt.errors import RequestRejected
from synthcpt.records import Message

_PLAIN_NAMES = {"system": "System", "user": "User", "assistant": "Assistant"}


class ChatRenderer:
    """Renders with the tokenizer's own chat template, or as plain "User: ..." text where there is none.

    A template that takes no system turn (Gemma 2's, for one) gets it at the head of the first user turn.

    Args:
        tokenizer: a transformers tokenizer; not shared with another thread.
        thinking: whether a model that can reason aloud first is told to; templates without the switch ignore it.
    """

    def __init__(self, tokenizer: Any, thinking: bool) -> None:
        self._tokenizer = tokenizer
        self._thinking = thinking
        self._has_template = bool(getattr(tokenizer, "chat_template", None))
        self._takes_system = not self._has_template or self._accepts_system_turn()

    def text(self, messages: Sequence[Message]) -> str:
        """The prompt of one chat as text, up to where the answer begins.

        Raises:
            RequestRejected: the model's template refuses it.
        """
        if not self._has_template:
            return "".join(f"{_PLAIN_NAMES[turn.role]}: {turn.text}\n\n" for turn in messages) + "Assistant:"
        turns: list[tuple[str, str]] = [(turn.role, turn.text) for turn in messages]
        return self._apply_template(turns if self._takes_system else _fold_system_turn(turns))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of rendered prompts."""
        # A template writes the special tokens itself; plain text needs the tokenizer's own first token.
        encoded = self._tokenizer(list(texts), add_special_tokens=not self._has_template, return_attention_mask=False)
        return [list(ids) for ids in encoded["input_ids"]]

    def _apply_template(self, turns: Sequence[tuple[str, str]]) -> str:
        from jinja2 import TemplateError

        try:
            rendered: str = self._tokenizer.apply_chat_template(
                [{"role": role, "content": text} for role, text in turns],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=self._thinking,
            )
        except TemplateError as error:
            raise RequestRejected(f"The model's chat template refuses these messages: {error}") from error
        return rendered

    def _accepts_system_turn(self) -> bool:
        try:
            self._apply_template([("system", "a"), ("user", "b")])
        except RequestRejected:
            return False
        return True


def _fold_system_turn(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(turns) < 2 or turns[0][0] != "system":
        return turns
    (_, instructions), (role, text), *rest = turns
    return [(role, f"{instructions}\n\n{text}"), *rest]
