"""Copied runs of words are seen."""

from __future__ import annotations

from synthcpt.text.overlap import copied_share


def test_copied_runs_are_seen_whatever_the_case_and_without_spaces() -> None:
    source = "The weir was rebuilt in 1912 by the miller's own sons, who sold it."
    assert copied_share("THE WEIR was rebuilt in 1912, by the miller's own sons", source) == 1.0
    assert copied_share("A dam holds water back, so a mill needs one.", source) == 0.0
    half = copied_share("the weir was rebuilt in and then nobody knew it", source)
    assert half == 0.5
    assert copied_share("港で働き、後に港長となった", "有田さんは港で働き、後に港長となった。") == 1.0
    assert copied_share("weir was", source) == 0.0
