"""EntiGraph's toy model of knowledge from synthetic text (arXiv 2409.07431, section 6): the curve, exactly.

Entities and the relations between them that the source text states are a directed graph. One step of synthesis draws
an ordered pair of entities; where the second can be reached from the first by stated relations, the text written makes
every relation from the first to an entity on the shortest path known. Accuracy is the share of ordered pairs known.

    from synthcpt.scaling.toy_model import ToyModel, random_relations

    model = ToyModel.of(random_relations(entities=100, probability=0.03))
    model.accuracy([0, 1_000, 10_000])

Each pair of the graph is learnt at its own constant rate, so that the curve is a mixture of exponentials: the first of
the laws fitted in `synthcpt.scaling.fitting`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthcpt.errors import ConfigError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Phases:
    """How the curve goes: first straight, then slower and slower (about the logarithm of the steps), then flat.

    Attributes:
        straight_until: steps up to which accuracy is within a tenth of the straight line it set out on, measured from
            where it began.
        flat_from: steps from which on 95 % of what can be gained is gained.
    """

    straight_until: float
    flat_from: float


@dataclass(frozen=True, slots=True)
class ToyModel:
    """What the source text states, and how it can be chained.

    Attributes:
        stated: ``[entities, entities]``, the relations in the source text; none from an entity to itself.
        parents: ``[entities, entities]``, the entity before the second on the shortest path from the first; -1 where
            there is no path. Of several shortest paths the one through the lowest numbers is taken, always the same.
        descendants: ``[entities, entities]``, of how many entities the path from the first leads through the second,
            itself counted; 0 where there is no path.
    """

    stated: Booleans
    parents: Integers
    descendants: Integers

    @classmethod
    def of(cls, stated: Any) -> ToyModel:
        """Find the shortest paths, by a search of the whole graph from each entity: O(V (V + E)).

        Raises:
            ConfigError: not a square table of at least two entities, or a relation of an entity to itself.
        """
        edges = np.asarray(stated, dtype=bool)
        if edges.ndim != 2 or edges.shape[0] != edges.shape[1] or len(edges) < 2:
            raise ConfigError(f"Relations make a square table of at least two entities, not {edges.shape}.")
        if edges.diagonal().any():
            raise ConfigError("No entity has a relation to itself; leave the diagonal empty.")
        neighbours = [np.flatnonzero(row).tolist() for row in edges]
        trees = [_tree(root, neighbours) for root in range(len(edges))]
        parents, descendants = (np.array(side, dtype=np.int64) for side in zip(*trees, strict=True))
        return cls(edges, parents, descendants)

    @property
    def pairs(self) -> int:
        """Ordered pairs of two entities: what a step draws from, and what accuracy is the share of."""
        return len(self.stated) * (len(self.stated) - 1)

    @property
    def start(self) -> float:
        """Accuracy before the first step: the share of pairs that the source states."""
        return float(self.stated.sum() / self.pairs)

    @property
    def plateau(self) -> float:
        """Accuracy after endless steps: the share of pairs that are joined by a path."""
        return float(np.count_nonzero(self.descendants) / self.pairs)

    def rates(self) -> tuple[Floats, Integers]:
        """How probable a pair is to be learnt in one step, ascending, and how many pairs are learnt at that rate.

        Pairs that are stated or that no path joins are left out: nothing is left to learn of them.
        """
        counted = self.descendants[(self.descendants > 0) & ~self.stated]
        sizes, counts = np.unique(counted, return_counts=True)
        return sizes / self.pairs, counts.astype(np.int64)

    def accuracy(self, steps: Sequence[float] | Floats) -> Floats:
        """Expected accuracy after so many steps, exactly: ``(|E0| + sum of 1 - (1 - q)^t) / (V (V - 1))``."""
        rates, counts = self.rates()
        missing = np.exp(np.multiply.outer(_steps(steps), np.log1p(-rates)))
        return np.asarray(self.start + (1 - missing) @ counts / self.pairs)

    def simulate(self, steps: Sequence[int], *, runs: int = 1, seed: int = 0) -> Floats:
        """Accuracy after so many steps of the process itself, the mean over some runs of it.

        Args:
            steps: ascending.
            runs: how many times the process is run.
            seed: of the pairs drawn.

        Raises:
            ConfigError: steps that are negative or not ascending, or fewer than one run.
        """
        until = _steps(steps).astype(np.int64)
        if runs < 1 or np.any(np.diff(until) < 0):
            raise ConfigError("The process is run once at least, and its steps are given in ascending order.")
        rng = np.random.default_rng([seed, 0x70F])
        return np.asarray(np.mean([self._run(until.tolist(), rng) for _ in range(runs)], axis=0))

    def phases(self) -> Phases:
        """Where the curve leaves its first slope, and where it is flat.

        Raises:
            ConfigError: nothing can be learnt, as the source states every pair that a path joins.
        """
        rates, counts = self.rates()
        if not len(rates):
            raise ConfigError("The source states all that can be chained from it, so the curve is flat from the start.")
        slope, gain = float(rates @ counts) / self.pairs, self.plateau - self.start
        return Phases(
            _bisect(lambda t: self._gained(t) - 0.9 * slope * t, rises=False, upper=2 * gain / slope),
            _bisect(lambda t: self._gained(t) - 0.95 * gain, rises=True, upper=4 / float(rates[0])),
        )

    def _gained(self, steps: float) -> float:
        return float(self.accuracy([steps])[0]) - self.start

    def _run(self, until: list[int], rng: np.random.Generator) -> list[float]:
        known, told, done = self.stated.copy(), [], 0
        parents = self.parents.tolist()
        for target in until:
            firsts = rng.integers(0, len(known), target - done)
            # One of the others: those from the first on are moved up by one.
            others = rng.integers(0, len(known) - 1, target - done)
            seconds = others + (others >= firsts)
            for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True):
                on_path = second if parents[first][second] != _NOWHERE else first
                while on_path != first:
                    known[first, on_path] = True
                    on_path = parents[first][on_path]
            done = target
            told.append(float(known.sum() / self.pairs))
        return told


def random_relations(entities: int, probability: float, *, seed: int = 0) -> Booleans:
    """A random directed graph (Erdos-Renyi): each ordered pair is stated with the same probability.

    Raises:
        ConfigError: fewer than two entities, or no probability.
    """
    if entities < 2 or not 0 <= probability <= 1:
        raise ConfigError("A random graph has at least two entities, and a probability from 0 to 1.")
    stated = np.random.default_rng([seed, 0x6E2]).random((entities, entities)) < probability
    np.fill_diagonal(stated, False)
    return stated


def _tree(root: int, neighbours: list[list[int]]) -> tuple[list[int], list[int]]:
    """Of each entity its parent in the breadth-first tree from the root, and how many lie at or under it."""
    parents = [_NOWHERE] * len(neighbours)
    parents[root], order = root, [root]
    for entity in order:
        for other in neighbours[entity]:
            if parents[other] == _NOWHERE:
                parents[other] = entity
                order.append(other)
    under = [0] * len(neighbours)
    for entity in reversed(order[1:]):
        under[entity] += 1
        if parents[entity] != root:
            under[parents[entity]] += under[entity]
    parents[root] = _NOWHERE
    return parents, under


def _steps(steps: Sequence[float] | Floats) -> Floats:
    told = np.asarray(steps, dtype=np.float64)
    if told.ndim != 1 or not np.isfinite(told).all() or np.any(told < 0):
        raise ConfigError("Steps are a list of numbers from 0 on.")
    return told


def _bisect(function: Callable[[float], float], *, rises: bool, upper: float) -> float:
    """Where a function that changes its sign once between 0 and ``upper`` does; ``upper`` grows until it has."""
    low = 0.0
    while (function(upper) > 0) != rises:
        low, upper = upper, 2 * upper
    for _ in range(60):
        middle = (low + upper) / 2
        low, upper = (low, middle) if (function(middle) > 0) == rises else (middle, upper)
    return (low + upper) / 2
