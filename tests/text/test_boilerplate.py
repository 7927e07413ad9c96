"""What a model says about its text goes; what the text says stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.boilerplate import strip_boilerplate

TEXT = "The light stands on the head.\n\nIt has burned for many years."

WRAPPED = [
    "Here is the rewritten passage:\n\n{}",
    "Here's the rephrased text, as a letter:\n{}",
    "Sure!\n\n{}",
    "Certainly! Below is a version for children:\n\n---\n\n{}\n\n---",
    "**Rewritten Text:**\n\n{}",
    "Here is the rewritten text: {}",
    "As requested, I have rewritten the article.\n\n{}",
    "```markdown\n{}\n```",
    "~~~\n{}\n~~~",
    "Here is the text:\n\n```\n{}\n```\n\nLet me know if you need anything else.",
    "{}\n\nNote: This version keeps the tone light.",
    "{}\n\n(Please note that I have rewritten the passage for a young audience.)",
    "{}\n\n*This rewritten version maintains all key facts.*",
    "{}\n\nI hope this helps!",
    "{}\n\n(Word count: 312)",
    "{}\n\n***\n\nNote: the original text was longer.\n\nI hope this helps!",
    "Hier ist der umgeschriebene Text:\n\n{}\n\nHinweis: Die Fassung ist für Kinder.",
    "Voici le texte réécrit :\n\n{}",
    "Claro. Aquí tienes el texto reescrito:\n\n{}",
    "Ecco il testo riscritto:\n\n{}",
    "Вот переписанный текст:\n\n{}",
    "好的，以下是改写后的文本：\n\n{}\n\n注：以上文本已改写。",
    "以下は書き換えた文章です。\n\n{}",
    "다음은 다시 쓴 글입니다:\n\n{}",
]
OWN = [
    TEXT,
    "This is the story of the Corrane Light.\n\n" + TEXT,
    "Here is what happened: " + TEXT,
    "Here is the letter:\n\n" + TEXT,
    "Sure enough, it rained.\n\n" + TEXT,
    "Certainly the tower is tall.\n" + TEXT,
    "Note: opening hours\n\n" + TEXT,
    TEXT + "\n\nNote: the information desk closes at five.",
    TEXT + "\n\nPlease note that the museum is closed on Mondays.",
    TEXT + "\n\nI have kept the log ever since.",
    TEXT + "\n\nThis text is carved over the door.",
    TEXT + "\n\nLet me know when you arrive.",
    "The light.\n\nHere is the rewritten passage:\n\nIt burns.",
    "Read this.\n\n```python\nprint(1)\n```\n\nAnd this.\n\n```\nx\n```",
    "```python\nprint(1)\n```",
]


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_remarks_at_the_edges_go(wrapped: str) -> None:
    assert strip_boilerplate(wrapped.format(TEXT)) == TEXT


@pytest.mark.parametrize("text", OWN)
def test_what_belongs_to_the_text_stays(text: str) -> None:
    assert strip_boilerplate(text) == text


@pytest.mark.parametrize("text", ["", "  \n ", "---", "```\n\n```", "Note:", "Here is the rewritten text:"])
def test_next_to_nothing_is_no_error(text: str) -> None:
    assert len(strip_boilerplate(text)) <= len(text.strip())


@given(st.lists(st.sampled_from(["Sure!", "Note: this version", "```", "---", "Text.", "", "Output:"]), max_size=9))
def test_what_is_left_is_a_piece_of_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert strip_boilerplate(text) in text


@pytest.mark.parametrize("piece", ["Here is ", "Note: this version\n\n", "```\n", ":", "sure ", "- ", "(", "i have "])
def test_hostile_length_is_no_burden(piece: str) -> None:
    text = piece * 200_000
    assert len(strip_boilerplate(text)) <= len(text)
