"""A sample of the documents, and from it to all of them."""

from __future__ import annotations

import pytest

from synthcpt.generation.sample import SAMPLE_DOCUMENTS, SAMPLE_TOKENS, Sample, extrapolate
from synthcpt.records import Document
from synthcpt.text.tokens import estimate_tokens

SIZES = [100.0, 200.0, 300.0, 400.0, 500.0]


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([1.0] * 5, 40),  # once a document: by documents
        ([size / 10 for size in SIZES], 2000),  # in proportion to the text: by tokens
        ([7 + size / 10 for size in SIZES], 280 + 2000),  # both
        ([6.0, 5.0, 4.0, 3.0, 2.0], 160),  # falling counts as level
        ([0.0, 0.0, 0.0, 0.0, 500.0], 40 * (100 + 2 / 3 * 200)),  # no steeper than twice proportion
    ],
)
def test_a_sample_stands_for_all_documents(values: list[float], total: float) -> None:
    assert extrapolate(values, SIZES, 40, 20_000) == pytest.approx(total)


def test_a_whole_corpus_is_its_own_sum() -> None:
    values = [3.0, 9.0, 1.0, 4.0, 8.0]
    assert extrapolate(values, SIZES, 5, sum(SIZES)) == pytest.approx(sum(values))


def test_few_documents_count_in_proportion() -> None:
    assert extrapolate([1.0, 1.0], [100.0, 200.0], 40, 20_000) == pytest.approx(40 * 20_000 / 40 / 150)


def test_the_result_is_never_below_nothing() -> None:
    assert extrapolate([0.0, 0.0, 0.0, 0.0, 500.0], SIZES, 40, 40) == 0
    assert extrapolate([], [], 40, 1000) == 0
    assert extrapolate([5.0], [0.0], 3, 0) == 15


@pytest.mark.parametrize("words", [5, 400])
def test_a_sample_is_large_enough_and_does_not_depend_on_the_order(words: int) -> None:
    documents = [Document(f"d{i}", "word " * words) for i in range(3000)]
    forward, backward = Sample(), Sample()
    for one, other in zip(documents, reversed(documents), strict=True):
        forward.offer(one)
        backward.offer(other)
    sampled = forward.documents
    assert sampled == backward.documents
    assert len(sampled) < len(documents) or words == 5
    assert len(sampled) >= SAMPLE_DOCUMENTS
    assert sum(estimate_tokens(document.text) for document in sampled) >= min(SAMPLE_TOKENS, 3000 * 2)
