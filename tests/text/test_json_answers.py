"""Structured answers are read out of what models write around them; anything else is one kind of error."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from synthcpt.text.json_answers import MalformedAnswer, parse_answer


class Answer(BaseModel):
    """As methods ask for it."""

    summary: str
    entities: list[str] = Field(max_length=20)


class Facts(BaseModel):
    """Entities told as objects."""

    entities: list[dict[str, str]]


GOOD = {"summary": "Of two.", "entities": ["Ada Vane", "the Light"]}
BARE = json.dumps(GOOD)
SCRAPS = ['{"summary": "', '", "entities": [', '"', "'", "[", "]", "{", "}", ",", ":", "\\", "\\u", "\\ud800", "\ud800",
          "```json\n", "```", "\n", "NaN", "1e999", "null", "//", "/*", "#", "<think>", "Ada", "…"]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        f"  \n{BARE}\n\n",
        json.dumps(GOOD, indent=2),
        f"```json\n{BARE}\n```",
        f"```JSON  \n\n{BARE}\n```",
        f"```\n{BARE}```",
        f"Here you are:\n\n```json\n{BARE}\n```\nAnything else?",
        f"Surely! {BARE} I hope it helps.",
        f"An example:\n```python\nprint(1)\n```\nand the answer\n{BARE}",
        f"[{BARE}]",
        BARE.replace("]}", ",]}"),
        BARE.replace("]}", "],}"),
        BARE.replace('"', "'"),
        BARE[:-1],
        BARE[:-2],
        f"```json\n{BARE[:-2]}",
        BARE.replace("Of two.", "Of two.\\u0000").replace("\\u0000", ""),
    ],
)
def test_the_object_is_found(text: str) -> None:
    assert parse_answer(text, Answer).model_dump() == GOOD


def test_a_truncated_answer_gives_what_is_there() -> None:
    assert parse_answer('{"summary": "Of two.", "entities": ["Ada Vane", "the L', Answer).entities[0] == "Ada Vane"


def test_raw_line_ends_inside_a_string_are_taken() -> None:
    assert parse_answer('{"summary": "one\ntwo", "entities": []}', Answer).summary == "one\ntwo"


def test_braces_in_the_text_are_text() -> None:
    answer = {"summary": "f(x) = {x | x > 0}, ```code``` and \\frac{a}{b}", "entities": ["{", "}"]}
    assert parse_answer(f"```json\n{json.dumps(answer)}\n```", Answer).model_dump() == answer


@pytest.mark.parametrize("text", ['{"entities": [{"name": "Ada"}]}', '{"entities": [{"name": "Ada"},]}'])
def test_objects_inside_the_object(text: str) -> None:
    assert parse_answer(text, Facts).entities == [{"name": "Ada"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON object"),
        ("I cannot do that.", "no JSON object"),
        ('["Ada", "the Light"]', "no JSON object"),
        ("null", "no JSON object"),
        ("{}", "summary: Field required"),
        ("{", "not valid JSON"),
        ("}{", "not valid JSON"),
        ('{"summary": "x"}', "entities: Field required"),
        ('{"summary": 3, "entities": []}', "summary: .*string"),
        ('{"summary": "x", "entities": "Ada"}', "entities: .*list"),
        ('{"summary": "x", "entities": ["Ada", {"name": "b"}]}', r"entities\.1: .*string"),
        ('{"summary": "x", "entities": ' + json.dumps(["a"] * 21) + "}", "entities: .*20"),
    ],
)
def test_what_is_wrong_is_said_to_the_model(text: str, says: str) -> None:
    with pytest.raises(MalformedAnswer, match=says):
        parse_answer(text, Answer)


@pytest.mark.parametrize("escaped", [r"\ud800", r"\udc00", "\ud800"])
def test_a_lone_surrogate_which_no_file_can_hold_does_not_come_through(escaped: str) -> None:
    answer = parse_answer('{"summary": "a' + escaped + 'b", "entities": []}', Answer)
    assert answer.summary == "a\ufffdb"


def test_an_escaped_pair_of_surrogates_is_one_character_in_mended_json_too() -> None:
    assert parse_answer(r'{"summary": "\ud83d\ude00", "entities": [],}', Answer).summary == "😀"


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 5000,
        "{" * 5000,
        '{"summary": "x", "entities": ' + "[" * 5000,
        '{"summary": "x", "entities": ' + "[" * 600 + "]" * 600 + ",}",
        '{"summary": "x", "entities": ' + "[" * 2000 + "]" * 2000 + "}",
        '{"' * 5000 + "}" * 5000,
        '{"summary": "x", "entities": [[' + "9" * 5000 + "]],}",
        '{"summary": NaN, "entities": []}',
    ],
)
def test_deep_and_odd_json_is_malformed_and_no_crash(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_answer(text, Answer)


@pytest.mark.parametrize(
    "text",
    ["```" + " \n" * 10**6, "{```" + "\n" * 10**6, "{" + "```json\n" * 250_000, '{"' * 10**6, '{"a "b" c", ' * 200_000]
)  # fmt: skip
def test_megabytes_of_nonsense_are_malformed_in_linear_time(text: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_answer(text, Answer)


@given(st.text(max_size=100) | st.lists(st.sampled_from(SCRAPS), max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_answer_or_malformed(text: str) -> None:
    for whole in (text, '{"summary": "x", "entities": [' + text):
        with suppress(MalformedAnswer):
            answer = parse_answer(whole, Answer)
            assert json.dumps(answer.model_dump(), ensure_ascii=False).encode()


@given(
    st.builds(dict, summary=st.text(max_size=20), entities=st.lists(st.text(max_size=10), max_size=5)),
    st.text(alphabet="abc .`\n", max_size=10),
    st.text(alphabet="abc .`\n", max_size=10),
)
def test_a_valid_object_between_words_is_taken_as_it_is(value: dict[str, object], before: str, after: str) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert parse_answer(before + text + after, Answer).model_dump() == value
