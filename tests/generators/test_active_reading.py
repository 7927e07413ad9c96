"""Active Reading: strategies are invented, each is carried out, and a quota is filled without repeats."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE, hashes, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.config import make_config
from synthcpt.errors import PromptTooLong, RequestRejected
from synthcpt.generation import Generation, Run
from synthcpt.generation.forecast import forecast
from synthcpt.records import Completion, Request

TEXT = (
    "Arden Vale built Corve Mill in the spring of 1911. The weir below the mill was lost in the flood of 1934. Bellis "
    "Reach rebuilt the mill in 1936 with the help of nine carpenters. The mill has ground no corn since 1950. "
    "It stands by the river and is looked after by the parish, which has let the upper floor to a painter. "
)
KINDS = ["timeline", "portraits", "numbers", "causes", "contrasts", "places", "riddles", "letters", "songs", "maps"]
WORDS = [
    "weir",
    "flood",
    "spring",
    "corn",
    "river",
    "bank",
    "stone",
    "oak",
    "wheel",
    "sluice",
    "meadow",
    "winter",
    "moor",
]


def strategy(name: str) -> dict[str, str]:
    """Instructions that share few words with another's."""
    return {"name": name, "instructions": f"Write {name}1 {name}2 {name}3 about {name}4 and then {name}5."}


def essay(request: Request) -> str:
    """About 60 words, in an order that depends on what was asked."""
    document = zlib.crc32(str(request.slots["document"]).encode())
    shift = sum(map(ord, str(request.slots["strategy"]))) + 7 * request.draw + document
    said = " ".join(WORDS[(shift + k * (1 + shift % 3)) % len(WORDS)] for k in range(50))
    return f"The Mill, by way of {request.slots['strategy']} ({request.draw}), {document}: the {said}."


class Script:
    """Invents the next strategies of its list; remembers what it was asked."""

    def __init__(self, kinds: list[str] = KINDS) -> None:
        self.kinds, self.requests = kinds, list[Request]()

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        if request.prompt == "active_reading/apply":
            return essay(request)
        known = str(request.slots["known"]).split("; ")
        fresh = [kind for kind in self.kinds if kind not in known][: int(request.slots["count"])]
        return orjson.dumps({"questions": ["Who?"], "strategies": [strategy(kind) for kind in fresh]}).decode()

    def asked(self, prompt: str) -> list[Request]:
        return [request for request in self.requests if request.prompt == f"active_reading/{prompt}"]

    async def run(self, output: Path, folder: Path, **settings: Any) -> Run:
        latency_s = settings.pop("latency_s", 0.0)
        backend = MockBackend(MockBackend.Options(latency_s=latency_s), self)
        run, _ = await run_with(backend, output, folder, method="active_reading", **settings)
        return run


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text(f"# The Mill\n\n{TEXT}\n")
    return folder


def meta(run: Run) -> list[dict[str, Any]]:
    return [json.loads(row["meta"]) for row in run.dataset()]


async def test_one_call_invents_and_one_a_strategy_and_draw_carries_out(mill: Path, tmp_path: Path) -> None:
    script = Script()
    run = await script.run(tmp_path / "out", mill, options={"strategies": 5, "draws": 3})
    assert len(script.asked("strategies")) == 1
    done = Counter((request.slots["strategy"], request.draw) for request in script.asked("apply"))
    assert done == Counter((kind, draw) for kind in KINDS[:5] for draw in range(3))
    assert all(TEXT.strip() in str(request.slots["document"]) for request in script.requests)
    invented = script.asked("strategies")[0].key("mock")
    for row, told in zip(run.dataset(), meta(run), strict=True):
        assert row["request_keys"][0] == invented
        assert f"by way of {told['strategy']} ({told['draw']})" in row["text"]
        assert told["instructions"] == strategy(told["strategy"])["instructions"]
        assert not row["spans"]
    assert run.manifest["totals"]["rows"] == 15


async def test_a_task_is_told_and_its_questions_come_first(mill: Path, tmp_path: Path) -> None:
    script = Script()
    run = await script.run(tmp_path / "out", mill, options={"strategies": 2, "task": "trivia about dates"})
    (request,) = script.asked("task_strategies")
    assert "trivia about dates" in request.messages[-1].text
    assert list((request.schema or {})["properties"]) == ["questions", "strategies"]
    assert not script.asked("strategies")
    assert {told["task"] for told in meta(run)} == {"trivia about dates"}


async def test_the_document_is_a_byte_identical_prefix(mill: Path, tmp_path: Path) -> None:
    script = Script()
    await script.run(tmp_path / "out", mill)
    sent = ["".join(message.text for message in request.messages) for request in script.asked("apply")]
    ends = [text.index("## The study strategy") for text in sent]
    assert len({text[:end] for text, end in zip(sent, ends, strict=True)}) == 1
    assert TEXT.strip() in sent[0][: ends[0]]


async def test_strategies_that_are_one_are_carried_out_once(mill: Path, tmp_path: Path) -> None:
    same = {"name": "Chronology", "instructions": strategy("timeline")["instructions"] + " Go on."}
    listed = [strategy("timeline"), strategy("The Timeline"), same, {"name": "", "instructions": "x"}]
    listed += [{"name": "empty", "instructions": " "}, strategy("portraits")]

    def script(request: Request) -> str:
        return essay(request) if "apply" in request.prompt else orjson.dumps({"strategies": listed}).decode()

    backend = MockBackend(MockBackend.Options(), script)
    run, _ = await run_with(backend, tmp_path / "out", mill, method="active_reading")
    assert [told["strategy"] for told in meta(run)] == ["timeline", "portraits"]


async def test_a_quota_takes_further_strategies_and_then_further_draws(mill: Path, tmp_path: Path) -> None:
    made = []
    for concurrency in (1, 16):
        script = Script()
        run = await script.run(
            tmp_path / f"out{concurrency}", mill, options={"strategies": 4}, target_tokens=1600,
            concurrency=concurrency, latency_s=0.001 if concurrency > 1 else 0.0,
        )  # fmt: skip
        made.append(hashes(run.path))
        assert abs(run.manifest["totals"]["row_tokens"] - 1600) < 90  # a text has about 80 tokens
        assert [str(request.slots["known"]) for request in script.asked("strategies")] == [
            "none", "; ".join(KINDS[:4]), "; ".join(KINDS[:8]), "; ".join(KINDS),
        ]  # fmt: skip
        first = [(told["draw"], told["strategy"]) for told in meta(run)][:10]
        assert first == [(0, kind) for kind in KINDS]
        assert {told["draw"] for told in meta(run)} >= {0, 1}
    assert made[0] == made[1]


async def test_a_small_quota_invents_once_and_carries_out_no_more_than_it_needs(mill: Path, tmp_path: Path) -> None:
    script = Script()
    run = await script.run(tmp_path / "out", mill, options={"strategies": 8}, target_tokens=350)
    assert len(script.asked("strategies")) == 1
    assert len(script.asked("apply")) == run.manifest["totals"]["rows"] < 8


async def test_a_round_is_as_large_as_what_is_left_of_the_quota(mill: Path, tmp_path: Path) -> None:
    options = {"strategies": 4}
    first = await Script().run(tmp_path / "out", mill, options=options)
    tokens = first.manifest["totals"]["row_tokens"]
    for left, calls, texts in ((10, 1, 4), (70, 2, 5)):  # a text has about 80 tokens
        script = Script()
        run = await script.run(tmp_path / f"out{left}", mill, options=options, target_tokens=tokens + left)
        assert len(script.asked("strategies")) == calls
        assert len(run.dataset()) == len(script.asked("apply")) == texts


async def test_a_model_that_repeats_itself_is_not_asked_for_ever(mill: Path, tmp_path: Path) -> None:
    script = Script(KINDS[:3])

    def stubborn(request: Request) -> Completion | str:
        return script(replace(request, draw=0))

    backend = MockBackend(MockBackend.Options(), stubborn)
    run, _ = await run_with(backend, tmp_path / "out", mill, method="active_reading", target_tokens=100_000)
    assert run.manifest["totals"]["rows"] == 3
    assert run.manifest["totals"]["rejected"] == {"duplicate": 3}
    assert len(script.asked("strategies")) == 2
    assert len(script.asked("apply")) == 3 + 3


async def test_passages_have_strategies_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "\n\n".join(f"This is part {n}. {TEXT}" for n in range(6))
    (folder / "long.txt").write_text(text)
    script = Script()
    run = await script.run(tmp_path / "out", folder, options={"passage_tokens": 150, "strategies": 2})
    passages = [str(request.slots["document"]) for request in script.asked("strategies")]
    assert "".join(passages) == text
    assert len(passages) > 2
    assert len(script.asked("apply")) == 2 * len(passages)
    assert {tuple(told["passage"]) for told in meta(run)} == {
        (text.index(passage), text.index(passage) + len(passage)) for passage in passages
    }


async def test_one_passage_or_one_strategy_that_fails_fails_alone(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "long.txt").write_text("\n\n".join(f"This is part {n}. {TEXT}" for n in range(6)))
    script = Script()

    def failing(request: Request) -> Completion | str:
        if "part 0" in str(request.slots["document"]) and "apply" not in request.prompt:
            return "no json"
        if request.slots.get("strategy") == "timeline":
            raise RequestRejected("no")
        return script(request)

    backend = MockBackend(MockBackend.Options(), failing)
    options = {"passage_tokens": 150, "strategies": 2}
    run, _ = await run_with(backend, tmp_path / "out", folder, method="active_reading", options=options)
    passages = len(script.asked("strategies"))
    assert run.manifest["totals"]["failed_requests"] == {"malformed_answer": 1, "request_rejected": passages}
    assert run.manifest["totals"]["rows"] == passages


async def test_a_prompt_longer_than_estimated_is_split_again(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "d.txt").write_text(" ".join(f"This is part {n}. {TEXT}" for n in range(40)))
    script = Script()

    def refuse_long(request: Request) -> Completion | str:
        document = str(request.slots["document"])
        if len(document) > 3000 and "part 0." in document:  # one passage of several
            raise PromptTooLong("too long")
        return script(request)

    options = {"context_tokens": 3000, "strategies": 2}
    backend = MockBackend(MockBackend.Options(), refuse_long)
    run, _ = await run_with(backend, tmp_path / "out", folder, method="active_reading", options=options, max_tokens=400)
    assert "This is part 0." in str([request.slots["document"] for request in script.asked("apply")])
    assert not run.manifest["totals"]["rejected"]


GATES: dict[str, Completion | str] = {
    "truncated": Completion("The Mill", "length", 10, 2048),
    "refusal": "I'm sorry, but I can't help with studying this document, for reasons of policy. " * 4,
    "near_empty": "The Mill.",
    "copied": TEXT,
    "language": "Die Mühle wurde von einem Mann gebaut, der nicht von der Insel war, und sie ist heute noch zu sehen, "
    "auch wenn sie kein Korn mehr mahlt, weil der Bach nicht mehr genug Wasser hat und niemand sie mehr braucht.",
}


@pytest.mark.parametrize("reason", GATES)
async def test_each_gate_rejects_with_its_reason(reason: str, mill: Path, tmp_path: Path) -> None:
    script = Script(KINDS[:2])

    def bad(request: Request) -> Completion | str:
        return GATES[reason] if "apply" in request.prompt else script(request)

    backend = MockBackend(MockBackend.Options(), bad)
    run, _ = await run_with(backend, tmp_path / "out", mill, method="active_reading")
    assert run.manifest["totals"]["rejected"] == {reason: 2}


async def test_no_usable_strategy_is_a_reason(mill: Path, tmp_path: Path) -> None:
    run = await Script([]).run(tmp_path / "out", mill)
    assert run.manifest["totals"]["failed_documents"] == {"no_strategies": 1}


# The embedded backend's strategies.


def study(text: str, folder: Path, **settings: Any) -> dict[str, str]:
    """Strategy -> text, for one document."""
    (folder / "d.md").write_text(text)
    run = synthcpt.generate("active_reading", input=folder / "d.md", output=folder / "out", **settings)
    assert not run.manifest["totals"]["rejected"]
    return {json.loads(row["meta"])["strategy"]: row["text"] for row in run.dataset()}


def test_the_rules_offer_only_what_the_document_has_material_for(tmp_path: Path) -> None:
    undated = "The weir is old. The weir keeper lives by the weir. Nobody has seen the weir keeper in the morning. " * 2
    made = study(f"# The Weir\n\n{undated}", tmp_path)
    assert set(made) & {"Timeline", "Numbers to remember", "Who is who"} == set()
    assert "Outline of the key facts" in made


def test_the_rules_timeline_is_in_the_order_of_time(tmp_path: Path) -> None:
    text = (
        "# Corve Mill\n\nCorve Mill was rebuilt by Bellis Reach on 3 May 1936 after the flood. Arden Vale built Corve "
        "Mill in 1911 for the parish. The weir of Corve Mill was lost in March 1936 in the flood. Corve Mill cost "
        "4,200 crowns in 1911. Nine carpenters and 300 oak beams were needed for Corve Mill."
    )
    made = study(text, tmp_path)
    dates = re.findall(r"^- \*\*(.*?)\*\*", made["Timeline"], re.MULTILINE)
    assert dates == ["1911", "1911", "March 1936", "3 May 1936"]
    assert "4,200 crowns" in made["Numbers to remember"]
    questions, answers = made["Fill-in-the-blank quiz"].split("The answers:")
    assert questions.count("_____") == len(re.findall(r"^\d+\. ", answers, re.MULTILINE)) >= 2
    blanked = dict(re.findall(r"^(\d+)\. (.*_____.*)$", questions, re.MULTILINE))
    for number, answer in re.findall(r"^(\d+)\. (.*)$", answers, re.MULTILINE):
        assert blanked[number].replace("_____", answer) in text


def test_the_rules_put_what_fits_the_task_first(tmp_path: Path) -> None:
    text = (EXAMPLE / "patience-of-orr.md").read_text()
    made = study(text, tmp_path, options={"task": "when did things happen", "strategies": 1})
    assert list(made) == ["Timeline"]


async def test_the_rules_sentences_are_the_documents_and_the_forecast_is_right(tmp_path: Path) -> None:
    config = make_config({"method": "active_reading", "input": [str(EXAMPLE)], "output": tmp_path / "out", "limit": 12})
    expected = await forecast(Generation(config))
    run = await Generation(config).run()
    totals = run.manifest["totals"]
    assert sum(expected.calls.values()) == pytest.approx(totals["answers"], rel=0.1)
    assert expected.row_tokens == pytest.approx(totals["row_tokens"], rel=0.2)
    assert totals["rows"] > 5 * 12
    for row in run.dataset().filter(lambda row: '"Timeline"' in row["meta"]):
        source = " ".join((EXAMPLE / row["source_ids"][0]).read_text().replace("*", "").split())
        told = [line.split("**: ", 1)[1] for line in row["text"].splitlines() if line.startswith("- **")]
        own = sum(line in source or line.split(": ", 1)[-1] in source for line in told)
        assert own >= 0.6 * len(told)  # others have a name put in for a pronoun


def test_the_rules_repeat_themselves(tmp_path: Path) -> None:
    files = sorted(EXAMPLE.iterdir())[:6]
    here = synthcpt.generate("active_reading", input=files, output=tmp_path / "a", concurrency=1)
    there = synthcpt.generate("active_reading", input=files[::-1], output=tmp_path / "b", concurrency=7)
    assert hashes(here.path) == hashes(there.path)
