"""A request's key: equal requests have one, unequal ones do not, in every process."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.records import Document, Message, Request, Sampling

# Few letters, and the bytes that the framing uses, so that unequal requests come close to colliding.
texts = st.text(alphabet="ab\0é\ud800", max_size=6)
roles = st.sampled_from(["system", "user", "assistant"])
messages = st.lists(st.tuples(roles, st.lists(texts, max_size=3)), min_size=1, max_size=3)
samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0, 0.0, 1, 1.0, 0.7]),
    max_tokens=st.none() | st.integers(1, 2),
    top_p=st.sampled_from([None, 1, 1.0, 0.5]),
    stop=st.lists(st.sampled_from(["a", "b", "ab"]), max_size=2).map(tuple),
)
schemas = st.sampled_from([None, {}, {"a": 1}, {"a": "1"}, {"a": 1, "b": 2}])


def chat(turns: list[tuple[Any, list[str]]]) -> tuple[Message, ...]:
    return tuple(Message(role, tuple(parts)) for role, parts in turns)


def meaning(request: Request, model: str) -> tuple[Any, ...]:
    """All that a key stands for, in a form that compares."""
    said = tuple((message.role, message.text) for message in request.messages)
    return model, said, request.sampling, request.draw, repr(request.schema)


requests = st.builds(Request, messages.map(chat), samplings, schemas, draw=st.integers(0, 2))


@given(first=requests, second=requests, models=st.tuples(texts, texts))
def test_keys_are_equal_where_the_requests_are_and_nowhere_else(
    first: Request, second: Request, models: tuple[str, str]
) -> None:
    equal = meaning(first, models[0]) == meaning(second, models[1])
    assert (first.key(models[0]) == second.key(models[1])) == equal


@given(turns=messages, moved=st.lists(texts, max_size=3), last_role=roles)
def test_text_moved_from_one_message_to_the_next_changes_the_key(
    turns: list[tuple[Any, list[str]]], moved: list[str], last_role: Any
) -> None:
    role, parts = turns[-1]
    before = Request(chat([*turns[:-1], (role, parts + moved), (last_role, ["c"])]))
    after = Request(chat([*turns, (last_role, [*moved, "c"])]))
    assert (before.key("m") == after.key("m")) == ("".join(moved) == "")


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6), st.data())
def test_how_a_text_is_cut_into_parts_does_not_matter(pieces: list[str], data: st.DataObject) -> None:
    whole = "".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))
    keys = {
        Request((Message("system", parts), Message("user", parts))).key("m")
        for parts in (tuple(pieces), (whole,), (whole[:cut], whole[cut:]), (whole, ""), ("", *pieces))
    }
    assert len(keys) == 1


def test_a_message_without_parts_is_an_empty_one() -> None:
    assert Request((Message("user", ()),)).key("m") == Request((Message("user", ("",)),)).key("m")


@pytest.mark.parametrize(("one", "same"), [(1, 1.0), (0, 0.0), (-0.0, 0.0)])
def test_equal_samplings_have_one_key_whichever_comes_first(one: float, same: float) -> None:
    said = (Message("system", ("Be brief.",)), Message("user", ("question",)))

    def key(temperature: float) -> str:
        for i in range(300):  # nothing is remembered of earlier keys after these
            Request((Message("user", (f"{i}", "")),)).key("m")
        return Request(said, Sampling(temperature)).key("m")

    assert key(one) == key(same)


def test_the_prompts_name_and_slots_are_not_in_the_key() -> None:
    said = (Message("user", ("question",)),)
    assert Request(said).key("m") == Request(said, prompt="entigraph/pair", slots={"a": 1}).key("m")


def test_the_order_of_a_schemas_keys_does_not_matter() -> None:
    said = (Message("user", ("question",)),)
    one, other = {"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}
    assert Request(said, schema=one).key("m") == Request(said, schema=other).key("m")


PINNED = Request(
    (Message("system", ("Be brief.",)), Message("user", ("Of ", "straße", "."))),
    Sampling(0.5, 100, stop=("\n",)),
    {"type": "object"},
    draw=3,
)
PINNED_KEY = "839f545a146b9a0e9c7a98d3afb82d72"
"""Every answer of every journal is stored under such a key: a change of scheme asks everything anew."""


def test_the_scheme_of_keys_is_the_one_that_journals_were_written_with() -> None:
    assert PINNED.key("some-model") == PINNED_KEY


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_keys_do_not_depend_on_pythons_hash_seed(hash_seed: str) -> None:
    code = (
        "from synthcpt.records import *\n"
        "schema = {name: {'enum': sorted({'x', 'y'})} for name in {'a', 'b', 'c', 'd'}}\n"
        "print(Request((Message('user', ('a', 'b')),), Sampling(0.5), schema, draw=3).key('m'))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    schema = {name: {"enum": ["x", "y"]} for name in "abcd"}
    assert printed.stdout.strip() == Request((Message("user", ("ab",)),), Sampling(0.5), schema, draw=3).key("m")


def test_records_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Document("id", "text").text = "other"  # type: ignore[misc]
