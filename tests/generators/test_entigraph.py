"""EntiGraph does what its paper does, and stays whole where the paper's code does not."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import orjson
import pytest
from corpora import read_jsonl, run_with, write_documents

from synthcpt.backends.mock import MockBackend
from synthcpt.errors import RequestRejected
from synthcpt.records import Completion, Request
from synthcpt.text.tokens import estimate_tokens

NAMES = ["Arden Vale", "Bellis Reach", "Corve Mill", "Dunmar Point", "Ellick Bridge", "Fenwar Moor", "Gorse Hill"]
TEXT = " ".join(f"{a} lies a day's walk from {b}, and the road is old." for a, b in pairwise(NAMES))
FILLER = "the road between them is an old one and it is told here how people came to walk it and why they went"


class Script:
    """Answers as a model would; remembers what it was asked."""

    def __init__(self, names: list[str] = NAMES, *, text: str | None = None, summary: str = "Of seven places.") -> None:
        self.requests: list[Request] = []
        self.names, self.text, self.summary = names, text, summary

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        if request.prompt == "entigraph/entities":
            return orjson.dumps({"summary": self.summary, "entities": self.names}).decode()
        if self.text is not None:
            return self.text
        named = " and ".join(str(request.slots[slot]) for slot in ("first", "second", "third") if slot in request.slots)
        return f"## {named}\n\n{named}: {FILLER} {FILLER}."

    def asked(self, prompt: str) -> list[Request]:
        return [request for request in self.requests if request.prompt == f"entigraph/{prompt}"]

    def backend(self, **options: object) -> MockBackend:
        return MockBackend(MockBackend.Options(**options), self)


@pytest.fixture
def one_document(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "roads.md").write_text(f"# The Roads\n\n{TEXT}\n")
    return folder


async def test_asks_every_pair_once_and_as_many_triples_as_told(one_document: Path, tmp_path: Path) -> None:
    script = Script()
    run, _ = await run_with(script.backend(), tmp_path / "out", one_document, options={"max_triples": 20})
    pairs = [frozenset((r.slots["first"], r.slots["second"])) for r in script.asked("pair")]
    triples = [frozenset((r.slots["first"], r.slots["second"], r.slots["third"])) for r in script.asked("triple")]
    assert len(script.asked("entities")) == 1
    assert Counter(pairs) == Counter(frozenset(pair) for pair in combinations(NAMES, 2))
    assert len(triples) == len(set(triples)) == 20
    assert run.manifest["totals"]["rows"] == 1 + math.comb(7, 2) + 20


async def test_without_a_target_no_triples_are_asked(one_document: Path, tmp_path: Path) -> None:
    script = Script()
    await run_with(script.backend(), tmp_path / "out", one_document)
    assert not script.asked("triple")


async def test_more_triples_continue_the_same_order(one_document: Path, tmp_path: Path) -> None:
    few, many = Script(), Script()
    await run_with(few.backend(), tmp_path / "few", one_document, options={"max_triples": 5})
    await run_with(many.backend(), tmp_path / "many", one_document, options={"max_triples": 25})
    assert {r.key("m") for r in few.asked("triple")} < {r.key("m") for r in many.asked("triple")}


async def test_the_document_is_a_byte_identical_prefix_of_every_relation_prompt(
    one_document: Path, tmp_path: Path
) -> None:
    script = Script()
    await run_with(script.backend(), tmp_path / "out", one_document, options={"max_triples": 5})
    for prompt in ("pair", "triple"):
        sent = ["".join(message.text for message in request.messages) for request in script.asked(prompt)]
        ends = [text.index("## The entities to write about") for text in sent]
        assert len({text[:end] for text, end in zip(sent, ends, strict=True)}) == 1
        assert TEXT in sent[0][: ends[0]]


async def test_the_summary_is_in_the_corpus_and_the_entity_list_and_the_source_are_not(
    one_document: Path, tmp_path: Path
) -> None:
    run, _ = await run_with(Script(summary="Seven places on old roads.").backend(), tmp_path / "out", one_document)
    texts = run.dataset()["text"]
    assert any("Seven places on old roads." in text for text in texts)
    assert not any('"entities"' in text or ", ".join(NAMES) in text for text in texts)
    assert not any(TEXT in text for text in texts)


async def test_options_leave_the_summary_out_and_take_the_source_in(one_document: Path, tmp_path: Path) -> None:
    options = {"include_summary": False, "include_source": True}
    run, _ = await run_with(Script().backend(), tmp_path / "out", one_document, options=options)
    steps = Counter(json.loads(meta)["step"] for meta in run.dataset()["meta"])
    assert steps["summary"] == 0
    assert steps["source"] == 1


async def test_every_heading_carries_the_title(one_document: Path, tmp_path: Path) -> None:
    run, _ = await run_with(Script().backend(), tmp_path / "out", one_document)
    headings = [line for text in run.dataset()["text"] for line in text.splitlines() if line.startswith("#")]
    assert headings
    assert all("The Roads" in heading for heading in headings)


async def test_rows_tell_their_source_and_calls_and_where_entities_stand(one_document: Path, tmp_path: Path) -> None:
    script = Script()
    run, _ = await run_with(script.backend(), tmp_path / "out", one_document)
    keys = {request.key("mock") for request in script.requests}
    for row in run.dataset():
        assert row["source_ids"] == ["roads.md"]
        assert set(row["request_keys"]) <= keys
        assert row["request_keys"]
        for entity in json.loads(row["meta"])["entities"]:
            start, end = entity["span"]
            source = (one_document / "roads.md").read_text()
            assert source[start:end] == entity["name"]


async def test_names_are_merged_dropped_and_capped(one_document: Path, tmp_path: Path) -> None:
    listed = ["arden vale", "Arden Vale", "the Arden Vale", "Nowhere Castle", "  ", *NAMES[1:]]
    script = Script(listed)
    await run_with(script.backend(), tmp_path / "out", one_document, options={"max_entities": 4})
    used = {str(r.slots[slot]) for r in script.asked("pair") for slot in ("first", "second")}
    assert len(script.asked("pair")) == math.comb(4, 2)
    assert "Nowhere Castle" not in used
    assert sum("arden" in name.lower() for name in used) <= 1


async def test_a_quota_is_met_within_one_text_and_does_not_depend_on_concurrency(
    one_document: Path, tmp_path: Path
) -> None:
    made = []
    for concurrency in (1, 32):
        backend = Script().backend(latency_s=0.001 if concurrency > 1 else 0.0)
        run, _ = await run_with(
            backend, tmp_path / f"out{concurrency}", one_document, target_tokens=1500, concurrency=concurrency
        )
        made.append(sorted(run.dataset()["id"]))
        tokens = run.manifest["totals"]["row_tokens"]
        assert abs(tokens - 1500) < 80  # a text has about 60 tokens
    assert made[0] == made[1]


async def test_each_document_gets_its_share_of_the_target(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "docs", 4, entities=10)
    (folder / "long.txt").write_text(" ".join([TEXT] * 3))
    run, _ = await run_with(MockBackend(MockBackend.Options(entities=40)), tmp_path / "out", folder, target_tokens=9000)
    made = Counter[str]()
    for row in run.dataset():
        made[row["source_ids"][0]] += row["tokens"]
    sources = {path.name: estimate_tokens(path.read_text()) for path in folder.iterdir()}
    factor = 9000 / sum(sources.values())
    for name, source_tokens in sources.items():
        assert made[name] == pytest.approx(factor * source_tokens, abs=160)


async def test_a_long_document_is_split_losslessly_and_entities_meet_across_passages(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "\n\n".join(f"{name} has its own page. " + f"{FILLER.capitalize()}. " * 25 for name in NAMES)
    (folder / "long.txt").write_text(text)
    script = Script()
    run, _ = await run_with(
        script.backend(), tmp_path / "out", folder, options={"context_tokens": 3000}, max_tokens=400
    )
    passages = [str(request.slots["document"]) for request in script.asked("entities")]
    assert len(passages) > 2
    assert "".join(passages) == run.trace(run.dataset()[0]["id"])["source"].text
    across = [r for r in script.asked("pair") if "[...]" in str(r.slots["document"])]
    assert across
    for request in script.asked("pair"):
        assert str(request.slots["first"]) in str(request.slots["document"])
        assert str(request.slots["second"]) in str(request.slots["document"])
    assert len(script.asked("pair")) == math.comb(7, 2)


async def test_a_prompt_longer_than_estimated_is_split_again(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "d.txt").write_text(" ".join([TEXT] * 12))
    script = Script()

    def refuse_long(request: Request) -> Completion | str:
        from synthcpt.errors import PromptTooLong

        if len(str(request.slots["document"])) > 3000:
            raise PromptTooLong("too long")
        return script(request)

    backend = MockBackend(MockBackend.Options(), refuse_long)
    run, _ = await run_with(backend, tmp_path / "out", folder, options={"context_tokens": 4096}, max_tokens=300)
    assert run.manifest["totals"]["rows"] > 10


GATES = {
    "truncated": Completion("Arden", "length", 10, 2048),
    "filtered": Completion("Arden", "content_filter", 10, 20),
    "refusal": "I'm sorry, but I can't help with writing about these two places, for reasons of policy. " + FILLER,
    "near_empty": "Arden Vale.",
    "entity_missing": f"# The Roads\n\nOf other things. {FILLER} {FILLER} {FILLER}",
    "copied": TEXT,
    "language": "Diese beiden Orte " + ", ".join(NAMES) + " liegen weit voneinander und der Weg ist alt und wird von "
    "den Leuten nicht mehr oft begangen, weil er sehr lang ist und durch das Moor geht, wo es keine Brücke gibt.",
}


@pytest.mark.parametrize("reason", GATES)
async def test_each_gate_rejects_with_its_reason_and_keeps_the_text(
    reason: str, one_document: Path, tmp_path: Path
) -> None:
    def script(request: Request) -> Completion | str:
        return GATES[reason] if request.prompt == "entigraph/pair" else Script()(request)

    run, _ = await run_with(MockBackend(MockBackend.Options(), script), tmp_path / "out", one_document)
    totals = run.manifest["totals"]
    assert totals["rejected"] == {reason: math.comb(7, 2)}
    assert totals["rows"] == 1
    rejected = read_jsonl(tmp_path / "out/rejected")
    expected = GATES[reason]
    kept = expected.text if isinstance(expected, Completion) else expected
    assert all(kept in row["text"] and row["detail"] and row["request_keys"] for row in rejected)


BAD_ANSWERS = [
    "no json here",
    "[1, 2, 3]",
    '{"summary": "x"}',
    '{"summary": "x", "entities": "Arden Vale"}',
    '{"summary": "x", "entities": [{"name": "Arden Vale"}]}',
    '{"summary": 3, "entities": []}',
    "",
]


@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_bad_json_is_repaired_when_the_model_mends_it(bad: str, one_document: Path, tmp_path: Path) -> None:
    script = Script()

    def bad_once(request: Request) -> Completion | str:
        answer = script(request)
        return bad if request.prompt == "entigraph/entities" and len(request.messages) == 2 else answer

    run, _ = await run_with(MockBackend(MockBackend.Options(), bad_once), tmp_path / "out", one_document)
    assert len(script.asked("entities")) == 2
    assert run.manifest["totals"]["rows"] == 1 + math.comb(7, 2)


@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_bad_json_for_good_is_bounded_and_others_go_on(bad: str, one_document: Path, tmp_path: Path) -> None:
    (one_document / "other.txt").write_text(TEXT + " Of others.")
    script = Script()

    def bad_for_one(request: Request) -> Completion | str:
        answer = script(request)
        return bad if request.slots.get("title") == "The Roads" else answer

    run, _ = await run_with(MockBackend(MockBackend.Options(), bad_for_one), tmp_path / "out", one_document)
    totals = run.manifest["totals"]
    assert len(script.asked("entities")) == 3 + 1
    assert totals["failed_requests"] == {"malformed_answer": 1}
    assert totals["failed_documents"] == {"malformed_answer": 1}
    assert set(run.dataset()["source_ids"][0]) == {"other.txt"}


async def test_no_entities_is_a_reason_and_no_endless_loop(one_document: Path, tmp_path: Path) -> None:
    run, _ = await run_with(Script([], summary=" ").backend(), tmp_path / "out", one_document)
    assert run.manifest["totals"]["failed_documents"] == {"no_entities": 1}
    assert run.manifest["totals"]["answers"] == 1


async def test_a_rejected_pair_fails_alone(one_document: Path, tmp_path: Path) -> None:
    script = Script()

    def reject_one(request: Request) -> Completion | str:
        if {"Arden Vale", "Bellis Reach"} == {request.slots.get("first"), request.slots.get("second")}:
            raise RequestRejected("no")
        return script(request)

    run, _ = await run_with(MockBackend(MockBackend.Options(), reject_one), tmp_path / "out", one_document)
    assert run.manifest["totals"]["failed_requests"] == {"request_rejected": 1}
    assert run.manifest["totals"]["rows"] == math.comb(7, 2)


async def test_truncation_retry_asks_once_with_twice_the_room(one_document: Path, tmp_path: Path) -> None:
    limits = []

    def short_of_room(request: Request) -> Completion | str:
        if request.prompt == "entigraph/pair":
            limits.append(request.sampling.max_tokens)
            if request.sampling.max_tokens == 64:
                return Completion("cut", "length", 10, 64)
        return Script()(request)

    backend = MockBackend(MockBackend.Options(), short_of_room)
    run, _ = await run_with(backend, tmp_path / "out", one_document, max_tokens=64)
    assert Counter(limits) == {64: 21, 128: 21}
    assert not run.manifest["totals"]["rejected"]
    limits.clear()
    run, _ = await run_with(backend, tmp_path / "drop", one_document, max_tokens=64, truncation="drop")
    assert Counter(limits) == {64: 21}
    assert run.manifest["totals"]["rejected"] == {"truncated": 21}
