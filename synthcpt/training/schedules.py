"""The learning rate as a function of the tokens read, never of steps: it means the same at any batch size.

Every schedule is a factor of the peak rate over the share of the training that is done, from 0 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from synthcpt.errors import ConfigError

Name = Literal["cosine", "linear", "constant", "wsd", "infinite", "anneal"]
Shape = Literal["one_minus_sqrt", "linear", "cosine", "exponential"]

_GRID = 100_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """A learning-rate schedule; all lengths are shares of the whole training.

    Attributes:
        name: ``cosine`` and ``linear`` fall from the peak to ``floor``; ``constant`` stays; ``wsd`` (warm-up, stable,
            decay: Hu et al. 2024, arXiv:2404.06395) stays and falls at the end over ``decay``; ``infinite`` (Singh et
            al. 2025, arXiv:2503.02844) cools down over ``cooldown`` to ``plateau``, stays there as long as one likes,
            and falls exponentially over ``decay`` (0: never; branch and anneal whenever a model is wanted); ``anneal``
            falls from the start: it is for such a branch, and the peak is the rate it was branched at.
        warmup: a linear rise to the peak; not of ``anneal``.
        floor: the factor at the end.
        decay: how long the final fall is.
        shape: of the fall of ``wsd`` and ``anneal``. ``one_minus_sqrt`` is the one of Hägele et al. 2024
            (arXiv:2405.18392).
        cooldown, plateau: of ``infinite``.
    """

    name: Name = "cosine"
    warmup: float = 0.0
    floor: float = 0.0
    decay: float = 0.2
    shape: Shape = "one_minus_sqrt"
    cooldown: float = 0.3
    plateau: float = 0.5

    def factor(self, share: float) -> float:
        """The factor of the peak rate when ``share`` of the tokens are read."""
        share = min(1.0, max(0.0, share))
        warmup = 0.0 if self.name == "anneal" else self.warmup  # the branch is warm
        if share < warmup:
            return share / warmup
        if self.name == "constant":
            return 1.0
        if self.name in ("wsd", "infinite"):
            begin = 1.0 - self.decay
            top = self._plateau(share) if self.name == "infinite" else 1.0
            if not self.decay or share <= begin:
                return top
            # The fall of `infinite` starts from wherever its cooldown has come to.
            start = self._plateau(begin) if self.name == "infinite" else 1.0
            shape = "exponential" if self.name == "infinite" else self.shape
            return _fall(shape, (share - begin) / self.decay, start, self.floor)
        done = (share - warmup) / (1.0 - warmup)
        return _fall(self.shape if self.name == "anneal" else self.name, done, 1.0, self.floor)

    def _plateau(self, share: float) -> float:
        """The infinite schedule without its final fall."""
        done = (share - self.warmup) / self.cooldown if self.cooldown else 1.0
        return _fall("cosine", min(1.0, done), 1.0, self.plateau)

    def share_at(self, factor: float) -> float:
        """The share of the training at which the rate has fallen to this factor: where a phase may begin.

        Raises:
            ConfigError: it never falls that far.
        """
        for step in range(math.ceil(self.warmup * _GRID), _GRID + 1):
            if self.factor(step / _GRID) <= factor:
                return step / _GRID
        raise ConfigError(
            f"The {self.name} schedule never falls to {factor:g} of its peak; begin the phase at a share instead."
        )


def _fall(shape: str, done: float, start: float, end: float) -> float:
    """From ``start`` to ``end`` while ``done`` goes from 0 to 1."""
    if shape == "exponential":
        low = max(end, 1e-3 * start)  # an exponential never reaches 0
        return float(start * (low / start) ** done)
    left = {
        "linear": 1.0 - done,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
        "one_minus_sqrt": 1.0 - math.sqrt(done),
    }[shape]
    return end + (start - end) * left
