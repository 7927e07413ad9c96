"""When a plan reads what was made from a document: against a walk over its pieces, one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from token_stores import make_part, make_store, random_texts

from synthcpt.packing.encoding import group_hash
from synthcpt.packing.exposures import exposures
from synthcpt.packing.mixture import Amounts
from synthcpt.packing.plan import Packing, Plan
from synthcpt.packing.planning import make_plan
from synthcpt.packing.store import TokenStore


def of_two(store: TokenStore, seconds: list[str | None]) -> TokenStore:
    """The same with a second source document for some texts."""
    offsets, groups = [0], []
    for text, second in enumerate(seconds):
        groups += store.groups[store.group_offsets[text] : store.group_offsets[text + 1]].tolist()
        groups += [group_hash(second)] if second else []
        offsets.append(len(groups))
    return dataclasses.replace(
        store, group_offsets=np.array(offsets, dtype=np.int64), groups=np.array(groups, dtype=np.uint64)
    )


def some_plan(heldout: float = 0.1) -> Plan:
    books = make_store(
        "books", random_texts(80, 5, 300), groups=[None if i % 7 == 0 else f"d{i % 9}" for i in range(80)]
    )
    books = of_two(books, ["shared" if i % 11 == 0 else None for i in range(80)])
    replay = make_store(
        "web", random_texts(120, 5, 60, seed=1), groups=["shared" if i % 20 == 0 else None for i in range(120)]
    )
    return make_plan(
        [make_part(books), make_part(replay, "replay")],
        Amounts(epochs=2.0, replay_ratio=0.1, heldout=heldout),
        Packing(128, 4),
    )


def walked(plan: Plan, document: str) -> list[int]:
    steps = set()
    for step in range(plan.steps):
        for window in plan.windows_of(step):
            for piece in range(plan.window_offsets[window], plan.window_offsets[window + 1]):
                store, text = plan.stores[plan.store[piece]], plan.text[piece]
                if group_hash(document) in store.groups[store.group_offsets[text] : store.group_offsets[text + 1]]:
                    steps.add(step + 1)
    return sorted(steps)


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
def test_every_step_that_reads_a_document_is_found(at_once: int) -> None:
    plan = some_plan()
    names = [*(f"d{i}" for i in range(9)), "shared"]
    found = exposures(plan, [*names, "unknown", "d3"], at_once=at_once)
    for name in names:
        assert found.of(name).tolist() == walked(plan, name)
        assert len(found.of(name)) > 1
    assert found.of("unknown").tolist() == []
    assert found.of("never asked for").tolist() == []
    assert max(found.steps) <= plan.steps
    assert min(found.steps) == 1, "steps count from 1"


def test_documents_that_nobody_asked_for_are_not_counted_to_others() -> None:
    plan = some_plan()
    found = exposures(plan, ["d1", "shared"])
    assert len(found.documents) == 2
    for name in ("d1", "shared"):
        assert found.of(name).tolist() == walked(plan, name)


def test_without_names_all_documents_are_told() -> None:
    plan = some_plan()
    named = exposures(plan, [*(f"d{i}" for i in range(9)), "shared"])
    found = exposures(plan)
    assert found.documents.tolist() == named.documents.tolist()
    assert found.steps.tolist() == named.steps.tolist()
    assert found.offsets.tolist() == named.offsets.tolist()


def test_what_is_held_out_is_not_read() -> None:
    store = make_store("books", random_texts(40, 20, 40), groups=[f"d{i}" for i in range(40)])
    plan = make_plan([make_part(store)], Amounts(epochs=1.0, heldout=0.2), Packing(128, 2))
    held = {int(text) for text in plan.heldout_text}
    found = exposures(plan)
    assert held
    for text in range(40):
        assert bool(len(found.of(f"d{text}"))) == (text not in held)


def test_a_plan_of_no_documents_has_no_exposures() -> None:
    store = make_store("books", random_texts(10, 20, 40), groups=[None] * 10)
    plan = make_plan([make_part(store)], Amounts(epochs=1.0), Packing(128, 2))
    for found in (exposures(plan), exposures(plan, []), exposures(plan, ["d"])):
        assert len(found.steps) == 0
        assert found.of("d").tolist() == []
