from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_stores import make_part, make_store, random_texts

from synthcpt.errors import ConfigError
from synthcpt.packing.mixture import Amounts, Drawn, Phase, check_phases, mix
from synthcpt.packing.readers import Part, Reader
from synthcpt.packing.store import TokenStore


def part(name: str, count: int = 60, low: int = 5, high: int = 40, role: str = "data", **how: bool) -> Part:
    return make_part(make_store(name, random_texts(count, low, high, seed=len(name) + count)), role, **how)


def drawn(parts: list[Part], amounts: Amounts, seed: int = 0) -> list[Drawn]:
    return mix(parts, [Reader(one, seed, amounts.heldout) for one in parts], amounts)


def tokens_of(phase: Drawn, number: int) -> int:
    return int(phase.length[phase.part == number].sum())


def texts_of(phases: list[Drawn], number: int) -> list[tuple[int, int]]:
    return [(int(e), int(t)) for p in phases for i, e, t in zip(p.part, p.epoch, p.text, strict=True) if i == number]


def test_texts_come_with_the_lengths_of_their_store() -> None:
    one = part("books")
    (phase,) = drawn([one], Amounts(epochs=1.0))
    assert phase.length.tolist() == one.store(0).lengths()[phase.text].tolist()


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.integers(2000, 9000), st.integers(0, 3))
def test_a_mix_is_one_of_tokens_to_within_a_text(share: float, tokens: int, seed: int) -> None:
    parts = [part("short", 300, 2, 9), part("long", 40, 30, 90)]
    phases = (Phase(mix={"short": share, "long": 1 - share}),)
    (phase,) = drawn(parts, Amounts(tokens=tokens, phases=phases), seed)
    assert abs(tokens_of(phase, 0) - share * tokens) <= 9 / 2
    assert abs(tokens_of(phase, 1) - (1 - share) * tokens) <= 90 / 2


def test_without_a_mix_sources_are_read_by_their_sizes() -> None:
    parts = [part("small", 40), part("larger", 120)]
    (phase,) = drawn(parts, Amounts(epochs=1.5))
    for number, one in enumerate(parts):
        assert abs(tokens_of(phase, number) - 1.5 * one.store(0).tokens) <= 20


def test_every_stretch_of_a_phase_has_the_mix_of_the_whole() -> None:
    parts = [part("small", 200), part("larger", 600)]
    (phase,) = drawn(parts, Amounts(epochs=1.0))
    ratio = tokens_of(phase, 0) / phase.length.sum()
    for stretch in np.array_split(np.arange(len(phase.part)), 8):
        here = phase.length[stretch]
        assert abs(here[phase.part[stretch] == 0].sum() / here.sum() - ratio) < 0.05


@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.25, 0.5])
def test_replay_is_its_ratio_of_all_tokens_and_displaces_no_data(ratio: float) -> None:
    parts = [part("books", 200), part("web", 900, role="replay")]
    (alone,) = drawn(parts, Amounts(epochs=2.0))
    (phase,) = drawn(parts, Amounts(epochs=2.0, replay_ratio=ratio))
    assert texts_of([phase], 0) == texts_of([alone], 0)
    assert tokens_of(phase, 1) == pytest.approx(ratio * phase.length.sum(), abs=40)


def test_replay_within_the_budget_takes_its_tokens_from_the_data() -> None:
    parts = [part("books", 200), part("web", 900, role="replay")]
    (phase,) = drawn(parts, Amounts(tokens=3000, replay_ratio=0.25, replay_within=True))
    assert tokens_of(phase, 0) == pytest.approx(2250, abs=20)
    assert tokens_of(phase, 1) == pytest.approx(750, abs=20)


def test_several_replay_sources_share_by_their_sizes() -> None:
    parts = [part("books", 200), part("web", 100, role="replay"), part("code", 300, role="replay")]
    (phase,) = drawn(parts, Amounts(epochs=1.0, replay_ratio=0.2))
    sizes = [one.store(0).tokens for one in parts[1:]]
    assert tokens_of(phase, 1) / tokens_of(phase, 2) == pytest.approx(sizes[0] / sizes[1], rel=0.1)


def test_replay_that_runs_dry_is_refused_with_what_to_do() -> None:
    parts = [part("books", 200), part("web", 10, role="replay")]
    with pytest.raises(ConfigError, match=r"runs dry.*asked for and it has.*--replay-ratio.*replay_repeats=true"):
        drawn(parts, Amounts(epochs=1.0, replay_ratio=0.5))
    (phase,) = drawn(parts, Amounts(epochs=1.0, replay_ratio=0.5, replay_repeats=True))
    assert tokens_of(phase, 1) == pytest.approx(tokens_of(phase, 0), abs=40)


def test_replay_runs_dry_over_all_phases_together() -> None:
    parts = [part("books", 100), part("web", 60, role="replay")]
    halves = (Phase("one", 0.0), Phase("two", 0.5))
    with pytest.raises(ConfigError, match="runs dry"):
        drawn(parts, Amounts(epochs=1.0, replay_ratio=0.5, phases=halves))


def test_replay_that_is_just_enough_is_read_once() -> None:
    store = make_store("web", random_texts(50, 10, 10, seed=1))
    parts = [make_part(make_store("books", random_texts(50, 10, 10))), make_part(store, "replay")]
    (phase,) = drawn(parts, Amounts(epochs=1.0, replay_ratio=0.5))
    assert sorted(texts_of([phase], 1)) == [(0, i) for i in range(50)]


def test_a_replay_ratio_without_replay_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs replay texts"):
        drawn([part("books")], Amounts(epochs=1.0, replay_ratio=0.1))


def test_phases_have_mixes_and_replay_ratios_of_their_own() -> None:
    parts = [part("docs", 300), part("questions", 300), part("web", 900, role="replay")]
    phases = (
        Phase("most", 0.0, {"docs": 3, "questions": 1}),
        Phase("last", 0.75, {"questions": 1}, replay_ratio=0.5),
    )
    most, last = drawn(parts, Amounts(tokens=4000, replay_ratio=0.1, phases=phases))
    assert [tokens_of(most, i) for i in range(3)] == pytest.approx([2250, 750, 3000 / 9], abs=40)
    assert [tokens_of(last, i) for i in range(3)] == pytest.approx([0, 1000, 1000], abs=40)


@pytest.mark.parametrize(
    ("begins", "told"),
    [((0.1,), "must begin at 0"), ((0.0, 0.5, 0.5), "follow one another"), ((0.0, 0.6, 0.4), "follow"),
     ((0.0, 1.0), "below 1")],
)  # fmt: skip
def test_phases_out_of_order_are_refused(begins: tuple[float, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_phases([part("books")], Amounts(phases=tuple(Phase(str(b), b) for b in begins)))


@pytest.mark.parametrize(
    ("weights", "told"),
    [({"boks": 1.0}, r"'boks', which is no source. Did you mean 'books'"), ({"books": 0.0}, "mixes nothing"),
     ({"books": 1.0, "more": -1.0}, "negative"), ({"web": 1.0}, "'web', which is no source")],
)  # fmt: skip
def test_mixes_that_cannot_be_read_are_refused(weights: dict[str, float], told: str) -> None:
    parts = [part("books"), part("more"), part("web", role="replay")]
    with pytest.raises(ConfigError, match=told):
        check_phases(parts, Amounts(phases=(Phase(mix=weights),)))


def test_an_empty_mix_is_refused() -> None:
    empty = make_part(make_store("empty", []))
    with pytest.raises(ConfigError, match="nothing to train on"):
        drawn([part("web", role="replay")], Amounts(epochs=1.0))
    with pytest.raises(ConfigError, match="hold no text to train on"):
        drawn([empty], Amounts(epochs=1.0))
    with pytest.raises(ConfigError, match="'main' mixes only sources that hold no text"):
        drawn([part("books"), empty], Amounts(epochs=1.0, phases=(Phase(mix={"empty": 1.0}),)))
    with pytest.raises(ConfigError, match=r"nothing would be read. Raise --tokens"):
        drawn([part("books", 9, 30, 30)], Amounts(tokens=10))


@pytest.mark.parametrize("epochs", [1.0, 2.0, 2.5])
def test_each_pass_reads_every_text_once_before_any_is_read_again(epochs: float) -> None:
    parts = [part("books", 70), part("papers", 31, 3, 90)]
    phases = drawn(parts, Amounts(epochs=epochs))
    for number, one in enumerate(parts):
        read = [text for _, text in texts_of(phases, number)]
        every = set(range(one.store(0).texts))
        for at in range(int(epochs)):
            assert set(read[at * len(every) : (at + 1) * len(every)]) == every
        if epochs == int(epochs):
            assert len(read) == epochs * len(every)
        else:
            tokens = one.store(0).lengths()[read].sum()
            assert abs(tokens - epochs * one.store(0).tokens) <= 45


@pytest.mark.parametrize("cuts", [(0.5,), (0.1, 0.3, 0.77)])
def test_phases_that_change_nothing_do_not_change_what_is_read(cuts: tuple[float, ...]) -> None:
    """What one phase reads too much the next reads less, so the last ends where the budget does."""
    parts = [part("books", 70, 5, 90), part("papers", 31, 3, 90)]
    phases = tuple(Phase(f"from {begin}", begin) for begin in (0.0, *cuts))
    for seed in range(5):
        whole, cut = drawn(parts, Amounts(epochs=1.0), seed), drawn(parts, Amounts(epochs=1.0, phases=phases), seed)
        assert [texts_of(cut, i) for i in range(2)] == [texts_of(whole, i) for i in range(2)]


def test_passes_are_in_different_orders() -> None:
    read = [text for _, text in texts_of(drawn([part("books")], Amounts(epochs=2.0)), 0)]
    assert read[:60] != read[60:]
    assert read[:60] != sorted(read[:60])


def test_turns_follow_the_passes_of_all_sources() -> None:
    parts = [part("books", 70), part("papers", 31, 3, 90), part("web", 500, role="replay")]
    (phase,) = drawn(parts, Amounts(epochs=2.5, replay_ratio=0.1))
    assert phase.turn.tolist() == sorted(phase.turn)
    data = phase.part < 2
    assert phase.turn[data].tolist() == phase.epoch[data].tolist()
    assert set(phase.turn[~data]) == {0, 1, 2}


def test_passes_over_a_source_that_varies_count_alike() -> None:
    """Each layout of a text may have other tokens; two passes are two all the same, and no third store is made."""
    stores = [make_store(f"books-{i}", random_texts(20, 20 + i, 20 + i)) for i in range(2)]
    for order in (stores, stores[::-1]):
        one = Part("books", "data", lambda epoch, order=order: order[epoch])
        (phase,) = drawn([one], Amounts(epochs=2.0))
        assert Counter(zip(phase.epoch.tolist(), phase.text.tolist(), strict=True)).total() == 40
        assert len(set(texts_of([phase], 0))) == 40


def test_a_pass_that_is_not_read_is_not_asked_for() -> None:
    """The store of another epoch may have to be tokenised first."""
    asked = []
    store = make_store("books", random_texts(61, 3, 50))
    one = Part("books", "data", lambda epoch: asked.append(epoch) or store)  # type: ignore[func-returns-value]
    for tenths in range(1, 31):
        drawn([one, part("papers", 7)], Amounts(epochs=tenths / 10))
        assert max(asked) < max(1, np.ceil(tenths / 10 - 1e-9))


def test_each_pass_reads_the_store_of_its_epoch() -> None:
    stores = [make_store(f"books-{i}", random_texts(20, 5 + i, 5 + i)) for i in range(2)]
    (phase,) = drawn([Part("books", "data", lambda epoch: stores[min(epoch, 1)])], Amounts(epochs=2.0))
    assert {(int(e), int(length)) for e, length in zip(phase.epoch, phase.length, strict=True)} == {(0, 5), (1, 6)}


def test_texts_without_tokens_are_not_read() -> None:
    texts = random_texts(10, 3, 9)
    texts[4] = []
    (phase,) = drawn([make_part(make_store("books", texts))], Amounts(epochs=2.0))
    assert Counter(phase.text.tolist()) == {i: 2 for i in range(10) if i != 4}


def test_held_out_texts_are_never_read() -> None:
    parts = [part("books", 200), part("web", 300, role="replay"), part("exam", 20, role="heldout")]
    amounts = Amounts(epochs=3.0, replay_ratio=0.3, replay_repeats=True, heldout=0.1)
    readers = [Reader(one, 0, amounts.heldout) for one in parts]
    phases = mix(parts, readers, amounts)
    for number in (0, 1):
        held, size = readers[number].heldout, parts[number].store(0).tokens
        assert 0.1 * size <= parts[number].store(0).lengths()[held].sum() <= 0.1 * size + 40
        assert not set(held) & {text for _, text in texts_of(phases, number)}
    assert readers[2].heldout.tolist() == list(range(20))
    assert not texts_of(phases, 2)


def test_some_is_held_out_by_itself_only_where_it_costs_no_fact() -> None:
    def held(count: int, role: str = "data", **how: bool) -> int:
        return len(Reader(part("some", count, role=role, **how), 0, None).heldout)

    assert held(1000) > 0
    assert held(1000, facts_once=True) == 0
    assert held(1000, "replay", facts_once=True) > 0
    assert held(199) == 0
    assert len(Reader(part("some", 1000, facts_once=True), 0, 0.1).heldout) > 0
    assert len(Reader(part("some", 1000), 0, 0.0).heldout) == 0
    assert len(Reader(part("some", 10), 0, 1.0).heldout) <= 5


def test_one_long_text_is_not_all_that_is_left() -> None:
    two = make_part(make_store("two", [[1, 2], [1] * 100]))
    assert all(len(Reader(two, seed, 0.5).heldout) == 1 for seed in range(8))


def test_what_is_held_out_by_itself_is_bounded() -> None:
    large = make_store("large", random_texts(300, 3, 9))
    many = TokenStore(large.path, large.meta, large.ids, large.offsets * 1_000_000, *[
        getattr(large, name) for name in
        ("utf8_bytes", "steps", "rows", "group_offsets", "groups", "loss_offsets", "loss_ranges")
    ])  # fmt: skip
    reader = Reader(make_part(many), 0, None)
    assert len(reader.heldout) == 1


def test_a_source_is_read_in_the_same_order_beside_others() -> None:
    alone = texts_of(drawn([part("books")], Amounts(epochs=2.0)), 0)
    beside = drawn(
        [part("papers"), part("books"), part("web", 300, role="replay")], Amounts(epochs=2, replay_ratio=0.1)
    )
    assert texts_of(beside, 1) == alone
    assert texts_of(drawn([part("books")], Amounts(epochs=2.0), seed=1), 0) != alone
    assert texts_of(beside, 0) != alone


def test_grouped_texts_of_one_document_come_together() -> None:
    groups = [f"document {i % 9}" for i in range(60)]
    store = make_store("books", random_texts(60, 3, 9), groups=groups)
    reader = Reader(make_part(store), 0, None, grouped=True)
    _, texts, _ = reader.take(store.tokens)
    met = [groups[text] for text in texts]
    assert sum(a != b for a, b in itertools.pairwise(met)) == 8


SCRIPT = """
import hashlib
from token_stores import make_part, make_store, random_texts
from synthcpt.packing.mixture import Amounts, Phase
from synthcpt.packing.plan import Packing
from synthcpt.packing.planning import make_plan
def part(name, role):
    texts = random_texts(250, 5, 40, seed=len(name))
    steps = [("question", "document", "list")[i % 3] for i in range(250)]
    return make_part(make_store(name, texts, groups=[f"d{i % 40}" for i in range(250)], steps=steps), role)
parts = [part("books", "data"), part("papers", "data"), part("web", "replay")]
amounts = Amounts(1.5, None, 0.1, phases=(Phase(), Phase("end", 0.5, {"papers": 2, "books": 1})), heldout=0.1)
plan = make_plan(parts, amounts, Packing(128, 4, curriculum=("question", "list")))
print(hashlib.sha256(b"".join(getattr(plan, name).tobytes() for name in
    ("store", "text", "start", "length", "window_offsets", "heldout_text"))).hexdigest())
"""


def test_plans_are_the_same_in_every_process() -> None:
    support = Path(__file__).parents[1] / "support"
    found = set()
    for hash_seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{support}{os.pathsep}{Path.cwd()}"}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_slices_share_the_data_out_among_them() -> None:
    parts = [
        make_part(make_store("books", random_texts(101, 5, 9))),
        make_part(make_store("more", random_texts(60, 5, 9)), "replay"),
    ]
    read: list[set[int]] = []
    for k in range(3):
        amounts = Amounts(epochs=1, replay_ratio=0.1, slice=(k, 3), heldout=0.05)
        readers = [Reader(one, 0, amounts.heldout, slice=amounts.slice) for one in parts]
        drawn = mix(parts, readers, amounts)[0]
        read.append(set(drawn.text[drawn.part == 0].tolist()))
        assert (drawn.part == 1).any(), "replay is not sliced"
    assert not read[0] & read[1]
    assert read[0] | read[1] | read[2] | set(readers[0].heldout.tolist()) == set(range(101))
    assert max(map(len, read)) - min(map(len, read)) <= 5
