from __future__ import annotations

import numpy as np
import pytest
from token_stores import make_part, make_store, random_texts

from synthcpt.packing.batches import NO_LOSS, heldout_batches, piece_names, read_windows
from synthcpt.packing.mixture import Amounts
from synthcpt.packing.plan import Packing, Plan
from synthcpt.packing.planning import make_plan
from synthcpt.packing.store import TokenStore

N = NO_LOSS


def plan_of(*stores: TokenStore, window_tokens: int = 8, heldout: float = 0.0) -> Plan:
    """Texts as they come: a plan of one pass."""
    return make_plan(
        [make_part(store) for store in stores], Amounts(epochs=1.0, heldout=heldout), Packing(window_tokens, 2)
    )


def only_window(*stores: TokenStore) -> Plan:
    plan = plan_of(*stores, window_tokens=64)
    assert plan.windows == 1
    return plan


def by_text(plan: Plan) -> dict[tuple[int, ...], tuple[list[int], list[int]]]:
    """Targets and positions of each text of the plan, by its ids."""
    batch = read_windows(plan, range(plan.windows))
    cuts = np.cumsum(batch.lengths)[:-1]
    columns = [np.split(column, cuts) for column in (batch.ids, batch.targets, batch.positions)]
    return {
        tuple(ids.tolist()): (targets.tolist(), places.tolist()) for ids, targets, places in zip(*columns, strict=True)
    }


def test_each_position_is_to_predict_the_next_token_of_its_text() -> None:
    plan = only_window(make_store("books", [[1, 2, 3, 4], [5, 6, 7], [8]]))
    assert by_text(plan) == {
        (1, 2, 3, 4): ([2, 3, 4, N], [0, 1, 2, 3]),
        (5, 6, 7): ([6, 7, N], [0, 1, 2]),
        (8,): ([N], [0]),
    }
    assert read_windows(plan, [0]).trained_tokens == 5


def test_a_long_text_is_cut_and_no_piece_is_predicted_from_another() -> None:
    plan = plan_of(make_store("books", [list(range(1, 12))]), window_tokens=8)
    assert by_text(plan) == {
        (1, 2, 3, 4, 5, 6, 7, 8): ([2, 3, 4, 5, 6, 7, 8, N], list(range(8))),
        (9, 10, 11): ([10, 11, N], [0, 1, 2]),
    }


def test_only_answers_carry_loss() -> None:
    texts = [[1, 2, 3, 4, 5, 6], [11, 12, 13, 14], [21, 22, 23]]
    plan = only_window(make_store("books", texts, loss=[[(2, 4), (5, 6)], [(0, 2)], []]))
    assert by_text(plan) == {
        (1, 2, 3, 4, 5, 6): ([N, 3, 4, N, 6, N], list(range(6))),
        (11, 12, 13, 14): ([12, N, N, N], list(range(4))),
        (21, 22, 23): ([22, 23, N], list(range(3))),
    }


@pytest.mark.parametrize(
    ("spans", "first", "second"),
    [
        ([(6, 10)], [N] * 5 + [7, 8, N], [10, N, N]),
        ([(8, 9)], [N] * 8, [N, N, N]),
        ([(9, 11)], [N] * 8, [10, 11, N]),
        ([(0, 11)], [2, 3, 4, 5, 6, 7, 8, N], [10, 11, N]),
    ],
)
def test_answers_are_clipped_to_their_pieces(spans: list[tuple[int, int]], first: list[int], second: list[int]) -> None:
    plan = plan_of(make_store("books", [list(range(1, 12))], loss=[spans]), window_tokens=8)
    found = by_text(plan)
    assert found[1, 2, 3, 4, 5, 6, 7, 8][0] == first
    assert found[9, 10, 11][0] == second


def test_without_isolation_windows_are_one_stretch_and_the_targets_stay() -> None:
    plan = plan_of(make_store("books", random_texts(30, 2, 6), loss=[[(1, 3)], []] * 15), window_tokens=16)
    alone, together = (read_windows(plan, [0, 1, 2], isolate=isolate) for isolate in (True, False))
    assert together.ids.tolist() == alone.ids.tolist()
    assert together.targets.tolist() == alone.targets.tolist()
    assert together.parts.tolist() == alone.parts.tolist()
    fills = np.add.reduceat(plan.length, plan.window_offsets[:-1])[:3].tolist()
    assert together.lengths.tolist() == fills
    assert together.positions.tolist() == [place for fill in fills for place in range(fill)]
    assert len(alone.lengths) > 3


def test_windows_are_read_in_the_order_asked_for() -> None:
    plan = plan_of(make_store("books", random_texts(30, 2, 6)), window_tokens=16)
    one, two = read_windows(plan, [2]), read_windows(plan, [0])
    both = read_windows(plan, [2, 0])
    for name in ("ids", "targets", "positions", "lengths", "parts"):
        joined = np.concatenate([getattr(one, name), getattr(two, name)])
        assert getattr(both, name).tolist() == joined.tolist()


def test_every_token_is_told_its_source() -> None:
    plan = only_window(make_store("low", [[1, 2], [3]]), make_store("high", [[101, 102, 103]]))
    batch = read_windows(plan, [0])
    assert batch.parts.tolist() == [int(token > 100) for token in batch.ids]


def test_held_out_batches_hold_each_held_out_text_once() -> None:
    stores = make_store("books", random_texts(60, 3, 30)), make_store("papers", random_texts(60, 3, 30, seed=1))
    plan = plan_of(*stores, heldout=0.3)
    for part, store in enumerate(stores):
        batches = [batch for batch, _ in heldout_batches(plan, part, 40)]
        held = plan.heldout_text[plan.heldout_store == part]
        expected = np.concatenate([store.ids[store.offsets[text] : store.offsets[text + 1]] for text in held])
        assert np.concatenate([batch.ids for batch in batches]).tolist() == expected.tolist()
        assert all(len(batch.ids) <= 40 and batch.lengths.max() <= 8 for batch in batches)
        assert all(len(batch.ids) > 32 for batch in batches[:-1])
        assert all((batch.parts == part).all() for batch in batches)


def test_held_out_bytes_are_those_of_the_predicted_tokens() -> None:
    texts = [list(range(1, 11)), list(range(11, 21))]
    store = make_store("books", texts, utf8_bytes=[100, 30], loss=[[], [(4, 6)]])
    plan = make_plan(
        [make_part(make_store("train", [[1, 2]])), make_part(store, "heldout")], Amounts(epochs=1.0), Packing(8, 2)
    )
    ((batch, utf8_bytes),) = heldout_batches(plan, 1, 100)
    # 10 tokens in pieces of 8 and 2: 7 + 1 predicted at 10 bytes each; 2 predicted at 3 bytes each.
    assert batch.trained_tokens == 10
    assert utf8_bytes == 80 + 6
    assert list(heldout_batches(plan, 0, 100)) == []


def test_texts_of_a_batch_are_named_for_messages() -> None:
    plan = only_window(make_store("books", [[i + 1] for i in range(7)]))
    names = piece_names(plan, [0], most=3)
    assert names[0] == f"books, books.jsonl row {plan.text[0]}"
    assert names[3:] == ["and 4 more"]
    assert len(piece_names(plan, [0], most=7)) == 7
