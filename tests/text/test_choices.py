"""Options are shuffled, and the right one is never lost among them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from synthcpt.text.choices import LABELS, bare_options, flawed, optionless, right_option, shuffled

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


@pytest.mark.parametrize(
    ("options", "answer", "place"),
    [
        (["A. oak", "B. elm"], "B. elm", 1),
        (["A. oak", "B. elm"], "elm", 1),
        (["(1) oak", "(2) elm"], "b", 1),
        (["oak", "elm"], "B) elm", 1),
        (["oak", "elm"], "A) elm", None),
        (["C++", "C"], "C++", 0),
        (["A. Lisle", "B. Oake", "A. Moss"], "A. Moss", 2),
        (["oak\n wood", "elm"], "oak wood", 0),
    ],
)
def test_a_models_own_labels_do_no_harm(options: list[str], answer: str, place: int | None) -> None:
    assert right_option(options, answer) == place


def test_own_labels_are_taken_off_all_options_or_none() -> None:
    assert bare_options(["a) oak", "b) elm"]) == ["oak", "elm"]
    assert bare_options(["A. Lisle", "B. Oake", "A. Moss"]) == ["A. Lisle", "B. Oake", "A. Moss"]
    assert bare_options(["a) oak", "elm"]) == ["a) oak", "elm"]


@pytest.mark.parametrize(
    ("options", "answer", "reason"),
    [
        (["oak", "elm"], "elm", ""),
        (["oak"], "oak", "bad_options"),
        (["oak", ""], "oak", "bad_options"),
        (["oak", "Oak"], "oak", "bad_options"),
        (["oak", "elm"], "ash", "no_right_option"),
    ],
)
def test_what_is_no_choice_is_told(options: list[str], answer: str, reason: str) -> None:
    verdict = flawed(options, answer)
    assert (verdict.reason if verdict else "") == reason


@pytest.mark.parametrize("answer", ["B", "(b)", "c.", "D)", " a "])
def test_a_letter_without_options_is_no_answer(answer: str) -> None:
    verdict = optionless(answer, "A mill that was built of oak")
    assert verdict is not None
    assert verdict.reason == "bad_options"
    assert optionless("A", "A mill"), "an article"


@pytest.mark.parametrize(("answer", "evidence"), [("C", "the vitamin C in them"), ("elm", ""), ("I", ""), ("7", "")])
def test_other_short_answers_are_answers(answer: str, evidence: str) -> None:
    assert optionless(answer, evidence) is None
