"""The error tree is the one its module draws, and suggestions help."""

from __future__ import annotations

import inspect
import pickle

import pytest

from synthcpt import errors
from synthcpt.errors import MissingExtra, OverloadError, RequestFailed, SynthcptError, near_match

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def drawn_tree() -> dict[str, str]:
    """Child -> parent, as the module's docstring draws them."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        name = line.strip(" │├└─").split(" ")[0]
        if not line.startswith("    ") or not name or name == "...":
            continue
        depth = (line.index(name) - 4) // 4
        path = [*path[:depth], name]
        parents[name] = path[-2] if depth else "Exception"
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn_tree() == {error.__name__: error.__bases__[0].__name__ for error in CLASSES}
    assert len(CLASSES) > 15


def test_every_error_is_caught_by_the_root() -> None:
    assert all(issubclass(error, SynthcptError) for error in CLASSES)


@pytest.mark.parametrize("wrong", ["temprature", "temperatur", "Temperature"])
def test_a_near_name_is_suggested(wrong: str) -> None:
    assert near_match(wrong, ["top_p", "temperature"]) == "Did you mean 'temperature'?"


def test_where_nothing_is_near_all_are_listed() -> None:
    assert near_match("zzz", {"b", "a"}) == "Known: a, b."
    assert near_match("zzz", []) == ""


def test_errors_say_what_they_carry() -> None:
    assert "pip install 'synthcpt[vllm]'" in str(MissingExtra("vLLM", "vllm", "run a local model"))
    assert str(RequestFailed("malformed_answer", "no object", "ab")) == "malformed_answer: no object"
    assert OverloadError("busy", 2.5).wait_s == 2.5
    assert OverloadError("busy").wait_s is None


def test_a_plain_error_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(errors.UserError("give it a value")))
    assert str(error) == "give it a value"
