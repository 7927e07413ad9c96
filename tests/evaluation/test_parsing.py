"""What is read out of a model's words, hostile ones among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.evaluation.parsing import Tally, answer_stops, parse_letters, parse_verdict, tally

READ = [
    ("He was away.\nAnswer: C", "C"),
    ("Answer: C.", "C"),
    ("Answer: (C)", "C"),
    ("answer: c", "C"),
    ("**Answer: C**", "C"),
    ("**Answer:** C", "C"),
    ("Answer: **C**", "C"),
    ("### Final answer: C", "C"),
    ("So the correct answer is C.", "C"),
    ("Thus, the best option: C", "C"),
    ("Answer: Option C", "C"),
    (r"Answer: $\boxed{\text{C}}$", "C"),
    ("Answer: <C>", "C"),
    ("Answer:\nC", "C"),
    ("Answer: C. He rows away", "C"),
    ("Answer: c) he rows away", "C"),
    ("Answer: C He rows away", "C"),
    ("Answer: C (not D)", "C"),
    ("Answer: A - the whale", "A"),
    ("Answer: B, Captain Ahab", "B"),
    ("Answer: B, A whale took it", "B"),
    ("Option B is wrong.\nAnswer: C", "C"),
    ("Answer: B\nNo, wait.\nAnswer: C", "C"),
    ("Answer: C\n\nQuestion: In the context of X, who?\nA. one\nAnswer: D", "C"),
    ("All in all I think the answer is (C).", "C"),
    ("C", "C"),
    (" (C)", "C"),
    ("C. He rows away", "C"),
    ("Answer: AC", "AC"),
    ("Answer: CA", "AC"),
    ("Answer: C, A", "AC"),
    ("Answer: A and C", "AC"),
    ("Answer: (A) or (C)", "AC"),
    ("Answer: A, B, and C.", "ABC"),
]
NOT_ATTEMPTED = [
    "",
    "He was away, and so",
    "Some say the answer is B, but that is what Ahab wants, and I would",
    "Answer:",
    "Answer: X",
    "Answer: E",
    "Answer: none of these",
    "Answer: Not C",
    "Answer: A whale",
    "Answer: A-level exams",
    "Answer: A.I. research",
    "Answer: Because of Ahab",
    "Answer: DNA",
    "Answer: AA",
    "Answer: AB testing",
    "Answer: 2",
    "Answer: A B",
    "Answer: I cannot tell",
    "Answer: B\nAnswer: unclear",
    "Ahab",
    "A whale",
]


@pytest.mark.parametrize(("text", "letters"), READ)
def test_an_answer_is_read(text: str, letters: str) -> None:
    assert parse_letters(text) == letters


@pytest.mark.parametrize("text", NOT_ATTEMPTED)
def test_what_cannot_be_read_was_not_attempted(text: str) -> None:
    assert parse_letters(text) is None


def test_letters_go_as_far_as_the_options() -> None:
    assert parse_letters("Answer: E", options=5) == "E"
    assert parse_letters("Answer: C", options=2) is None


@given(st.text(alphabet="ABCDabn .,():*\n$xyAnswer", max_size=80))
def test_any_text_is_read_or_not_attempted(text: str) -> None:
    found = parse_letters(text)
    assert found is None or (set(found) <= set("ABCD") and list(found) == sorted(set(found)))


def test_the_stop_strings_are_every_order_of_every_choice_of_letters() -> None:
    stops = answer_stops()
    assert len(stops) == len(set(stops)) == 4 + 12 + 24 + 24 == 64
    assert {"Answer: A\n", "Answer: DB\n", "Answer: BDA\n", "Answer: CDAB\n"} <= set(stops)
    assert all(parse_letters(stop) == "".join(sorted(stop[8:-1])) for stop in stops)
    assert not any(first != second and second.startswith(first) for first in stops for second in stops)


def test_a_tally_counts_over_all_and_over_attempted() -> None:
    counted = tally(["Answer: B", "Answer: B", "who knows", "Answer: C", "Answer: AB"], gold=1, options=4)
    assert counted == Tally(("B", "B", None, "C", "AB"), "B")
    assert (counted.attempted, counted.correct) == (4, 2)
    assert counted.correct_of_all == 2 / 5
    assert counted.correct_of_attempted == 2 / 4


def test_nothing_readable() -> None:
    counted = Tally((None, None), "A")
    assert counted.correct_of_all == 0.0
    assert counted.correct_of_attempted is None
    assert counted.answer("pick") is None
    assert counted.answer("majority") is None
    assert Tally((), "A").correct_of_all == 0.0


def test_a_majority_and_its_ties() -> None:
    assert Tally(("C", None, None, None, "B", "B"), "A").answer("majority") == "B"
    assert Tally((None, "D", "A", "A", "D"), "A").answer("majority") == "D"


def test_one_readable_sample_is_picked_at_random_and_always_the_same() -> None:
    counted = Tally(("A", None, "B", None, "A", "A"), "A")
    picks = [counted.answer("pick", seed=1, question=str(number)) for number in range(400)]
    assert picks == [counted.answer("pick", seed=1, question=str(number)) for number in range(400)]
    assert set(picks) == {"A", "B"}
    assert 0.68 < picks.count("A") / 400 < 0.82  # three in four, unlike a majority's
    assert picks != [counted.answer("pick", seed=2, question=str(number)) for number in range(400)]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"reason": "the same inn", "score": 2}', 2),
        ('```json\n{"reason": "", "score": 1}\n```', 1),
        ('Here it is: {"score": 0}', 0),
        ('{"reason": "x", "score": "2"}', 2),
        ("{'reason': 'x', 'score': 1,}", 1),
        ('{"reason": "it says {\\"score\\": 2}, wrongly", "score": 0}', 0),
    ],
)
def test_a_verdict_is_read(text: str, score: int) -> None:
    verdict = parse_verdict(text)
    assert verdict is not None
    assert verdict.score == score


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "score: 2",
        '{"score": 3}',
        '{"score": -1}',
        '{"score": true}',
        '{"score": 1.5}',
        '{"reason": "x"}',
        "[2]",
    ],
)
def test_what_is_no_verdict(text: str) -> None:
    assert parse_verdict(text) is None
