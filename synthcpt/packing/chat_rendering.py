"""Chats as the model's own template writes them, with loss on the assistant's turns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from synthcpt.errors import ModelError
from synthcpt.packing.text_tokenizer import TextTokenizer

Spans = tuple[tuple[int, int], ...]


class ChatRenderer:
    """Renders chats.

    Args:
        tokenizer: whose template.

    Raises:
        ModelError: it has no chat template.
    """

    def __init__(self, tokenizer: TextTokenizer) -> None:
        if not getattr(tokenizer.tokenizer, "chat_template", None):
            raise ModelError(
                "The tokenizer has no chat template. Leave chat at plain, which trains on chats as plain text, or take "
                "the tokenizer of a model that was trained on chats."
            )
        self._tokenizer = tokenizer.tokenizer
        self._control = re.compile("|".join(map(re.escape, tokenizer.control_tokens)) or r"(?!)")

    def holds_control_tokens(self, messages: Sequence[Mapping[str, str]]) -> bool:
        """A message would pretend to be the template's own marks."""
        return any(self._control.search(message["content"] or "") for message in messages)

    def render(self, messages: Sequence[Mapping[str, str]]) -> tuple[str, Spans]:
        """The chat, and the character ranges of the assistant's turns, with what ends each turn.

        Beginnings of the chat are rendered, too: what a beginning adds to the one before it is a turn.

        Raises:
            ModelError: the template refuses the chat, or renders its beginning otherwise than the whole.
        """
        whole = self._rendered(messages).rstrip("\n")
        spans: list[tuple[int, int]] = []
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                before = self._rendered(messages[:number], prompt=True)
                end = self._end_of_turn(messages, number, whole, len(before))
                if not whole.startswith(before) or end is None:
                    raise ModelError(
                        "The model's chat template renders the beginning of a chat otherwise than the whole chat, so "
                        "it cannot be told where the answers stand. Leave chat at plain."
                    )
                spans.append((len(before), end))
        return whole, tuple(spans)

    def _end_of_turn(self, messages: Sequence[Mapping[str, str]], number: int, whole: str, start: int) -> int | None:
        upto = self._rendered(messages[: number + 1]).rstrip("\n")
        if whole.startswith(upto):
            return len(upto)
        # Models that think have templates that write a last answer otherwise than others; what ends it is the same.
        content = messages[number]["content"].strip()
        at = whole.find(content, start)
        end = at + len(content)
        closing = upto[upto.rfind(content) + len(content) :]
        return end + len(closing) if at >= 0 and whole.startswith(closing, end) else None

    def _rendered(self, messages: Sequence[Mapping[str, str]], *, prompt: bool = False) -> str:
        from jinja2 import TemplateError

        turns: list[Any] = [dict(message) for message in messages]
        try:
            rendered: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
        except TemplateError as error:
            raise ModelError(f"The model's chat template refuses a chat: {error}. Leave chat at plain.") from error
        return rendered
