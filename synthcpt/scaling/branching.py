"""The toy model's curve for large random graphs, without a graph (EntiGraph, arXiv 2409.07431, section 6).

What is reached from an entity of a sparse random graph grows as a branching process whose offspring is Poisson. It
says how large the graph's reachable part is, and roughly at which rates pairs are learnt; for the curve of one graph
itself see `toy_model`, which is exact. The rates are rough, indeed: with a mean of 3 relations an entity, 0.68 of pairs
are said to be learnt at the slowest rate, where fewer than half are in graphs of 100 and of 1,000 entities.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from synthcpt.errors import ConfigError

Floats = NDArray[np.float64]

_ALIASED = 1e-8
"""Of the probability past the sizes asked for, what comes back among them; rounding is 1e-16 over this."""


def extinction(degree: float) -> float:
    """The smallest root of ``r = exp(degree * (r - 1))``: how probable it is that little is reached from an entity.

    Args:
        degree: mean number of relations an entity.

    Raises:
        ConfigError: a degree below 0.
    """
    if not degree >= 0:
        raise ConfigError(f"The mean number of relations an entity is {degree:g}; it is at least 0.")
    if degree <= 1:
        return 1.0
    # r - exp(degree (r - 1)) rises from below 0 to its peak, which lies above 0, so its first root is before the peak.
    low, high = 0.0, 1 - math.log(degree) / degree
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle < math.exp(degree * (middle - 1)) else (low, middle)
    return (low + high) / 2


def reachable_share(degree: float) -> float:
    """The share of ordered pairs that a path joins in an endless random graph: ``(1 - extinction)^2``.

    A graph of a hundred entities has noticeably less.
    """
    return (1 - extinction(degree)) ** 2


def progeny_law(degree: float, generations: int, sizes: int) -> Floats:
    """How probable each total is of those born in some generations, the first one counted; ``[sizes]``, from 1 on.

    Its generating function is known by recursion, ``G_0(s) = s`` and ``G_l(s) = s exp(degree (G_(l-1)(s) - 1))``, and
    is inverted by a discrete Fourier transform on a circle a little inside the unit circle.

    Raises:
        ConfigError: no sizes, or generations below 0.
    """
    if generations < 0:
        raise ConfigError(f"{generations} generations are asked for; the first one is 0.")
    return next(itertools.islice(_progeny_laws(degree, sizes), generations, None))


def descendants_law(degree: float, sizes: int) -> Floats:
    """How probable a pair is to have each number of descendants; ``[sizes]``, from 1 on.

    An entity at height l over its tree's bottom has the weight ``(degree - 1) / degree^(l + 1)`` and the progeny of l
    generations. Sizes past those asked for are left out, so that the sum is below 1.

    Raises:
        ConfigError: a degree of at most 1, which has no large tree, or no sizes.
    """
    if not degree > 1:
        raise ConfigError(f"With {degree:g} relations an entity no large part can be reached; more than 1 are needed.")
    # Higher up nothing changes: what weighs less than 1e-12 is left, or all small trees have died out.
    top = min(math.ceil(math.log(1e12) / math.log(degree)), sizes)
    told = np.zeros(sizes)
    for height, law in enumerate(itertools.islice(_progeny_laws(degree, sizes), top + 1)):
        share = (degree - 1) / degree ** (height + 1) if height < top else degree**-height
        told += share * law
    return told


def _progeny_laws(degree: float, sizes: int) -> Iterator[Floats]:
    """Of 0 generations, of 1, and so on."""
    if sizes < 1:
        raise ConfigError("A law of progeny is told for one size at least.")
    points = 1 << sizes.bit_length()
    radius = _ALIASED ** (1 / points)
    circle = radius * np.exp(2j * np.pi * np.arange(points) / points)
    values = circle.copy()
    while True:
        told = np.fft.fft(values).real / points / radius ** np.arange(points)
        yield np.clip(told[1 : sizes + 1], 0.0, 1.0)
        values = circle * np.exp(degree * (values - 1))


def accuracy(entities: int, degree: float, steps: Sequence[float] | Floats) -> Floats:
    """Approximate accuracy after so many steps: ``p + C (1 - sum of mu(k) (1 - k / N)^t)``.

    Args:
        entities: how many.
        degree: mean number of relations an entity, above 1.
        steps: of synthesis.

    Raises:
        ConfigError: as `descendants_law`, or fewer than two entities.
    """
    if entities < 2:
        raise ConfigError("The toy model has at least two entities.")
    pairs = entities * (entities - 1)
    law = descendants_law(degree, entities - 1)
    missing = np.exp(np.multiply.outer(np.asarray(steps, dtype=np.float64), np.log1p(-np.arange(1, entities) / pairs)))
    # The law is cut off at as many descendants as there are entities, and made whole.
    return np.asarray(degree / entities + reachable_share(degree) * (1 - missing @ (law / law.sum())))
