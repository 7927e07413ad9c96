"""Reading comprehension mines what its paper mines, where the official code does not, and fits all of it in."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE, hashes, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.errors import ConfigError, PromptTooLong, RequestRejected
from synthcpt.generation import Run
from synthcpt.records import Completion, Request
from synthcpt.text.mining.templates import templates
from synthcpt.text.tokens import estimate_tokens

METHOD = "reading_comprehension"
A = "The river rose by 3.5 metres in the spring of 1911, as Dr. Vale noted."
B = "the mill at Corve, which had stood for a century, was closed at once."
C = "the wardens kept the weir of Corve open all the same, at a great cost."
WORDS = "The hydrography of the lower valley and its groundwater are shaped by sedimentation and every embankment."
DENSE = (
    f"{A} Therefore, {B} However, {C} In addition, a lower sluice was built by the harbour authority in 1912. "
    "In other words, the harbour authority gave the whole valley a second and lower sluice. In hydrology, a weir is "
    "defined as the low dam that stands above a mill. The bridge at Bellis Reach was closed due to the flood. "
    f"{WORDS} The leaflet by Hugo Fennimore is about the history of the old port and its quays. {A} But {C} Thus {B}"
)


def run_on(tmp_path: Path, texts: dict[str, str], name: str = "out", **settings: Any) -> Run:
    folder = tmp_path / f"{name}-docs"
    folder.mkdir()
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return synthcpt.generate(METHOD, input=folder, output=tmp_path / name, **settings)


def metas(run: Run) -> list[dict[str, Any]]:
    return [json.loads(row["meta"]) for row in run.dataset()]


def test_every_answer_is_a_label_or_stands_in_the_document_and_in_the_row(tmp_path: Path) -> None:
    texts = {f"{number}.md": f"# The weir {number}\n\n{DENSE}\n" for number in range(12)}
    seen = Counter[str]()
    for row in run_on(tmp_path, texts).dataset():
        source, meta = texts[row["source_ids"][0]], json.loads(row["meta"])
        assert not row["spans"]
        for task in meta["tasks"]:
            seen[task["subtype"]] += 1
            if task["form"] == "classify":
                assert task["label"] in {label for one in templates().tasks["nli"] for label in one.labels}
                assert f" {task['label']}" in row["text"]
            elif task["form"] != "reversed":
                answer = source[slice(*task["answer"])]
                shown = {gap + form for gap in " \n" for form in (answer, answer[:1].upper() + answer[1:])}
                assert any(form in f" {row['text']}" for form in shown)
            for span in (span for slot, span in task["sources"].items() if slot != "text"):
                assert source[slice(*span)][1:].rstrip(".") in row["text"]
    wanted = {"title", "completion", "topic", "definition", "entail", "neutral", "contradict", "cause_effect"}
    assert seen.keys() >= wanted | {"effect_cause", "similar", "different"}


def test_the_text_is_all_there_in_order_and_fits_with_its_tasks(tmp_path: Path) -> None:
    texts = {f"{n}.txt": "\n\n".join(f"Part {k}. {DENSE}" for k in range(3 + n)) for n in range(8)}
    run = run_on(tmp_path, texts, options={"max_len": 1000, "passage_tokens": 880, "max_per_subtype": 5})
    left_out = 0
    for row in run.dataset():
        assert estimate_tokens(row["text"]) <= 1000
        meta = json.loads(row["meta"])
        left_out += meta["left_out"]
        start, end = meta["passage"]
        at = -1
        for line in texts[row["source_ids"][0]][start:end].split():
            at = row["text"].find(line, at + 1)
            assert at >= 0
    assert left_out, "there are more tasks than there is room for"
    for name in texts:
        spans = sorted(json.loads(row["meta"])["passage"] for row in run.dataset() if row["source_ids"][0] == name)
        assert [span[0] for span in spans] == [0, *(span[1] for span in spans[:-1])]
        assert spans[-1][1] >= len(texts[name].strip())


def test_no_call_is_made_and_a_target_changes_nothing(tmp_path: Path) -> None:
    def never(request: Request) -> str:
        raise RequestRejected("asked")

    async def go(**settings: Any) -> tuple[dict[str, str], int]:
        backend = MockBackend(MockBackend.Options(), never)
        run, _ = await run_with(backend, tmp_path / f"out{len(settings)}", EXAMPLE, method=METHOD, **settings)
        return hashes(run.path), backend.asked

    plain, asked = asyncio.run(go(limit=6))
    more, asked_more = asyncio.run(go(limit=6, target_tokens=99_999))
    assert asked == asked_more == 0
    assert plain == more


def test_text_in_another_language_is_handed_on_as_it_is(tmp_path: Path) -> None:
    german = "Die Mühle wurde 1911 gebaut. Sie brannte 1934 ab, weil niemand wachte. Therefore ist sie fort."
    run = run_on(tmp_path, {"m.txt": german, "e.txt": " \n ", "k.txt": "Hi."})
    (row,) = run.dataset()
    assert row["text"] == f"# m\n\n{german}"
    assert json.loads(row["meta"])["frame"] == "plain"
    assert {one["reason"] for one in read_jsonl(run.path / "rejected")} == {"near_empty"}


@pytest.mark.parametrize("bad", ["nowhere", "empty", "bad.json", "list.json", "bad.model"])
def test_what_is_no_tokenizer_is_said_plainly(bad: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, data in {"bad.json": b"{", "list.json": b'{"model": {}}', "bad.model": b"\xff\xfe"}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match="tokenizer"):
        synthcpt.generate(METHOD, input=EXAMPLE, output=tmp_path / "out", options={"tokenizer": str(tmp_path / bad)})


def test_passages_must_leave_room_for_tasks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="passage_tokens"):
        run_on(tmp_path, {"d.txt": DENSE}, options={"max_len": 512, "passage_tokens": 500})


def test_keywords_of_the_corpus_are_asked_for(tmp_path: Path) -> None:
    texts = {path.name: path.read_text() for path in EXAMPLE.iterdir()}
    sentence = "All apprentices of the dockmaster learn their navigation at the lighthouse."
    run = run_on(tmp_path, {**texts, "own.txt": sentence})
    assert {"apprentices", "dockmaster", "navigation", "lighthouse"} <= set(run.survey["keywords"].split())
    (row,) = (row for row in run.dataset() if row["source_ids"] == ["own.txt"])
    (task,) = (task for task in json.loads(row["meta"])["tasks"] if task["subtype"] == "keywords")
    assert "apprentices, dockmaster, navigation" in row["text"]
    assert sentence[slice(*(task["answer"] or task["sources"]["sentence"]))] == sentence


class Script:
    """Writes tasks as a model would: those of one category as given, of the others good ones."""

    def __init__(self, category: str = "", answer: str | Completion = "") -> None:
        self.category, self.answer = category, answer
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> str | Completion:
        self.requests.append(request)
        category = request.prompt.split("/")[1]
        return self.answer if category == self.category else tasks_of(good(category))

    def backend(self) -> MockBackend:
        return MockBackend(MockBackend.Options(), self)


def good(category: str) -> dict[str, str]:
    answer = "The mill at Corve had stood for a century when it was closed."
    return {"question": f"A task for {category} on the mill at Corve?", "answer": answer, "evidence": B}


def tasks_of(*tasks: dict[str, str]) -> str:
    return orjson.dumps({"tasks": tasks}).decode()


@pytest.fixture
def weir(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "weir.md").write_text(f"# The weir\n\n{DENSE}\n")
    return folder


LLM = {"llm": True}


async def test_a_model_adds_tasks_of_each_category_with_their_evidence(weir: Path, tmp_path: Path) -> None:
    script = Script()
    run, _ = await run_with(script.backend(), tmp_path / "out", weir, method=METHOD, options=LLM)
    (row,) = run.dataset()
    written = [task for task in json.loads(row["meta"])["tasks"] if task["type"] == "written"]
    assert {task["subtype"] for task in written} == {"summaries", "explanations", "inferences", "questions"}
    source = (weir / "weir.md").read_text()
    assert all(source[slice(*task["sources"]["evidence"])] == B for task in written)
    assert set(row["request_keys"]) == {request.key("mock") for request in script.requests}
    sent = ["".join(message.text for message in request.messages) for request in script.requests]
    assert len({text[: text.index("## What to write")] for text in sent}) == 1, "a prefix cache holds the passage"
    for category in ("summaries", "questions"):
        assert f"A task for {category} on the mill at Corve?\nThe mill at Corve had" in row["text"]


BAD_TASKS = {
    "not_grounded": {"evidence": "The mill was sold to a baker from Vessing."},
    "number_invented": {"answer": "The mill at Corve was closed in 1977 after a century."},
    "name_invented": {"answer": "The mill at Corve was closed at once by Agatha Brennan."},
    "unsupported": {"answer": "Elephants gallop across purple deserts whenever violins thunder loudly."},
    "empty_task": {"answer": " "},
    "refusal": {"answer": "I'm sorry, but I cannot write that."},
}


@pytest.mark.parametrize("reason", BAD_TASKS)
async def test_what_does_not_rest_on_the_passage_is_rejected_with_the_reason(
    reason: str, weir: Path, tmp_path: Path
) -> None:
    script = Script("questions", tasks_of({**good("questions"), **BAD_TASKS[reason]}, good("other")))
    run, _ = await run_with(script.backend(), tmp_path / "out", weir, method=METHOD, options=LLM)
    assert run.manifest["totals"]["rejected"] == {reason: 1}
    (rejected,) = read_jsonl(run.path / "rejected")
    assert rejected["detail"]
    assert rejected["request_keys"] == [r.key("mock") for r in script.requests if r.prompt.endswith("questions")]
    (row,) = run.dataset()
    assert "A task for other" in row["text"]
    assert "A task for questions" not in row["text"]


async def test_a_task_asked_twice_is_kept_once_whatever_the_category(weir: Path, tmp_path: Path) -> None:
    script = Script("questions", tasks_of(good("summaries"), good("questions")))
    run, _ = await run_with(script.backend(), tmp_path / "out", weir, method=METHOD, options=LLM)
    assert run.manifest["totals"]["rejected"] == {"duplicate": 1}
    assert run.dataset()[0]["text"].count("A task for summaries") == 1


@pytest.mark.parametrize("bad", ["no json", '{"tasks": [{"question": "x"}]}', Completion("{", "length", 10, 2048)])
async def test_a_category_that_fails_loses_no_other(bad: str | Completion, weir: Path, tmp_path: Path) -> None:
    script = Script("inferences", bad)
    run, _ = await run_with(script.backend(), tmp_path / "out", weir, method=METHOD, options=LLM)
    assert sum(run.manifest["totals"]["failed_requests"].values()) == 1
    (row,) = run.dataset()
    assert "A task for inferences" not in row["text"]
    assert "A task for explanations" in row["text"]


async def test_what_has_no_room_is_rejected_unless_it_stands_alone_elsewhere(weir: Path, tmp_path: Path) -> None:
    long = {**good("questions"), "question": "What of the mill at Corve? " * 40}
    for closed_book, reasons in ((False, {"no_room": 1}), (True, {})):
        script = Script("questions", tasks_of(long))
        options = {**LLM, "max_len": 512, "passage_tokens": 410, "max_per_subtype": 0, "closed_book": closed_book}
        output = tmp_path / f"out{closed_book}"
        run, _ = await run_with(script.backend(), output, weir, method=METHOD, options=options)
        assert run.manifest["totals"]["rejected"] == reasons
        assert any("What of the mill" in row["text"] for row in run.dataset()) == closed_book


async def test_passages_are_cut_to_the_models_context(weir: Path, tmp_path: Path) -> None:
    (weir / "weir.md").write_text("\n\n".join([DENSE] * 6))
    script = Script()

    def short(request: Request) -> str | Completion:
        if len(str(request.slots["document"])) > 2600:
            raise PromptTooLong("too long")
        return script(request)

    backend = MockBackend(MockBackend.Options(), short)
    run, _ = await run_with(backend, tmp_path / "out", weir, method=METHOD, options=LLM)
    spans = [json.loads(row["meta"])["passage"] for row in run.dataset()]
    assert len(spans) > 2
    assert all(end - start <= 2600 for start, end in spans)
    assert all(row["request_keys"] for row in run.dataset())


def test_closed_book_items_stand_alone_and_carry_loss_on_the_answer(tmp_path: Path) -> None:
    leaning = "They had the whole of it rebuilt in the year of 1912 due to the frost."
    run = run_on(tmp_path, {"Of Dunmar.txt": f"{DENSE} {leaning}"}, options={"closed_book": True})
    (whole,) = (row for row in run.dataset() if "/passage-" in row["id"])
    assert "They had the whole" in whole["text"].split("They had the whole", 1)[1]
    rows = [row for row in run.dataset() if "/closed-" in row["id"]]
    assert len({row["id"] for row in rows}) == len(rows) > 6
    for row in rows:
        question, answer = (message["content"] for message in row["messages"])
        ((start, end),) = row["spans"]
        assert row["text"][start:end] == answer
        assert question.startswith("Of Dunmar\n\n")
        assert "They had the whole" not in row["text"]
        assert json.loads(row["meta"])["task"]["subtype"] not in ("title", "completion")


async def test_the_embedded_backend_writes_grounded_tasks(tmp_path: Path) -> None:
    run = synthcpt.generate(METHOD, input=EXAMPLE, output=tmp_path / "out", limit=12, options=LLM)
    totals = run.manifest["totals"]
    assert totals["answers"] == 4 * 12
    assert sum(totals["rejected"].values()) <= 1
    for meta in metas(run):
        kinds = Counter(task["subtype"] for task in meta["tasks"] if task["type"] == "written")
        assert set(kinds) >= {"summaries", "explanations", "questions"}
        assert max(kinds.values()) <= 3
