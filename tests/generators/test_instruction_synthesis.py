"""Instruction synthesis makes the paper's chains, and is whole where the paper's code is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

import orjson
import pytest
import yaml
from corpora import EXAMPLE, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.generation import Run
from synthcpt.records import Request
from synthcpt.text.tokens import estimate_tokens

ROOT = Path(__file__).parents[2]
PLACES = ["Arden", "Bellis", "Corve", "Dunmar", "Ellick", "Fenwar", "Gorse"]
SENTENCES = [
    f"The mill of {place} was built in {1900 + n} by the river folk, who needed flour for their long winters and had "
    f"carried every sack of it over the hill on their own backs until the wheel of {place} first turned."
    for n, place in enumerate(PLACES)
]
TEMPLATES = yaml.safe_load((ROOT / "prompts/instruction_synthesis/templates.yaml").read_text())


def pair_on(passage: str, **changes: Any) -> dict[str, Any]:
    place = next(name for name in PLACES if name in passage)
    year = str(1900 + PLACES.index(place))
    pair = {"question": f"When was the mill of {place} built?", "answer": year, "evidence": f"was built in {year}"}
    return {"options": [], "reasoning": "", **pair, **changes}


def answer(pairs: list[dict[str, Any]]) -> str:
    return orjson.dumps({"pairs": pairs}).decode()


class Script:
    """Writes one pair a passage unless told otherwise; remembers what it was asked."""

    def __init__(self, write: Callable[[str], list[dict[str, Any]]] = lambda passage: [pair_on(passage)]) -> None:
        self.requests: list[Request] = []
        self.write = write

    def __call__(self, request: Request) -> str:
        self.requests.append(request)
        return answer(self.write(str(request.slots["document"])))


async def run(script: Script, tmp_path: Path, count: int = 7, told: Sequence[str] = SENTENCES, **options: Any) -> Run:
    folder = tmp_path / "docs"
    folder.mkdir(exist_ok=True)
    (folder / "mills.txt").write_text("\n\n".join(told[:count] if told is SENTENCES else told) + "\n")
    settings = {"passage_tokens": 60, "inverted": 0.0, **options}
    backend = MockBackend(MockBackend.Options(), script)
    output = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    return (await run_with(backend, output, folder, method="instruction_synthesis", options=settings))[0]


def rows_of(run: Run, step: str) -> list[dict[str, Any]]:
    return [row for row in run.dataset() if json.loads(row["meta"])["step"] == step]


def passages_of(run: Run) -> list[list[list[int]]]:
    return [json.loads(row["meta"])["passages"] for row in run.dataset() if json.loads(row["meta"])["step"] == "chain"]


async def test_each_passage_is_in_one_chain_also_where_they_do_not_divide(tmp_path: Path) -> None:
    chains = passages_of(await run(Script(), tmp_path))
    assert sorted(map(len, chains)) == [2, 2, 3]
    spans = sorted(span for chain in chains for span in chain)
    assert spans[0][0] == 0
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert [span[0] for span in chains[0]] == [spans[0][0], spans[3][0], spans[6][0]], "a chain takes one of each slice"


async def test_later_rounds_see_the_earlier_passages_and_pairs(tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path)
    further = [request for request in script.requests if request.prompt == "instruction_synthesis/further"]
    assert len(further) == 4
    last = max(further, key=lambda request: len(str(request.slots["examples"])))
    assert last.slots["examples"].index(SENTENCES[0]) < last.slots["examples"].index(SENTENCES[3])
    assert "When was the mill of Arden built?" in last.slots["examples"]
    assert SENTENCES[6] in last.slots["document"]


async def test_a_passage_without_pairs_ends_its_chain_and_makes_no_text(tmp_path: Path) -> None:
    made = await run(Script(lambda passage: [] if "Dunmar" in passage else [pair_on(passage)]), tmp_path)
    chains = passages_of(made)
    assert sorted(map(len, chains)) == [1, 1, 2, 2]
    assert not any("Dunmar" in row["text"] for row in made.dataset())
    assert all(row["text"].strip() for row in made.dataset())


async def test_the_passage_stands_unaltered_and_before_its_pairs(tmp_path: Path) -> None:
    told = [f"## The mills\n\n- the  first:\n  {one}\n- the rest" for one in SENTENCES]
    script = Script(lambda passage: [pair_on(passage)] if any(place in passage for place in PLACES) else [])
    made = await run(script, tmp_path, told=told, passage_tokens=120)
    assert any("\n\n- the  first:\n  The mill" in row["text"] for row in made.dataset())
    source = (tmp_path / "docs/mills.txt").read_text()
    for row in made.dataset():
        for start, end in json.loads(row["meta"])["passages"]:
            assert source[start:end].strip("\n") in row["text"]
    made = await run(Script(), tmp_path)
    for row in made.dataset():
        for start, end in json.loads(row["meta"])["passages"]:
            place = next(name for name in PLACES if name in SENTENCES[PLACES.index(name)] and name in row["text"])
            assert row["text"].index(SENTENCES[PLACES.index(place)]) < row["text"].index(f"mill of {place} built?")
            assert end > start


async def test_inverted_pairs_stand_first(tmp_path: Path) -> None:
    for row in (await run(Script(), tmp_path, inverted=1.0)).dataset():
        first = next(name for name in PLACES if name in row["text"])
        assert row["text"].index(f"mill of {first} built?") < row["text"].index(SENTENCES[PLACES.index(first)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"evidence": "was never built at all"}, "not_grounded"),
        ({"answer": "1850"}, "number_invented"),
        ({"answer": "1900", "options": ["1901", "1902"]}, "no_right_option"),
        ({"answer": "1900", "options": ["1900"]}, "bad_options"),
        ({"answer": "(B)"}, "bad_options"),
        ({"answer": "by wealthy merchants from elsewhere"}, "unsupported"),
        ({"answer": "B", "options": ["1900", "1817"]}, "number_invented"),
        ({"reasoning": "It burnt in 1777, and was built anew."}, "number_invented"),
        ({"reasoning": "Mayor Grimthorpe had it built."}, "name_invented"),
        ({"question": " "}, "empty_task"),
        ({"question": "when was the mill of ARDEN built"}, "duplicate"),
    ],
)
async def test_what_does_not_hold_is_rejected_with_its_reason(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    made = await run(Script(lambda passage: [pair_on(passage), pair_on(passage, **change)]), tmp_path, 1)
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == [reason]
    assert made.manifest["totals"]["rows"] == 1


async def test_the_answer_to_a_choice_is_its_shuffled_line(tmp_path: Path) -> None:
    options = ["1900", "1817", "1744"]
    made = await run(Script(lambda passage: [pair_on(passage, options=options)]), tmp_path, 1)
    text = made.dataset()[0]["text"]
    lines = [line for line in text.split("\n") if line.endswith(tuple(options)) and "?" not in line]
    right = next(line for line in lines if line.endswith("1900"))
    assert text.rstrip().endswith(right.removeprefix("- "))


async def test_passages_leave_room_for_their_pairs_and_no_more_pairs_are_taken_than_asked_for(tmp_path: Path) -> None:
    def write(passage: str) -> list[dict[str, Any]]:
        return [pair_on(passage), pair_on(passage, question="In which year did its folk build the mill?")]

    script = Script(write)
    made = await run(script, tmp_path, passage_tokens=400, most_tokens=256, pairs=1)
    assert all(estimate_tokens(str(request.slots["document"])) <= 128 for request in script.requests)
    assert {count for row in rows_of(made, "chain") for count in json.loads(row["meta"])["pairs"]} == {1}
    assert not read_jsonl(made.path / "rejected"), "what was not asked for is no fault"


async def test_a_call_that_failed_costs_its_passage_alone(tmp_path: Path) -> None:
    script = Script()
    backend = MockBackend(
        MockBackend.Options(), lambda request: "no" if "Dunmar" in request.slots["document"] else script(request)
    )
    (tmp_path / "mills.txt").write_text("\n\n".join(SENTENCES))
    made, _ = await run_with(
        backend, tmp_path / "out", tmp_path / "mills.txt", method="instruction_synthesis",
        options={"passage_tokens": 60},
    )  # fmt: skip
    assert sorted(map(len, passages_of(made))) == [1, 1, 2, 2]
    assert [failure["reason"] for failure in read_jsonl(made.path / "failures")] == ["malformed_answer"]


async def test_a_chain_ends_before_it_is_too_long(tmp_path: Path) -> None:
    chains = passages_of(await run(Script(), tmp_path, rounds=7, most_tokens=256))
    assert len(chains) > 1
    assert len(passages_of(await run(Script(), tmp_path, rounds=7))) == 1
    assert sum(map(len, chains)) == 7


async def test_closed_book_pairs_carry_loss_on_the_answer_alone(tmp_path: Path) -> None:
    made = await run(Script(), tmp_path, closed_book=True)
    pairs = [row for row in made.dataset() if json.loads(row["meta"])["step"] == "pair"]
    assert len(pairs) == 7
    for row in pairs:
        assert [row["text"][start:end] for start, end in row["spans"]] == [row["messages"][1]["content"]]
        assert "The mill of" not in row["text"], "the passage is not shown"


async def test_a_choice_alone_shows_its_options(tmp_path: Path) -> None:
    pair = {"options": ["1817", "1900", "1744"], "answer": "B", "reasoning": "The passage says 1900."}
    made = await run(Script(lambda passage: [pair_on(passage, **pair)]), tmp_path, 1, closed_book=True)
    row = rows_of(made, "pair")[0]
    assert json.loads(row["meta"])["answer"] == "1900"
    assert "The passage says" not in row["text"], "there is no passage"
    question, answer = (turn["content"] for turn in row["messages"])
    assert len(question.split("\n")) == 4
    assert answer.endswith("1900")
    assert answer in question


async def test_reasoning_may_compute(tmp_path: Path) -> None:
    pair = {"reasoning": "From 1900 on, fifty years later is 1950.", "answer": "1950", "evidence": "was built in 1900"}
    pair["question"] = "When was the mill of Arden fifty years old?"
    made = await run(Script(lambda passage: [pair_on(passage, **pair)]), tmp_path, 1)
    assert not read_jsonl(made.path / "rejected")
    assert "1950" in rows_of(made, "chain")[0]["text"]


async def test_no_text_is_longer_than_allowed(tmp_path: Path) -> None:
    words = "It was built in the year 1900, as the passage says. " * 40

    def write(passage: str) -> list[dict[str, Any]]:
        return [pair_on(passage, reasoning=words if "Arden" in passage else "")]

    made = await run(Script(write), tmp_path, most_tokens=256)
    assert [row["reason"] for row in read_jsonl(made.path / "rejected")] == ["too_long"]
    assert not any("Arden" in row["text"] for row in made.dataset())
    assert all(estimate_tokens(row["text"]) <= 256 for row in made.dataset())


async def test_in_a_small_context_the_latest_examples_are_shown(tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path, rounds=7, passage_tokens=60, context_tokens=2400)
    shown = [str(request.slots.get("examples", "")).count('"pairs"') for request in script.requests]
    assert 0 < max(shown) < 6
    last = script.requests[-1]
    assert SENTENCES[6] in last.slots["document"]
    assert SENTENCES[5] in last.slots["examples"]
    assert SENTENCES[0] not in last.slots["examples"]


async def test_styles_come_as_often_as_their_weights_say_and_inversion_with_any(tmp_path: Path) -> None:
    told = [f"The mill of Arden was built in 1900 by folk number {n}, who needed its flour." for n in range(300)]

    def write(passage: str) -> list[dict[str, Any]]:
        return [pair_on(passage), pair_on(passage, question="In what year was it built, the mill of Arden?")]

    made = await run(Script(write), tmp_path, told=told, rounds=1, passage_tokens=32, inverted=0.5)
    texts = [row["text"] for row in rows_of(made, "chain")]
    assert len(texts) > 250
    share = len(texts) / 100
    dialogs = [text for text in texts if "Assistant: " in text]
    assert 1 * share < len(dialogs) < 11 * share, "5 of 100, and more than four standard deviations"
    assert 1 * share < sum("\n- 1900" in text for text in texts) < 11 * share
    assert {text.index("Assistant: ") < text.index("by folk") for text in dialogs} == {True, False}
    assert 38 * share < sum(text.index("?") < text.index("by folk") for text in texts) < 62 * share


async def test_a_single_pair_is_no_list(tmp_path: Path) -> None:
    told = [f"The mill of Arden was built in 1900 by folk number {n}, who needed its flour." for n in range(120)]
    made = await run(Script(), tmp_path, told=told, rounds=1, passage_tokens=32)
    texts = [row["text"] for row in rows_of(made, "chain")]
    assert len(texts) > 100
    assert not any(re.search(r"^(?:1\. |- )", text, re.MULTILINE) for text in texts)


async def test_another_language_gets_no_english_words(tmp_path: Path) -> None:
    told = [
        f"Die Mühle von {place} wurde {1900 + n} von den Leuten am Fluss gebaut, die für den Winter Mehl brauchten."
        for n, place in enumerate(PLACES * 12)
    ]

    def write(passage: str) -> list[dict[str, Any]]:
        place = next(name for name in PLACES if name in passage)
        year = next(word for word in passage.split() if word.isdecimal())
        asked = {"question": f"Wann wurde die Mühle von {place} gebaut?", "answer": year, "options": [year, "1799"]}
        pair = {**asked, "reasoning": f"Gebaut wurde sie {year}.", "evidence": f"von {place} wurde {year}"}
        return [pair, {**pair, "question": f"{place}: wann wurde die Mühle gebaut?"}]

    made = await run(Script(write), tmp_path, told=told, passage_tokens=40)
    german = set(re.findall(r"[^\W\d_]{3,}", " ".join(told) + " Wann wann wurde die gebaut Gebaut sie mills"))
    assert len(made.dataset()) > 20
    for row in made.dataset():
        assert set(re.findall(r"[^\W\d_]{3,}", row["text"])) <= german


async def test_other_documents_change_nothing(tmp_path: Path) -> None:
    alone = await run(Script(), tmp_path)
    (tmp_path / "docs" / "also.txt").write_text(SENTENCES[2] + "\n")
    both = await run(Script(), tmp_path)
    texts = {row["id"]: row["text"] for row in both.dataset()}
    assert len(texts) == len(alone.dataset()) + 1
    assert all(texts[row["id"]] == row["text"] for row in alone.dataset())


def test_the_embedded_backends_pairs_hold(tmp_path: Path) -> None:
    sources = sorted(EXAMPLE.iterdir())[:8]
    made = synthcpt.generate(
        "instruction_synthesis", input=sources, output=tmp_path / "out", options={"closed_book": True}
    )
    assert not read_jsonl(made.path / "rejected")
    pairs = rows_of(made, "pair")
    assert len(pairs) > 10 * len(sources)
    texts = {path.name: path.read_text() for path in sources}
    for row in pairs:
        meta, source = json.loads(row["meta"]), texts[row["source_ids"][0]]
        assert meta["evidence"] in source
        assert meta["answer"] in " ".join(source.split())
    asked = [row["messages"][0]["content"] for row in pairs]
    assert any("fills the gap?" in question for question in asked)
    assert any(re.search(r"\b[Ww]ho (?:or what )?[a-z]+ ", question) for question in asked)
    assert any("\n" in question for question in asked), "some have options"
    assert any("The passage says: " in row["text"] for row in rows_of(made, "chain")), "some have reasons"


async def test_a_document_without_any_pair_fails_with_a_reason(tmp_path: Path) -> None:
    made = await run(Script(lambda _: []), tmp_path)
    assert [failure["reason"] for failure in read_jsonl(made.path / "failures")] == ["no_pairs"]


@pytest.mark.parametrize("kind", [kind for kind in TEMPLATES if kind not in ("intro", "inverted")])
def test_every_template_asks_and_answers(kind: str) -> None:
    needed = {"question", "answer"} | ({"options"} if "choice" in kind else set())
    needed |= {"reasoning"} if "reasoned" in kind else set()
    assert len(set(TEMPLATES[kind])) == len(TEMPLATES[kind]) >= 6
    for template in TEMPLATES[kind]:
        assert set(Template(template).get_identifiers()) == needed
