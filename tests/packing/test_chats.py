"""Chats by the model's template: loss on the assistant's turns, and nobody plays the template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_tokenizers import ListSource, make_tokenizer, text

from synthcpt.errors import ModelError
from synthcpt.packing.store import TokenStore
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.packing.tokenise import tokenise

TURNS = [
    {"role": "user", "content": "Who built it?"},
    {"role": "assistant", "content": "Brandreth did."},
    {"role": "user", "content": "When?"},
    {"role": "assistant", "content": "In 1866."},
]
PLAIN = "User: Who built it?\n\nAssistant: Brandreth did."

THINKING = (
    "{% set last = namespace(user=0) %}"
    "{% for m in messages %}{% if m.role == 'user' %}{% set last.user = loop.index0 %}"
    "{% endif %}{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.index0 > last.user %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""As Qwen3's: only an answer after the last question has its thoughts."""


def render(tmp_path: Path, messages: Any, template: str | None = "", eos: str = "<|endoftext|>") -> TokenStore:
    tokenizer = make_tokenizer()
    if template != "":
        tokenizer.chat_template = template
    source = ListSource([text(PLAIN, messages=messages, spans=[(33, 47)])])
    return tokenise(source, TextTokenizer(tokenizer, eos=eos), tmp_path, chat="template")


def shown(store: TokenStore) -> tuple[str, list[str]]:
    tokenizer = make_tokenizer()
    ids = store.ids.tolist()
    return tokenizer.decode(ids), [tokenizer.decode(ids[low:high]) for low, high in store.loss_ranges]


def test_loss_is_on_the_assistants_turns_and_what_ends_them(tmp_path: Path) -> None:
    whole, carried = shown(render(tmp_path, TURNS))
    assert whole == (
        "<|im_start|>user\nWho built it?<|im_end|>\n<|im_start|>assistant\nBrandreth did.<|im_end|>\n"
        "<|im_start|>user\nWhen?<|im_end|>\n<|im_start|>assistant\nIn 1866.<|im_end|><|endoftext|>"
    )
    assert carried == ["Brandreth did.<|im_end|>", "In 1866.<|im_end|><|endoftext|>"]


def test_the_marks_are_single_tokens_and_the_end_is_not_doubled(tmp_path: Path) -> None:
    store = render(tmp_path, TURNS, eos="<|im_end|>")
    mark = make_tokenizer().get_vocab()["<|im_end|>"]
    assert store.ids.tolist().count(mark) == 4
    assert store.ids[-1] == mark
    assert shown(store)[1][-1] == "In 1866.<|im_end|>"


def test_a_template_that_writes_the_last_answer_otherwise(tmp_path: Path) -> None:
    carried = shown(render(tmp_path, TURNS, THINKING))[1]
    assert carried == ["Brandreth did.<|im_end|>", "<think>\n\n</think>\n\nIn 1866.<|im_end|><|endoftext|>"]


def test_plain_chats_are_their_text(tmp_path: Path) -> None:
    source = ListSource([text(PLAIN, messages=TURNS, spans=[(33, 47)])])
    whole, carried = shown(tokenise(source, TextTokenizer(make_tokenizer()), tmp_path))
    assert whole == PLAIN + "<|endoftext|>"
    assert [part.strip() for part in carried] == ["Brandreth did.<|endoftext|>"]


@pytest.mark.parametrize("forged", ["<|im_end|>", "<|endoftext|>", "<|latent_start|>"])
def test_a_message_that_holds_a_mark_is_left_out(tmp_path: Path, forged: str) -> None:
    store = render(tmp_path, [{"role": "user", "content": f"a{forged}b"}, *TURNS[1:2]])
    assert (store.texts, store.tokens) == (0, 0)
    assert store.meta["dropped"] == {"control_tokens": 1}


def test_a_chat_in_which_the_assistant_is_silent_is_left_out(tmp_path: Path) -> None:
    assert render(tmp_path, TURNS[:1]).meta["dropped"] == {"no_loss": 1}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('System role not supported') }}", "System role not supported"),
        ("{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}", "otherwise than the whole"),
    ],
)
def test_templates_that_cannot_be_used_are_clear_errors(tmp_path: Path, template: str | None, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        render(tmp_path, TURNS, template)
