"""A written question stands with its passage only where its answer does."""

from __future__ import annotations

from typing import Any

import pytest

from synthcpt.text.grounding import Quotable
from synthcpt.text.headings import title_above
from synthcpt.text.questions import answer_in_words, objection

PASSAGE = (
    "The mill of Arden was built in *1900* by Ada Lisle. Its wheel, which is of oak, measures 4 metres; the lower \
wheel measures 3."
)
GOOD = {
    "question": "Who built the mill?", "answer": "Ada Lisle", "evidence": "built in 1900 by Ada Lisle"
}  # fmt: skip


def verdict(**changes: Any) -> str:
    found = objection(**{**GOOD, **changes}, source=Quotable(PASSAGE), title="The Mill of Arden", least=0.5)
    return found.reason if found else ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"answer": "Ada Lisle, who built the mill of Arden in 1900"},
        {"evidence": "The mill of Arden ... by Ada Lisle"},
        {"options": ["Ada Lisle", "Bram Oake"]},
        {"options": ["(a) Bram Oake", "(b) Ada Lisle"], "answer": "b"},
        {"answer": "7 metres", "evidence": "measures 4 metres; the lower wheel measures 3", "computes": True},
        {
            "reasoning": "Together they have 4 + 3 = 7 metres.",
            "evidence": "measures 4 metres; the lower wheel measures 3",
        },
        {"reasoning": "Bram Oake is not named as a builder.", "options": ["Ada Lisle", "Bram Oake"]},
    ],
)
def test_what_rests_on_the_passage_stands(changes: dict[str, Any]) -> None:
    assert verdict(**changes) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": " \n"}, "empty_task"),
        ({"answer": ""}, "empty_task"),
        ({"evidence": "built in 1900 by Bram Oake"}, "not_grounded"),
        ({"evidence": ""}, "not_grounded"),
        ({"answer": "Bram Oake"}, "name_invented"),
        ({"answer": "it was built in 1901"}, "number_invented"),
        ({"answer": "seven metres", "evidence": "measures 4 metres; the lower wheel measures 3"}, "number_invented"),
        ({"answer": "00", "evidence": "built in 1900 by"}, "number_invented"),
        ({"answer": "9 metres", "evidence": "measures 4 metres; the lower wheel measures 3", "computes": True},
         "number_invented"),
        ({"answer": "somebody rich, generous and patient"}, "unsupported"),
        ({"reasoning": "Mayor Grimthorpe ordered it."}, "name_invented"),
        ({"answer": "B"}, "bad_options"),
        ({"options": ["Ada Lisle"]}, "bad_options"),
        ({"options": ["Ada Lisle", " "]}, "bad_options"),
        ({"options": ["Ada Lisle", "ada lisle"]}, "bad_options"),
        ({"options": ["Ada Lisle", "Bram Oake"], "answer": "Corve"}, "no_right_option"),
        ({"options": ["Ada Lisle", "Bram Oake"], "answer": "B"}, "name_invented"),
    ],
)  # fmt: skip
def test_what_does_not_is_told_apart(changes: dict[str, Any], reason: str) -> None:
    assert verdict(**changes) == reason


def test_an_answer_is_told_in_words() -> None:
    assert answer_in_words("B", ["A. oak", "B. elm"]) == "elm"
    assert answer_in_words(" elm ", ()) == "elm"
    assert answer_in_words("ash", ["oak", "elm"]) == "ash"


@pytest.mark.parametrize(
    ("text", "title", "shown"),
    [
        ("\nText.\n\n## More\n", "The Mill", "# The Mill\n\nText.\n\n## More"),
        ("# The Mill\n\nText.", "The Mill", "# The Mill\n\nText."),
        ("The mill is old.\n\n## More", "The Mill", "The mill is old.\n\n## More"),
        ("Text.", " \n", "Text."),
    ],
)
def test_a_source_stands_unaltered_under_its_title(text: str, title: str, shown: str) -> None:
    assert title_above(text, title) == shown
