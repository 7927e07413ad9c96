"""Prompt files: their slots are checked, and nothing that is filled in is read as a template."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.errors import PromptError
from synthcpt.records import Sampling
from synthcpt.templates import Prompt, PromptBook, parse_prompt

SIMPLE = "=== system ===\nYou write.\n=== user ===\nOf $title: ${body}s.\n"
any_text = st.text(max_size=30) | st.text(alphabet="$={}\\ \n#u", max_size=20)
SHIPPED = sorted(
    f"{folder.name}/{file.name.removesuffix('.md')}"
    for folder in resources.files("synthcpt.prompts").iterdir()
    if folder.is_dir()
    for file in folder.iterdir()
    if file.name.endswith(".md")
)


def parsed(text: str) -> Prompt:
    return parse_prompt("m/p", text, "p.md")


def said(text: str, **values: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in parsed(text).render(**values).messages]


def test_turns_and_slots() -> None:
    assert said(SIMPLE, title="A", body="word") == [("system", "You write."), ("user", "Of A: words.")]
    assert parsed(SIMPLE).slots == {"title", "body"}


def test_a_chat_of_several_turns() -> None:
    text = "=== user ===\nHello\n=== assistant ===\nYes?\n\n\n=== user ===\n\nGo on.\n"
    assert said(text) == [("user", "Hello"), ("assistant", "Yes?"), ("user", "Go on.")]


def test_a_slot_that_nothing_fills_suggests_the_near_value() -> None:
    with pytest.raises(PromptError, match=r"m/p has a slot \$title.*Did you mean 'titel'"):
        parsed(SIMPLE).render(titel="A", body="b")


def test_a_value_without_a_slot_is_named() -> None:
    with pytest.raises(PromptError, match=r"m/p lacks the slot\(s\) \$first, \$second"):
        parsed(SIMPLE).render(title="A", body="b", second=1, first=2)


def test_a_slot_may_have_any_name() -> None:
    assert said("=== user ===\n$self $name $values $_x1", self="a", name="b", values="c", _x1="d")[0][1] == "a b c d"


@given(any_text, any_text)
def test_what_is_filled_in_stands_there_as_it_is(title: str, body: str) -> None:
    filled = parsed(SIMPLE).render(title=title, body=body)
    assert [(message.role, message.text) for message in filled.messages] == [
        ("system", "You write."),
        ("user", f"Of {title}: {body}s."),
    ]


@pytest.mark.parametrize("value", ["$body", "${body}", "$$", "$", "=== user ===\n", "---\nversion: 2\n---\n", "{body}"])
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    assert said(SIMPLE, title=value, body="b")[1][1] == f"Of {value}: bs."


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("It costs $$5", "It costs $5"),
        ("$$x", "$x"),
        ("$$$$", "$$"),
        ('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 2]}}'),
        (r"\frac{a}{b} \{x\} %s {0} {{y}}", r"\frac{a}{b} \{x\} %s {0} {{y}}"),
        (r"$$\sum_{i=0}^{n}$$", r"$\sum_{i=0}^{n}$"),
        ("=== users ===", "=== users ==="),
        ("a === user ===", "a === user ==="),
    ],
)
def test_dollars_and_braces(written: str, sent: str) -> None:
    assert said(f"=== user ===\n{written}\n")[0][1] == sent


@pytest.mark.parametrize("lone", ["$", "$5", "a $ b", "${", "${}", "${a b}", "${a", "$é", "$$$", "$-x"])
def test_a_lone_dollar_is_an_error_with_its_line(lone: str) -> None:
    with pytest.raises(PromptError, match=r"p\.md: a lone '\$' in line 2"):
        parsed(f"=== user ===\nfine\n{lone}\n")


@pytest.mark.parametrize(
    ("value", "text"), [(["a", "b"], "- a\n- b"), (("a",), "- a"), ([], ""), (3, "3"), (None, "None"), (1.5, "1.5")]
)
def test_values_of_other_kinds(value: Any, text: str) -> None:
    assert said("=== user ===\n[$x]", x=value)[0][1] == f"[{text}]"


def test_text_up_to_the_last_shared_slot_is_in_pieces_of_its_own() -> None:
    text = "---\nshared: [title, document]\n---\n=== user ===\n# $title\n\n$document\n\n$first and $second.\n"
    (message,) = parsed(text).render(title="T", document="D", first="F", second="S").messages
    assert message.parts == ("# ", "T", "\n\n", "D", "\n\nF and S.")


def test_without_shared_slots_a_turn_is_one_piece() -> None:
    assert parsed(SIMPLE).render(title="T", body="b").messages[1].parts == ("Of T: bs.",)


def test_the_header() -> None:
    prompt = parsed(
        "---\nversion: 7\nshared: [x]\nsampling: {temperature: 0, max_tokens: 9, stop: ['#']}\n---\n=== user ===\n$x"
    )
    request = prompt.render(x=1)
    assert (prompt.version, list(prompt.shared)) == (7, ["x"])
    assert request.sampling == Sampling(temperature=0.0, max_tokens=9, stop=("#",))
    assert prompt.sampling == {"temperature": 0.0, "max_tokens": 9, "stop": ("#",)}
    assert request.key("m")


@pytest.mark.parametrize("header", ["", "version:\nshared:\nsampling:\n", "# a remark\n"])
def test_a_header_that_says_nothing(header: str) -> None:
    prompt = parsed(f"---\n{header}\n---\n=== user ===\nHi")
    assert (prompt.version, prompt.shared, prompt.sampling) == (1, frozenset(), {})
    assert prompt.render().sampling == Sampling()


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("verson: 1", "unknown header key 'verson'.*Did you mean 'version'"),
        ("sampling: {temprature: 1}", "unknown sampling key 'temprature'.*Did you mean 'temperature'"),
        ("version: one", "'version' in the header"),
        ("sampling: 5", "'sampling' in the header"),
        ("sampling: [temperature]", "'sampling' in the header"),
        ("sampling: {temperature: hot}", "'sampling.temperature' in the header"),
        ("sampling: {stop: x}", "'sampling.stop' in the header"),
        ("shared: title", "'shared' in the header"),
        ("shared: [titel]", "titel.*no slot"),
        ("- a\n- b", "name: value"),
        ("just words", "name: value"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_header_is_named(header: str, says: str) -> None:
    with pytest.raises(PromptError, match=rf"(?s)p\.md: .*{says}"):
        parsed(f"---\n{header}\n---\n{SIMPLE}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must start with"),
        ("Just text $title", "must start with"),
        ("before\n=== user ===\nHi", "must start with"),
        ("=== user ===\nHi\n=== assistant ===\nHo", "last turn must be"),
        ("=== system ===\nHi", "last turn must be"),
    ],
)
def test_wrong_turns_are_named(text: str, says: str) -> None:
    with pytest.raises(PromptError, match=rf"p\.md: .*{says}"):
        parsed(text)


def test_the_digest_follows_the_text_and_not_its_line_ends() -> None:
    assert parsed(SIMPLE).digest == parsed(SIMPLE.replace("\n", "\r\n")).digest
    assert parsed(SIMPLE).digest != parsed(SIMPLE + " ").digest


@given(any_text | st.text(alphabet="-=\n$usershdmpling: {}[]x1", max_size=60))
def test_any_file_is_a_prompt_or_a_clear_error(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\n=== user ===\nHi", f"=== user ===\n{text}"):
        with suppress(PromptError):
            prompt = parsed(whole)
            assert prompt.render(**dict.fromkeys(prompt.slots, "x")).key("m")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_prompts_render(name: str) -> None:
    prompt = PromptBook().load(name)
    request = prompt.render(**{slot: f"<{slot}>" for slot in prompt.slots})
    sent = "".join(message.text for message in request.messages)
    assert all(f"<{slot}>" in sent for slot in prompt.slots)
    assert request.prompt == name
    assert "$" not in sent


def override(folder: Path, name: str, content: bytes | str) -> PromptBook:
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return PromptBook(folder)


def test_the_users_prompt_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    mine = "=== user ===\n$title $document $first $second: my own"
    book = override(tmp_path, "entigraph/pair", mine)
    assert book.load("entigraph/pair").turns != PromptBook().load("entigraph/pair").turns
    assert book.load("entigraph/pair").digest == parsed(mine).digest
    assert book.load("entigraph/triple") == PromptBook().load("entigraph/triple")


def test_an_override_with_a_byte_order_mark(tmp_path: Path) -> None:
    book = override(tmp_path, "entigraph/pair", b"\xef\xbb\xbf" + SIMPLE.encode())
    assert book.load("entigraph/pair").turns == parsed(SIMPLE).turns


def test_an_override_that_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"pair\.md is not UTF-8"):
        override(tmp_path, "entigraph/pair", b"=== user ===\n\xff\xfe").load("entigraph/pair")


def test_an_override_that_no_prompt_is_named_after_suggests_the_near_one(tmp_path: Path) -> None:
    book = override(tmp_path, "entigraph/pairs", SIMPLE)
    with pytest.raises(PromptError, match=r"pairs\.md: entigraph has no prompt 'pairs'.*Did you mean 'pair'"):
        book.check_overrides("entigraph", ("entities", "pair", "triple"))


def test_a_folder_without_the_methods_prompts_is_an_error(tmp_path: Path) -> None:
    book = override(tmp_path, "entigraf/pair", SIMPLE)
    with pytest.raises(PromptError, match=r"has no folder 'entigraph'.*entities, pair"):
        book.check_overrides("entigraph", ("entities", "pair"))


def test_no_folder_no_complaint() -> None:
    PromptBook().check_overrides("entigraph", ("pair",))


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no folder"):
        PromptBook(tmp_path / "none")


@pytest.mark.parametrize("name", ["entigraph/none", "none/pair", "entigraph", ""])
def test_a_prompt_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(PromptError, match="no prompt"):
        PromptBook().load(name)
