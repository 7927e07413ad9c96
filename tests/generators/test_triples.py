"""Triples are borne out by the text, are each told once, and can be counted again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE, hashes, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.errors import PromptTooLong
from synthcpt.generation import Run
from synthcpt.records import Completion, Request
from synthcpt.text.triples import Evidence, Triple, counts, looks_english

TEXT = (
    "Arden Vale built Corve Mill in 1911. Bellis Reach did not build the weir. The mill probably burnt in 1934. "
    "It was rebuilt by Dunmar Point with about 300 oak beams. Arden Vale built Gorse Lodge, too. "
    "Fenwar Moor lies north of the mill and is never dry. The weir cost 1,500 crowns."
)
MILL, WEIR = "Arden Vale built Corve Mill in 1911.", "Bellis Reach did not build the weir."
GOOD = [
    ("Arden Vale", "built", "Corve Mill", MILL),
    ("Corve Mill", "was built in", "1911", MILL),
    ("Bellis Reach", "did not build", "the weir", WEIR),
    ("Arden Vale", "built", "Gorse Lodge", "Arden Vale built Gorse Lodge, too."),
    ("The mill", "probably burnt in", "1934", "The mill probably burnt in 1934."),
]
BAD = {
    "negation_lost": ("Bellis Reach", "built", "the weir", WEIR),
    "qualifier_lost": ("The mill", "burnt in", "1934", "The mill probably burnt in 1934."),
    "number_changed": ("Corve Mill", "was finished before 1912 with", "Arden Vale", MILL),
    "end_not_in_text": ("Arden Vale", "lived in", "London", MILL),
    "no_source_sentence": ("Bellis Reach", "met", "Gorse Lodge", "They met."),
    "pronoun": ("It", "was rebuilt by", "Dunmar Point", "It was rebuilt by Dunmar Point with about 300 oak beams."),
    "incomplete": ("Arden Vale", " ", "Corve Mill", MILL),
    "same_ends": ("The mill", "is", "mill", "The mill probably burnt in 1934."),
    "duplicate": ("arden vale", "built", "the Corve Mill", MILL),
    "too_long": ("Arden Vale", "x" * 900, "Corve Mill", MILL),
}


def answer(facts: list[tuple[str, str, str, str]]) -> str:
    names = ("subject", "relation", "object", "sentence")
    return orjson.dumps({"triples": [dict(zip(names, fact, strict=True)) for fact in facts]}).decode()


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text(f"# The Mill\n\n{TEXT}\n")
    return folder


async def run_on(folder: Path, output: Path, script: Callable[[Request], Completion | str], **settings: Any) -> Run:
    backend = MockBackend(MockBackend.Options(), script)
    run, _ = await run_with(backend, output, folder, method="triples", **settings)
    return run


def rows(run: Run, step: str) -> list[dict[str, Any]]:
    return [row for row in run.dataset() if json.loads(row["meta"])["step"] == step]


async def test_facts_become_one_list_of_statements_with_their_sentences(mill: Path, tmp_path: Path) -> None:
    asked: list[Request] = []

    def script(request: Request) -> str:
        asked.append(request)
        return answer(GOOD)

    run = await run_on(mill, tmp_path / "out", script)
    (row,) = run.dataset()
    source = (mill / "mill.md").read_text()
    assert row["text"].splitlines()[2:] == [
        "- Arden Vale built Corve Mill.",
        "- Corve Mill was built in 1911.",
        "- Bellis Reach did not build the weir.",
        "- Arden Vale built Gorse Lodge.",
        "- The mill probably burnt in 1934.",
    ]
    assert row["text"].startswith("# The Mill")
    told = json.loads(row["meta"])["triples"]
    assert [tuple(one["triple"]) for one in told] == [fact[:3] for fact in GOOD]
    assert [source[slice(*one["sentence"])] for one in told] == [fact[3] for fact in GOOD]
    assert len(asked) == 1
    assert row["request_keys"] == [asked[0].key("mock")]


@pytest.mark.parametrize("reason", BAD)
async def test_a_fact_the_text_does_not_bear_out_is_rejected_alone(reason: str, mill: Path, tmp_path: Path) -> None:
    run = await run_on(mill, tmp_path / "out", lambda _: answer([*GOOD, BAD[reason]]))
    assert run.manifest["totals"]["rejected"] == {reason: 1}
    (rejected,) = read_jsonl(run.path / "rejected")
    assert rejected["text"] == " | ".join(part.strip() for part in BAD[reason][:3])
    assert len(json.loads(run.dataset()[0]["meta"])["triples"]) == len(GOOD)


KEPT = [
    (
        "Fenwar Moor",
        "lies north of",
        "the mill",
        "Fenwar Moor lies north of the mill and is never dry.",
    ),  # "never" is after
    ("The mill", "was rebuilt by", "Dunmar Point", "It was rebuilt by Dunmar Point with about 300 oak beams."),
    ("Dunmar Point", "used", "about 300 oak beams", ""),  # no quotation, but one sentence holds both
    ("The weir", "cost", "1,500 crowns", "The weir cost 1,500 crowns."),
]


@pytest.mark.parametrize("fact", KEPT)
async def test_what_the_sentence_bears_out_is_kept(fact: tuple[str, str, str, str], mill: Path, tmp_path: Path) -> None:
    run = await run_on(mill, tmp_path / "out", lambda _: answer([fact]))
    assert not run.manifest["totals"]["rejected"]
    assert rows(run, "facts")


def test_a_number_must_be_the_whole_number_of_the_sentence() -> None:
    found = Evidence("The weir cost 1,500 crowns.").verify(Triple("The weir", "cost", "500 crowns"), "")
    assert not isinstance(found, Triple)
    assert found.reason == "number_changed"


def test_a_name_may_stand_in_the_title_alone() -> None:
    text = "The house was built in 1868."
    triple = Triple("Tide House", "was built in", "1868")
    assert isinstance(Evidence(text, "Tide House").verify(triple, text), Triple)
    assert not isinstance(Evidence(text).verify(triple, text), Triple)


async def test_options_add_sentences_tuples_lines_and_the_raw_text(mill: Path, tmp_path: Path) -> None:
    options = {"with_sentences": True, "form": "tuples", "lines": True, "include_source": True}
    run = await run_on(mill, tmp_path / "out", lambda _: answer(GOOD), options=options)
    assert f'- Arden Vale | built | Corve Mill ("{MILL}")' in rows(run, "facts")[0]["text"]
    assert [row["text"].splitlines()[-1] for row in rows(run, "fact")][2] == (
        f'Bellis Reach | did not build | the weir ("{WEIR}")'
    )
    assert TEXT in rows(run, "source")[0]["text"]
    assert len(rows(run, "fact")) == len(GOOD)


async def test_counts_can_be_computed_again_from_the_triples(mill: Path, tmp_path: Path) -> None:
    facts = [*GOOD, ("Corve Mill", "is by", "the weir", ""), ("Fenwar Moor", "lies north of", "the mill", "")]
    run = await run_on(mill, tmp_path / "out", lambda _: answer(facts), options={"counts": True})
    everything = [tuple(one["triple"]) for one in json.loads(rows(run, "facts")[0]["meta"])["triples"]]
    (row,) = rows(run, "count")
    assert "Arden Vale built ..." in row["messages"][0]["content"]
    assert "The Mill" in row["messages"][0]["content"]
    objects = {thing for subject, relation, thing in everything if (subject, relation) == ("Arden Vale", "built")}
    assert row["messages"][1]["content"] == f"{len(objects)}: Corve Mill; Gorse Lodge."
    assert json.loads(row["meta"])["count"] == len(objects)
    assert [row["text"][start:end] for start, end in row["spans"]] == [row["messages"][1]["content"]]


def test_counts_of_subjects_and_of_objects_are_of_distinct_things() -> None:
    triples = [
        Triple("A b", "met", "C d"),
        Triple("E f", "met", "C d"),
        Triple("a b", "met", "c d"),
        Triple("G", "is", "H"),
    ]
    (count,) = counts(triples, "")
    assert count.answer == "2: A b; E f."
    assert count.triples == (0, 1)


async def test_no_english_questions_on_other_languages(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "Arden Vale baute die Mühle. Arden Vale baute das Wehr. Es ist alt und steht noch an der Corve."
    (folder / "d.txt").write_text(text)
    facts = [("Arden Vale", "baute", "die Mühle", ""), ("Arden Vale", "baute", "das Wehr", "")]
    run = await run_on(folder, tmp_path / "out", lambda _: answer(facts), options={"counts": True})
    assert rows(run, "facts")
    assert not rows(run, "count")
    assert looks_english([TEXT])
    assert not looks_english([text])


async def test_negations_of_other_languages_count(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "d.txt").write_text("Arden Vale baute die Mühle nicht im Jahre 1911, er kaufte sie.")
    facts = [("Arden Vale", "baute die Mühle", "im Jahre 1911", "")]
    run = await run_on(folder, tmp_path / "out", lambda _: answer(facts))
    assert run.manifest["totals"]["rejected"] == {"negation_lost": 1}
    assert run.manifest["totals"]["failed_documents"] == {"no_triples": 1}


async def test_long_documents_are_read_in_passages_and_one_bad_passage_costs_only_itself(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "\n\n".join(f"Arden Vale built Mill {n} by the river, and people came to see it. " * 4 for n in range(12))
    (folder / "long.txt").write_text(text)
    passages: list[str] = []

    def script(request: Request) -> str:
        passage = str(request.slots["document"])
        if passage not in passages:
            passages.append(passage)
        number = passage.split("Mill ")[1].split()[0]
        return "no json" if number == "0" else answer([("Arden Vale", "built", f"Mill {number}", "")])

    run = await run_on(folder, tmp_path / "out", script, options={"passage_tokens": 100})
    assert "".join(passages) == text
    assert run.manifest["totals"]["failed_requests"] == {"malformed_answer": 1}
    told = json.loads(run.dataset()[0]["meta"])["triples"]
    assert len(told) == len(passages) - 1
    assert all(text[slice(*one["sentence"])].startswith(f"Arden Vale built {one['triple'][2]}") for one in told)


async def test_a_prompt_longer_than_estimated_is_split_again(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "d.txt").write_text(" ".join([TEXT] * 30) + " Gorse Hill lies by the sea.")
    read: list[str] = []

    def script(request: Request) -> str:
        document = str(request.slots["document"])
        if len(document) > 1500 and "Gorse Hill" in document:  # one passage of several
            raise PromptTooLong("too long")
        read.append(document)
        return answer(GOOD[:1])

    run = await run_on(folder, tmp_path / "out", script)
    assert run.manifest["totals"]["rows"] == 1
    assert "Gorse Hill" in " ".join(read)


async def test_hostile_answers_are_bounded(mill: Path, tmp_path: Path) -> None:
    many = answer([("Arden Vale", "built", "Corve Mill", MILL)] * 500)
    run = await run_on(mill, tmp_path / "out", lambda _: many)
    assert run.manifest["totals"]["failed_documents"] == {"malformed_answer": 1}
    assert not len(run.dataset())


# The embedded backend's rules.


def read(folder: Path, output: Path, **settings: Any) -> list[str]:
    run = synthcpt.generate("triples", input=folder, output=output, **settings)
    return [line.removeprefix("- ") for row in run.dataset() for line in row["text"].splitlines() if line[:1] == "-"]


def test_the_rules_find_the_plain_facts(tmp_path: Path) -> None:
    (tmp_path / "d.md").write_text(
        "# Hester Engine\n\nHester Engine is a 1878 beam engine designed by Ada Pell and built by Jon Orr. The engine "
        "stars nobody. Captain Josias Reed, the warden of the Quays, moved to Anstow Bay in 1911. He did not like "
        "it.\n\nCorve Mill was not rebuilt until 1934, because Bellis Reach had left. They said that Corve Mill was "
        "cursed. Ada Pell thought the weir a failure. Anstow Bay pays two crowns if the wind is "
        "north. If Corve Mill had been spared, Anstow Bay would be rich. In 1902, Corve Mill employed nine millers."
        "\n\n| Wharf | Rate |\n|---|---|\n| Salt Quay | 1.20 cr |\n"
    )
    found = read(tmp_path / "d.md", tmp_path / "out")
    assert {
        "Hester Engine was designed by Ada Pell.",
        "Hester Engine was built by Jon Orr.",
        "Captain Josias Reed was the warden of the Quays.",
        "Captain Josias Reed moved to Anstow Bay in 1911.",
        "Corve Mill was not rebuilt until 1934.",
        "Corve Mill employed, in 1902, nine millers.",
        'Salt Quay is listed under "Rate" with 1.20 cr.',
    } <= set(found)
    assert not re.search("cursed|spared|rich|failure|two crowns", " ".join(found))


def test_the_rules_facts_pass_the_checks_and_repeat_themselves(tmp_path: Path) -> None:
    files = sorted(EXAMPLE.iterdir())
    run = synthcpt.generate("triples", input=files, output=tmp_path / "a", concurrency=1)
    again = synthcpt.generate("triples", input=files[::-1], output=tmp_path / "b", concurrency=7)
    assert hashes(run.path) == hashes(again.path)
    totals = run.manifest["totals"]
    assert totals["rows"] >= 0.9 * len(files)
    made = sum(len(json.loads(row["meta"])["triples"]) for row in run.dataset())
    assert made > 5 * len(files)
    assert sum(totals["rejected"].values()) < 0.02 * made
