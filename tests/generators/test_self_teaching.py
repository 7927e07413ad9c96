"""Self-teaching does what its paper does, and stays whole where the released data does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from corpora import EXAMPLE, hashes, read_jsonl

import synthcpt
from synthcpt.generation import Run
from synthcpt.text.choices import LABELS
from synthcpt.text.kinds import Values
from synthcpt.text.statements import BLANK
from synthcpt.text.tokens import estimate_tokens

SOURCES = sorted(EXAMPLE.iterdir())[:14]


def make(output: Path, documents: Any, **settings: Any) -> Run:
    return synthcpt.generate("self_teaching", input=documents, output=output, **settings)


def rows_of(run: Run) -> list[dict[str, Any]]:
    return [{**row, "meta": json.loads(row["meta"])} for row in run.dataset()]


def answers(row: dict[str, Any]) -> list[str]:
    return [row["text"][start:end] for start, end in row["spans"]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(tmp_path_factory.mktemp("run") / "out", SOURCES)


@pytest.fixture(scope="module")
def rows(run: Run) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows_of(run):
        found[row["meta"]["step"]].append(row)
    return found


@pytest.fixture(scope="module")
def sources(run: Run) -> dict[str, str]:
    return {
        row["source_ids"][0]: run.trace(row["id"])["source"].text for row in run.dataset() if "memorise" in row["id"]
    }


def test_every_task_is_made_and_no_call(run: Run, rows: dict[str, list[dict[str, Any]]]) -> None:
    assert run.manifest["totals"]["answers"] == 0
    assert set(rows) == {
        *("memorise", "title", "keywords", "statement", "teach", "flashcards", "cloze", "choice", "completion")
    }
    assert len(rows["memorise"]) == len(SOURCES)


def test_the_expansion_is_about_the_papers(run: Run, sources: dict[str, str]) -> None:
    assert 8 < run.manifest["totals"]["row_tokens"] / sum(map(estimate_tokens, sources.values())) < 16


def test_loss_is_on_the_answer_alone_but_for_the_memorisation_row(rows: dict[str, list[dict[str, Any]]]) -> None:
    for step, made in rows.items():
        for row in made:
            if step == "memorise":
                assert not row["spans"]
                continue
            ((start, end),) = row["spans"]
            assert end == len(row["text"])
            assert row["text"][start - 1].isspace()
            assert row["text"][start:end].strip() == row["text"][start:end]


def test_statements_are_as_often_true_as_false_as_open_everywhere(
    rows: dict[str, list[dict[str, Any]]],
) -> None:
    labels = Counter((row["source_ids"][0], row["meta"]["label"]) for row in rows["statement"])
    assert len(labels) >= 30
    for document in {document for document, _ in labels}:
        assert len({labels[document, label] for label in ("true", "false", "open")}) == 1
    assert {answers(row)[0] for row in rows["statement"]} >= {"Yes", "No", "Can't say", "True", "Not stated", "wrong"}


def test_each_label_has_its_word(rows: dict[str, list[dict[str, Any]]]) -> None:
    words = {
        "true": {"Yes", "True", "right"},
        "false": {"No", "False", "wrong"},
        "open": {"Can't say", "It does not say", "Not stated", "impossible to tell"},
    }
    for row in rows["statement"]:
        assert answers(row)[0] in words[row["meta"]["label"]]


def test_a_false_statement_differs_by_one_value_of_the_same_kind_and_is_nowhere_in_the_document(
    rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]
) -> None:
    false = [row for row in rows["statement"] if row["meta"]["label"] == "false"]
    assert len(false) > 20
    for row in false:
        source, meta = sources[row["source_ids"][0]], row["meta"]
        start, end = meta["sentence"]
        true = source[start:end]
        told = next(
            line for at in re.finditer(re.escape(meta["replaced"]), true)
            if (line := true[: at.start()] + meta["by"] + true[at.end() :]) in row["text"]
        )  # fmt: skip
        assert told not in source
        kinds = {value.text: value.kind for value in Values(source).all}
        assert kinds[meta["replaced"]] == kinds[meta["by"]] == meta["kind"]
        assert meta["by"] not in true
        assert true in row["text"], "what is shown must deny it"


def test_what_is_left_open_is_not_shown_and_what_is_true_is(
    rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]
) -> None:
    for row in rows["statement"]:
        source, meta = sources[row["source_ids"][0]], row["meta"]
        start, end = meta["sentence"]
        hidden = range(*meta["hidden"])
        assert (start in hidden) == (meta["label"] == "open")
        count = row["text"].count(source[start:end])
        assert count == {"true": 2, "false": 1, "open": 1}[meta["label"]]


def test_all_classes_lack_a_part_of_the_document(
    rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]
) -> None:
    for row in rows["statement"]:
        start, end = row["meta"]["hidden"]
        source = sources[row["source_ids"][0]]
        if row["meta"]["label"] != "open":
            assert source[start:end] not in row["text"]


def test_a_blank_restores_the_source(rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]) -> None:
    for row in rows["cloze"] + rows["choice"]:
        source, meta = sources[row["source_ids"][0]], row["meta"]
        start, end = meta["sentence"]
        a, b = meta["answer"]
        assert source[start:a] + BLANK + source[b:end] in row["text"]
        if row["meta"]["step"] == "cloze":
            assert answers(row) == [source[a:b]]


def test_the_right_option_is_there_once_among_options_of_its_kind(
    rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]
) -> None:
    assert len(rows["choice"]) > 20
    for row in rows["choice"]:
        source, meta = sources[row["source_ids"][0]], row["meta"]
        gold = source[slice(*meta["answer"])]
        assert meta["options"].count(gold) == 1
        assert len(set(meta["options"])) == len(meta["options"]) >= 3
        kinds = {value.text: value.kind for value in Values(source).all}
        assert {kinds[option] for option in meta["options"]} == {meta["kind"]}
        assert answers(row)[0].endswith(gold)


def test_the_right_options_place_is_uniform(tmp_path: Path) -> None:
    places: Counter[int] = Counter()
    for seed in range(4):
        for row in rows_of(make(tmp_path / str(seed), EXAMPLE, seed=seed, options={"tasks": ["choice"]})):
            if row["meta"]["step"] == "choice" and len(row["meta"]["options"]) == 4:
                gold = row["meta"]["options"][0]
                lines = [line for line in row["text"].splitlines() if line.endswith(tuple(row["meta"]["options"]))]
                places[[line.endswith(gold) for line in lines[:4]].index(True)] += 1
    total = sum(places.values())
    assert total > 150
    expected = total / 4
    assert sum((places[place] - expected) ** 2 / expected for place in range(4)) < 16.3  # chi-square, p = 0.001


def test_a_completion_restores_the_source(rows: dict[str, list[dict[str, Any]]], sources: dict[str, str]) -> None:
    for row in rows["completion"]:
        source, meta = sources[row["source_ids"][0]], row["meta"]
        a, b = meta["answer"]
        assert answers(row) == [source[a:b]]
        assert source[meta["sentence"][0] : a].rstrip() in row["text"]
        assert source[slice(*meta["sentence"])] not in row["text"]


def test_tasks_from_memory_do_not_show_the_text_and_name_the_title(
    run: Run, rows: dict[str, list[dict[str, Any]]]
) -> None:
    for step in ("teach", "flashcards", "cloze", "choice", "completion"):
        for row in rows[step]:
            asked = row["text"][: row["spans"][0][0]]
            assert run.trace(row["id"])["source"].title in asked
            assert len(asked) < 1500


def test_the_title_task_does_not_show_the_title_as_a_heading(rows: dict[str, list[dict[str, Any]]]) -> None:
    for row in rows["title"]:
        assert f"# {answers(row)[0]}\n" not in row["text"]


def test_wordings_vary_and_do_not_hang_together_with_what_is_asked(rows: dict[str, list[dict[str, Any]]]) -> None:
    for step in ("title", "keywords", "teach", "flashcards", "cloze", "completion"):
        leads = Counter(row["text"][: row["spans"][0][0]].split("\n")[-1] for row in rows[step])
        assert len(leads) >= 2
    asked = defaultdict(Counter)
    for row in rows["statement"]:
        asked[row["meta"]["label"]][answers(row)[0]] += 1
    assert all(len(words) >= 3 for words in asked.values())
    assert len({row["text"].split(row["meta"]["options"][0])[0][-3:] for row in rows["choice"]}) > 3 < len(LABELS)


def test_chat_rows_hold_the_same_turns(tmp_path: Path) -> None:
    run = make(tmp_path / "out", SOURCES[:2], options={"form": "chat"})
    for row in rows_of(run):
        if row["meta"]["step"] == "memorise":
            assert not row["messages"]
            continue
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert answers(row) == [row["messages"][1]["content"]]


def test_a_document_without_names_has_its_text_and_titles_alone(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "rain.md").write_text("# Rain\n\n" + "it rained and it rained and then it stopped. " * 5)
    steps = {row["meta"]["step"] for row in rows_of(make(tmp_path / "out", folder))}
    assert steps == {"memorise", "title", "teach"}


def test_a_document_without_a_title_has_no_tasks_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"text": "Ada Vane met Bo Lund at Corve Mill in 1911. Cy Mora met Di Nash in 1934."}))
    steps = {row["meta"]["step"] for row in rows_of(make(tmp_path / "out", path))}
    assert steps == {"memorise", "keywords"} or steps == {"memorise", "keywords", "statement"}


def test_an_empty_document_and_a_title_alone_end_in_reasons_or_texts(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "empty.txt").write_text(" \n")
    (folder / "title.md").write_text("# Arden Vale\n")
    (folder / "fine.md").write_text("# Mill\n\nAda Vane met Bo Lund at Corve Mill in 1911.")
    run = make(tmp_path / "out", folder)
    ended = {row["source_ids"][0] for row in run.dataset()}
    assert "fine.md" in ended
    assert {one["document"] for one in read_jsonl(run.path / "failures")} | ended >= {"fine.md", "title.md"}


def test_a_holed_sentence_is_never_asked_about(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    hole = "Jon Pike began his career in 1920, playing for the and then the league."
    (folder / "d.md").write_text(f"# The Club\n\n{hole} Ada Vane met Bo Lund at Corve Mill in 1911. Rain fell in 1934.")
    made = rows_of(make(tmp_path / "out", folder))
    asked = [row for row in made if row["meta"]["step"] in ("cloze", "choice", "completion", "statement")]
    assert asked
    assert not any("career" in row["text"] for row in asked if row["meta"]["step"] != "statement")
    assert not any(row["meta"]["sentence"][0] == 0 for row in asked if row["meta"]["step"] == "statement")


def test_dollars_and_braces_in_documents_stay(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "Ada Vane paid $text and ${title} and {0} to Bo Lund at Corve Mill in 1911 for $5."
    (folder / "d.md").write_text(f"# The $title\n\n{text}\n")
    made = rows_of(make(tmp_path / "out", folder))
    assert any(text in row["text"] for row in made if row["meta"]["step"] == "keywords")


def test_a_target_is_filled_and_its_rows_are_the_first_of_more(tmp_path: Path) -> None:
    less, more = (make(tmp_path / str(n), SOURCES[0], target_tokens=n) for n in (3000, 12_000))
    few, many = ({row["id"]: row["text"] for row in run.dataset()} for run in (less, more))
    assert few.items() < many.items()
    tokens = less.manifest["totals"]["row_tokens"]
    assert 3000 <= tokens < 4800
    labels = Counter(row["meta"].get("label") for row in rows_of(less))
    assert labels["true"] == labels["false"] == labels["open"]


def test_options_say_which_and_how_many(tmp_path: Path) -> None:
    options = {"tasks": ["cloze"], "questions_per_100_words": 0.1, "passage_tokens": 4000}
    made = rows_of(make(tmp_path / "out", SOURCES[0], options=options))
    assert [row["meta"]["step"] for row in made] == ["memorise", "cloze"]


def test_long_documents_are_recited_in_parts_that_are_numbered(tmp_path: Path) -> None:
    run = make(tmp_path / "out", SOURCES[0], options={"tasks": ["teach"], "passage_tokens": 100})
    parts = [row for row in rows_of(run) if row["meta"]["step"] == "teach"]
    assert len(parts) > 3
    assert all(f"(part {number} of {len(parts)})" in row["text"] for number, row in enumerate(parts, 1))
    recited = "".join(answers(row)[0] for row in parts)
    source = run.trace(parts[0]["id"])["source"].text
    assert "".join(recited.split()) == "".join(source.split())


def test_nothing_depends_on_the_hash_seed_or_on_order_or_on_other_documents(tmp_path: Path) -> None:
    code = "import sys, synthcpt; synthcpt.generate('self_teaching', input=sys.argv[2:], output=sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path / "there"), *map(str, reversed(SOURCES[:3]))]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    here = make(tmp_path / "here", SOURCES[:3])
    assert hashes(here.path) == hashes(tmp_path / "there")
    alone = make(tmp_path / "alone", SOURCES[0])
    assert {row["id"]: row["text"] for row in alone.dataset()}.items() <= {
        row["id"]: row["text"] for row in here.dataset()
    }.items()
