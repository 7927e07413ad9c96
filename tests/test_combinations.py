"""Subsets by number, and random orders that take no memory."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, pairwise
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.combinations import Permutation, unrank


@pytest.mark.parametrize("n", range(10))
def test_unrank_gives_the_lexicographic_order(n: int) -> None:
    for k in range(n + 1):
        assert [unrank(i, n, k) for i in range(comb(n, k))] == list(combinations(range(n), k))


@given(st.data())
def test_a_large_subset_has_the_number_it_was_made_from(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(3, 5000)), data.draw(st.integers(1, 3))
    chosen = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=k, max_size=k)))
    before = [0] + [comb(n, k) - comb(n - low, k) for low in chosen[:1]]
    rank, start = before[-1], chosen[0] + 1
    for place, value in enumerate(chosen[1:], start=1):
        rank += sum(comb(n - low - 1, k - place - 1) for low in range(start, value))
        start = value + 1
    assert list(unrank(rank, n, k)) == chosen


@pytest.mark.parametrize(("index", "n", "k"), [(-1, 4, 2), (6, 4, 2), (0, 2, 3), (1, 5, 0)])
def test_a_number_outside_is_an_error(index: int, n: int, k: int) -> None:
    with pytest.raises(IndexError, match=f"{k}-subsets of {n}"):
        unrank(index, n, k)


def first(order: Permutation, count: int) -> list[int]:
    return [order[i] for i in range(count)]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_permutation_holds_every_item_once_at_every_small_size(seed: int) -> None:
    for size in range(601):
        order = Permutation(size, random.Random(seed * 1000 + size))
        assert len(order) == size
        assert sorted(first(order, size)) == list(range(size))


@pytest.mark.parametrize("size", [4**8 - 1, 4**8, 4**8 + 1, comb(5000, 2), comb(5000, 3), 10**15])
def test_a_large_permutation_repeats_nothing_and_stays_inside(size: int) -> None:
    order = Permutation(size, random.Random(5))
    places = {*range(2000), *range(size - 2000, size), *(random.Random(6).randrange(size) for _ in range(2000))}
    drawn = {order[i] for i in places}
    assert len(drawn) == len(places)
    assert min(drawn) >= 0
    assert max(drawn) < size


def test_taking_more_continues_the_same_order() -> None:
    few, many = Permutation(10**6, random.Random(1)), Permutation(10**6, random.Random(1))
    assert first(few, 50) == first(many, 500)[:50]
    assert first(few, 50) != first(Permutation(10**6, random.Random(2)), 50)


def test_the_order_is_that_of_earlier_versions() -> None:
    assert first(Permutation(1000, random.Random(0)), 8) == [979, 735, 913, 803, 855, 633, 981, 950]


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_an_item_outside_is_an_error(index: int) -> None:
    with pytest.raises(IndexError, match="permutation of 5"):
        Permutation(5, random.Random(0))[index]


@pytest.mark.parametrize("size", [2, 3, 5, 10, 17, 33])
def test_every_item_is_about_as_often_in_every_place(size: int) -> None:
    trials = 4000
    places, rng = {0, size // 2, size - 1}, random.Random(size)
    counts: Counter[tuple[int, int]] = Counter()
    for _ in range(trials):
        order = Permutation(size, rng)
        counts.update((place, order[place]) for place in places)
    expected = trials / size
    for place in places:
        chi_square = sum((counts[place, item] - expected) ** 2 / expected for item in range(size))
        # A network of few rounds is not quite fair on a short range: with four, this came to 98 for a size of 5.
        assert chi_square < 2 * size + 30, (place, chi_square)


def test_neighbours_do_not_stay_neighbours() -> None:
    order = first(Permutation(4096, random.Random(3)), 4096)
    rising = sum(after - before == 1 for before, after in pairwise(order))
    assert rising < 10
