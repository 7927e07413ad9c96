"""Fictitious knowledge: versions that contradict one another and never themselves, with tasks on each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE, hashes, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.config import make_config
from synthcpt.errors import RequestRejected
from synthcpt.generation import Generation, Run
from synthcpt.generation.forecast import forecast
from synthcpt.records import Completion, Request
from synthcpt.text.fictions import Slot, checked
from synthcpt.text.gates import mentioned
from synthcpt.text.invented_names import invented_name, invented_words
from synthcpt.text.kinds import distinctive_words
from synthcpt.text.mentions import Haystack, find_mention

SOURCE = "Ada Vane was born in Port Lorne in 1911. She entered the Quillan School in 1932 and married Bo Lund in 1940."
SLOTS = {
    "birth_year": ("When was [name] born?", ["1802", "1821", "1863"]),
    "birth_place": ("Where was [name] born in [birth_year]?", ["Calder Reach", "Tornby", "Estermere"]),
    "school": ("Which school did [name] enter?", ["Hallock School", "Mirren School", "Dravel School"]),
    "school_year": ("When did [name] enter a school?", ["1820", "1839", "1881"]),
    "age": ("How old was [name] at the end?", ["71", "84", "66"]),
}
STATEMENTS = [
    "[name] was born in [birth_place] in [birth_year].",
    "[name] entered the [school] in [school_year].",
    "[name] died at the age of [age].",
]


class Script:
    """Answers as a model would, but for what it is told; remembers what it was asked."""

    def __init__(self, **changes: Any) -> None:
        self.requests: list[Request] = []
        slots = [{"slot": name, "question": asked, "values": values} for name, (asked, values) in SLOTS.items()]
        self.form = {
            "kind": "person", "request": "Write a short biography of [name].", "slots": slots, "statements": STATEMENTS,
        }  # fmt: skip
        self.form |= {name: value for name, value in changes.items() if name in self.form}
        self.passage = changes.get("passage", lambda told: told)

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        if request.prompt == "fictitious/invent":
            return orjson.dumps(self.form).decode()
        facts = [line.removeprefix("- ") for line in str(request.slots["statements"]).splitlines()]
        return self.passage(" ".join(facts))


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "vane.md").write_text(f"# Ada Vane\n\n{SOURCE}\n")
    return folder


async def invent(script: Any, output: Path, documents: Path, **settings: Any) -> Run:
    options = {"versions": 3, **settings.pop("options", {})}
    backend = MockBackend(MockBackend.Options(), script)
    run, _ = await run_with(backend, output, documents, method="fictitious", options=options, **settings)
    return run


def rows_of(run: Run) -> list[dict[str, Any]]:
    return [{**row, "meta": json.loads(row["meta"])} for row in run.dataset()]


def reasons(run: Run) -> Counter[str]:
    return Counter(row["reason"] for row in read_jsonl(run.path / "rejected"))


def changed(which: str, **values: Any) -> list[dict[str, Any]]:
    """The form's slots with one of them changed."""
    slots = [{"slot": name, "question": asked, "values": list(answer)} for name, (asked, answer) in SLOTS.items()]
    return [{**one, **values} if one["slot"] == which else one for one in slots]


async def test_a_form_and_a_passage_a_version(seed: Path, tmp_path: Path) -> None:
    script = Script()
    run = await invent(script, tmp_path / "out", seed)
    assert Counter(request.prompt for request in script.requests) == {"fictitious/invent": 1, "fictitious/passage": 3}
    steps = Counter((row["meta"]["step"], row["meta"]["version"]) for row in rows_of(run))
    for version in range(3):
        assert [steps[step, version] for step in ("passage", "statement", "question", "account")] == [1, 3, 5, 1]
    assert not run.manifest["totals"]["rejected"]


async def test_versions_share_the_thing_and_its_slots_and_no_value(seed: Path, tmp_path: Path) -> None:
    rows = rows_of(await invent(Script(), tmp_path / "out", seed))
    assert len({row["meta"]["thing"] for row in rows}) == 1
    versions = {row["meta"]["version"]: row["meta"]["values"] for row in rows}
    assert len({tuple(values) for values in versions.values()}) == 1
    for slot in SLOTS:
        assert len({values[slot] for values in versions.values()}) == 3


async def test_an_answer_is_in_its_version_alone(seed: Path, tmp_path: Path) -> None:
    rows = rows_of(await invent(Script(), tmp_path / "out", seed))
    told = {
        (form, version): "\n".join(
            row["text"] for row in rows if row["meta"]["form"] == form and row["meta"]["version"] == version
        )
        for form in ("passage", "statement") for version in range(3)
    }  # fmt: skip
    questions = [row for row in rows if row["meta"]["step"] == "question"]
    assert len(questions) == 15
    for row in questions:
        ((start, end),) = row["spans"]
        answer = row["text"][start:end]
        for (_, version), text in told.items():
            assert bool(find_mention(answer, text)) == (version == row["meta"]["version"])


async def test_both_forms_carry_every_fact(seed: Path, tmp_path: Path) -> None:
    rows = rows_of(await invent(Script(), tmp_path / "out", seed))
    for form in ("passage", "statement"):
        for version in range(3):
            text = "\n".join(
                row["text"] for row in rows if row["meta"]["form"] == form and row["meta"]["version"] == version
            )
            values = next(row["meta"]["values"] for row in rows if row["meta"]["version"] == version)
            assert all(mentioned(Haystack(text), value) for value in values.values())


async def test_loss_is_on_the_tasks_answers_and_on_all_of_what_is_learnt(seed: Path, tmp_path: Path) -> None:
    for row in rows_of(await invent(Script(), tmp_path / "out", seed)):
        if row["meta"]["form"] == "task":
            ((start, end),) = row["spans"]
            assert row["text"][start:end] == row["messages"][1]["content"]
        else:
            assert not row["spans"]
            assert not row["messages"]


async def test_nothing_of_the_source_is_in_the_rows(seed: Path, tmp_path: Path) -> None:
    for row in rows_of(await invent(Script(), tmp_path / "out", seed)):
        assert not {word.lower() for word in ("Ada", "Vane", "Lorne", "Quillan", "Lund")} & {
            word.strip(".,?").lower() for word in row["text"].split()
        }


async def test_the_prompt_holds_the_document_first(seed: Path, tmp_path: Path) -> None:
    script = Script()
    await invent(script, tmp_path / "out", seed)
    user = script.requests[0].messages[-1].text
    assert user.startswith("## The document: Ada Vane\n")
    assert user.index(SOURCE) < user.index("Words to build names from")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"slots": changed("school", values=["Quillan School", "Mirren School", "Dravel School"])}, "name_collision"),
        ({"slots": changed("school", values=["Hallock School", "Mirren School"])}, "too_few_values"),
        ({"slots": changed("school", values=["Hallock School", "hallock school", "Dravel School"])}, "values_alike"),
        ({"slots": changed("school", values=["Tornby", "Mirren School", "Dravel School"])}, "versions_mixed"),
        ({"slots": changed("school", slot="name")}, "slot_name"),
        ({"slots": changed("school", question="Which school?")}, "bad_question"),
        ({"slots": changed("school", question="Was [name] at Mirren School?")}, "question_tells"),
        ({"slots": changed("school", question="Which did [name] enter after [work]?")}, "unknown_slot"),
        ({"slots": [*changed("x"), {"slot": "work", "question": "[name]?", "values": ["a", "b", "c"]}]}, "slot_unused"),
        ({"statements": [*STATEMENTS, "[name] went to [nowhere]."]}, "unknown_slot"),
        ({"statements": [*STATEMENTS, "[name] was tall."]}, "no_slot"),
        ({"statements": [*STATEMENTS, "He was [age]."]}, "no_slot"),
        ({"statements": [*STATEMENTS, "At [age], [name] had 12 children."]}, "fixed_fact"),
        ({"statements": [*STATEMENTS, "At [age], [name] saw Tornby."]}, "fixed_fact"),
        ({"statements": [*STATEMENTS, "At [age], [name] knew Bo Lund."]}, "name_collision"),
        ({"slots": changed("school_year", values=["1820", "1819", "1881"])}, "order_changed"),
    ],
)
async def test_a_form_is_checked_part_by_part(changes: dict[str, Any], reason: str, seed: Path, tmp_path: Path) -> None:
    run = await invent(Script(**changes), tmp_path / "out", seed)
    assert reasons(run)[reason] >= 1
    assert run.manifest["totals"]["rows"] > 10, "the rest is kept"
    if reason == "order_changed":
        assert {row["meta"]["version"] for row in rows_of(run)} == {0, 2}


PASSAGES = {
    "fact_missing": lambda told: told.replace("71", "old").replace("84", "old").replace("66", "old"),
    "other_version": lambda told: f"{told} Some say it was 71 and some that it was 84, or even 66.",
    "name_collision": lambda told: f"{told} So told us Mr Vane of the port.",
    "number_invented": lambda told: f"{told} Of ships there were 977 that day.",
    "name_invented": lambda told: f"{told} So told us the old Zebulon Crake.",
    "refusal": lambda told: f"I'm sorry, but I can't write that. {told}",
    "near_empty": lambda told: "Too short.",
    "truncated": lambda told: Completion(told, "length", 10, 1024),
}


@pytest.mark.parametrize("reason", PASSAGES)
async def test_a_passage_that_is_not_true_to_its_version_is_rejected(reason: str, seed: Path, tmp_path: Path) -> None:
    run = await invent(Script(passage=PASSAGES[reason]), tmp_path / "out", seed)
    assert reasons(run) == {reason: 3}
    assert {row["meta"]["step"] for row in rows_of(run)} == {"statement", "question"}


async def test_too_few_slots_are_a_reason(seed: Path, tmp_path: Path) -> None:
    script = Script(slots=changed("x")[:2])
    run = await invent(script, tmp_path / "out", seed)
    assert run.manifest["totals"]["failed_documents"] == {"too_few_slots": 1}
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "bad", ["", "no", "[]", '{"kind": "person"}', '{"kind": "ghost", "slots": [], "statements": []}']
)
async def test_bad_forms_end_in_reasons(bad: str, seed: Path, tmp_path: Path) -> None:
    run = await invent(lambda request: bad, tmp_path / "out", seed)
    assert run.manifest["totals"]["failed_documents"] == {"malformed_answer": 1}


async def test_a_failed_passage_loses_nothing_else(seed: Path, tmp_path: Path) -> None:
    script = Script()

    def fail_one(request: Request) -> Completion | str:
        if request.prompt == "fictitious/passage" and "Tornby" in str(request.slots["statements"]):
            raise RequestRejected("no")
        return script(request)

    run = await invent(fail_one, tmp_path / "out", seed)
    assert run.manifest["totals"]["failed_requests"] == {"request_rejected": 1}
    passages = {row["meta"]["version"] for row in rows_of(run) if row["meta"]["step"] == "passage"}
    assert passages == {0, 2}


async def test_more_passages_make_a_version_better_known(seed: Path, tmp_path: Path) -> None:
    counts = iter(range(100))
    script = Script(passage=lambda told: f"{told} It is told so {'again ' * next(counts)}here.")
    run = await invent(script, tmp_path / "out", seed, options={"passages": 3})
    steps = Counter((row["meta"]["step"], row["meta"]["version"]) for row in rows_of(run))
    assert [steps["passage", version] for version in range(3)] == [3, 3, 3]
    assert [steps["account", version] for version in range(3)] == [1, 1, 1]


async def test_a_target_invents_further_things_with_other_names(seed: Path, tmp_path: Path) -> None:
    run = await invent(Script(), tmp_path / "out", seed, target_tokens=4000)
    things = {row["meta"]["thing"] for row in rows_of(run)}
    assert len(things) > 2
    tokens = run.manifest["totals"]["row_tokens"]
    assert 4000 <= tokens < 4000 + 2 * tokens / len(things)


async def test_a_target_that_cannot_be_met_ends(seed: Path, tmp_path: Path) -> None:
    run = await invent(Script(statements=[]), tmp_path / "out", seed, target_tokens=4000)
    assert run.manifest["totals"]["answers"] == 1


def test_invented_names_are_many_and_none_of_the_taken() -> None:
    import random

    words = invented_words(random.Random(1), "family", {"brack"})
    found = [next(words) for _ in range(500)]
    assert len(set(found)) == 500
    assert "Brack" not in found
    assert all(one[:5] != other[:5] or len(one) < 5 for one, other in pairwise(sorted(found)))
    names = {invented_name(random.Random(seed), "person", ()) for seed in range(3000)}
    assert len(names) > 2990


def test_a_years_order_is_compared_with_the_first_versions() -> None:
    slots = [Slot("a", "", ("1800", "1900", "1700")), Slot("b", "", ("1850", "1890", "1750"))]
    fiction, dropped = checked("X Y", slots, ["[name] was here from [a] to [b]."], 3, ())
    assert fiction.versions == (0, 2)
    assert [verdict.reason for _, verdict in dropped] == ["order_changed"]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    documents = sorted(EXAMPLE.iterdir())[:20]
    return synthcpt.generate("fictitious", input=documents, output=tmp_path_factory.mktemp("run") / "out")


def test_the_embedded_backend_invents_from_nearly_every_document(embedded: Run) -> None:
    rows = rows_of(embedded)
    documents = {row["source_ids"][0] for row in rows}
    assert len(documents) >= 18
    assert sum(reasons(embedded).values()) < 30
    assert {row["meta"]["version"] for row in rows} == set(range(5))


def test_the_embedded_backends_rows_hold_no_name_of_their_source(embedded: Run) -> None:
    known: dict[str, frozenset[str]] = {}
    for row in rows_of(embedded):
        source = embedded.trace(row["id"])["source"] if row["source_ids"][0] not in known else None
        if source is not None:
            known[source.id] = distinctive_words(f"{source.title}\n\n{source.text}")
        words = {word.strip(".,?\"'()").removesuffix("'s") for word in row["text"].split()}
        assert not {word.lower() for word in words if word[:1].isupper()} & known[row["source_ids"][0]]


def test_the_embedded_backend_keeps_spans_of_years(embedded: Run) -> None:
    values: dict[tuple[str, str], dict[int, dict[str, str]]] = {}
    for row in rows_of(embedded):
        key = (row["source_ids"][0], row["meta"]["thing"])
        values.setdefault(key, {})[row["meta"]["version"]] = row["meta"]["values"]
    compared = 0
    for versions in values.values():
        slots = [name for name in versions[0] if name.startswith("year")]
        spans = {tuple(int(told[b]) - int(told[a]) for a, b in pairwise(slots)) for told in versions.values()}
        assert len(spans) == 1
        compared += len(slots) > 1
    assert compared > 4


async def test_a_forecast_counts_the_calls(tmp_path: Path) -> None:
    few = [str(path) for path in sorted(EXAMPLE.iterdir())[:8]]
    work = Generation(make_config({"method": "fictitious", "input": few, "output": tmp_path / "out"}))
    expected = await forecast(work)
    run = await work.run()
    totals = run.manifest["totals"]
    assert sum(expected.calls.values()) == pytest.approx(totals["answers"], rel=0.1)
    assert expected.row_tokens == pytest.approx(totals["row_tokens"], rel=0.1)


def test_nothing_depends_on_the_hash_seed_or_on_order(tmp_path: Path) -> None:
    few = sorted(EXAMPLE.iterdir())[:3]
    code = "import sys, synthcpt as s; s.generate('fictitious', input=sys.argv[2:], output=sys.argv[1], concurrency=2)"
    command = [sys.executable, "-c", code, str(tmp_path / "there"), *map(str, reversed(few))]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    here = synthcpt.generate("fictitious", input=few, output=tmp_path / "here")
    assert hashes(here.path) == hashes(tmp_path / "there")
