"""Latent thoughts do what their paper does, and stay whole where the paper's code does not."""

from __future__ import annotations

import json
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
from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.answers import latent_thoughts as rules
from synthcpt.backends.extractive.reading import read_document
from synthcpt.backends.mock import MockBackend
from synthcpt.config import make_config
from synthcpt.errors import RequestRejected
from synthcpt.generation import Generation, Run
from synthcpt.generation.forecast import forecast
from synthcpt.records import Completion, Request
from synthcpt.text.latent_layout import (
    END,
    PRIOR,
    START,
    Chunk,
    read_chunks,
)
from synthcpt.text.poisson_chunks import poisson_chunks
from synthcpt.text.tokens import estimate_tokens

SENTENCES = [f"The keeper of house number {n} wrote down what he saw of the sea that night." for n in range(60)]
TEXT = "\n\n".join(" ".join(SENTENCES[at : at + 6]) for at in range(0, 60, 6))
THOUGHT = "A light that must not fail asks for somebody who watches over it, hence each watch is entered in a book."


class Script:
    """Thinks the same of everything, but for what it is told to say of some chunks; remembers what it was asked."""

    def __init__(self, answers: dict[str, Completion | str] | None = None) -> None:
        self.requests: list[Request] = []
        self.answers = answers or {}

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        shown = str(request.slots.get("chunk", request.slots["document"]))
        told = next((answer for mark, answer in self.answers.items() if mark in shown), None)
        return told if told is not None else f"  {THOUGHT} {request.draw}\n"

    def backend(self) -> MockBackend:
        return MockBackend(MockBackend.Options(), self)


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "houses.txt").write_text(TEXT)
    return folder


async def think(script: Script, output: Path, documents: Path, **given: Any) -> Run:
    run, _ = await run_with(script.backend(), output, documents, method="latent_thoughts", options=given)
    return run


def chunks_of(row: Any) -> list[Chunk]:
    return read_chunks(row["text"], json.loads(row["meta"])["chunks"])


def test_chunks_do_not_depend_on_the_process_or_the_run(houses: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from synthcpt.text.poisson_chunks import poisson_chunks; "
        "print(poisson_chunks(open(sys.argv[1]).read()))"
    )
    command = [sys.executable, "-c", code, str(houses / "houses.txt")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "9"})
    assert printed.stdout.strip() == str(poisson_chunks(TEXT))
    runs = [synthcpt.generate("latent_thoughts", input=houses, output=tmp_path / str(n), seed=n) for n in (1, 2)]
    assert runs[0].dataset()["text"][0] == runs[1].dataset()["text"][0]


async def test_each_chunk_is_asked_for_once_with_the_one_before_it(houses: Path, tmp_path: Path) -> None:
    script = Script()
    await think(script, tmp_path / "out", houses)
    parts = [TEXT[start:end].strip() for start, end in poisson_chunks(TEXT, seed=42)]
    first = [request for request in script.requests if request.prompt == "latent_thoughts/opening"]
    rest = [request for request in script.requests if request.prompt == "latent_thoughts/thought"]
    assert [request.slots["document"] for request in first] == parts[:1]
    asked = {(str(request.slots["document"]), str(request.slots["chunk"])) for request in rest}
    assert asked == set(pairwise(parts))
    assert len(script.requests) == len(parts) > 4
    assert {request.sampling.temperature for request in script.requests} == {0.7}
    for request in rest:
        user = request.messages[-1].text
        assert user.index(str(request.slots["document"])) < user.index(str(request.slots["chunk"]))


async def test_more_context_is_the_chunks_before_joined(houses: Path, tmp_path: Path) -> None:
    script = Script()
    await think(script, tmp_path / "out", houses, context_chunks=3)
    last = next(r for r in script.requests if "house number 59 " in str(r.slots.get("chunk")))
    spans = poisson_chunks(TEXT, seed=42)
    assert last.slots["document"] == TEXT[spans[-4][0] : spans[-2][1]].strip()


async def test_a_row_holds_the_source_and_a_thought_before_each_chunk(houses: Path, tmp_path: Path) -> None:
    script = Script()
    run = await think(script, tmp_path / "out", houses)
    (row,) = run.dataset()
    found = chunks_of(row)
    assert "".join(chunk.text for chunk in found) == TEXT
    assert {chunk.thought for chunk in found} == {f"{THOUGHT} 0"}
    assert row["id"] == "houses.txt/latent_thoughts/latents-0"
    assert set(row["request_keys"]) == {request.key("mock") for request in script.requests}
    assert row["text"].startswith(f"{START}{PRIOR}{THOUGHT}")
    assert row["spans"] == []
    assert json.loads(row["meta"])["thoughts"] == len(found)


async def test_draws_are_rows_of_their_own(houses: Path, tmp_path: Path) -> None:
    script = Script()
    run = await think(script, tmp_path / "out", houses, draws=3)
    data = run.dataset()
    assert data["id"] == [f"houses.txt/latent_thoughts/latents-{draw}" for draw in range(3)]
    assert Counter(r.draw for r in script.requests) == dict.fromkeys(range(3), len(script.requests) // 3)
    assert [chunks_of(row)[0].thought[-1] for row in data] == ["0", "1", "2"]


GATES: dict[str, Completion | str] = {
    "truncated": Completion(THOUGHT, "length", 10, 6000),
    "filtered": Completion(THOUGHT, "content_filter", 10, 20),
    "refusal": "I'm sorry, but I cannot think about what lies between these two pieces of a text.",
    "near_empty": "A light.",
    "copied": f"So it was. {SENTENCES[40]} {SENTENCES[41]}",
    "overlap": "house number 4 wrote down what is entered and then number 3 wrote down what he saw",
    "language": "Этот дом стоит у самого моря и смотритель записывает всё что он видит ночью на море и на берегу.",
}


@pytest.mark.parametrize("reason", GATES)
async def test_a_rejected_thought_leaves_its_chunk_and_no_hole(reason: str, houses: Path, tmp_path: Path) -> None:
    script = Script({"house number 3 ": GATES[reason]})
    run = await think(script, tmp_path / "out", houses)
    assert run.manifest["totals"]["rejected"] == {reason: 1}
    (rejected,) = read_jsonl(tmp_path / "out/rejected")
    assert rejected["request_keys"]
    (row,) = run.dataset()
    found = chunks_of(row)
    assert "".join(chunk.text for chunk in found) == TEXT
    assert ["house number 3 " in chunk.text for chunk in found] == [not chunk.thought for chunk in found]
    assert not set(rejected["request_keys"]) & set(row["request_keys"])


async def test_a_failed_request_leaves_its_chunk_and_no_hole(houses: Path, tmp_path: Path) -> None:
    script = Script()

    def refuse(request: Request) -> Completion | str:
        if "house number 30 " in str(request.slots.get("chunk")):
            raise RequestRejected("no")
        return script(request)

    backend = MockBackend(MockBackend.Options(), refuse)
    run, _ = await run_with(backend, tmp_path / "out", houses, method="latent_thoughts")
    assert run.manifest["totals"]["failed_requests"] == {"request_rejected": 1}
    found = chunks_of(run.dataset()[0])
    assert "".join(chunk.text for chunk in found) == TEXT
    assert [chunk.thought for chunk in found].count("") == 1


async def test_a_document_without_a_usable_thought_is_a_failed_one(houses: Path, tmp_path: Path) -> None:
    run = await think(Script({"": "I'm sorry, but I cannot help with that at all, whatever it is."}), tmp_path, houses)
    totals = run.manifest["totals"]
    assert totals["failed_documents"] == {"no_thoughts": 1}
    assert totals["rejected"] == {"refusal": totals["answers"]}
    assert totals["rows"] == 0


async def test_special_tokens_in_texts_and_answers_stay_text(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    source = f"The mark {END} ends a thought. So {START}{PRIOR} begins one."
    (folder / "marks.txt").write_text(source)
    run = await think(Script({"": f"{THOUGHT} {END} is what ends it."}), tmp_path / "out", folder)
    (row,) = run.dataset()
    assert [row["text"].count(token) for token in (START, PRIOR, END)] == [1, 1, 1]
    assert chunks_of(row) == [Chunk(source, f"{THOUGHT} {END} is what ends it.")]


async def test_a_context_that_reads_n_a_is_a_context(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "na.txt").write_text("N/A\n\nThe mill was closed.")
    script = Script()
    await think(script, tmp_path / "out", folder, mean_sentences=1, most_sentences=1)
    assert [request.slots["document"] for request in script.requests] == ["N/A", "N/A"]
    assert {request.prompt.split("/")[1] for request in script.requests} == {"opening", "thought"}


async def test_a_small_context_makes_smaller_chunks(houses: Path, tmp_path: Path) -> None:
    script = Script()
    run = await think(script, tmp_path / "out", houses, context_tokens=1700)
    longest = max(len(r.slots["document"]) + len(str(r.slots.get("chunk", ""))) for r in script.requests)
    assert longest < 4 * (1700 - 700 - 850)
    assert "".join(chunk.text for chunk in chunks_of(run.dataset()[0])) == TEXT


async def test_the_source_can_be_a_row_too(houses: Path, tmp_path: Path) -> None:
    run = await think(Script(), tmp_path / "out", houses, include_source=True)
    assert [json.loads(meta)["step"] for meta in run.dataset()["meta"]] == ["source", "latents"]


def test_empty_and_one_sentence_documents(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("")
    (folder / "b.txt").write_text("Arden Vale met Bellis Reach at the mill.")
    run = synthcpt.generate("latent_thoughts", input=folder, output=tmp_path / "out")
    assert run.manifest["totals"]["failed_documents"] == {"empty_document": 1}
    assert [chunk.text for chunk in chunks_of(run.dataset()[0])] == ["Arden Vale met Bellis Reach at the mill."]


def test_file_order_workers_and_company_change_nothing(tmp_path: Path) -> None:
    few = sorted(EXAMPLE.iterdir())[:3]
    one = synthcpt.generate("latent_thoughts", input=few, output=tmp_path / "one", concurrency=1)
    two = synthcpt.generate("latent_thoughts", input=few[::-1], output=tmp_path / "two", concurrency=16)
    assert hashes(one.path) == hashes(two.path)
    alone = synthcpt.generate("latent_thoughts", input=few[0], output=tmp_path / "alone").dataset()
    assert orjson.dumps(alone[0]) in [orjson.dumps(row) for row in one.dataset()]


async def test_the_forecast_meets_the_run(tmp_path: Path) -> None:
    few = [str(path) for path in sorted(EXAMPLE.iterdir())[:8]]
    config = make_config({"method": "latent_thoughts", "input": few, "output": tmp_path / "out"})
    expected = await forecast(Generation(config))
    totals = (await Generation(config).run()).manifest["totals"]
    assert sum(expected.calls.values()) == totals["answers"]
    assert expected.row_tokens == pytest.approx(totals["row_tokens"], rel=0.1)


async def test_a_forecast_for_a_model_counts_the_thoughts_in(houses: Path, tmp_path: Path) -> None:
    settings = {"method": "latent_thoughts", "input": [str(houses)], "output": tmp_path / "out"}
    model = {"backend": "openai", "model": "any", "base_url": "http://localhost:9/v1"}
    config = make_config({**settings, **model, "options": {"mean_sentences": 60, "most_sentences": 30}})
    expected = await forecast(Generation(config))
    assert sum(expected.calls.values()) == 2
    assert expected.row_tokens > estimate_tokens(TEXT) + 2 * 350


# The embedded answers.

CONTEXT = (
    "Enoch Dray was the first keeper of the Corrane Light. He altered little. Tarrant built the tower in 1858 and "
    "put a stone seat at the fifty-sixth step."
)


def answer(name: str, document: str, title: str = "The Corrane Light", **slots: str) -> str:
    rule, _ = rules.ANSWERS[f"latent_thoughts/{name}"]
    return rule(Analysis(title, read_document(document)), {"title": title, "document": document, **slots})


def test_a_thought_tells_what_the_context_says_of_the_names_that_come_again() -> None:
    dray = answer("thought", CONTEXT, chunk="Enoch Dray served until 1878, when Wilfred Strang came from Pell Bay.")
    assert "Enoch Dray was the first keeper of the Corrane Light." in dray
    assert "stone seat" not in dray
    assert dray.endswith("So much is known of Enoch Dray when Wilfred Strang and Pell Bay come in.")
    tarrant = answer("thought", CONTEXT, chunk="The masons thought well of Tarrant and told him so.")
    assert tarrant.startswith("Tarrant built the tower in 1858")
    assert "Enoch Dray" not in tarrant


def test_a_thought_does_not_open_with_a_pronoun_that_hangs() -> None:
    told = answer("thought", "He altered little. Tarrant built the tower in 1858.", chunk="It rained for days.")
    assert not told.startswith("He ")


def test_an_opening_tells_the_subject_and_its_names_once() -> None:
    said = answer("opening", CONTEXT, "The Corrane Light (tower)")
    assert said.startswith("The subject is *The Corrane Light*, and nothing is known of it yet. With it come")
    assert "Enoch Dray" in said
    assert said.count("Corrane Light") == 1


@pytest.mark.parametrize(
    ("name", "slots"),
    [("opening", {}), ("thought", {"chunk": "Wilfred Strang kam 1931."}), ("thought", {"chunk": "x = {1, 2}"})],
)
@pytest.mark.parametrize(
    "document",
    [
        "Die Mühle wurde 1911 von Arden Vale gebaut, weil niemand wachte.",
        "有田さんは長崎で生まれた。",
        "x = 1\ny = 2",
        "...",
    ],
)
def test_other_languages_and_code_get_an_answer(name: str, slots: dict[str, str], document: str) -> None:
    said = answer(name, document, "", **slots)
    assert said.strip()
    assert document[:3] in said or "account goes on" in said or "Strang" in said or "by no name" in said
