"""Random streams: one a purpose, the same in every process."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from synthcpt.randomness import stream

names = st.lists(st.text(alphabet="ab\0\ud800é", max_size=3), max_size=4)


@given(names, names, st.integers(), st.integers())
def test_streams_are_equal_where_seed_and_names_are_and_nowhere_else(
    one: list[str], other: list[str], seed: int, other_seed: int
) -> None:
    equal = (seed, one) == (other_seed, other)
    assert (stream(seed, *one).random() == stream(other_seed, *other).random()) == equal


def test_names_are_framed() -> None:
    drawn = [stream(0, *names).random() for names in (("a", "bc"), ("ab", "c"), ("abc",), ("abc", ""), ("", "abc"))]
    assert len(set(drawn)) == len(drawn)


def test_the_seed_does_not_run_into_the_names() -> None:
    assert stream(1, "2").random() != stream(12).random()


def test_the_draws_are_those_of_earlier_versions() -> None:
    rng = stream(7, "entigraph", "straße.md", "pair")
    assert [rng.getrandbits(32) for _ in range(3)] == [3324944654, 261561480, 2493053605]
    assert stream(0).getrandbits(64) == 15215588682460974109


def test_a_stream_does_not_depend_on_what_ran_before_or_on_the_process() -> None:
    code = "from synthcpt.randomness import stream; print(stream(3, 'a', 'b').random())"
    printed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    stream(3, "x").random()
    assert float(printed.stdout) == stream(3, "a", "b").random()
