"""Each formula against a few lines that say the same thing another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.merging import formulas
from synthcpt.merging.formulas import average_states, average_tensors
from synthcpt.merging.trimming import thresholds


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*(shape or (3, 4)), generator=torch.Generator().manual_seed(seed))


BASE, A, B, C = (drawn(seed) for seed in range(4))


def ties_of_whole_models(base: np.ndarray, tuned: list[np.ndarray], density: float, scale: float) -> np.ndarray:
    """Algorithm 1 of the paper, number by number, on whole flat task vectors."""
    vectors = []
    for model in tuned:
        vector = model - base
        kept = max(1, int(density * vector.size))
        smallest = np.sort(np.abs(vector))[-kept]
        vectors.append([value if abs(value) >= smallest else 0.0 for value in vector])
    merged = []
    for start, changes in zip(base, zip(*vectors, strict=True), strict=True):
        elected = np.sign(sum(changes))
        agreeing = [change for change in changes if change and np.sign(change) == elected]
        merged.append(start + scale * (sum(agreeing) / len(agreeing) if agreeing else 0.0))
    return np.array(merged)


def cuts(base: torch.Tensor, tuned: list[torch.Tensor], density: float) -> list[float]:
    return thresholds(lambda: ((i, model - base) for i, model in enumerate(tuned)), len(tuned), density)


def test_linear_is_the_weighted_mean_whatever_the_scale_of_the_weights() -> None:
    expected = 0.2 * A + 0.3 * B + 0.5 * C
    torch.testing.assert_close(formulas.linear([A, B, C], [0.2, 0.3, 0.5]), expected)
    torch.testing.assert_close(formulas.linear(iter([A, B, C]), [2, 3, 5]), expected)


def test_equal_models_average_to_themselves() -> None:
    assert torch.equal(formulas.linear([A, A], [1, 1]), A)
    assert torch.equal(average_tensors([A, A, A, A]), A)


def test_inputs_stay_as_they_are() -> None:
    before = A.clone()
    average_tensors([A, B])
    formulas.residual(A, B, BASE, 1.0)
    formulas.wise_ft(BASE, A, 0.3)
    formulas.task_arithmetic(A, [B], [1.0], 1.0)
    assert torch.equal(A, before)


def test_averages_are_taken_in_fp32() -> None:
    ones = [torch.ones(1, dtype=torch.bfloat16)] * 512 + [torch.tensor([2.0], dtype=torch.bfloat16)]
    assert average_tensors(ones).item() == pytest.approx(514 / 513, rel=1e-6)
    assert average_tensors(ones).dtype == torch.float32


def test_states_average_by_name_and_counters_are_the_last_ones() -> None:
    first, last = {"w": A, "n": torch.tensor(3)}, {"w": B, "n": torch.tensor(5)}
    averaged = average_states([first, last])
    torch.testing.assert_close(averaged["w"], (A + B) / 2)
    assert averaged["n"].item() == 5
    with pytest.raises(ValueError, match="nothing"):
        average_states([])
    with pytest.raises(ValueError, match="nothing"):
        average_tensors([])


def test_slerp_begins_and_ends_exactly() -> None:
    assert torch.equal(formulas.slerp(A, B, 0.0), A)
    assert torch.equal(formulas.slerp(A, B, 1.0), B)


def test_slerp_goes_along_the_arc() -> None:
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for t in (0.25, 0.5, 0.8):
        expected = torch.tensor([math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)])
        torch.testing.assert_close(formulas.slerp(east, north, t), expected)


def test_slerp_follows_the_textbook_formula_for_any_tensors() -> None:
    angle = torch.arccos((A * B).sum() / (A.norm() * B.norm()))
    expected = (torch.sin(0.7 * angle) * A + torch.sin(0.3 * angle) * B) / torch.sin(angle)
    torch.testing.assert_close(formulas.slerp(A, B, 0.3), expected)


@pytest.mark.parametrize("numbers", [40, 3_000_000])
def test_slerp_of_near_tensors_however_large(numbers: int) -> None:
    start = drawn(1, numbers)
    end = start + 0.2 * drawn(2, numbers)
    a, b = start.double(), end.double()
    angle = torch.arccos((a @ b) / (a.norm() * b.norm()))
    expected = (torch.sin(angle / 2) * a + torch.sin(angle / 2) * b) / torch.sin(angle)
    merged = formulas.slerp(start, end, 0.5)
    torch.testing.assert_close(merged, expected.float(), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(merged, (start + end) / 2, rtol=1e-3)


@pytest.mark.parametrize("other", [2 * A, -A, torch.zeros_like(A), A + 1e-9], ids=["parallel", "opposite", "0", "near"])
def test_slerp_is_linear_where_there_is_no_arc(other: torch.Tensor) -> None:
    torch.testing.assert_close(formulas.slerp(A, other, 0.25), 0.75 * A + 0.25 * other)


def test_slerp_keeps_small_angles() -> None:
    """An arc cosine of the dot product in fp32 takes vectors 1e-4 apart for parallel."""
    wide = drawn(9, 1000)
    near = wide + 1e-4 * drawn(10, 1000)
    assert torch.equal(formulas.slerp(wide, near, 1.0), near)
    torch.testing.assert_close(formulas.slerp(wide, near, 0.5), (wide + near) / 2, rtol=1e-5, atol=1e-6)


def test_task_arithmetic() -> None:
    expected = BASE + 0.4 * (2 * (A - BASE) - 1 * (B - BASE))
    torch.testing.assert_close(formulas.task_arithmetic(BASE, [A, B], [2, -1], 0.4), expected)
    torch.testing.assert_close(formulas.task_arithmetic(BASE, [A], [1], 1.0), A)


@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.2, 0.5, 0.9, 1.0]), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_ties_is_algorithm_1_of_the_paper(seed: int, density: float, models: int) -> None:
    base, *tuned = (drawn(seed + number, 40) for number in range(models + 1))
    merged = formulas.ties(base, tuned, [1.0] * models, 0.7, cuts(base, tuned, density))
    expected = ties_of_whole_models(base.numpy(), [model.numpy() for model in tuned], density, 0.7)
    np.testing.assert_allclose(merged.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_ties_of_models_that_agree_in_sign_is_their_mean_at_density_1() -> None:
    ups = [BASE + drawn(seed).abs() for seed in (5, 6, 7)]
    merged = formulas.ties(BASE, ups, [1.0] * 3, 1.0, cuts(BASE, ups, 1.0))
    torch.testing.assert_close(merged, sum(ups) / 3)


def test_ties_by_hand() -> None:
    base = torch.tensor([10.0, 10.0, 10.0, 10.0])
    first, second = base + torch.tensor([4.0, 1.0, -2.0, 3.0]), base + torch.tensor([2.0, 6.0, 5.0, -3.0])
    merged = formulas.ties(base, [first, second], [1, 1], 1.0, [2.0, 3.0])  # trims 1 and the second's 2
    assert merged.tolist() == [14.0, 16.0, 15.0, 10.0]  # the last two changes cancel: nothing is elected


def test_weights_of_ties_count_in_the_election_and_the_mean() -> None:
    base, up, down = torch.zeros(1), torch.tensor([1.0]), torch.tensor([-2.0])
    assert formulas.ties(base, [up, down], [1, 1], 1.0, [0.0, 0.0]).item() == -2
    assert formulas.ties(base, [up, down], [3, 1], 1.0, [0.0, 0.0]).item() == 1
    assert formulas.ties(base, [up, 5 * up], [3, 1], 1.0, [0.0, 0.0]).item() == 2


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=80),
    st.floats(0.01, 1.0),
    st.integers(1, 80),
)
@settings(max_examples=150, deadline=None)
def test_the_threshold_is_the_magnitude_of_that_rank_to_the_bit(
    numbers: list[float], density: float, piece: int
) -> None:
    vector = torch.tensor(numbers, dtype=torch.float32)
    kept = max(1, int(density * len(numbers)))
    expected = vector.abs().sort(descending=True).values[kept - 1].item()
    assert thresholds(lambda: ((0, part) for part in vector.split(piece)), 1, density) == [expected]


def test_wise_ft_between_base_and_tuned() -> None:
    assert torch.equal(formulas.wise_ft(BASE, A, 0.0), BASE)
    assert torch.equal(formulas.wise_ft(BASE, A, 1.0), A)
    torch.testing.assert_close(formulas.wise_ft(BASE, A, 0.3), 0.7 * BASE + 0.3 * A)


def test_residual() -> None:
    torch.testing.assert_close(formulas.residual(A, B, BASE, 0.5), A + 0.5 * (B - BASE))
    assert torch.equal(formulas.residual(A, B, BASE, 0.0), A)
    torch.testing.assert_close(formulas.residual(BASE, B, BASE, 1.0), B)
    assert formulas.residual(torch.tensor(1.0), torch.tensor(5.0), torch.tensor(3.0), 1.0).item() == 3


def test_rows_of_added_tokens_stay() -> None:
    grown = drawn(8, 5, 4)
    for merged, shared in (
        (formulas.residual(grown, B, BASE, 0.5), grown[:3] + 0.5 * (B - BASE)),
        (formulas.wise_ft(BASE, grown, 0.25), 0.75 * BASE + 0.25 * grown[:3]),
    ):
        torch.testing.assert_close(merged[:3], shared)
        assert torch.equal(merged[3:], grown[3:])
