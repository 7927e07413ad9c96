"""Instruction synthesis makes the paper's chains, and is whole where the paper's code is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

import orjson
import pytest
import yaml
from corpora import read_jsonl, run_with

from synthcpt.backends.mock import MockBackend
from synthcpt.generation import Run
from synthcpt.records import Request

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


async def run(script: Script, tmp_path: Path, count: int = 7, **options: Any) -> Run:
    folder = tmp_path / "docs"
    folder.mkdir(exist_ok=True)
    (folder / "mills.txt").write_text("\n\n".join(SENTENCES[:count]) + "\n")
    settings = {"passage_tokens": 60, "inverted": 0.0, **options}
    backend = MockBackend(MockBackend.Options(), script)
    output = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    return (await run_with(backend, output, folder, method="instruction_synthesis", options=settings))[0]


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
    assert SENTENCES[0] in last.slots["examples"]
    assert "When was the mill of Arden built?" in last.slots["examples"]
    assert SENTENCES[6] in last.slots["document"]


async def test_a_passage_without_pairs_ends_its_chain_and_makes_no_text(tmp_path: Path) -> None:
    made = await run(Script(lambda passage: [] if "Dunmar" in passage else [pair_on(passage)]), tmp_path)
    chains = passages_of(made)
    assert sorted(map(len, chains)) == [1, 1, 2, 2]
    assert not any("Dunmar" in row["text"] for row in made.dataset())
    assert all(row["text"].strip() for row in made.dataset())


async def test_the_passage_stands_unaltered_and_before_its_pairs(tmp_path: Path) -> None:
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
