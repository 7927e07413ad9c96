"""What a budget takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from full_runs import text_of, write_full_run

from synthcpt.curation import select_tokens
from synthcpt.curation.selection import Ints, balanced_order, first_tokens
from synthcpt.curation.words import mixed

Columns = tuple[np.ndarray, Ints, Ints, Ints]


def rows(counts: dict[tuple[int, int], int], tokens: int = 10) -> Columns:
    """So many rows of each (document, method), of equal length."""
    documents = np.concatenate([np.full(count, key[0]) for key, count in counts.items()])
    methods = np.concatenate([np.full(count, key[1]) for key, count in counts.items()])
    ids = mixed(np.arange(len(documents), dtype=np.uint64))
    return ids, documents, methods, np.full(len(documents), tokens)


def test_every_document_gives_a_text_before_one_gives_two() -> None:
    columns = rows({(0, 0): 50, (1, 0): 5, (2, 0): 1})
    order = balanced_order(*columns, seed=0)
    documents = columns[1][order]
    assert sorted(documents[:3]) == [0, 1, 2]
    for end in range(3, 12, 2):  # the two that have more go on in turns
        assert np.bincount(documents[:end], minlength=3)[:2].tolist() == [(end - 1) // 2] * 2
    assert sorted(order) == list(range(56))


def test_documents_give_tokens_alike_and_not_texts() -> None:
    ids, documents, methods, tokens = rows({(0, 0): 100, (1, 0): 100})
    tokens = np.where(documents == 0, 10, 40)
    taken = first_tokens(balanced_order(ids, documents, methods, tokens, 0), tokens, 800)
    assert [int(tokens[taken][documents[taken] == one].sum()) for one in (0, 1)] == [400, 400]


def test_the_methods_of_a_document_give_tokens_alike() -> None:
    columns = rows({(0, 0): 200, (0, 1): 20, (1, 0): 30, (1, 1): 30})
    taken = first_tokens(balanced_order(*columns, seed=3), columns[3], 400)
    pairs = columns[1][taken] * 2 + columns[2][taken]
    assert np.bincount(pairs).tolist() == [10, 10, 10, 10]


def test_proportional_takes_the_same_share_of_each() -> None:
    columns = rows({(0, 0): 200, (1, 0): 40, (1, 1): 80})
    taken = first_tokens(balanced_order(*columns, seed=3, balance="proportional"), columns[3], 800)
    counts = np.bincount(columns[1][taken] * 2 + columns[2][taken], minlength=4)
    assert counts[0] == 50
    assert abs(counts[2] - 10) <= 1
    assert abs(counts[3] - 20) <= 1


@pytest.mark.parametrize("balance", ["documents", "proportional"])
def test_smaller_budgets_are_within_larger_ones(balance: str) -> None:
    rng = np.random.default_rng(4)
    count = 500
    columns = (
        mixed(np.arange(count, dtype=np.uint64)), rng.integers(0, 20, count), rng.integers(0, 3, count),
        rng.integers(1, 400, count),
    )  # fmt: skip
    order = balanced_order(*columns, seed=1, balance=balance)
    before: set[int] = set()
    for target in range(0, int(columns[3].sum()) + 1000, 500):
        taken = set(first_tokens(order, columns[3], target).tolist())
        assert before <= taken
        before = taken
    assert len(before) == count


def test_the_nearest_sum_is_taken() -> None:
    tokens, order = np.array([100, 100, 100]), np.array([2, 0, 1])
    counts = [len(first_tokens(order, tokens, target)) for target in (1, 49, 51, 100, 149, 151, 299, 9999)]
    assert counts == [0, 0, 1, 1, 1, 2, 3, 3]
    assert first_tokens(order, tokens, 200).tolist() == [2, 0]


def test_seeds_give_other_orders_and_other_rows_change_none() -> None:
    columns = rows({(0, 0): 60})
    first = balanced_order(*columns, seed=0)
    assert not np.array_equal(first, balanced_order(*columns, seed=1))
    fewer = balanced_order(*(column[:30] for column in columns), seed=0)
    assert [row for row in first if row < 30] == fewer.tolist()


def test_select_tokens_reads_a_run(tmp_path: Path) -> None:
    texts = [{"text": text_of(n, 20), "document": f"doc-{n % 4}"} for n in range(80)]
    run = write_full_run(tmp_path / "run", texts)
    small, large = select_tokens(run, 200, seed=5), select_tokens(str(run), 800, seed=5)
    assert (len(small), len(large)) == (10, 40)
    assert set(small) < set(large)
    assert np.bincount(large % 4).tolist() == [10, 10, 10, 10]
    assert list(large) == sorted(large)
    assert set(select_tokens(run, 200, seed=6)) != set(small)


def test_select_tokens_of_no_texts_is_none(tmp_path: Path) -> None:
    assert len(select_tokens(write_full_run(tmp_path / "run", []), 100)) == 0
