"""What a model thought aloud is stripped, and nothing of an answer is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.reasoning import strip_reasoning

TAGS = ["think", "thinking", "thought", "reasoning", "seed:think"]
tags = st.sampled_from([f"<{slash}{tag}>" for slash in ("", "/") for tag in (*TAGS, "THINK")])
pieces = st.lists(tags | st.sampled_from(["a", "\n", "<", "</", "think>", " "]) | st.text(max_size=3), max_size=12)


@pytest.mark.parametrize("tag", [*TAGS, "Think", "REASONING"])
def test_a_closed_block_is_stripped(tag: str) -> None:
    assert strip_reasoning(f"<{tag}>Let me see.\n\nSo.</{tag}>\n\nThe answer.\n") == "The answer.\n"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think></think>\n\nThe answer.", "The answer."),
        ("Let me see.</think>\nThe answer.", "The answer."),
        ("<think>Let me see", ""),
        ("The answer.<think>And now", "The answer."),
        ("<think>a</think>one <think>b</think>two", "one two"),
        ("<think>a<think>b</think>c</think>The answer.", "The answer."),
        ("<think>a <reasoning>b</reasoning> c</think>The answer.", "The answer."),
        ("<think>a</think>b</think>The answer.", "The answer."),
        ("<think>a</THINK>The answer.", "The answer."),
        ("<think>a <reasoning>b</reasoning> c", ""),
        ("<think>a</reasoning>The answer.", "The answer."),
        ("One <think>a</reasoning>b</think>two", "One two"),
        ("<thi<think>x</think>nk>cut", ""),
        ("<think>", ""),
        ("</think>", ""),
    ],
)
def test_blocks_closed_cut_off_nested_and_opened_by_the_template(text: str, answer: str) -> None:
    assert strip_reasoning(text) == answer


@pytest.mark.parametrize(
    "text", ["", "\n\nThe answer.", "a < b > c", "<b>think</b>", "<thinker>x</thinker>", "I think so", "</ think>"]
)
def test_what_is_no_thought_stays_as_it_is(text: str) -> None:
    assert strip_reasoning(text) == text


@given(st.text().filter(lambda text: "think" not in text.lower() and "<" not in text))
def test_a_text_without_tags_is_unchanged(text: str) -> None:
    assert strip_reasoning(text) == text


@given(pieces)
def test_stripping_twice_changes_nothing_and_leaves_no_tag(parts: list[str]) -> None:
    once = strip_reasoning("".join(parts))
    assert strip_reasoning(once) == once
    assert not any(f"<{slash}{tag}>" in once.lower() for slash in ("", "/") for tag in TAGS)


@given(st.text(max_size=20), st.text(max_size=20).filter(lambda text: "<" not in text))
def test_the_answer_after_a_block_is_whole(thought: str, answer: str) -> None:
    assert strip_reasoning(f"<think>{thought}</think>{answer}") == answer.lstrip("\n")


@pytest.mark.parametrize("piece", ["<think>", "</think>", "<think>\n", "<seed:think>a</think>", "<thi", "<", "</"])
def test_megabytes_of_tags_take_linear_time(piece: str) -> None:
    stripped = strip_reasoning(piece * (1_000_000 // len(piece)))
    assert "think>" not in stripped
