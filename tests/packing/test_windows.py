from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.packing import windows
from synthcpt.packing.windows import best_fit, concatenated, cut_into_pieces

WINDOW = 64
LENGTHS = st.lists(st.integers(1, WINDOW), max_size=200).map(lambda lengths: np.array(lengths, dtype=np.int64))
ANY_LENGTHS = st.lists(st.integers(1, 5 * WINDOW), max_size=60).map(lambda lengths: np.array(lengths, dtype=np.int64))


def one_by_one(lengths: np.ndarray, window_tokens: int) -> list[int]:
    """Best-fit decreasing as the books have it: how full each window is in the end."""
    room: list[int] = []
    for length in sorted(map(int, lengths), reverse=True):
        fitting = [i for i, left in enumerate(room) if left >= length]
        if fitting:
            room[min(fitting, key=lambda i: room[i])] -= length
        else:
            room.append(window_tokens - length)
    return sorted(window_tokens - left for left in room)


def fills(lengths: np.ndarray, order: np.ndarray, offsets: np.ndarray) -> list[int]:
    return [int(lengths[order[low:high]].sum()) for low, high in itertools.pairwise(offsets)]


def log_normal(texts: int, mean: float, seed: int = 0) -> np.ndarray:
    """Lengths as corpora have them."""
    sigma = 1.0
    drawn = np.random.default_rng(seed).lognormal(np.log(mean) - sigma**2 / 2, sigma, texts)
    return np.maximum(1, drawn.astype(np.int64))


@given(LENGTHS, st.integers(0, 9))
def test_every_piece_is_in_one_window_and_no_window_overflows(lengths: np.ndarray, seed: int) -> None:
    order, offsets = best_fit(lengths, WINDOW, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(lengths)))
    assert offsets[0] == 0
    assert offsets[-1] == len(lengths)
    assert all(0 < fill <= WINDOW for fill in fills(lengths, order, offsets))


@settings(max_examples=300)
@given(LENGTHS)
def test_windows_are_as_full_as_those_of_best_fit_decreasing_done_one_by_one(lengths: np.ndarray) -> None:
    order, offsets = best_fit(lengths, WINDOW, np.random.default_rng(0))
    assert sorted(fills(lengths, order, offsets)) == one_by_one(lengths, WINDOW)


def test_the_same_holds_for_many_texts_of_few_lengths() -> None:
    lengths = np.random.default_rng(1).choice([3, 7, 20, 21, 40, 64], 3000).astype(np.int64)
    order, offsets = best_fit(lengths, WINDOW, np.random.default_rng(0))
    assert sorted(fills(lengths, order, offsets)) == one_by_one(lengths, WINDOW)


@pytest.mark.parametrize("seed", range(3))
def test_hardly_a_slot_stays_empty(seed: int) -> None:
    texts = log_normal(20_000, 500, seed)
    which, _, lengths = cut_into_pieces(texts, 4096)
    order, offsets = best_fit(lengths, 4096, np.random.default_rng(0))
    assert len(np.unique(which[order])) == len(texts)
    assert lengths[order].sum() == texts.sum()
    assert texts.sum() / ((len(offsets) - 1) * 4096) >= 0.995


def test_windows_of_the_same_contents_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    take = windows._Rooms.take_tightest
    monkeypatch.setattr(windows._Rooms, "take_tightest", lambda rooms, length: looked.append(1) or take(rooms, length))
    few = np.random.default_rng(0).integers(1, 129, 10_000)
    best_fit(few, 2048, np.random.default_rng(0))
    for_few = len(looked)
    best_fit(np.tile(few, 100), 2048, np.random.default_rng(0))
    assert len(looked) - for_few < 3 * for_few
    assert for_few < len(few) / 5


def test_a_million_tiny_texts() -> None:
    lengths = np.random.default_rng(0).integers(1, 5, 1_000_000)
    order, offsets = best_fit(lengths, 4096, np.random.default_rng(0))
    assert len(np.unique(order)) == len(lengths)
    assert len(offsets) - 1 == -(-lengths.sum() // 4096)


def test_nothing_at_all() -> None:
    order, offsets = best_fit(np.zeros(0, dtype=np.int64), WINDOW, np.random.default_rng(0))
    assert len(order) == 0
    assert offsets.tolist() == [0]


def test_the_seed_decides_which_texts_meet_and_the_order_of_the_windows() -> None:
    lengths = np.random.default_rng(3).integers(1, WINDOW, 500)
    order, offsets = best_fit(lengths, WINDOW, np.random.default_rng(1))
    again, same_offsets = best_fit(lengths, WINDOW, np.random.default_rng(1))
    other, _ = best_fit(lengths, WINDOW, np.random.default_rng(2))
    assert order.tolist() == again.tolist()
    assert offsets.tolist() == same_offsets.tolist()
    assert order.tolist() != other.tolist()


def test_full_windows_do_not_come_first() -> None:
    """Long texts are packed first; windows come in random order, or training would begin with all long texts."""
    lengths = np.sort(log_normal(5000, 500))[::-1].copy()
    _, _, lengths = cut_into_pieces(lengths, 4096)
    _, offsets = best_fit(lengths, 4096, np.random.default_rng(0))
    sizes = np.diff(offsets)
    half = len(sizes) // 2
    assert abs(sizes[:half].mean() / sizes[half:].mean() - 1) < 0.2


def test_texts_of_one_length_are_dealt_at_random() -> None:
    lengths = np.full(400, 16, dtype=np.int64)
    met = [{frozenset(window) for window in best_fit(lengths, WINDOW, np.random.default_rng(seed))[0].reshape(-1, 4)}
           for seed in (0, 1)]  # fmt: skip
    assert len(met[0] & met[1]) < 5


@given(ANY_LENGTHS)
def test_pieces_tile_each_text(lengths: np.ndarray) -> None:
    text, start, length = cut_into_pieces(lengths, WINDOW)
    assert text.tolist() == sorted(text)
    for number, tokens in enumerate(lengths):
        here = text == number
        assert start[here].tolist() == list(range(0, int(tokens), WINDOW))
        assert length[here].sum() == tokens
        assert (length[here][:-1] == WINDOW).all()
    assert ((length >= 1) & (length <= WINDOW)).all()


def test_a_text_is_cut_only_where_it_does_not_fit() -> None:
    text, start, length = cut_into_pieces(np.array([WINDOW, WINDOW + 1, 1]), WINDOW)
    assert (text.tolist(), start.tolist(), length.tolist()) == ([0, 1, 1, 2], [0, 0, 64, 0], [64, 64, 1, 1])


@given(ANY_LENGTHS)
def test_concatenated_texts_fill_every_window_but_the_last_and_tile_each_text(lengths: np.ndarray) -> None:
    text, start, length, offsets = concatenated(lengths, WINDOW)
    assert offsets[-1] == len(text)
    assert text.tolist() == sorted(text)
    for number, tokens in enumerate(lengths):
        here = text == number
        ends = start[here] + length[here]
        assert start[here].tolist() == [0, *ends[:-1]]
        assert ends[-1] == tokens
    full = [int(length[low:high].sum()) for low, high in itertools.pairwise(offsets)]
    assert full[:-1] == [WINDOW] * (len(full) - 1)
    assert all(0 < fill <= WINDOW for fill in full)


def test_concatenation_by_hand() -> None:
    text, start, length, offsets = concatenated(np.array([3, 4, 9]), 5)
    assert text.tolist() == [0, 1, 1, 2, 2, 2]
    assert start.tolist() == [0, 0, 2, 0, 3, 8]
    assert length.tolist() == [3, 2, 2, 3, 5, 1]
    assert offsets.tolist() == [0, 2, 4, 5, 6]
