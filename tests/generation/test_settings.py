"""What a run is: run.yaml holds it all, no secrets, and two runs are not mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.config import make_config
from synthcpt.errors import PromptError, RunMismatch
from synthcpt.generation import Generation
from synthcpt.generation.settings import NOT_IDENTITY, check_same, load_prompts, render, resolve
from synthcpt.methods import load_method
from synthcpt.templates import PromptBook

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def settings_of(**changes: Any) -> dict[str, Any]:
    """The resolved settings of a command."""
    values = {"method": "entigraph", "input": ["docs"], "output": "out", "backend": "mock", **changes}
    work = Generation(make_config(values))
    return resolve(work.config, work.method, work.options, work.backend, work.backend_options, work.prompts)


def differences(**changes: Any) -> list[str]:
    """The lines of the refusal."""
    with pytest.raises(RunMismatch) as raised:
        check_same(settings_of(), settings_of(**changes), "out")
    return [line.strip() for line in str(raised.value).splitlines() if line.startswith("  ")]


def test_the_same_command_is_the_same_run_also_by_way_of_the_file() -> None:
    settings = settings_of(options={"max_pairs": 4}, temperature=0.3, target_tokens="1K", limit=3)
    check_same(yaml.safe_load(render(settings)), settings, "out")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": 7}, "seed: the run has 0, this command says 7"),
        ({"options": {"max_pairs": 4}}, "options.max_pairs: the run has None, this command says 4"),
        ({"temperature": 0.3}, "sampling.temperature: the run has None, this command says 0.3"),
        ({"truncation": "drop"}, "truncation: the run has 'retry', this command says 'drop'"),
        ({"backend_options": {"words": 60}}, "answers_shaped_by.words: the run has 120, this command says 60"),
    ],
)
def test_a_difference_is_told_by_its_dotted_name(changes: dict[str, Any], line: str) -> None:
    assert line in differences(**changes)


def test_all_differences_are_told_at_once_and_what_to_do() -> None:
    with pytest.raises(RunMismatch) as raised:
        check_same(settings_of(), settings_of(seed=1, options={"max_pairs": 4, "min_words": 5}), "outputs/mine")
    message = str(raised.value)
    assert message.startswith("outputs/mine holds a run made otherwise:\n")
    assert message.count("this command says") == 3
    assert "--overwrite" in message


def test_a_long_value_is_told_in_short() -> None:
    before, now = {"x": "a" * 500}, {"x": "b" * 500}
    with pytest.raises(RunMismatch) as raised:
        check_same(before, now, "out")
    assert len(str(raised.value)) < 400


def test_an_edited_prompt_is_another_run(tmp_path: Path) -> None:
    folder = tmp_path / "entigraph"
    folder.mkdir()
    (folder / "pair.md").write_text("=== user ===\n$title $document $first $second")
    (line,) = differences(prompts=tmp_path)
    assert line.startswith("prompts.entigraph/pair: the run has 'version 1, ")


@pytest.mark.parametrize(
    "changes",
    [{"target_tokens": 5}, {"limit": 3}, {"input": ["moved"]}, {"concurrency": 3}, {"max_cost": 1, "price_in": 1}],
)
def test_what_the_texts_do_not_depend_on_may_differ(changes: dict[str, Any]) -> None:
    check_same(settings_of(), settings_of(**changes), "out")


def test_what_may_differ_at_the_top_may_not_further_down() -> None:
    name = sorted(NOT_IDENTITY)[0]
    check_same({name: 1}, {name: 2}, "out")
    with pytest.raises(RunMismatch, match=rf"options\.{name}"):
        check_same({"options": {name: 1}}, {"options": {name: 2}}, "out")


SECRETS = [
    "https://user:{secret}@host.example:8000/v1",
    "https://{secret}@host.example/v1",
    "https://user:{secret}@{secret}@host.example/v1",
    "https://:{secret}@host.example/v1?a=b@c",
]


@pytest.mark.parametrize("url", SECRETS)
@pytest.mark.parametrize("by_option", [False, True])
def test_credentials_in_a_url_are_not_written(url: str, by_option: bool) -> None:
    url = url.format(secret="hunter2")
    given = {"backend_options": {"base_url": url}} if by_option else {"base_url": url}
    written = render(settings_of(backend="openai", model="m", **given))
    assert "hunter2" not in written
    assert "host.example" in written


@pytest.mark.parametrize("url", ["https://host.example/v1", "http://127.0.0.1:8000/v1", "https://host.example/@me/v1"])
def test_a_url_without_credentials_is_written_as_it_is(url: str) -> None:
    assert settings_of(backend="openai", model="m", base_url=url)["base_url"] == url


def test_the_key_itself_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    assert "hunter2" not in render(settings_of(backend="openai", model="m", base_url="https://host.example/v1"))


@given(st.dictionaries(texts, values, max_size=5))
def test_whatever_settings_hold_the_file_gives_them_back(settings: dict[str, Any]) -> None:
    again = yaml.safe_load(render(settings))
    assert again == settings
    check_same(again, settings, "out")


def test_a_prompt_with_other_slots_than_the_shipped_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "entigraph").mkdir()
    (tmp_path / "entigraph" / "pair.md").write_text("=== user ===\n$title $documnt $first $second")
    with pytest.raises(PromptError, match=r"entigraph/pair must have the slots .*\$document.*yours has .*\$documnt"):
        load_prompts(PromptBook(tmp_path), load_method("entigraph"))
