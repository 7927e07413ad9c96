"""The magnitude above which a share of a whole task vector lies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from synthcpt.merging.trimming import thresholds


def pieces(*vectors: list[Tensor]) -> Iterator[tuple[int, Tensor]]:
    for which, vector in enumerate(vectors):
        for piece in vector:
            yield which, piece


@pytest.mark.parametrize("density", [0.001, 0.2, 0.5, 0.99, 1.0])
def test_it_is_the_one_that_sorting_everything_gives(density: float) -> None:
    generator = torch.Generator().manual_seed(0)
    vector = [torch.randn(30, 7, generator=generator) * scale for scale in (1e-6, 1e-3, 1.0, 300.0)]
    (found,) = thresholds(lambda: pieces(vector), 1, density)
    everything = torch.cat([piece.flatten().abs() for piece in vector]).sort(descending=True).values
    kept = max(1, int(density * len(everything)))
    assert found == everything[kept - 1].item()


def test_the_rank_is_over_all_tensors_and_each_model_has_its_own() -> None:
    first = [torch.tensor([1.0, -2.0]), torch.tensor([30.0, -40.0])]
    second = [torch.tensor([0.1, 0.2]), torch.tensor([0.3, -0.4])]
    assert thresholds(lambda: pieces(first, second), 2, 0.5) == pytest.approx([30.0, 0.3])


def test_numbers_that_share_their_upper_bits_are_told_apart() -> None:
    base = torch.tensor(1.0).view(torch.int32)
    close = torch.stack([base + step for step in range(100)]).view(torch.float32)
    (found,) = thresholds(lambda: pieces([close[torch.randperm(100)]]), 1, 0.25)
    assert found == close[75].item()


def test_equal_numbers_and_zeros() -> None:
    assert thresholds(lambda: pieces([torch.zeros(10)]), 1, 0.2) == [0.0]
    assert thresholds(lambda: pieces([torch.tensor([5.0, -5.0, 5.0, 0.0])]), 1, 0.25) == [5.0]
    assert thresholds(lambda: pieces([torch.tensor([5.0, 0.0, 0.0, 0.0])]), 1, 1.0) == [0.0]
