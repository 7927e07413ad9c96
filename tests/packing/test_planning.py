from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from token_stores import make_part, make_store, random_texts

from synthcpt.errors import ConfigError
from synthcpt.packing.mixture import Amounts, Phase
from synthcpt.packing.plan import Packing, Plan
from synthcpt.packing.planning import make_plan
from synthcpt.packing.readers import Part

PACKING = Packing(128, 4)


def part(name: str, count: int = 120, low: int = 5, high: int = 60, role: str = "data", **how: object) -> Part:
    return make_part(make_store(name, random_texts(count, low, high, seed=len(name)), **how), role)  # type: ignore[arg-type]


def window_of_pieces(plan: Plan) -> np.ndarray:
    return np.repeat(np.arange(plan.windows), np.diff(plan.window_offsets))


def texts_by_window(plan: Plan, store: int = 0) -> list[int]:
    """The texts of a store in the order they are first met in."""
    return [int(text) for text in plan.text[(plan.store == store) & (plan.start == 0)]]


@pytest.mark.parametrize("method", ["best_fit", "concat"])
def test_windows_hold_whole_texts_and_long_ones_in_pieces(method: str) -> None:
    one = part("books", 50, 5, 700)
    plan = make_plan([one], Amounts(epochs=1.0), Packing(128, 4, method))  # type: ignore[arg-type]
    lengths = one.store(0).lengths()
    for text in range(50):
        here = plan.text == text
        begins, sizes = plan.start[here], plan.length[here]
        by_start = np.argsort(begins)
        assert begins[by_start].tolist() == [0, *np.cumsum(sizes[by_start])[:-1]]
        assert sizes.sum() == lengths[text]
        if method == "best_fit":
            assert here.sum() == -(-lengths[text] // 128)
    assert np.add.reduceat(plan.length, plan.window_offsets[:-1]).max() <= 128


@pytest.mark.parametrize("epochs", [1.0, 2.0, 2.5])
def test_every_pass_is_read_before_the_next_begins(epochs: float) -> None:
    parts = [part("books", 90), part("papers", 40, 3, 120), part("web", 4000, role="replay")]
    plan = make_plan(parts, Amounts(epochs=epochs, replay_ratio=0.2), PACKING)
    for number in (0, 1):
        read, texts = texts_by_window(plan, number), parts[number].store(0).texts
        for at in range(int(epochs)):
            assert sorted(read[at * texts : (at + 1) * texts]) == list(range(texts))
        assert len(set(read[int(epochs) * texts :])) == len(read) - int(epochs) * texts


def test_windows_of_different_passes_do_not_mix() -> None:
    parts = [part("books", 90), part("papers", 40, 3, 120)]
    once, twice = (make_plan(parts, Amounts(epochs=epochs), PACKING) for epochs in (1.0, 2.0))
    assert twice.windows in range(2 * once.windows - 1, 2 * once.windows + 2)
    first = int(np.searchsorted(twice.window_offsets, 130))
    assert twice.window_offsets[first] == 130


def test_questions_come_before_documents_in_every_pass() -> None:
    steps = [("document", "question", "question", "list")[i % 4] for i in range(120)]
    one = part("books", steps=steps)
    plan = make_plan([one], Amounts(epochs=2.0), Packing(128, 4, curriculum=("question", "document")))
    read = [steps[text] for text in texts_by_window(plan)]
    in_order = sorted(steps, key=("question", "document", "list").index)
    assert read == in_order * 2
    windows = window_of_pieces(plan)
    for window in range(plan.windows):
        assert len({steps[text] for text in plan.text[windows == window]}) == 1


def test_a_curriculum_holds_over_sources_that_number_their_steps_differently() -> None:
    parts = [
        part("books", 80, steps=["question", "text"] * 40),
        part("papers", 60, steps=["answer", "question", "text"] * 20),
    ]
    plan = make_plan(parts, Amounts(epochs=1.0), Packing(128, 4, curriculum=("question",)))
    first = []
    for store, text in zip(plan.store, plan.text, strict=True):
        source = plan.stores[store]
        first.append(source.meta["steps"][source.steps[text]] == "question")
    assert first == sorted(first, reverse=True)
    assert sum(first) == 60


def test_a_curriculum_of_steps_that_made_no_text_is_refused() -> None:
    parts = [part("books", 80, steps=["question", "text"] * 40), part("papers", 60, steps=["answer"] * 60)]
    make_plan(parts, Amounts(epochs=1.0), Packing(128, 4, curriculum=("answer", "question")))
    with pytest.raises(ConfigError, match=r"names 'questoin', but .* Did you mean 'question'\?"):
        make_plan(parts, Amounts(epochs=1.0), Packing(128, 4, curriculum=("answer", "questoin")))


def test_a_source_that_varies_is_read_from_the_store_of_each_epoch() -> None:
    stores = [make_store(f"books-{epoch}", random_texts(30, 5 + epoch, 5 + epoch)) for epoch in range(3)]
    plan = make_plan([Part("books", "data", lambda epoch: stores[epoch])], Amounts(epochs=3.0), PACKING)
    assert plan.stores == tuple(stores)
    assert plan.parts_of_stores == (0, 0, 0)
    for number in range(3):
        assert sorted(texts_by_window(plan, number)) == list(range(30))
        assert set(plan.length[plan.store == number]) == {5 + number}
    assert plan.store.tolist() == sorted(plan.store)
    assert plan.meta["stores"] == [{"part": 0, "epoch": epoch} for epoch in range(3)]


def test_a_store_for_all_epochs_is_there_once() -> None:
    parts = [part("books"), part("web", 300, role="replay"), part("exam", 9, role="heldout"), part("idle", 9)]
    phases = (Phase(mix={"books": 1.0}),)
    plan = make_plan(parts, Amounts(epochs=3.0, replay_ratio=0.1, phases=phases, heldout=0.0), PACKING)
    assert [store.name for store in plan.stores] == ["books", "web", "exam", "idle"]
    assert plan.parts_of_stores == (0, 1, 2, 3)
    assert set(plan.store) == {0, 1}
    assert set(plan.heldout_store) == {2}
    assert plan.heldout_text.tolist() == list(range(9))


def test_grouped_and_concatenated_texts_of_one_document_follow_one_another() -> None:
    groups = [f"document {i % 12}" for i in range(120)]
    one = part("books", groups=groups)
    plan = make_plan([one], Amounts(epochs=1.0), Packing(128, 4, "concat", "grouped"))
    met = [groups[text] for text in plan.text]
    assert sum(a != b for a, b in itertools.pairwise(met)) == 11
    assert plan.meta["collision_rate"] > 0.6
    shuffled = make_plan([one], Amounts(epochs=1.0), Packing(128, 4, "concat"))
    assert shuffled.meta["collision_rate"] < plan.meta["collision_rate"]


def test_concatenated_windows_are_shuffled_within_a_pass() -> None:
    one = part("books", 20, 900, 1000)
    plan = make_plan([one], Amounts(epochs=1.0), Packing(128, 4, "concat"))
    beside = np.mean([a == b for a, b in zip(plan.text, plan.text[1:], strict=False)])
    assert beside < 0.4
    assert (np.add.reduceat(plan.length, plan.window_offsets[:-1]) == 128).sum() >= plan.windows - 1


def test_the_collision_rate_is_that_of_the_windows() -> None:
    groups: list[str | None] = [None if i % 5 == 0 else f"d{i % 7}" for i in range(200)]
    parts = [part("books", 200, groups=groups), part("papers", 200, groups=groups)]
    plan = make_plan(parts, Amounts(epochs=1.0), PACKING)
    windows, collided = window_of_pieces(plan), 0
    for window in range(plan.windows):
        held: Sequence[str | None] = [groups[text] for text in plan.text[windows == window]]
        collided += sum(held.count(group) > 1 for group in held if group is not None)
    assert plan.meta["collision_rate"] == pytest.approx(collided / len(plan.text))
    assert collided


def test_rewrites_of_one_document_are_kept_apart() -> None:
    def rate(groups: list[str]) -> float:
        one = make_part(make_store("books", random_texts(2000, 16, 24), groups=groups))
        return float(make_plan([one], Amounts(epochs=1.0), Packing(256, 4)).meta["collision_rate"])

    assert rate([f"d{i % 100}" for i in range(2000)]) < 0.01


def test_the_description_tells_what_was_planned() -> None:
    parts = [part("books", 200), part("web", 300, role="replay"), part("exam", 9, role="heldout")]
    phases = (Phase("most"), Phase("end", 0.8, replay_ratio=0.5))
    plan = make_plan(parts, Amounts(epochs=1.5, replay_ratio=0.1, phases=phases), PACKING)
    books, web, exam = plan.meta["parts"]
    assert (books["name"], books["role"], books["tokens"]) == ("books", "data", parts[0].store(0).tokens)
    assert books["tokens_read"] == plan.length[plan.store == 0].sum()
    assert web["tokens_read"] == plan.length[plan.store == 1].sum()
    assert books["passes"] == pytest.approx(1.5, abs=0.02)
    assert exam["tokens_read"] == 0
    assert [phase["name"] for phase in plan.meta["phases"]] == ["most", "end"]
    assert sum(phase["tokens"] for phase in plan.meta["phases"]) == plan.tokens == plan.length.sum()
    end = plan.window_offsets[plan.meta["phases"][1]["window"]]
    assert plan.length[:end].sum() == plan.meta["phases"][0]["tokens"]


def test_another_seed_is_another_plan() -> None:
    plans = [make_plan([part("books")], Amounts(epochs=1.0), Packing(128, 4, seed=seed)) for seed in (0, 0, 1)]
    assert plans[0].text.tolist() == plans[1].text.tolist()
    assert plans[0].text.tolist() != plans[2].text.tolist()
