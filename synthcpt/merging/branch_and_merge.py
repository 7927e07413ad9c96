"""Branch-and-Merge: which slice is trained from which base, and what is merged when (Alexandrov et al. 2024).

arXiv:2407.08699, section 3: the data is split into N slices; K copies of the current base are trained on the next K
slices, each on its own, and merged into the next base, until all slices are used. Each step moves the weights less
than training on everything at once would, and forgets less. The paper takes K = 2, merges with slerp and mixes replay
into every slice.

Only the plan is here. Names are made of the slices' numbers alone, so a driver that finds a round's output goes on
after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthcpt.errors import ConfigError

START = "start"
"""The name of the model that everything begins with."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A training.

    Attributes:
        name: of the model that comes out.
        base: the name of the model it starts from.
        data_slice: the number of the slice it reads, from 0.
    """

    name: str
    base: str
    data_slice: int


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge of branches with equal weights.

    Attributes:
        name: of the model that comes out.
        branches: the names of the models merged, at least two.
    """

    name: str
    branches: tuple[str, ...]

    @property
    def method(self) -> str:
        """The merge to use: slerp for two, as in the paper; the mean for more, which slerp cannot merge."""
        return "slerp" if len(self.branches) == 2 else "linear"


@dataclass(frozen=True, slots=True)
class Round:
    """What is done between one base and the next.

    Attributes:
        number: from 0.
        branches: independent of each other; may run at once.
        merge: None where a single slice was left over: its branch is the next base.
    """

    number: int
    branches: tuple[Branch, ...]
    merge: Merge | None

    @property
    def result(self) -> str:
        """The name of the next round's base; the last round's is the final model."""
        return self.merge.name if self.merge else self.branches[0].name


def schedule(slices: int, k: int = 2) -> list[Round]:
    """The rounds, in order.

    Args:
        slices: how many the data is split into.
        k: how many are trained side by side and merged; the last round has what is left.

    Raises:
        ConfigError: no slices, or fewer than two at a time.
    """
    if slices < 1:
        raise ConfigError(f"Branch-and-Merge needs slices of data; {slices} were asked for.")
    if k < 2:
        raise ConfigError(f"Branch-and-Merge merges two branches or more a round, not {k}.")
    rounds: list[Round] = []
    base = START
    for number, begin in enumerate(range(0, slices, k)):
        names = [f"slice-{each:03d}" for each in range(begin, min(begin + k, slices))]
        branches = tuple(Branch(name, base, begin + offset) for offset, name in enumerate(names))
        merge = Merge(f"round-{number:03d}", tuple(names)) if len(names) > 1 else None
        rounds.append(Round(number, branches, merge))
        base = rounds[-1].result
    return rounds
