"""Rephrasing: every passage in every style, one to one with the real text, round after round for a quota."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from corpora import EXAMPLE, hashes, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.errors import RequestRejected
from synthcpt.records import Completion, Request
from synthcpt.text.tokens import estimate_tokens

TEXT = (EXAMPLE / "the-corrane-light.md").read_text(encoding="utf-8")
STYLES = ("easy", "wiki", "terse", "qa")
SAID = "There is a tower on a hill by the sea, and people look after its lamp. Why do they? So that ships come home."


class Script:
    """Answers each request with another text, unless told to repeat itself; remembers what it was asked."""

    def __init__(self, text: str | Completion = "", *, repeat: bool = False) -> None:
        self.requests: list[Request] = []
        self.text, self.repeat = text, repeat

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        which = (request.prompt, len(str(request.slots["document"])), 0 if self.repeat else request.draw)
        return self.text or f"{SAID} So it was told in {which}."

    def styles(self) -> list[str]:
        return [request.prompt.split("/")[1] for request in self.requests]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "light.md").write_text(TEXT, encoding="utf-8")
    return folder


async def run(script: Any, output: Path, documents: Path, **settings: Any) -> synthcpt.Run:
    """A run with the script's answers."""
    backend = MockBackend(MockBackend.Options(), script)
    return (await run_with(backend, output, documents, method="rephrase", **settings))[0]


def texts(made: synthcpt.Run, *, real: bool = False) -> list[dict[str, Any]]:
    return [row for row in made.dataset() if (json.loads(row["meta"])["step"] == "source") == real]


async def test_one_call_a_passage_and_style_and_passages_are_short_and_whole(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document)
    asked = Counter((str(request.slots["document"]), request.prompt) for request in script.requests)
    passages = list(dict.fromkeys(passage for passage, _ in asked))
    assert set(asked.values()) == {1}
    assert len(asked) == len(passages) * len(STYLES) == len(texts(made))
    source = made.trace(made.dataset()[0]["id"])["source"].text
    assert "".join(sorted(passages, key=source.index)) == source
    assert len(passages) > 2
    assert max(map(estimate_tokens, passages)) <= 300


@pytest.mark.parametrize("dense", ["12345 67890. " * 300, "😀👍🏽🇩🇪 " * 200, "字" * 2000, "word " * 1500])
async def test_passages_stay_short_where_the_text_is_dense(dense: str, document: Path, tmp_path: Path) -> None:
    (document / "light.md").write_text(TEXT + "\n\n" + dense, encoding="utf-8")
    script = Script()
    await run(script, tmp_path / "out", document)
    assert max(estimate_tokens(str(request.slots["document"])) for request in script.requests) <= 300


async def test_answers_have_the_room_of_the_published_pipeline(document: Path, tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path / "out", document)
    room = {request.prompt: request.sampling.max_tokens for request in script.requests}
    assert room == {"rephrase/easy": 512, "rephrase/wiki": 512, "rephrase/terse": 512, "rephrase/qa": 600}


async def test_real_and_synthetic_text_are_one_to_one(document: Path, tmp_path: Path) -> None:
    made = await run(Script(f"{SAID} " * 7), tmp_path / "out", document)
    real, synthetic = (sum(row["tokens"] for row in texts(made, real=flag)) for flag in (True, False))
    assert real == pytest.approx(synthetic, rel=0.3)
    assert len({row["text"] for row in texts(made, real=True)}) == 1
    assert len(set(made.dataset()["id"])) == len(made.dataset())


@pytest.mark.parametrize(("options", "copies"), [({"source_copies": 2}, 2), ({"include_source": False}, 0)])
async def test_the_number_of_copies_can_be_set(
    options: dict[str, Any], copies: int, document: Path, tmp_path: Path
) -> None:
    made = await run(Script(), tmp_path / "out", document, options=options)
    assert len(texts(made, real=True)) == copies


async def test_more_than_four_copies_are_not_made_by_default(document: Path, tmp_path: Path) -> None:
    made = await run(Script(f"{SAID} " * 30), tmp_path / "out", document)
    assert len(texts(made, real=True)) == 4


async def test_styles_can_be_chosen(document: Path, tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path / "out", document, options={"styles": ["qa", "wiki", "qa"]})
    assert set(script.styles()) == {"qa", "wiki"}
    assert len(set(script.requests)) == len(script.requests)


async def test_a_small_quota_sees_every_passage_before_any_a_second_time(document: Path, tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path / "out", document, target_tokens=120, concurrency=1)
    passages = [str(request.slots["document"]) for request in script.requests]
    source_passages = len(set(passages))
    assert source_passages >= 3
    assert len(set(passages[:source_passages])) == source_passages
    assert len(set(script.styles()[:3])) == 3


async def test_a_large_quota_draws_again_round_after_round(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document, target_tokens=3000)
    draws = Counter(request.draw for request in script.requests)
    assert sum(row["tokens"] for row in texts(made)) == pytest.approx(3000, abs=50)
    assert len(draws) > 2
    assert draws[0] == draws[1]
    assert len({row["id"] for row in texts(made)}) == len(texts(made)) == len(script.requests)


async def test_a_longer_run_begins_as_the_shorter_one(document: Path, tmp_path: Path) -> None:
    short = await run(Script(), tmp_path / "short", document, target_tokens=1000)
    long = await run(Script(), tmp_path / "long", document, target_tokens=3000)
    assert {row["id"]: row["text"] for row in texts(short)}.items() <= {
        row["id"]: row["text"] for row in texts(long)
    }.items()


async def test_a_model_that_repeats_itself_ends_the_run(document: Path, tmp_path: Path) -> None:
    script = Script(repeat=True)
    made = await run(script, tmp_path / "out", document, target_tokens=50_000)
    assert made.complete
    assert {request.draw for request in script.requests} == {0, 1}
    assert made.manifest["totals"]["rejected"] == {"duplicate": len(texts(made))}


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("truncated", Completion(SAID, "length", 10, 512)),
        ("near_empty", "The tower."),
        ("near_empty", "Here is the rewritten passage:"),
        ("refusal", f"I'm sorry, but I cannot rewrite this. {SAID}"),
        ("copied", TEXT[:1500]),
    ],
)
async def test_gates_reject_and_do_not_ask_forever(reason: str, answer: Any, document: Path, tmp_path: Path) -> None:
    script = Script(answer)
    made = await run(script, tmp_path / "out", document, target_tokens=50_000)
    rejected = made.manifest["totals"]["rejected"]
    assert rejected[reason] == sum(rejected.values()) == len({request.key("m") for request in made_requests(script)})
    assert not texts(made)
    assert texts(made, real=True)


def made_requests(script: Script) -> list[Request]:
    """The requests, second tries with more room left out."""
    return [request for request in script.requests if request.sampling.max_tokens in (512, 600)]


async def test_questions_and_answers_must_ask(document: Path, tmp_path: Path) -> None:
    made = await run(Script(SAID.replace("?", ".")), tmp_path / "out", document)
    assert {row["reason"] for row in read_jsonl(made.path / "rejected")} == {"no_question"}
    assert {json.loads(row["meta"])["step"] for row in texts(made)} == {"easy", "wiki", "terse"}


async def test_remarks_around_an_answer_go(document: Path, tmp_path: Path) -> None:
    wrapped = f"Sure! Here is the rephrased passage:\n\n{SAID}\n\nI hope this helps!"
    made = await run(Script(wrapped), tmp_path / "out", document)
    assert {row["text"] for row in texts(made)} == {f"# The Corrane Light\n\n{SAID}"}


async def test_a_failed_call_loses_nothing_else(document: Path, tmp_path: Path) -> None:
    script, turn = Script(), count()

    def refuse_one(request: Request) -> Completion | str:
        if next(turn) == 1:
            raise RequestRejected("no")
        return script(request)

    made = await run(refuse_one, tmp_path / "out", document)
    assert len(texts(made)) == len(script.requests)
    assert made.manifest["totals"]["failed_requests"] == {"request_rejected": 1}


async def test_rows_tell_where_their_passage_stands(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document)
    source = made.trace(made.dataset()[0]["id"])["source"].text
    passages = {str(request.slots["document"]) for request in script.requests}
    for row in texts(made):
        start, end = json.loads(row["meta"])["span"]
        assert source[start:end] in passages
        assert row["request_keys"]


async def test_rows_do_not_depend_on_concurrency(document: Path, tmp_path: Path) -> None:
    made = []
    for concurrency in (1, 16):
        backend = MockBackend(MockBackend.Options(latency_s=0.001 * (concurrency > 1)), Script())
        result, _ = await run_with(
            backend, tmp_path / f"out{concurrency}", document, method="rephrase", concurrency=concurrency,
            target_tokens=2000,
        )  # fmt: skip
        made.append(hashes(result.path))
    assert made[0] == made[1]


def embedded(output: Path, documents: Any) -> dict[str, str]:
    """The embedded backend's text of the first passage, by style."""
    made = synthcpt.generate("rephrase", input=documents, output=output, target_tokens=10_000)
    return {json.loads(r["meta"])["step"]: r["text"] for r in texts(made) if json.loads(r["meta"])["passage"] == 0}


def test_the_embedded_styles_differ_and_are_true_to_the_passage(document: Path, tmp_path: Path) -> None:
    made = embedded(tmp_path / "out", document)
    source = " ".join(TEXT.split())
    assert len(set(made.values())) == 4
    assert "Tarrant had built bridges but never a lighthouse. He went about it" in made["easy"]
    assert "mariners" not in made["easy"].lower()
    assert made["wiki"].startswith("# The Corrane Light\n\nThe Corrane Light stands on Corrane Head")
    assert len(made["terse"]) < len(made["easy"])
    questions = [line for line in made["qa"].splitlines() if line.startswith("Question: Which name is missing here? ")]
    assert questions
    for question, answer in zip(made["qa"].split("Question: ")[1:], made["qa"].split("Answer: ")[1:], strict=True):
        assert "?" in question
        assert answer.split("\n\n")[0].strip() in source


def test_the_embedded_backend_does_not_draw_again(document: Path, tmp_path: Path) -> None:
    made = synthcpt.generate("rephrase", input=document, output=tmp_path / "out", target_tokens=100_000)
    assert made.complete
    assert not made.manifest["totals"]["rejected"]


def test_the_embedded_notes_keep_articles_inside_and_end_each_line(tmp_path: Path) -> None:
    path = tmp_path / "mill.txt"
    path.write_text(
        "The mill on the Corve was built in 1911 by Arden Vale (a miller). However, it burned down in 1934. The "
        "cause is not known; the police never found out.\n\nArden Vale left the valley in 1935, and he never "
        "came back. Bellis Reach wrote The Weir about the fire."
    )
    made = embedded(tmp_path / "out", path)
    assert "Mill on the Corve was built in 1911 by Arden Vale" in made["terse"]
    assert "Bellis Reach wrote The Weir about the fire." in made["terse"]
    assert "(a miller)" not in made["terse"]
    assert ".." not in made["terse"]
    assert "The cause is not known. The police never found out." in made["easy"]
    assert "Arden Vale left the valley in 1935. He never came back." in made["easy"]
