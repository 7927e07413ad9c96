"""Knowledge-Instruct does what its paper does, and keeps numbers, dates and names as they are through every step."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpora import read_jsonl
from knowledge_script import FACTS, TEXT, Script, answers, make, metas

from synthcpt.records import Request
from synthcpt.text.locks import numbers


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text(f"# The Mill\n\n{TEXT}\n")
    return folder


async def test_every_fact_is_told_as_it_is_and_in_five_other_ways(mill: Path, tmp_path: Path) -> None:
    run = await make(Script(), tmp_path / "out", mill)
    told = Counter(meta["fact"] for meta in metas(run))
    assert set(told) == {*FACTS["Arden Vale"], FACTS["Corve Mill"][0], *FACTS["Bellis Reach"]}
    assert set(told.values()) == {6}
    assert len(set(answers(run))) == len(run.dataset())
    assert not run.manifest["totals"]["rejected"]


async def test_only_the_answer_carries_loss_and_names_what_was_asked_about(mill: Path, tmp_path: Path) -> None:
    run = await make(Script(), tmp_path / "out", mill)
    for row, meta in zip(run.dataset(), metas(run), strict=True):
        user, assistant = row["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        ((start, end),) = row["spans"]
        assert row["text"][start:end] == assistant["content"]
        assert meta["entity"] in user["content"]
        assert meta["entity"] in assistant["content"]


async def test_every_number_of_a_text_is_in_its_fact_and_every_fact_s_in_the_source(mill: Path, tmp_path: Path) -> None:
    run = await make(Script(), tmp_path / "out", mill)
    for text, meta in zip(answers(run), metas(run), strict=True):
        assert numbers(text) == numbers(meta["fact"]) <= numbers(TEXT)
        start, end = meta["span"]
        assert meta["fact"].split(" ")[-1] in (mill / "mill.md").read_text()[start:end]


async def test_follow_ups_end_when_nothing_comes(mill: Path, tmp_path: Path) -> None:
    script = Script()
    await make(script, tmp_path / "out", mill)
    assert len(script.asked("entities")) == 2
    assert len(script.asked("facts")) == 2 * len(FACTS)
    assert "- Arden Vale" in script.asked("entities")[1].slots["known"]


async def test_follow_ups_end_at_the_cap_and_made_up_entities_are_dropped(mill: Path, tmp_path: Path) -> None:
    text = TEXT + " " + " ".join(f"Gate {n} of the mill is shut." for n in range(200, 400))
    (mill / "mill.md").write_text(text)

    def gates(request: Request) -> Any:
        known = request.slots["known"].count("- Gate")
        return {"entities": [f"Gate {200 + known + k}" for k in range(5)] + ["Nowhere Castle"]}

    def endless(request: Request) -> Any:
        return {"facts": [f"{request.slots['entity']} is shut since {len(request.slots['known'])} days."]}

    script = Script(entities=gates, facts=endless)
    options = {"entity_rounds": 4, "fact_rounds": 3, "least_yield": 0}
    run = await make(script, tmp_path / "out", mill, options=options)
    assert len(script.asked("entities")) == 4
    assert len(script.asked("facts")) == 4 * 5 * 3
    assert not any(request.slots["entity"] == "Nowhere Castle" for request in script.asked("facts"))
    assert set(run.manifest["totals"]["rejected"]) == {"number_invented"}


async def test_rounds_end_when_the_yield_drops(mill: Path, tmp_path: Path) -> None:
    def fewer(request: Request) -> Any:
        known = request.slots["known"].count("\n- ") + request.slots["known"].startswith("- ")
        many = [f"Arden Vale built the Corve Mill with {letter}ill and care." for letter in "abcdefghijklmnopqrst"]
        return {"facts": many[known : known + (19 if known == 0 else 1)]}

    for least_yield, rounds in ((0.1, 2), (0.0, 3)):
        script = Script(facts=fewer)
        await make(script, tmp_path / f"out{rounds}", mill, options={"least_yield": least_yield, "max_entities": 1})
        assert len(script.asked("facts")) == rounds


BAD_WORDINGS = {
    "number_lost": "Arden Vale built the Corve Mill in 1841.",
    "number_invented": "Arden Vale built the Corve Mill in 1841 for 1,240 crowns, or 7 sheep.",
    "date_invented": "Arden Vale built the Corve Mill for 1,240 crowns in June 1841.",
    "name_lost": "Vale built the Corve Mill in 1841 for 1,240 crowns.",
    "name_invented": "Arden Vale built the Corve Mill with Dunmar Point in 1841 for 1,240 crowns.",
    "repeated": "arden Vale built the Corve Mill in 1841 for 1,240 crowns",
    "refusal": "I'm sorry, I cannot say how Arden Vale built the Corve Mill in 1841 for 1,240 crowns.",
    "near_empty": "Arden Vale!",
}


@pytest.mark.parametrize("reason", BAD_WORDINGS)
async def test_a_paraphrase_that_changes_its_fact_is_rejected_and_the_fact_is_told(
    reason: str, mill: Path, tmp_path: Path
) -> None:
    def one(request: Request) -> Any:
        return {"facts": [{"number": 1, "versions": [BAD_WORDINGS[reason]]}]}

    script = Script(paraphrase=one, facts=lambda r: {"facts": FACTS["Arden Vale"][:1]})
    for include_fact in (True, False):
        options = {"include_fact": include_fact, "max_entities": 1}
        run = await make(script, tmp_path / f"out{include_fact}", mill, options=options)
        assert run.manifest["totals"]["rejected"] == {reason: 1}
        assert answers(run) == FACTS["Arden Vale"][:1]


STATED = {
    "number_invented": "Arden Vale built the Corve Mill in 1842.",
    "name_invented": "Arden Vale built the Corve Mill for Dunmar Point.",
    "unsupported": "Arden Vale preferred strawberries, philosophy and astronomy.",
}


@pytest.mark.parametrize("reason", STATED)
async def test_a_fact_that_the_document_does_not_hold_is_rejected(reason: str, mill: Path, tmp_path: Path) -> None:
    script = Script(facts=lambda r: {"facts": [STATED[reason], FACTS["Bellis Reach"][0]]})
    run = await make(script, tmp_path / "out", mill, options={"max_entities": 1, "verify": False})
    rejected = read_jsonl(run.path / "rejected")
    assert {reason} <= {row["reason"] for row in rejected} <= {reason, "entity_missing"}
    assert STATED[reason] in {row["text"] for row in rejected}


@pytest.mark.parametrize("entity", ["1841", "12 May"])
async def test_a_numeric_entity_has_only_facts_with_that_number(entity: str, mill: Path, tmp_path: Path) -> None:
    stated = [FACTS["Corve Mill"][0], FACTS["Arden Vale"][entity == "12 May"]]
    script = Script(
        entities=lambda r: {"entities": [entity]},
        facts=lambda r: {"facts": stated},
        verify=lambda r: {"verdicts": [{"number": n, "reason": "", "named": True} for n in (1, 2)]},
    )
    run = await make(script, tmp_path / "out", mill, options={"paraphrases": 0})
    assert [row["text"] for row in read_jsonl(run.path / "rejected")] == [FACTS["Corve Mill"][0]]
    assert {row["reason"] for row in read_jsonl(run.path / "rejected")} == {"entity_missing"}
    assert answers(run) == stated[1:]


@pytest.mark.parametrize(
    ("added", "context", "told"),
    [
        ("The Corve Mill of Arden Vale had three wheels and a weir.", "name_invented", False),
        ("Of The Mill: The Corve Mill had three wheels and a weir.", "added", True),
        ("The Corve Mill had four wheels and a weir.", "number_lost", False),
    ],
)
async def test_context_may_add_the_subject_and_nothing_else(
    added: str, context: str, told: bool, mill: Path, tmp_path: Path
) -> None:
    script = Script(
        entities=lambda r: {"entities": ["Corve Mill"]},
        facts=lambda r: {"facts": FACTS["Corve Mill"][:1]},
        contextualise=lambda r: {"facts": [{"number": 1, "fact": added}, {"number": 9, "fact": "beyond the list"}]},
    )
    run = await make(script, tmp_path / "out", mill, options={"paraphrases": 0})
    assert answers(run) == [added if told else FACTS["Corve Mill"][0]]
    assert metas(run)[0]["context"] == context


async def test_a_fact_without_its_entity_is_verified_mended_once_and_else_rejected(mill: Path, tmp_path: Path) -> None:
    def mended(request: Request) -> Any:
        return {"facts": [{"number": 1, "fact": "Bellis Reach drowned in the weir."}][: request.draw]}

    unnamed = {
        "entities": lambda r: {"entities": ["Bellis Reach"]},
        "facts": lambda r: {"facts": ["The man drowned in the weir."]},
    }
    script = Script(**unnamed)
    run = await make(script, tmp_path / "dropped", mill)
    assert len(script.asked("verify")) == 1
    assert [request.draw for request in script.asked("contextualise")] == [0, 1]
    assert run.manifest["totals"]["rejected"] == {"entity_missing": 1}
    script = Script(**unnamed, verify=lambda r: {"verdicts": [{"number": 1, "reason": "the man", "named": True}]})
    run = await make(script, tmp_path / "kept", mill, options={"paraphrases": 0})
    assert answers(run) == ["The man drowned in the weir."]
    script = Script(**unnamed, contextualise=mended)
    run = await make(script, tmp_path / "mended", mill, options={"paraphrases": 0})
    assert answers(run) == ["Bellis Reach drowned in the weir."]


async def test_facts_that_name_their_entity_are_not_sent_to_be_verified(mill: Path, tmp_path: Path) -> None:
    script = Script()
    await make(script, tmp_path / "out", mill)
    assert not script.asked("verify")


async def test_a_shared_fact_is_told_once_and_asked_about_under_each_name(mill: Path, tmp_path: Path) -> None:
    run = await make(Script(), tmp_path / "out", mill)
    asked = {meta["entity"] for meta in metas(run) if meta["fact"] == FACTS["Arden Vale"][0]}
    assert asked == {"Arden Vale", "Corve Mill"}
