"""Sentence boundaries: lossless on anything, and where a reader would put them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text import sentences
from synthcpt.text.sentences import chunk_spans, sentence_spans

MARKS = st.text(alphabet=st.sampled_from(list("aB1 \n\t.!?…。।\"'”)]*_#|-[")), max_size=60)
TEXTS = st.text(max_size=80) | MARKS


def split(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_spans(text)]


@given(TEXTS)
def test_spans_cover_the_text_without_gap_or_overlap(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)


@given(TEXTS, st.integers(1, 40))
def test_chunks_cover_the_text_and_none_is_too_long(text: str, max_chars: int) -> None:
    spans = chunk_spans(text, max_chars)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(0 < end - start <= max_chars for start, end in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Vane met Dr. J. R. Sarn at St. Ives. He paid.", ["Mr. Vane met Dr. J. R. Sarn at St. Ives.", "He paid."]),
        ("It cost 3.50 crowns, e.g. for coal. Then more.", ["It cost 3.50 crowns, e.g. for coal.", "Then more."]),
        ('"Why?" he asked. "No." It ended.', ['"Why?" he asked.', '"No."', "It ended."]),
        ("It came... and went. Wait… Now.", ["It came... and went.", "Wait…", "Now."]),
        ("See No. 5. He said no. Then he left.", ["See No. 5.", "He said no.", "Then he left."]),
        ("Acme Inc. sold it to Bolt Inc. The end.", ["Acme Inc. sold it to Bolt Inc.", "The end."]),
        ("Martin King Jr. spoke. At 5 p.m. It rained.", ["Martin King Jr. spoke.", "At 5 p.m.", "It rained."]),
        ("starring Kishore, P. Ravi Shankar and Biradar.", ["starring Kishore, P. Ravi Shankar and Biradar."]),
        ("It was out in May.The film did well.", ["It was out in May.", "The film did well."]),
        ("Call foo.Bar() or see example.Com/x now.", ["Call foo.Bar() or see example.Com/x now."]),
        (
            "(It shut.) **So it was.** Then [it] opened.[3] Good.",
            ["(It shut.)", "**So it was.**", "Then [it] opened.[3]", "Good."],
        ),
        (
            "1. The barque sank. She was old.\n2. Nobody knew.",
            ["1. The barque sank.", "She was old.", "2. Nobody knew."],
        ),
    ],
)
def test_stops_that_end_sentences_and_stops_that_do_not(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_markdown_blocks_end_sentences_and_wrapped_lines_do_not() -> None:
    text = "# The Quay\nIt was built\nin 1852\n\n- one\n- two\n| a | b |\n| c | d |\nAfter it"
    assert split(text) == [
        "# The Quay",
        "It was built\nin 1852",
        "- one",
        "- two",
        "| a | b |",
        "| c | d |",
        "After it",
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("今日は晴れ。明日も晴れ。", 2),
        ("「行きます。」と彼は言った。", 1),
        ("राम आया। वह गया।", 2),
        ("كيف حالك؟ أنا بخير.", 2),
        ("یہ گھر ہے۔ وہ گیا۔", 2),
    ],
)
def test_stops_of_other_scripts(text: str, count: int) -> None:
    assert len(sentence_spans(text)) == count


@pytest.mark.parametrize("hostile", [".", ". ", "\n", "a", '."', "A. ", ".\n", "[1].", "# ", "|", "。", "...["])
def test_hostile_repetition_is_split_and_chunked(hostile: str) -> None:
    text = hostile * (400_000 // len(hostile))
    assert sentence_spans(text)[-1][1] == len(text)
    assert len(chunk_spans(text, 5_000)) >= len(text) // 5_000


def test_the_text_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search goes on where the last one's tail ended, so their number is that of the stops, not its square."""
    positions: list[int] = []

    class Counting:
        def search(self, text: str, position: int) -> object:
            positions.append(position)
            return candidate.search(text, position)

    candidate = sentences._CANDIDATE
    monkeypatch.setattr(sentences, "_CANDIDATE", Counting())
    sentence_spans("A b." * 1_000 + "." * 100_000)
    assert len(positions) <= 1_002
    assert positions == sorted(set(positions))


def test_chunks_are_few_balanced_and_end_with_sentences() -> None:
    text = "One two three four. " * 25  # 500 characters
    pieces = [text[start:end] for start, end in chunk_spans(text, 260)]
    assert [len(piece) for piece in pieces] == [260, 240]
    assert all(piece.endswith(". ") for piece in pieces)
    sizes = [end - start for start, end in chunk_spans(text, 490)]
    assert sizes == [260, 240]


def test_a_sentence_longer_than_a_chunk_is_cut_at_a_space_or_else_hard() -> None:
    assert [end for _, end in chunk_spans("alpha beta gamma delta", 12)] == [11, 22]
    assert chunk_spans("x" * 25, 10) == [(0, 10), (10, 20), (20, 25)]


def test_no_text_has_no_chunks_and_no_chunk_can_be_empty() -> None:
    assert chunk_spans("", 5) == []
    with pytest.raises(ValueError, match="at least 1"):
        chunk_spans("a", 0)
