"""Chat messages as a local model's prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthcpt.backends.chat import ChatRenderer
from synthcpt.errors import RequestRejected
from synthcpt.records import Message

CHAT = (Message("system", ("Be exact.",)), Message("user", ("The lamp ", "is lit.")))
NO_SYSTEM = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "[{{ message.role }}] {{ message.content }} {% endfor %}"
)


@pytest.fixture
def tokenizer(tiny_model_folder: Path) -> object:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model_folder)


def test_the_models_own_template_is_used(tokenizer: object) -> None:
    text = ChatRenderer(tokenizer, thinking=True).text(CHAT)
    assert text == (
        "<|im_start|>system\nBe exact.<|im_end|>\n<|im_start|>user\nThe lamp is lit.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_thinking_off_reaches_the_template(tokenizer: object) -> None:
    assert ChatRenderer(tokenizer, thinking=False).text(CHAT).endswith("<think>\n\n</think>\n\n")


def test_a_template_without_system_turns_gets_it_in_the_first_user_turn(tokenizer: object) -> None:
    tokenizer.chat_template = NO_SYSTEM  # type: ignore[attr-defined]
    assert ChatRenderer(tokenizer, thinking=False).text(CHAT) == "[user] Be exact.\n\nThe lamp is lit. "


def test_a_chat_that_the_template_refuses_is_rejected(tokenizer: object) -> None:
    tokenizer.chat_template = "{{ raise_exception('never') }}"  # type: ignore[attr-defined]
    with pytest.raises(RequestRejected, match="never"):
        ChatRenderer(tokenizer, thinking=False).text(CHAT)


def test_no_template_means_plain_text(tokenizer: object) -> None:
    tokenizer.chat_template = None  # type: ignore[attr-defined]
    text = ChatRenderer(tokenizer, thinking=False).text(CHAT)
    assert text == "System: Be exact.\n\nUser: The lamp is lit.\n\nAssistant:"


def test_prompts_of_a_batch_are_encoded_like_single_ones(tokenizer: object) -> None:
    renderer = ChatRenderer(tokenizer, thinking=False)
    texts = [renderer.text(CHAT), renderer.text(CHAT[1:])]
    assert renderer.encode(texts) == [renderer.encode([text])[0] for text in texts]
