"""What the finished stages of an experiment say, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from synthcpt.errors import DataCorrupt
from synthcpt.experiments.grid import Cell
from synthcpt.experiments.stages import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answers:
    """One metric of one evaluation, question by question.

    Attributes:
        ids: of the questions, in order.
        clusters: each question's document, or itself where it has none.
        kinds: each question's kind.
        values: of the metric.
    """

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    kinds: tuple[str, ...]
    values: tuple[float, ...]

    def of(self, kinds: Sequence[str]) -> Answers:
        """Those to questions of some kinds; all where none are named."""
        if not kinds:
            return self
        rows = zip(self.ids, self.clusters, self.kinds, self.values, strict=True)
        kept = [row for row in rows if row[2] in kinds]
        return Answers(*(tuple(column) for column in zip(*kept, strict=True))) if kept else Answers((), (), (), ())


@dataclass(frozen=True, slots=True)
class Group:
    """The cells of one arm at one budget: one a seed.

    Attributes:
        arm, budget_tokens: which.
        cells: in the order of seeds.
        answers: of each.
        retained: of each; empty where nothing of the kind is asked.
    """

    arm: str
    budget_tokens: int | None
    cells: tuple[Cell, ...]
    answers: tuple[Answers, ...]
    retained: tuple[Answers, ...]

    def matrix(self, kinds: Sequence[str] = ()) -> NDArray[np.float64]:
        """``[seeds, questions]`` of the metric, of these kinds of question or of all."""
        return _matrix(self.answers, kinds)

    def retained_matrix(self, kinds: Sequence[str] = ()) -> NDArray[np.float64]:
        """``[seeds, questions]`` of the metric on what could be answered before."""
        return _matrix(self.retained, kinds)

    def clusters(self, kinds: Sequence[str] = ()) -> tuple[str, ...]:
        """The documents of `matrix`'s questions."""
        return self.answers[0].of(kinds).clusters

    def retained_clusters(self, kinds: Sequence[str] = ()) -> tuple[str, ...]:
        """The documents of `retained_matrix`'s questions."""
        return self.retained[0].of(kinds).clusters


def gather(cells: Sequence[Cell], root: Path, metric: str) -> list[Group]:
    """Every arm and budget whose seeds are all finished, in the recipe's order.

    Raises:
        DataCorrupt: two seeds were asked different questions.
    """
    groups: dict[tuple[str, int | None], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.arm, cell.budget_tokens), []).append(cell)
    found = []
    for (arm, budget), members in groups.items():
        ends = [stage for cell in members for stage in (cell.evaluate, cell.retained) if stage is not None]
        if all(stage.done(root) for stage in ends):
            answers = tuple(read_answers(cell.evaluate, root, metric) for cell in members)
            retained = tuple(read_answers(cell.retained, root, metric) for cell in members if cell.retained)
            found.append(Group(arm, budget, tuple(members), answers, retained))
    for group in found:
        if any(one.ids != found[0].answers[0].ids for one in group.answers):
            raise DataCorrupt(f"The models of {group.arm} were asked other questions than {found[0].arm}'s.")
    return found


def read_answers(stage: Stage, root: Path, metric: str) -> Answers:
    """A metric's value for every question that it was measured on.

    Raises:
        DataCorrupt: the evaluation has no such metric.
    """
    from synthcpt.evaluation.measures import METRICS

    setting, name = metric.split("/", 1)
    path, read = stage.output(root) / "answers.jsonl", METRICS[name].read
    rows = [row for row in _lines(path) if row["setting"] == setting]
    if not any(read(row) is not None for row in rows):
        raise DataCorrupt(f"{path} has no {name} in the setting {setting}; the recipe's metric asks for it.")
    rows.sort(key=lambda row: str(row["id"]))
    return Answers(
        tuple(str(row["id"]) for row in rows),
        tuple(str(row.get("document") or row["id"]) for row in rows),
        tuple(str(row.get("kind") or "") for row in rows),
        tuple(read(row) or 0.0 for row in rows),  # what a judge could not grade is not right
    )


def read_evaluation(stage: Stage, root: Path) -> dict[str, Any]:
    """The summary of a finished evaluation."""
    told: dict[str, Any] = orjson.loads((stage.output(root) / "evaluation.json").read_bytes())
    return told


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _matrix(answers: Sequence[Answers], kinds: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    return np.array([one.of(kinds).values for one in answers], dtype=np.float64)
