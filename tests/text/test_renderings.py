"""Pairs are put into words without losing any of theirs."""

from __future__ import annotations

import random

import pytest

from synthcpt.text.renderings import ARRANGEMENTS, arranged, render, without_words

WORDING = {
    "plain": "P $question | $answer",
    "choice": "C $question | $options | $answer",
    "reasoned": "R $question | $reasoning | $answer",
    "reasoned_choice": "RC $question | $options | $reasoning | $answer",
}


@pytest.mark.parametrize(
    ("options", "reasoning", "kind"),
    [([], "", "P"), (["elm", "oak"], "", "C"), ([], "It floats.", "R"), (["elm", "oak"], "It floats.", "RC")],
)
def test_each_kind_has_its_template(options: list[str], reasoning: str, kind: str) -> None:
    told = render("Which wood costs $5?", "oak", options, reasoning, WORDING, random.Random(0))
    assert told.whole.startswith(f"{kind} Which wood costs $5? | ")
    assert told.whole.endswith("oak")
    assert told.answered.endswith("oak")
    assert all(option in told.asked for option in options)
    assert reasoning in told.whole
    assert reasoning in told.answered


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_keeps_every_pair(arrangement: str) -> None:
    pairs = [render(f"Question {n}?", f"answer {n}", [], "", WORDING, random.Random(0)) for n in range(3)]
    text = arranged(pairs, arrangement)
    places = [text.index(f"{half} {n}") for n in range(3) for half in ("Question", "answer")]
    assert places == sorted(places)


def test_arrangements_differ() -> None:
    pairs = [
        render(f"Question {n}?", f"answer {n}", ["x", f"answer {n}"], "", WORDING, random.Random(0)) for n in (0, 1)
    ]
    assert len({arranged(pairs, arrangement) for arrangement in ARRANGEMENTS}) == len(ARRANGEMENTS)
    inline = arranged(pairs, "inline")
    assert "\n" not in inline
    assert inline.count("answer 0.") == 1, "a pair ends before the next begins"
    turns = arranged(pairs, "next_turn").split("\n")
    assert [line[:2] for line in turns] == ["- ", "  ", "  ", "- "] * 2, "an item a turn, with its lines under it"


def test_templates_without_words_are_those_of_slots_and_signs() -> None:
    templates = {"plain": ["$question\n-> $answer", "Q: $question\n$answer"], "intro": ["Questions:"]}
    assert without_words(templates) == {"plain": ["$question\n-> $answer"], "intro": [""]}
