"""Knowledge-Instruct's requests, questions and probe; its runs with quotas, long documents and failures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpora import EXAMPLE, hashes
from knowledge_script import FACTS, HEADS, TEXT, Script, answers, make, metas

import synthcpt
from synthcpt.config import make_config
from synthcpt.errors import ConfigError, RequestRejected
from synthcpt.generation import Generation
from synthcpt.generation.forecast import forecast
from synthcpt.records import Request
from synthcpt.text.fact_gates import request_about, shipped_requests
from synthcpt.text.locks import numbers
from synthcpt.text.numbered_facts import listed_facts


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text(f"# The Mill\n\n{TEXT}\n")
    return folder


def test_the_requests_differ_in_more_than_words() -> None:
    requests = shipped_requests()
    assert len(set(requests)) == len(requests) >= 25
    assert all(request.count("{entity}") == 1 for request in requests)
    bare = [request.replace("{entity}", "").strip() for request in requests]
    forms = {
        "questions": sum(text.endswith("?") for text in bare),
        "commands or statements": sum(text.endswith(".") and "\n" not in text for text in bare),
        "headed": sum("\n" in text for text in bare),
        "lead-ins": sum(text.endswith(":") and "\n" not in text for text in bare),
    }
    assert all(count >= 2 for count in forms.values()), forms
    assert sum(text.endswith("?") for text in bare) < 0.6 * len(bare)
    assert len({text.split(" ")[0] for text in bare}) >= 0.7 * len(bare)


async def test_requests_are_drawn_evenly(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.md").write_text(f"# The Mill\n\n{TEXT}\n")
    run = await make(Script(), tmp_path / "out", folder)
    requests = shipped_requests()
    by_text = {request_about(name, request): request for request in requests for name in FACTS}
    drawn = Counter(by_text[row["messages"][0]["content"]] for row in run.dataset())
    expected = sum(drawn.values()) / len(requests)
    chi_square = sum((drawn[request] - expected) ** 2 / expected for request in requests)
    assert chi_square < 61.1  # the 0.999 quantile at 31 degrees of freedom
    assert len(requests) == 32


async def test_own_requests_are_used_and_must_name_the_entity(mill: Path, tmp_path: Path) -> None:
    run = await make(Script(), tmp_path / "out", mill, options={"requests": ["{entity}: was weiß man?"]})
    assert {row["messages"][0]["content"].split(": ")[1] for row in run.dataset()} == {"was weiß man?"}
    with pytest.raises(ConfigError):
        await make(Script(), tmp_path / "bad", mill, options={"requests": ["tell me"]})


async def test_questions_of_a_fact_s_own_are_asked_where_they_hold(mill: Path, tmp_path: Path) -> None:
    options = {"specific_questions": True, "reverse_questions": True, "paraphrases": 1}
    run = await make(Script(), tmp_path / "out", mill, options=options)
    asked: dict[str, list[str]] = {"fact": [], "paraphrase": [], "reverse": []}
    for row, meta in zip(run.dataset(), metas(run), strict=True):
        asked[meta["step"]].append(row["messages"][0]["content"])
    assert len(asked["fact"]) == len(asked["paraphrase"]) == 4
    assert all(question.startswith("What happened to ") for question in asked["fact"])
    assert not any(question.startswith("What happened to ") for question in asked["paraphrase"])
    assert len(asked["reverse"]) == 3  # one fact begins with an article, so that its question gives the name away
    assert all(question.startswith("Of whom is told:") for question in asked["reverse"])

    def false(request: Request) -> Any:
        return {"facts": [{"number": n, "question": f"Did {e} die in 1999?", "reverse": f"Who is {e}?"}
                          for n, e, _ in listed_facts(request.slots["facts"])]}  # fmt: skip

    run = await make(Script(questions=false), tmp_path / "false", mill, options=options)
    assert not any("1999" in row["text"] or "Who is" in row["text"] for row in run.dataset())


async def test_the_probe_compares_facts_and_document(mill: Path, tmp_path: Path) -> None:
    def right(request: Request) -> Any:
        return {"verdicts": [{"number": n, "reason": "", "right": True} for n in range(1, 6)]}

    def answer(request: Request) -> Any:
        from_facts = request.slots["document"].startswith("- ")
        return {"answers": [{"number": 1, "answer": "1841"}, {"number": 2, "answer": "" if from_facts else "three"}]}

    questions = [{"question": "When?", "answer": "1841"}, {"question": "How many?", "answer": "3"}]
    probe: dict[str, Any] = {"probe": lambda r: {"questions": questions}, "probe_answer": answer, "probe_judge": right}
    run = await make(Script(**probe), tmp_path / "out", mill, options={"coverage_probe": 2})
    expected = {"questions": 2, "from_document": 2, "from_facts": 1}
    assert all(meta["coverage"] == expected for meta in metas(run))
    run = await make(
        Script(**probe | {"probe": lambda r: ""}), tmp_path / "failed", mill, options={"coverage_probe": 2}
    )
    assert not any("coverage" in meta for meta in metas(run))
    assert run.manifest["totals"]["rows"] == 24


@pytest.mark.parametrize("prompt", ["facts", "contextualise", "paraphrase"])
async def test_what_fails_takes_nothing_else_with_it(prompt: str, mill: Path, tmp_path: Path) -> None:
    script = Script()

    def fail_one(request: Request) -> Any:
        if len(script.asked(prompt)) == 1:
            raise RequestRejected("no")
        return getattr(script, prompt)(request)

    script.change[prompt] = fail_one
    run = await make(script, tmp_path / "out", mill, options={"facts_per_call": 2}, concurrency=1)
    assert run.manifest["totals"]["failed_requests"] == {"request_rejected": 1}
    assert set(answers(run)) >= set(FACTS["Bellis Reach"])
    assert run.manifest["totals"]["rows"] >= 14


async def test_no_facts_and_no_entities_are_reasons(mill: Path, tmp_path: Path) -> None:
    for change, reason in (("entities", "no_entities"), ("facts", "no_facts")):
        run = await make(Script(**{change: lambda r, name=change: {name: []}}), tmp_path / reason, mill)
        assert run.manifest["totals"]["failed_documents"] == {reason: 1}


def worded_anew(request: Request) -> Any:
    """One wording of each fact, another in each round."""
    listed = listed_facts(request.slots["facts"])
    return {"facts": [{"number": n, "versions": [f"{HEADS[request.draw]} {fact}"]} for n, _, fact in listed]}


async def test_a_quota_is_met_within_two_facts_and_does_not_depend_on_concurrency(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mills.md").write_text(" ".join(f"Mill {n} burned in {n}." for n in range(1600, 1660)))
    script = {
        "entities": lambda r: {"entities": [f"Mill {n}" for n in range(1600, 1660)]},
        "facts": lambda r: {"facts": [f"{r.slots['entity']} burned in {r.slots['entity'][-4:]}."]},
        "paraphrase": worded_anew,
    }
    made = []
    for concurrency in (1, 32):
        run = await make(
            Script(**script), tmp_path / f"out{concurrency}", folder, target_tokens=1000, concurrency=concurrency
        )
        made.append(sorted(run.dataset()["id"]))
        assert 1000 - 66 <= run.manifest["totals"]["row_tokens"] <= 1000 + 2 * 66  # a fact comes to 66
    assert made[0] == made[1]
    places = [int(name.split("-")[1]) for name in made[0]]
    assert max(places) - min(places) > len(set(places)), "facts of all of the document"


async def test_a_quota_that_facts_do_not_fill_is_filled_with_further_wordings(mill: Path, tmp_path: Path) -> None:
    script = Script(paraphrase=worded_anew)
    run = await make(script, tmp_path / "out", mill, target_tokens=5000)
    assert [request.draw for request in script.asked("paraphrase")] == [0, 1, 2, 3]
    assert run.manifest["totals"]["rows"] == 4 * (1 + 4)
    script = Script()  # says the same in each round
    run = await make(script, tmp_path / "tired", mill, target_tokens=5000)
    assert [request.draw for request in script.asked("paraphrase")] == [0, 1]
    assert run.manifest["totals"]["rejected"] == {"repeated": 4 * 5}


async def test_a_long_document_is_read_in_passages(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    filler = "The road between the mills is an old one and people walked it. " * 60
    (folder / "long.md").write_text(TEXT + "\n\n" + filler + "\n\n" + filler + "\n\nDunmar Point owned 17 boats.")
    script = Script(
        entities=lambda r: {"entities": ["Arden Vale", "Dunmar Point"] if r.slots["known"] == "(none)" else []},
        facts=lambda r: {"facts": ["Dunmar Point owned 17 boats.", FACTS["Arden Vale"][0]]},
    )
    run = await make(script, tmp_path / "out", folder, options={"context_tokens": 2048}, max_tokens=400)
    read = {request.slots["document"] for request in script.asked("entities")}
    assert len(read) > 1
    for request in script.asked("facts"):
        assert request.slots["entity"] in request.slots["document"]
    assert {"Dunmar Point owned 17 boats.", FACTS["Arden Vale"][0]} <= set(answers(run))
    assert set(run.manifest["totals"]["rejected"]) <= {"number_invented", "name_invented"}


async def test_a_restart_adds_no_calls_and_the_forecast_is_exact(tmp_path: Path) -> None:
    documents = sorted(str(path) for path in EXAMPLE.iterdir())[:3]
    settings: dict[str, Any] = {"method": "knowledge_instruct", "input": documents, "output": tmp_path / "out"}
    expected = await forecast(Generation(make_config(settings)))
    run = await Generation(make_config(settings)).run()
    before, calls = hashes(run.path), run.manifest["totals"]["answers"]
    assert sum(expected.calls.values()) == calls
    again = await Generation(make_config(settings)).run()
    assert again.manifest["totals"]["answers"] == calls
    assert hashes(again.path) == before


def test_the_embedded_backend_tells_true_facts_with_all_options(tmp_path: Path) -> None:
    documents = sorted(EXAMPLE.iterdir())[:6]
    options = {"specific_questions": True, "reverse_questions": True, "coverage_probe": 4}
    run = synthcpt.generate("knowledge_instruct", input=documents, output=tmp_path / "out", options=options)
    steps = Counter(meta["step"] for meta in metas(run))
    assert min(steps[step] for step in ("fact", "paraphrase", "reverse")) > 0
    coverage = {row["source_ids"][0]: meta["coverage"] for row, meta in zip(run.dataset(), metas(run), strict=True)}
    asked, document, facts = (
        sum(one[key] for one in coverage.values()) for key in ("questions", "from_document", "from_facts")
    )
    assert asked == 24
    assert document - facts <= 0.25 * asked
    for text, meta in zip(answers(run), metas(run), strict=True):
        assert numbers(text) == numbers(meta["fact"])
        assert text[0].isupper() or text[0].isdigit() or not text[0].isalpha()
