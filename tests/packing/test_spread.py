from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.packing.spread import _Places, colliding, spread
from synthcpt.packing.windows import best_fit


def window_of_each(offsets: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def collisions(order: np.ndarray, offsets: np.ndarray, groups: np.ndarray) -> int:
    return int(colliding(window_of_each(offsets), groups[order]).sum())


def test_colliding_texts_by_hand() -> None:
    windows = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    groups = np.array([5, 5, 1, 5, 2, 3, 3, 3])
    assert colliding(windows, groups).tolist() == [True, True, False, False, False, True, True, True]


def test_texts_of_no_document_never_collide() -> None:
    assert not colliding(np.zeros(4, dtype=np.int64), np.full(4, -1)).any()
    assert colliding(np.zeros(4, dtype=np.int64), np.array([-1, 0, -1, 0])).tolist() == [False, True, False, True]


def test_windows_that_follow_one_another_are_told_apart() -> None:
    """The last source of a window and the first of the next, and -1, must not be taken for one another."""
    windows = np.repeat(np.arange(6), 4)
    groups = np.tile([-1, 0, 1, 2], 6)
    assert not colliding(windows, groups).any()


def test_nothing_collides_where_there_is_nothing() -> None:
    assert not len(colliding(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(-1, 15)), min_size=1, max_size=150),
    st.integers(0, 3),
)
def test_windows_keep_their_lengths_and_collisions_never_rise(pieces: list[tuple[int, int]], seed: int) -> None:
    lengths, groups = (np.array(column, dtype=np.int64) for column in zip(*pieces, strict=True))
    order, offsets = best_fit(lengths, 24, np.random.default_rng(seed))
    given_order = order.copy()
    better = spread(order, offsets, lengths, groups, np.random.default_rng(seed))
    assert order.tolist() == given_order.tolist()
    assert sorted(better) == list(range(len(pieces)))
    assert lengths[better].tolist() == lengths[order].tolist()
    assert collisions(better, offsets, groups) <= collisions(order, offsets, groups)


def pairs(order: np.ndarray, offsets: np.ndarray, groups: np.ndarray) -> int:
    """How many pairs of texts share a window and a source document."""
    held = [groups[order[low:high]] for low, high in itertools.pairwise(offsets)]
    return sum(int((one[:, None] == one).sum() - len(one)) // 2 for one in (window[window >= 0] for window in held))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-1, 4), min_size=6, max_size=60), st.integers(1, 6), st.integers(0, 9))
def test_swaps_taken_together_part_pairs_and_make_no_more_texts_collide(
    groups_of: list[int], size: int, seed: int
) -> None:
    groups, rng = np.array(groups_of), np.random.default_rng(seed)
    order, offsets = np.arange(len(groups)), np.unique([*range(0, len(groups), size), len(groups)])
    places = _Places(order, offsets, groups)
    a, b = places.that_lessen(*rng.integers(0, len(groups), (2, 40)))
    windows = window_of_each(offsets)
    touched = [*windows[a], *windows[b]]
    before = pairs(order, offsets, groups), collisions(order, offsets, groups)
    places.swap(a, b)
    after = pairs(order, offsets, groups), collisions(order, offsets, groups)
    assert len(touched) == len(set(touched))
    assert after[0] <= before[0] - len(a)
    assert after[1] <= before[1]
    assert places.keys.tolist() == _Places(order, offsets, groups).keys.tolist()


def test_collisions_nearly_vanish_where_there_is_room() -> None:
    """Twenty rewrites of each of 200 documents."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(100, 140, 4000)
    groups = np.repeat(np.arange(200), 20)
    order, offsets = best_fit(lengths, 4096, rng)
    before = collisions(order, offsets, groups)
    after = collisions(spread(order, offsets, lengths, groups, rng), offsets, groups)
    assert before > 500
    assert after < before / 20


def test_a_single_swap_mends_two_windows() -> None:
    order, offsets = np.arange(4), np.array([0, 2, 4])
    lengths, groups = np.full(4, 8), np.array([0, 0, 1, 1])
    better = spread(order, offsets, lengths, groups, np.random.default_rng(0))
    assert collisions(better, offsets, groups) == 0


def test_groups_of_large_numbers_are_compared_in_every_window() -> None:
    """A swap is judged by the pieces it moves, which may all have smaller numbers than others have."""
    rng = np.random.default_rng(4)
    lengths = np.full(600, 10)
    groups = np.where(rng.random(600) < 0.5, rng.integers(0, 40, 600), rng.integers(2**30, 2**31 - 1, 600))
    order, offsets = best_fit(lengths, 100, rng)
    after = collisions(spread(order, offsets, lengths, groups, rng), offsets, groups)
    assert after < collisions(order, offsets, groups) / 10


def test_it_is_seeded() -> None:
    rng = np.random.default_rng(0)
    lengths, groups = rng.integers(20, 40, 500), rng.integers(0, 30, 500)
    order, offsets = best_fit(lengths, 400, rng)
    one, same, other = (spread(order, offsets, lengths, groups, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_without_a_partner_the_order_stays() -> None:
    order, offsets = np.array([0, 1]), np.array([0, 2])
    same = spread(order, offsets, np.array([3, 4]), np.array([1, 1]), np.random.default_rng(0))
    assert same.tolist() == [0, 1]
