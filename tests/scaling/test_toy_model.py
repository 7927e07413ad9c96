"""The toy model: its exact curve against the process itself, worked examples, and the identities that must hold."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from synthcpt.errors import ConfigError
from synthcpt.scaling.toy_model import ToyModel, random_relations


def graph(entities: int, *edges: tuple[int, int]) -> np.ndarray:
    stated = np.zeros((entities, entities), dtype=bool)
    for first, second in edges:
        stated[first, second] = True
    return stated


@pytest.fixture(scope="module")
def paper() -> ToyModel:
    return ToyModel.of(random_relations(100, 0.03, seed=2))


def test_a_chain_worked_out_by_hand() -> None:
    # 0 -> 1 -> 2 -> 3: six of twelve pairs are joined, three of them stated. From 0, drawing (0, 2) or (0, 3) teaches
    # (0, 2), and (0, 3) alone teaches (0, 3); from 1, (1, 3) teaches itself.
    model = ToyModel.of(graph(4, (0, 1), (1, 2), (2, 3)))
    assert model.descendants.tolist() == [[0, 3, 2, 1], [0, 0, 2, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert (model.pairs, model.start, model.plateau) == (12, 3 / 12, 6 / 12)
    t = 5
    by_hand = (3 + (1 - (10 / 12) ** t) + 2 * (1 - (11 / 12) ** t)) / 12
    assert model.accuracy([0, t])[1] == pytest.approx(by_hand, rel=1e-12)


def test_what_is_learnt_is_the_way_from_the_first_and_not_the_ways_between() -> None:
    """(0, 3) teaches (0, 1), (0, 2) and (0, 3), but not (1, 3): with no other draw, that stays unknown."""
    model = ToyModel.of(graph(4, (0, 1), (1, 2), (2, 3)))
    rates, counts = model.rates()
    assert rates.tolist() == pytest.approx([1 / 12, 2 / 12])
    assert counts.tolist() == [2, 1]


def test_paths_are_searched_in_what_is_stated_never_in_what_was_learnt() -> None:
    """Over a chain, learnt short cuts would lead paths past entities between, which are then learnt later."""
    model = ToyModel.of(graph(6, *((i, i + 1) for i in range(5))))
    steps = [20, 60, 150]
    assert model.simulate(steps, runs=4_000, seed=0) == pytest.approx(model.accuracy(steps), abs=0.004)


def test_rates_sum_to_the_lengths_of_shortest_paths(paper: ToyModel) -> None:
    lengths = dict(networkx.all_pairs_shortest_path_length(networkx.from_numpy_array(
        paper.stated, create_using=networkx.DiGraph)))  # fmt: skip
    assert int(paper.descendants.sum()) == sum(sum(one.values()) for one in lengths.values())
    joined = sum(len(one) - 1 for one in lengths.values())
    assert paper.plateau == joined / paper.pairs


def test_the_formula_is_the_process(paper: ToyModel) -> None:
    steps = [0, 100, 1_000, 3_000, 10_000, 20_000]
    assert np.abs(paper.simulate(steps, runs=12, seed=1) - paper.accuracy(steps)).max() < 0.003


def test_the_plateau_is_what_can_be_reached_and_not_the_theorems_bound(paper: ToyModel) -> None:
    assert paper.plateau == pytest.approx(0.874, abs=5e-4)
    assert paper.accuracy([1e9])[0] == pytest.approx(paper.plateau, abs=1e-9)
    assert paper.plateau < 0.03 + 0.8845  # theorem 1 speaks of endless graphs


def test_the_curve_starts_at_what_is_stated_and_only_rises(paper: ToyModel) -> None:
    curve = paper.accuracy(np.linspace(0, 60_000, 200))
    assert curve[0] == pytest.approx(paper.start)
    assert (np.diff(curve) > 0).all()
    assert (np.diff(curve, 2) < 0).all()


def test_the_phases_are_where_the_curve_bends_and_where_it_ends(paper: ToyModel) -> None:
    found = paper.phases()
    gained = paper.accuracy([1, found.straight_until, found.flat_from]) - paper.start
    assert gained[1] == pytest.approx(0.9 * gained[0] * found.straight_until, rel=0.01)
    assert gained[2] == pytest.approx(0.95 * (paper.plateau - paper.start), rel=1e-6)
    assert found.straight_until < paper.pairs < found.flat_from  # steps are counted in pairs


def test_a_run_is_repeated_by_its_seed(paper: ToyModel) -> None:
    one, again, other = (paper.simulate([500], seed=seed)[0] for seed in (4, 4, 5))
    assert one == again != other
    assert (random_relations(50, 0.1, seed=1) == random_relations(50, 0.1, seed=1)).all()
    assert not random_relations(20, 1.0).diagonal().any()


def test_with_all_stated_or_nothing_to_chain_there_is_nothing_to_learn() -> None:
    full = ToyModel.of(random_relations(5, 1.0))
    assert full.accuracy([0, 10]).tolist() == [1.0, 1.0]
    empty = ToyModel.of(random_relations(5, 0.0))
    assert empty.simulate([10]).tolist() == [0.0] == empty.accuracy([10]).tolist()
    with pytest.raises(ConfigError, match="flat from the start"):
        full.phases()


@pytest.mark.parametrize("stated", [np.zeros((2, 3)), np.zeros((1, 1)), np.eye(3)])
def test_what_is_no_graph_is_refused(stated: np.ndarray) -> None:
    with pytest.raises(ConfigError):
        ToyModel.of(stated)


def test_steps_that_cannot_be_taken_are_refused(paper: ToyModel) -> None:
    with pytest.raises(ConfigError, match="from 0 on"):
        paper.accuracy([-1])
    with pytest.raises(ConfigError, match="ascending"):
        paper.simulate([10, 5])
    with pytest.raises(ConfigError, match="probability"):
        random_relations(10, 1.5)
