"""A section that is read alone says what document it is of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.headings import carry_title
from synthcpt.text.mentions import canonical

LINES = ["# a", "## The Roads", "#", "###  ", "# b ##", "text", "", "The Roads", "#no", "\t# x"]
lines = st.lists(st.sampled_from(LINES))
titles = st.sampled_from(["The Roads", "Straße (1911)", "C++", "道の本", "Roads: a “history”"])


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("# Ada\n\nText.", "# Ada (The Roads)\n\nText."),
        ("# Ada in The Roads\n\nText.", "# Ada in The Roads\n\nText."),
        ("# Ada in THE ROADS\n\nText.", "# Ada in THE ROADS\n\nText."),
        ("# Ada ##\nText.", "# Ada (The Roads)\nText."),
        ("## One\na\n### Two\nb", "## One (The Roads)\na\n### Two (The Roads)\nb"),
        ("# \nText", "# The Roads\n\n# \nText"),
        ("#  #\nText", "# The Roads\nText"),
        ("Text without a heading.", "# The Roads\n\nText without a heading."),
        ("The roads are old.", "The roads are old."),
        ("#hashtag is no heading", "# The Roads\n\n#hashtag is no heading"),
        ("####### seven are no heading", "# The Roads\n\n####### seven are no heading"),
        ("", "# The Roads\n\n"),
    ],
)
def test_every_heading_carries_the_title(text: str, carried: str) -> None:
    assert carry_title(text, "The Roads") == carried


@pytest.mark.parametrize("title", ["", "   ", "\n"])
def test_without_a_title_nothing_changes(title: str) -> None:
    assert carry_title("# Ada\n\nText.", title) == "# Ada\n\nText."


def test_a_title_is_one_line_and_no_pattern() -> None:
    assert carry_title("# Ada", "a\n b\\1\\g<0>") == "# Ada (a b\\1\\g<0>)"


def test_a_title_deep_in_the_text_does_not_count_as_its_beginning() -> None:
    text = "word " * 200 + "The Roads"
    assert carry_title(text, "The Roads").startswith("# The Roads\n\nword")


@given(lines, titles)
def test_a_second_time_changes_nothing_and_no_line_is_lost(parts: list[str], title: str) -> None:
    text = "\n".join(parts)
    once = carry_title(text, title)
    assert carry_title(once, title) == once
    assert canonical(title) in canonical(once)
    plain = [line for line in parts if line and not line.startswith("#")]
    assert [line for line in once.split("\n") if line in plain] == plain


@given(st.text(max_size=40), st.text(max_size=10))
def test_any_text_and_title(text: str, title: str) -> None:
    assert len(carry_title(text, title)) >= len(text) - text.count(" ") - text.count("#") - text.count("\t")


@pytest.mark.parametrize(
    "text",
    ["# a" + " " * 2_000_000 + "b", "# a" + "#" * 2_000_000 + "b", "#" * 2_000_000, "# " * 10**6, "# a\n" * 500_000],
)
def test_megabytes_take_linear_time(text: str) -> None:
    assert "Title" in carry_title(text, "Title")
