"""Options are shuffled, and the right one is never lost among them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from synthcpt.text.choices import LABELS, right_option, shuffled

OPTIONS = ["Corve Mill", "Bellis Reach", "Dunmar Point", "Arden Vale"]


@pytest.mark.parametrize(
    ("answer", "place"),
    [("Dunmar Point", 2), ("the dunmar point.", 2), ("C", 2), ("(c)", 2), ("d.", 3), ("E", None), ("Elsewhere", None)],
)
def test_the_right_option_is_found_by_its_words_or_its_letter(answer: str, place: int | None) -> None:
    assert right_option(OPTIONS, answer) == place


def test_an_option_given_twice_is_none() -> None:
    assert right_option(["A mill", "a mill", "A weir"], "a mill") is None


@pytest.mark.parametrize("label", LABELS)
def test_the_gold_line_is_the_right_options_own(label: str) -> None:
    for seed in range(20):
        choices = shuffled(OPTIONS, 1, random.Random(seed), [label])
        lines = choices.lines.split("\n")
        assert sorted(line[len(label) :] for line in lines) == sorted(OPTIONS)
        assert choices.gold.endswith("Bellis Reach")
        assert choices.gold in choices.lines
        assert len({line[: len(label)] for line in lines}) == (1 if label == "- " else 4)


def test_the_right_option_stands_everywhere_equally_often() -> None:
    lines = (shuffled(OPTIONS, 0, random.Random(seed), ["- "]).lines.split("\n") for seed in range(2000))
    places = Counter(line.index("- Corve Mill") for line in lines)
    assert set(places) == {0, 1, 2, 3}
    assert all(420 < count < 580 for count in places.values()), "four standard deviations about 500"
