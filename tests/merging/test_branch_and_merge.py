from __future__ import annotations

import pytest

from synthcpt.errors import ConfigError
from synthcpt.merging import Branch, Merge, Round, schedule


def test_two_slices_a_round_each_round_from_the_merge_before() -> None:
    first, second = schedule(4)
    assert first == Round(
        0,
        (Branch("slice-000", "start", 0), Branch("slice-001", "start", 1)),
        Merge("round-000", ("slice-000", "slice-001")),
    )
    assert [branch.base for branch in second.branches] == ["round-000", "round-000"]
    assert second.result == "round-001"


@pytest.mark.parametrize(("slices", "k"), [(1, 2), (2, 2), (5, 2), (7, 3), (12, 4), (3, 9)])
def test_every_slice_is_trained_once_and_every_base_is_there_before_it_is_used(slices: int, k: int) -> None:
    made = {"start"}
    trained = []
    for each in schedule(slices, k):
        assert {branch.base for branch in each.branches} <= made
        assert 1 <= len(each.branches) <= k
        made |= {branch.name for branch in each.branches}
        if each.merge:
            assert set(each.merge.branches) <= made
            assert not {each.merge.name} & made
        made.add(each.result)
        trained += [branch.data_slice for branch in each.branches]
    assert trained == list(range(slices))


def test_a_slice_left_over_is_trained_and_merged_with_nothing() -> None:
    *_, last = schedule(3)
    assert last.merge is None
    assert last.result == "slice-002"


def test_slerp_merges_two_and_the_mean_more() -> None:
    assert schedule(2)[0].merge.method == "slerp"
    assert schedule(3, 3)[0].merge.method == "linear"


@pytest.mark.parametrize(("slices", "k"), [(0, 2), (4, 1)])
def test_impossible_schedules(slices: int, k: int) -> None:
    with pytest.raises(ConfigError):
        schedule(slices, k)
