"""A text is cut into chunks of a random number of sentences, alike each time, and nothing of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.text.poisson_chunks import poisson_chunks

SENTENCES = [f"The keeper of house number {n} wrote down what he saw of the sea that night." for n in range(60)]
TEXT = "\n\n".join(" ".join(SENTENCES[at : at + 6]) for at in range(0, 60, 6))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab .!\n#-|\t。"), max_size=300), st.integers(1, 40))
def test_chunks_join_to_the_text_whatever_it_is(text: str, most_chars: int) -> None:
    spans = poisson_chunks(text, mean_sentences=3, most_sentences=5, most_chars=most_chars)
    assert "".join(text[start:end] for start, end in spans) == (text if text.strip() else "")
    assert all(text[start:end].strip() for start, end in spans)


def test_leading_and_trailing_line_ends_are_kept() -> None:
    text = "\n\n  First. Second.\n\n"
    spans = poisson_chunks(text, mean_sentences=1, most_sentences=1)
    assert [text[start:end] for start, end in spans] == ["\n\n  First.", " Second.\n\n"]


def test_chunk_lengths_are_poisson_and_capped() -> None:
    text = " ".join(f"Sentence {number} is told here." for number in range(16_000))
    counts = [text[start:end].count("told") for start, end in poisson_chunks(text)][:-1]
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert mean == pytest.approx(8, abs=0.25)
    assert variance == pytest.approx(7, abs=1.0)
    assert max(counts) <= 20
    assert max(end - start for start, end in poisson_chunks(text, most_sentences=4)) < 4 * 30


def test_the_same_text_is_cut_alike_and_other_texts_and_seeds_are_not() -> None:
    assert poisson_chunks(TEXT) == poisson_chunks(str(TEXT.encode(), "utf-8"))
    assert poisson_chunks(TEXT) != poisson_chunks(TEXT, seed=1)
    others = [TEXT.replace("the sea", other) for other in ("its tides", "the fog", "a storm")]
    counts = {tuple(text[a:b].count("keeper") for a, b in poisson_chunks(text)) for text in others}
    assert len(counts) == len(others)


def test_a_heading_goes_with_what_it_heads() -> None:
    text = "".join(f"# Part {n}\n\nOne of {n}. Two of {n}.\n\n" for n in range(40))
    found = [text[start:end] for start, end in poisson_chunks(text, mean_sentences=2)]
    assert len(found) > 20
    assert not [chunk for chunk in found if chunk.strip().splitlines()[-1].startswith("#")]


def test_hostile_texts_are_cut_to_size_in_time() -> None:
    for text in ("." * 100_000, "a" + " " * 100_000 + "b", "word " * 40_000, "#\n" * 50_000, "x" * 100_000):
        spans = poisson_chunks(text, most_chars=2000)
        assert "".join(text[start:end] for start, end in spans) == text
        assert max(len(text[start:end].strip()) for start, end in spans) <= 2000
