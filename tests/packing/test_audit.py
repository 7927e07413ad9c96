from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_stores import make_part, make_store, random_texts

from synthcpt.packing.audit import Audit, audit
from synthcpt.packing.batches import NO_LOSS, read_windows
from synthcpt.packing.mixture import Amounts, Phase
from synthcpt.packing.plan import Packing, Plan
from synthcpt.packing.planning import make_plan
from synthcpt.packing.readers import Part
from synthcpt.packing.store import TokenStore


@st.composite
def stores(draw: st.DrawFn, name: str, least: int = 1) -> TokenStore:
    lengths = draw(st.lists(st.integers(1, 50), min_size=least, max_size=25))
    loss = []
    for length in lengths:
        marks = sorted(draw(st.sets(st.integers(0, length), max_size=6)))
        loss.append([(a, b) for a, b in zip(marks[::2], marks[1::2], strict=False)])
    return make_store(name, [list(range(1, length + 1)) for length in lengths], loss=loss)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    parts = [make_part(draw(stores("books"))), make_part(draw(stores("papers")))]
    parts.append(make_part(draw(stores("web")), "replay"))
    parts.append(make_part(draw(stores("exam")), "heldout"))
    mixes = draw(st.sampled_from([{}, {"books": 1.0}, {"books": 1.0, "papers": 3.0}]))
    phases = (Phase(), Phase("end", 0.6, mixes))
    amounts = Amounts(
        draw(st.sampled_from([0.7, 1.0, 2.0, 2.4])), None, draw(st.sampled_from([0.0, 0.2])), replay_repeats=True,
        phases=phases, heldout=draw(st.sampled_from([0.0, 0.3])),
    )  # fmt: skip
    method: Any = draw(st.sampled_from(["best_fit", "concat"]))
    return make_plan(parts, amounts, Packing(draw(st.sampled_from([8, 17, 64])), 3, method))


def counted(plan: Plan) -> dict[str, np.ndarray]:
    """The account, from the batches themselves."""
    parts = len(plan.part_names)
    batch = read_windows(plan, range(plan.windows))
    firsts = np.zeros(len(batch.ids), dtype=bool)
    firsts[np.cumsum(batch.lengths) - batch.lengths] = True
    wanted = np.zeros(len(batch.ids), dtype=bool)  # first tokens that would carry loss, were there a text before them
    for at, store, text, start in zip(np.flatnonzero(firsts), plan.store, plan.text, plan.start, strict=True):
        source = plan.stores[store]
        spans = source.loss_ranges[source.loss_offsets[text] : source.loss_offsets[text + 1]]
        wanted[at] = not len(spans) or any(low <= start < high for low, high in spans)
    return {
        "read": np.bincount(batch.parts, minlength=parts),
        "trained": np.bincount(batch.parts[batch.targets != NO_LOSS], minlength=parts),
        "firsts": np.bincount(batch.parts[firsts & wanted], minlength=parts),
    }


@settings(max_examples=150, deadline=None)
@given(plans())
def test_the_account_is_what_the_batches_hold_to_the_token(plan: Plan) -> None:
    account, seen = audit(plan), counted(plan)
    for i, part in enumerate(account.parts):
        assert part.read == seen["read"][i]
        assert part.trained == seen["trained"][i]
        assert part.read == part.trained + part.first_tokens + part.outside_spans
        assert part.first_tokens == seen["firsts"][i]
        assert part.outside_spans >= 0
    assert account.read == plan.tokens
    assert account.slots == plan.windows * plan.window_tokens
    assert account.efficiency == account.read / account.slots


@settings(max_examples=150, deadline=None)
@given(plans())
def test_every_token_of_every_source_is_held_out_unread_or_read(plan: Plan) -> None:
    for i, part in enumerate(audit(plan).parts):
        store = plan.stores[i]
        lengths = store.lengths()
        read = np.unique(plan.text[plan.store == i])
        assert part.tokens == store.tokens
        assert part.heldout == lengths[plan.heldout_text[plan.heldout_store == i]].sum()
        assert part.tokens == part.heldout + part.unread + lengths[read].sum()


def plan_by_hand() -> Plan:
    books = make_store(
        "books", [[1, 2, 3, 4], [5, 6, 7, 8, 9], [1] * 10], loss=[[], [(0, 2), (4, 5)], [(3, 9)]], dropped={"empty": 2}
    )
    exam = make_store("exam", [[1, 2, 3]])
    idle = make_store("idle", [[1, 2, 3, 4, 5, 6]], dropped={"no_loss": 1})
    parts = [make_part(books), make_part(exam, "heldout"), make_part(idle, "replay")]
    return make_plan(parts, Amounts(epochs=2.0), Packing(8, 1))


def test_an_account_by_hand() -> None:
    """Per pass: 4 tokens all but the first; 5 of which 2nd and 5th; 8 of which 4 to 8; 2 of which none."""
    books, exam, idle = audit(plan_by_hand()).parts
    assert (books.tokens, books.read, books.unread, books.heldout) == (19, 38, 0, 0)
    assert books.trained == 2 * (3 + 2 + 5 + 0)
    assert books.first_tokens == 2 * (1 + 1 + 0 + 1)
    assert books.outside_spans == 2 * (0 + 2 + 3 + 1)
    assert books.texts_dropped == {"empty": 2}
    assert (exam.heldout, exam.read, exam.unread) == (3, 0, 0)
    assert (idle.tokens, idle.read, idle.unread, idle.texts_dropped) == (6, 0, 6, {"no_loss": 1})


def test_a_source_that_varies_by_epoch_is_counted_once() -> None:
    both = [make_store(f"books-{epoch}", random_texts(20, 5, 5)) for epoch in range(2)]
    one = Part("books", "data", lambda epoch: both[epoch])
    plan = make_plan([one], Amounts(epochs=1.5, heldout=0.2), Packing(64, 2))
    (books,) = audit(plan).parts
    assert (books.tokens, books.read, books.unread, books.heldout) == (100, 120, 0, 20)


def test_a_large_plan_is_counted_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_by_hand()
    whole = audit(plan)
    monkeypatch.setattr("synthcpt.packing.audit._AT_ONCE", 3)
    assert audit(plan) == whole


def test_the_line_tells_where_tokens_went() -> None:
    account = audit(plan_by_hand())
    assert account.line() == (
        f"38 tokens read = 20 trained + 18 masked (6 first of a text, 12 outside answers); {account.slots} slots, "
        f"{38 / account.slots:.2%} of them filled"
    )
    facts = dict(account.facts())
    assert facts["data books"] == "38 tokens (100.00% of those read): 19 tokens, 2.00 times; texts left out: 2 empty"
    assert facts["heldout exam"] == "3 tokens, only measured on"
    assert "6 of them not reached" in facts["replay idle"]
    assert facts["same source in a window"] == "0.00% of texts"


def test_the_account_as_json_adds_up() -> None:
    told = audit(plan_by_hand()).as_json()
    assert told["read"] == sum(part["read"] for part in told["parts"]) == 38
    assert told["trained"] == sum(part["trained"] for part in told["parts"]) == 20
    assert told["parts"][0]["texts_dropped"] == {"empty": 2}


def test_hardly_a_slot_of_a_plan_is_empty_and_nothing_is_dropped() -> None:
    rng = np.random.default_rng(0)
    lengths = np.maximum(1, rng.lognormal(np.log(500) - 0.5, 1.0, 8000).astype(int))
    books = make_store("books", [np.ones(length, dtype=int).tolist() for length in lengths])
    account: Audit = audit(make_plan([make_part(books)], Amounts(epochs=1.0, heldout=0.0), Packing(4096, 16)))
    assert account.efficiency >= 0.995
    assert account.read == lengths.sum()
    assert account.parts[0].unread == pytest.approx(0)
