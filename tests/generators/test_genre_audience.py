"""Genre and audience: pairs, a rewrite each, cleaning and the judge, as in the paper, and whole where it is silent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE, hashes, read_jsonl, run_with

import synthcpt
from synthcpt.backends.mock import MockBackend
from synthcpt.errors import RequestRejected
from synthcpt.records import Completion, Request

TEXT = (EXAMPLE / "the-corrane-light.md").read_text(encoding="utf-8")
RETOLD = (
    "Listen, child: on Corrane Head a granite tower has kept its lamp lit since 1861. Its builder, Josiah Tarrant, had "
    "only ever made bridges. Aubrac of Dunmarrow sent the lens in crates, and the keepers obeyed Enoch Dray's orders. "
    "Oil, paraffin and electricity had a turn each, until a storm in 1931 put the light out for nine nights, and the "
    "principal keeper could do nothing. At last Hallam Oake handed over the key and walked down all the steps."
)
OFF_TOPIC = (
    "Bread needs four things: flour, water, salt and time. Mix them in the evening, let the dough rest until morning, "
    "and bake it in a very hot oven. A baker in Vienna added steam, and the crust has been better ever since. What you "
    "do with the loaf is up to you, but butter is a good beginning, and jam does no harm."
)
PAIRS = [
    {"genre": f"Genre {word}.", "audience": f"Readers {word}."} for word in ("one", "two", "three", "four", "five")
]


class Script:
    """Answers as a model would; remembers what it was asked."""

    def __init__(self, text: str | Completion = RETOLD, pairs: Any = PAIRS, score: Any = 4) -> None:
        self.requests: list[Request] = []
        self.text, self.pairs, self.score = text, pairs, score

    def __call__(self, request: Request) -> Completion | str:
        self.requests.append(request)
        if request.prompt == "genre_audience/pairs":
            return orjson.dumps({"pairs": self.pairs}).decode()
        if request.prompt == "genre_audience/judge":
            return orjson.dumps({"analysis": "It agrees.", "score": self.score}).decode()
        return f"{RETOLD} So it was told for {request.slots['audience']}" if self.text == RETOLD else self.text

    def asked(self, prompt: str) -> list[Request]:
        return [request for request in self.requests if request.prompt == f"genre_audience/{prompt}"]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "light.md").write_text(TEXT, encoding="utf-8")
    return folder


async def run(script: Any, output: Path, documents: Path, **settings: Any) -> synthcpt.Run:
    """A run with the script's answers."""
    backend = MockBackend(MockBackend.Options(), script)
    return (await run_with(backend, output, documents, method="genre_audience", **settings))[0]


def rewrites(made: synthcpt.Run) -> list[dict[str, Any]]:
    return [row for row in made.dataset() if json.loads(row["meta"])["step"] == "rewrite"]


async def test_one_call_for_pairs_and_one_a_pair_with_the_source_as_it_is(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document)
    assert len(script.asked("pairs")) == 1
    assert [(r.slots["genre"], r.slots["audience"]) for r in script.asked("base")] == [
        (pair["genre"], pair["audience"]) for pair in PAIRS
    ]
    source = made.trace(made.dataset()[0]["id"])["source"].text
    assert all(source in request.messages[-1].text for request in script.requests)
    assert Counter(json.loads(meta)["step"] for meta in made.dataset()["meta"]) == {"source": 1, "rewrite": 5}
    assert not made.manifest["totals"]["rejected"]


async def test_rewrites_share_the_prompt_up_to_the_pair(document: Path, tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path / "out", document)
    assert len({request.messages[-1].parts[:-1] for request in script.asked("base")}) == 1


async def test_rows_tell_the_pair_the_place_and_the_calls(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document)
    pairs_key = script.asked("pairs")[0].key("mock")
    source = made.trace(made.dataset()[0]["id"])["source"].text
    for row in rewrites(made):
        meta = json.loads(row["meta"])
        assert {"genre": meta["genre"], "audience": meta["audience"]} in PAIRS
        assert meta["span"] == [0, len(source)]
        assert meta["fidelity"] == "base"
        assert meta["coverage"] > 0.3
        assert row["request_keys"][0] == pairs_key
        assert len(set(row["request_keys"])) == 2


@pytest.mark.parametrize("fidelity", ["strict", "relaxed"])
async def test_fidelity_chooses_the_prompt(fidelity: str, document: Path, tmp_path: Path) -> None:
    script = Script()
    await run(script, tmp_path / "out", document, options={"fidelity": fidelity})
    assert len(script.asked(fidelity)) == 5
    assert not script.asked("base")


async def test_a_light_polish_may_copy_and_a_rewrite_may_not(document: Path, tmp_path: Path) -> None:
    strict = await run(Script(TEXT), tmp_path / "strict", document, options={"fidelity": "strict"})
    base = await run(Script(TEXT), tmp_path / "base", document)
    assert len(rewrites(strict)) == 5
    assert base.manifest["totals"]["rejected"] == {"copied": 5}


async def test_the_source_can_be_left_out(document: Path, tmp_path: Path) -> None:
    made = await run(Script(), tmp_path / "out", document, options={"include_source": False})
    assert len(made.dataset()) == 5


async def test_repeated_and_missing_pairs_are_reported_and_extra_ones_ignored(document: Path, tmp_path: Path) -> None:
    doubled = [
        PAIRS[0],
        {"genre": "GENRE one", "audience": " readers One. "},
        {"genre": " ", "audience": "x"},
        PAIRS[1],
    ]
    few = await run(Script(pairs=doubled), tmp_path / "few", document)
    assert len(rewrites(few)) == 2
    assert few.manifest["totals"]["rejected"] == {"too_few_pairs": 1}
    assert "2 of 5" in read_jsonl(few.path / "rejected")[0]["detail"]
    many = await run(Script(pairs=[*doubled, *PAIRS, *PAIRS]), tmp_path / "many", document)
    assert len(rewrites(many)) == 5
    assert not many.manifest["totals"]["rejected"]


@pytest.mark.parametrize("pairs", [None, "Genre one.", [{"genre": "Genre one."}], [["Genre one.", "Readers."]]])
async def test_pairs_of_another_form_fail_the_document_in_bounds(pairs: Any, document: Path, tmp_path: Path) -> None:
    (document / "other.md").write_text(TEXT.replace("# The Corrane Light", "# Other"), encoding="utf-8")
    bad, good = Script(pairs=pairs), Script()
    made = await run(lambda r: (good if r.slots["title"] == "Other" else bad)(r), tmp_path / "out", document)
    assert len(bad.requests) == 3
    assert made.manifest["totals"]["failed_documents"] == {"malformed_answer": 1}
    assert {row["source_ids"][0] for row in rewrites(made)} == {"other.md"}


async def test_no_pairs_at_all_end_in_a_reason(document: Path, tmp_path: Path) -> None:
    script = Script(pairs=[])
    made = await run(script, tmp_path / "out", document, target_tokens=5000)
    assert made.complete
    assert made.manifest["totals"]["rejected"]["too_few_pairs"] >= 1
    assert len(script.requests) <= 2


async def test_an_off_topic_rewrite_goes_and_a_good_paraphrase_stays(document: Path, tmp_path: Path) -> None:
    off, good = Script(OFF_TOPIC), Script()
    planted = PAIRS[2]["genre"]
    made = await run(lambda r: (off if r.slots.get("genre") == planted else good)(r), tmp_path / "out", document)
    assert len(rewrites(made)) == 4
    (rejected,) = read_jsonl(made.path / "rejected")
    assert rejected["reason"] == "low_coverage"
    assert rejected["meta"]["genre"] == planted
    kept = await run(Script(OFF_TOPIC), tmp_path / "kept", document, options={"min_coverage": 0})
    assert len(rewrites(kept)) == 5


async def test_remarks_at_the_edges_go_and_those_inside_stay(document: Path, tmp_path: Path) -> None:
    inside = f"{RETOLD}\n\nPlease note that I have rewritten the sign.\n\nThe end of the tale of the Corrane Light."
    wrapped = f"Here is the rewritten text:\n\n{inside}\n\nNote: This version keeps the tone light."
    made = await run(Script(wrapped), tmp_path / "out", document)
    assert {row["text"] for row in rewrites(made)} == {inside}


async def test_a_text_that_never_names_its_subject_gets_the_title(document: Path, tmp_path: Path) -> None:
    made = await run(Script(), tmp_path / "out", document)
    assert all(row["text"].startswith("# The Corrane Light\n\nListen") for row in rewrites(made))


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("truncated", Completion(RETOLD, "length", 10, 4096)),
        ("near_empty", "The Corrane Light."),
        ("near_empty", "Note: this version is empty."),
        ("refusal", f"I'm sorry, but I can't write for these readers. {RETOLD}"),
    ],
)
async def test_gates_reject_with_a_reason(reason: str, answer: Any, document: Path, tmp_path: Path) -> None:
    made = await run(Script(answer), tmp_path / "out", document)
    assert made.manifest["totals"]["rejected"] == {reason: 5}


@pytest.mark.parametrize(("score", "kept"), [(1, 0), (2, 0), (3, 5), (5, 5)])
async def test_the_judge_keeps_three_and_more(score: int, kept: int, document: Path, tmp_path: Path) -> None:
    script = Script(score=score)
    made = await run(script, tmp_path / "out", document, options={"judge": True})
    assert len(script.asked("judge")) == 5
    assert len(rewrites(made)) == kept
    assert made.manifest["totals"]["rejected"] == ({} if kept else {"low_score": 5})
    assert all(json.loads(row["meta"])["score"] == score for row in rewrites(made))
    assert all(RETOLD in request.messages[-1].text for request in script.asked("judge"))


@pytest.mark.parametrize("score", [0, 6, "4", None, 3.5])
async def test_a_judgement_that_cannot_be_read_counts_as_failed(score: Any, document: Path, tmp_path: Path) -> None:
    made = await run(Script(score=score), tmp_path / "out", document, options={"judge": True})
    assert not rewrites(made)
    assert made.manifest["totals"]["rejected"] == {"not_judged": 5}
    assert made.manifest["totals"]["failed_requests"]["malformed_answer"] >= 1


async def test_what_a_gate_rejects_is_not_judged(document: Path, tmp_path: Path) -> None:
    script = Script(OFF_TOPIC)
    await run(script, tmp_path / "out", document, options={"judge": True})
    assert not script.asked("judge")


async def test_a_failed_rewrite_loses_nothing_else(document: Path, tmp_path: Path) -> None:
    script = Script()

    def refuse_one(request: Request) -> Completion | str:
        if request.slots.get("genre") == PAIRS[1]["genre"]:
            raise RequestRejected("no")
        return script(request)

    made = await run(refuse_one, tmp_path / "out", document)
    assert len(rewrites(made)) == 4
    assert made.manifest["totals"]["failed_requests"] == {"request_rejected": 1}


async def test_a_long_document_is_rewritten_passage_by_passage(document: Path, tmp_path: Path) -> None:
    script = Script()
    options = {"passage_tokens": 250, "pairs": 2, "min_coverage": 0}
    made = await run(script, tmp_path / "out", document, options=options)
    passages = [str(request.slots["document"]) for request in script.asked("pairs")]
    assert len(passages) > 2
    assert "".join(passages) == made.trace(made.dataset()[0]["id"])["source"].text
    assert len(script.asked("base")) == 2 * len(passages)
    assert len(set(made.dataset()["id"])) == 1 + 2 * len(passages)


async def test_a_passage_without_pairs_does_not_stop_the_others(document: Path, tmp_path: Path) -> None:
    good, bad = Script(), Script(pairs="none")
    options = {"passage_tokens": 250, "min_coverage": 0}
    made = await run(
        lambda r: (bad if "Enoch Dray was" in str(r.slots["document"]) else good)(r), tmp_path / "out", document,
        options=options,
    )  # fmt: skip
    assert made.manifest["totals"]["failed_requests"] == {"malformed_answer": 1}
    assert not made.manifest["totals"]["failed_documents"]
    assert len(rewrites(made)) == 5 * (len(good.asked("pairs")))


async def test_a_quota_asks_for_further_pairs_that_know_the_earlier_ones(document: Path, tmp_path: Path) -> None:
    script = Script()

    def fresh(request: Request) -> Completion | str:
        script.pairs = [{**pair, "genre": f"{pair['genre']} {len(script.asked('pairs'))}"} for pair in PAIRS]
        return script(request)

    made = await run(fresh, tmp_path / "out", document, target_tokens=1200)
    assert 1100 < sum(row["tokens"] for row in rewrites(made)) < 1400
    second = script.asked("pairs")[1]
    assert "Genre one" in str(second.slots["used"])
    assert len({row["id"] for row in rewrites(made)}) == len(rewrites(made)) > 5


async def test_a_model_that_repeats_its_pairs_ends_the_run(document: Path, tmp_path: Path) -> None:
    script = Script()
    made = await run(script, tmp_path / "out", document, target_tokens=50_000)
    assert made.complete
    assert len(rewrites(made)) == 5
    assert len(script.asked("pairs")) == 2
    assert made.manifest["totals"]["rejected"] == {"too_few_pairs": 1}


async def test_rows_do_not_depend_on_concurrency(document: Path, tmp_path: Path) -> None:
    made = []
    for concurrency in (1, 16):
        backend = MockBackend(MockBackend.Options(latency_s=0.001 * (concurrency > 1)), Script())
        result, _ = await run_with(
            backend, tmp_path / f"out{concurrency}", document, method="genre_audience", concurrency=concurrency,
            options={"judge": True, "passage_tokens": 300, "min_coverage": 0}, target_tokens=1500,
        )  # fmt: skip
        made.append(hashes(result.path))
    assert made[0] == made[1]


def test_the_embedded_forms_differ_and_are_true_to_the_document(document: Path, tmp_path: Path) -> None:
    made = synthcpt.generate("genre_audience", input=document, output=tmp_path / "out", options={"judge": True})
    texts = [row["text"] for row in rewrites(made)]
    assert len(set(texts)) == 5
    assert [json.loads(row["meta"])["genre"].split(":")[0] for row in rewrites(made)] == [
        "Briefing", "Question-and-answer sheet", "List of facts", "Timeline", "Letter",
    ]  # fmt: skip
    source = " ".join(TEXT.split())
    for line in texts[2].splitlines()[2:]:
        assert line.split(". ", 1)[1] in source
    dated = [line for line in texts[3].splitlines() if line.startswith("- **")]
    years = [int(line[4:8]) for line in dated]
    assert years == sorted(years)
    assert all(str(year) in line[10:] for year, line in zip(years, dated, strict=True))
    assert all("The Corrane Light" in text for text in texts)


def test_the_embedded_backend_offers_its_other_forms_to_a_quota_and_then_stops(document: Path, tmp_path: Path) -> None:
    made = synthcpt.generate("genre_audience", input=document, output=tmp_path / "out", target_tokens=50_000)
    genres = [json.loads(row["meta"])["genre"] for row in rewrites(made)]
    assert len(genres) == len(set(genres)) == 8
    assert made.complete


def test_the_embedded_judge_knows_another_subject(tmp_path: Path) -> None:
    from synthcpt.backends.extractive.answers.genre_audience import judge

    def score(text: str) -> int:
        return int(orjson.loads(judge(None, {"document": TEXT, "text": text}))["score"])  # type: ignore[arg-type]

    assert score(TEXT) == 5
    assert score(RETOLD) >= 3
    assert score(OFF_TOPIC) <= 2
