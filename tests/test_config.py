"""Configurations: what is right is taken, what is wrong is one clear error that says what to do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.config import (
    GenerateConfig,
    make_config,
    parse_assignments,
    parse_count,
    read_config_file,
    split_part,
)
from synthcpt.errors import ConfigError

NEEDED = {"method": "entigraph", "input": "docs", "output": "out"}
file_contents = st.binary(max_size=60) | st.text(alphabet="abc: \n-[]{},'\"#&*!|>%@0", max_size=40).map(str.encode)


def test_the_least_a_run_needs_is_enough() -> None:
    config = make_config(NEEDED)
    assert (config.method, config.input, config.output) == ("entigraph", ("docs",), Path("out"))
    assert config.sampling() == {}


@pytest.mark.parametrize(
    ("given", "read"), [("a", ("a",)), (Path("a/b"), ("a/b",)), (["a", Path("b")], ("a", "b")), (("a",), ("a",))]
)
def test_one_input_or_several(given: Any, read: tuple[str, ...]) -> None:
    assert make_config({**NEEDED, "input": given}).input == read


@pytest.mark.parametrize("wrong", [None, 5, {"a": "b"}, True])
def test_an_input_of_another_kind_is_an_error(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="'input'"):
        make_config({**NEEDED, "input": wrong})


@pytest.mark.parametrize(
    ("wrong", "near"), [("temprature", "temperature"), ("target_token", "target_tokens"), ("Seed", "seed")]
)
def test_an_unknown_key_suggests_the_near_one(wrong: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown.*{wrong}.*Did you mean '{near}'"):
        make_config({**NEEDED, wrong: 1})


def test_the_unknown_key_is_told_before_the_missing_one_that_it_explains() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'method'"):
        make_config({"metod": "entigraph", "input": "docs", "output": "out"})


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_value_is_named_and_described(missing: str) -> None:
    description = GenerateConfig.model_fields[missing].description
    with pytest.raises(ConfigError, match="missing") as raised:
        make_config({name: value for name, value in NEEDED.items() if name != missing})
    assert missing in str(raised.value)
    assert str(description) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.01),
        ("top_k", 0),
        ("max_tokens", 0),
        ("concurrency", 0),
        ("limit", 0),
        ("target_tokens", 0),
        ("target_tokens", "0"),
        ("max_cost", 0),
        ("parts", 0),
        ("parts", 100_001),
        ("attempts", 0),
        ("seed", "x"),
        ("truncation", "keep"),
        ("options", [1]),
        ("output", 3),
    ],
)
def test_an_impossible_value_is_named(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        make_config({**NEEDED, name: value})


def test_only_the_sampling_that_was_given_is_told() -> None:
    config = make_config({**NEEDED, "temperature": 0, "max_tokens": 5, "min_p": 0})
    assert config.sampling() == {"temperature": 0.0, "max_tokens": 5, "min_p": 0.0}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("500000", 500_000),
        ("500_000", 500_000),
        ("500K", 500_000),
        ("10M", 10_000_000),
        ("10m", 10_000_000),
        (" 10 M ", 10_000_000),
        ("1.5B", 1_500_000_000),
        ("1.5G", 1_500_000_000),
        ("2t", 2_000_000_000_000),
        ("0.3K", 300),
        ("1.1B", 1_100_000_000),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_counts_of_tokens(text: str, count: int) -> None:
    assert parse_count(text) == count
    assert make_config({**NEEDED, "target_tokens": text}).target_tokens == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "M",
        "ten",
        "10MB",
        "1e6",
        "-5",
        "1.2.3M",
        "1_0",
        "10 000",
        "1,000",
        "0x1",
        "1.M",
        ".5M",
        "9" * 400,
        "∞",
        "１",
    ],
)
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ConfigError, match="write it as 500000"):
        parse_count(text)
    with pytest.raises(ConfigError):
        make_config({**NEEDED, "target_tokens": text})


@given(st.text(alphabet="0123456789._kKmMbBgGtT e-+,", max_size=24))
def test_any_count_is_a_number_or_a_clear_error(text: str) -> None:
    with suppress(ConfigError):
        assert parse_count(text) >= 0


@pytest.mark.parametrize(("text", "part"), [("1/1", (0, 1)), ("1/8", (0, 8)), ("8/8", (7, 8)), (" 3/8 ", (2, 8))])
def test_parts_count_from_one(text: str, part: tuple[int, int]) -> None:
    assert split_part(text) == part
    assert make_config({**NEEDED, "part": text}).part == text


@pytest.mark.parametrize("text", ["0/8", "9/8", "-1/8", "1/0", "0/0", "3", "3/", "/8", "a/b", "1/2/3", "1.0/2", ""])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(ConfigError, match="K/N"):
        split_part(text)
    with pytest.raises(ConfigError, match="K/N"):
        make_config({**NEEDED, "part": text})


@pytest.mark.parametrize(
    ("assignment", "values"),
    [
        ("a=40", {"a": 40}),
        ("a=1.5", {"a": 1.5}),
        ("a=true", {"a": True}),
        ("a=null", {"a": None}),
        ("a=", {"a": None}),
        ("a=[x, 2]", {"a": ["x", 2]}),
        ("a={b: c}", {"a": {"b": "c"}}),
        ("a=b=c", {"a": "b=c"}),
        ("a=two words", {"a": "two words"}),
        (" a = 1", {"a": 1}),
        ("a='1'", {"a": "1"}),
    ],
)
def test_assignments_are_read_as_yaml(assignment: str, values: dict[str, Any]) -> None:
    assert parse_assignments([assignment], "--option") == values


def test_the_last_of_two_assignments_counts() -> None:
    assert parse_assignments(["a=1", "b=2", "a=3"], "--option") == {"a": 3, "b": 2}


@pytest.mark.parametrize("wrong", ["a", "=1", " =1", "a=[1", "a=!!python/name:os.x", "a={", "a=\0"])
def test_what_is_no_assignment(wrong: str) -> None:
    with pytest.raises(ConfigError, match="--option"):
        parse_assignments([wrong], "--option")


@given(st.text(alphabet="a=[]{},:'\"!&*-0 2\n#|>%@", max_size=20))
def test_any_assignment_is_read_or_a_clear_error(text: str) -> None:
    with suppress(ConfigError):
        parse_assignments([text], "--option")


def test_a_configuration_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("method: entigraph\ninput: [a, b]\noutput: out\ntarget_tokens: 10M\noptions: {max_pairs: 4}\n")
    config = make_config(read_config_file(path))
    assert (config.input, config.target_tokens, config.options) == (("a", "b"), 10_000_000, {"max_pairs": 4})


def test_an_empty_configuration_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_config_file(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"metod: a\n", "metod.*Did you mean 'method'"),
        (b"- a\n- b\n", "name: value"),
        (b"a: [\n", "not YAML"),
        (b"\xff\xfe\xfa", "not YAML"),
        (b"1: 2\n", "unknown key 1"),
    ],
)
def test_a_wrong_configuration_file_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as raised:
        read_config_file(path)
    assert "wrong.yaml" in str(raised.value)


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_config_file(path)


@given(content=file_contents)
def test_any_file_is_a_configuration_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content)
    with suppress(ConfigError):
        make_config(read_config_file(path))
