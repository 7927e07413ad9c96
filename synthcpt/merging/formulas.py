"""The merges as functions of tensors; nothing here knows of files or of models.

All compute in fp32 and give back fp32, whatever they are given. Where several tensors go in, an iterable is enough: it
is read once, so that a caller may load them one at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


def average_tensors(tensors: Iterable[Tensor]) -> Tensor:
    """The plain mean.

    Raises:
        ValueError: there are none.
    """
    return _total((tensor, 1.0) for tensor in tensors)


def average_states(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The plain mean of each tensor of state dicts with the same names; those that are no floats are the last one's.

    Averaging the last checkpoints of a run: Izmailov et al. 2018 (arXiv:1803.05407); in place of a decay of the
    learning rate, Tian et al. 2025 (arXiv:2507.17634).

    Raises:
        ValueError: there are none.
        KeyError: one lacks a tensor of the last.
    """
    if not states:
        raise ValueError("There is nothing to average.")
    return {
        name: average_tensors(state[name] for state in states) if tensor.is_floating_point() else tensor.clone()
        for name, tensor in states[-1].items()
    }


def linear(tensors: Iterable[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted mean: weights count relative to their sum (model soups: Wortsman et al. 2022, arXiv:2203.05482)."""
    return _total(zip(tensors, weights, strict=True))


def interpolate(start: Tensor, end: Tensor, share: float) -> Tensor:
    """``(1 - share) start + share end``; exactly ``start`` at 0 and ``end`` at 1."""
    return start.float() * (1 - share) + end.float() * share


def wise_ft(base: Tensor, tuned: Tensor, alpha: float) -> Tensor:
    """``(1 - alpha) base + alpha tuned`` (Wortsman et al. 2022, arXiv:2109.01903, section 3).

    Where ``tuned`` has more rows, which are those of tokens added to its vocabulary, they stay as they are.
    """
    merged = tuned.float().clone()
    _shared_rows(merged, base).copy_(interpolate(base, _shared_rows(tuned, base), alpha))
    return merged


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Along the arc between two tensors seen as vectors (Shoemake 1985); exactly ``start`` at t = 0 and ``end`` at 1.

    Linear where there is no arc: a tensor of zeros, parallel ones, opposite ones.
    """
    a, b = start.float(), end.float()
    angle = _angle(a, b)
    if angle is None or math.sin(angle) < 1e-6:
        return interpolate(a, b, t)
    sine = math.sin(angle)
    return (a * (math.sin((1 - t) * angle) / sine)).add_(b, alpha=math.sin(t * angle) / sine)


def task_arithmetic(base: Tensor, tuned: Iterable[Tensor], weights: Sequence[float], scale: float) -> Tensor:
    """``base + scale * sum of weight * (tuned - base)`` (Ilharco et al. 2023, arXiv:2212.04089, section 2)."""
    start = base.float()
    total = torch.zeros_like(start)
    for tensor, weight in zip(tuned, weights, strict=True):
        total.add_(tensor.float() - start, alpha=weight)
    return start + scale * total


def residual(trained: Tensor, instruct: Tensor, base: Tensor, scale: float) -> Tensor:
    """``trained + scale * (instruct - base)``: what tuning taught one model, added to another of the same base.

    (Jindal et al. 2024, arXiv:2410.10739, section 3.) Where ``trained`` has more rows, which are those of tokens added
    to its vocabulary, they stay as they are.
    """
    merged = trained.float().clone()
    _shared_rows(merged, base).add_(instruct.float() - base.float(), alpha=scale)
    return merged


def trim(vector: Tensor, threshold: float) -> Tensor:
    """Zero where the magnitude is below a threshold."""
    return vector.where(vector.abs() >= threshold, 0.0)


def ties(
    base: Tensor, tuned: Iterable[Tensor], weights: Sequence[float], scale: float, thresholds: Sequence[float]
) -> Tensor:
    """Trim, elect sign, disjoint mean (Yadav et al. 2023, arXiv:2306.01708, section 4 and algorithm 1).

    Each number's sign is that of the weighted sum of the trimmed task vectors, and the task vectors with that sign are
    averaged, those trimmed to zero left out of the count. A sum of exactly zero elects none: the base's number stays.

    Args:
        base: what the models were tuned from.
        tuned: the models; each is kept until the end.
        weights: of each task vector, in the election and in the mean; all 1 in the paper.
        scale: lambda.
        thresholds: magnitude below which each task vector is trimmed; see `trimming.thresholds`.
    """
    start = base.float()
    votes = [
        weight * trim(tensor.float() - start, threshold)
        for tensor, weight, threshold in zip(tuned, weights, thresholds, strict=True)
    ]
    elected = sum(votes, torch.zeros_like(start)).sign()
    total, share = torch.zeros_like(start), torch.zeros_like(start)
    for vote, weight in zip(votes, weights, strict=True):
        agrees = vote.sign() == elected
        total += vote.where(agrees, 0.0)
        share += agrees * weight
    return start + scale * total / share.where(share != 0, 1.0)


def _shared_rows(grown: Tensor, base: Tensor) -> Tensor:
    """A view of the rows that the base has, too."""
    return grown[: base.shape[0]] if grown.dim() else grown


def _total(weighted: Iterable[tuple[Tensor, float]]) -> Tensor:
    """The sum of tensors times weights over the sum of the weights; one tensor at a time."""
    total: Tensor | None = None
    shares = 0.0
    for tensor, weight in weighted:
        total = tensor.float() * weight if total is None else total.add_(tensor.float(), alpha=weight)
        shares += weight
    if total is None:
        raise ValueError("There is nothing to average.")
    return total.div_(shares)


def _angle(a: Tensor, b: Tensor) -> float | None:
    """Between two tensors seen as vectors, in radians; None where one is zero.

    Kahan's formula: the arc cosine of the dot product loses half of the digits of a small angle.
    """
    length_a, length_b = _length(a), _length(b)
    if not length_a or not length_b:
        return None
    apart = together = 0.0
    for piece_a, piece_b in zip(_pieces(a), _pieces(b), strict=True):
        unit_a, unit_b = piece_a.double() / length_a, piece_b.double() / length_b
        apart += float((unit_a - unit_b).square_().sum())
        together += float((unit_a + unit_b).square_().sum())
    return 2 * math.atan2(math.sqrt(apart), math.sqrt(together))


def _length(vector: Tensor) -> float:
    return math.sqrt(sum(float(piece.double().square_().sum()) for piece in _pieces(vector)))


def _pieces(vector: Tensor) -> tuple[Tensor, ...]:
    """Small enough to be taken to fp64 without a thought to memory."""
    pieces: tuple[Tensor, ...] = vector.reshape(-1).split(1 << 20)
    return pieces
