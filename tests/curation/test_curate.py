"""`curate`, from runs to a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from full_runs import SCHEMA, text_of, write_full_run

import synthcpt
from synthcpt import Run
from synthcpt.curation import curate, reading, select_tokens, writing
from synthcpt.errors import ConfigError, CorpusError, DataCorrupt, RunIncomplete, RunMismatch, UserError
from synthcpt.packing.sources import open_source


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_full_run(tmp_path / "run", [{"text": text_of(n), "document": f"d{n % 5}"} for n in range(40)])


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write_questions(path: Path, *texts: str) -> Path:
    path.write_text("".join(json.dumps({"id": f"q{n}", "question": text, "answer": "x"}) + "\n"
                            for n, text in enumerate(texts)))  # fmt: skip
    return path


def test_the_output_is_a_run_like_any(run: Path, tmp_path: Path) -> None:
    out = synthcpt.curate(run, tmp_path / "out")
    made = Run(out)
    assert made.complete
    assert made.unfinished_parts == []
    assert made.manifest["totals"]["rows"] == 40 == len(made.dataset())
    assert made.totals()["row_tokens"] == 40 * 80
    assert pq.read_table(out / "data").equals(pq.read_table(run / "data"))
    assert pq.read_schema(next((out / "data").iterdir())).equals(SCHEMA)
    texts = list(open_source(str(out), cache=tmp_path / "cache").texts())
    assert [text.text for text in texts] == [text_of(n) for n in range(40)]
    assert texts[7].source_ids == ["d2"]
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "datasets"))["train"]
    assert loaded["text"] == [text_of(n) for n in range(40)]


def test_spans_messages_and_provenance_come_along(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "He."}]
    row = {"text": "User: Who?\n\nAssistant: He.", "spans": [[23, 26]], "messages": turns, "model": "qwen"}
    out = curate(write_full_run(tmp_path / "run", [row], method="knowledge_instruct"), tmp_path / "out")
    (kept,) = Run(out).dataset()
    assert kept["spans"] == [[23, 26]]
    assert kept["messages"] == turns
    assert kept["model"] == "qwen"
    assert kept["request_keys"] == [f"{0:032x}"]


def test_every_text_is_kept_or_counted(run: Path, tmp_path: Path) -> None:
    question = "Where did the boats of the old harbour lie in the winter of that year?"
    rows = [
        {"text": text_of(1)}, {"text": text_of(1)}, {"text": f"{question} {text_of(2)}"}, {"text": "short"},
        {"text": " ".join([text_of(3, 40)] * 5)}, {"text": text_of(4, 500)}, {"text": text_of(5)},
    ]  # fmt: skip
    other = write_full_run(tmp_path / "other", rows, method="entigraph")
    out = curate(
        [run, other], tmp_path / "out", against=write_questions(tmp_path / "q.jsonl", question, "Why?"),
        min_tokens=5, max_tokens=400, target_tokens=2000, max_per_document=6,
    )  # fmt: skip
    manifest = Run(out).manifest
    totals = manifest["totals"]
    assert totals["rejected"] == {
        "contaminated": 1, "duplicate": 3, "repetitive": 1, "too_long": 1, "too_short": 1
    }  # fmt: skip  # text_of(1), (4) and (5) are in the first run, too; one of them is too long here
    left = sum(totals["rejected"].values()) + sum(totals["not_selected"].values())
    assert totals["rows"] + left == 47
    assert totals["row_tokens"] == 2000
    assert set(totals["not_selected"]) == {"document_limit", "token_budget"}
    assert manifest["overlap"] == {"questions": 2, "too_short": 1, "found": 1, "texts": 1, "seen": 3}
    (file,) = (out / "rejected").iterdir()
    by_reason = {row["reason"]: row for row in map(json.loads, file.read_text().splitlines())}
    assert by_reason["contaminated"]["detail"].startswith("question q0 of q.jsonl: 'where did the boats")
    assert by_reason["too_short"]["detail"] == "about 1 tokens, at least 5 asked for"
    card = (out / "README.md").read_text()
    assert "contaminated: 1 (it contains an evaluation question)" in card
    assert "| entigraph | mock-1 | 7 |" in card


def test_a_smaller_target_is_within_a_larger_one(run: Path, tmp_path: Path) -> None:
    taken = [set(Run(curate(run, tmp_path / f"{n}", target_tokens=n, seed=3)).dataset()["id"]) for n in (800, 1600)]
    assert [len(ids) for ids in taken] == [10, 20]
    assert taken[0] < taken[1]
    chosen = select_tokens(run, 800, seed=3)
    assert taken[0] == {Run(run).dataset()[int(row)]["id"] for row in chosen}
    assert set(Run(curate(run, tmp_path / "other", target_tokens=800, seed=4)).dataset()["id"]) != taken[0]


def test_a_document_gives_no_more_than_its_limit(run: Path, tmp_path: Path) -> None:
    made = Run(curate(run, tmp_path / "out", max_per_document=3))
    assert [made.dataset()["source_ids"].count([f"d{n}"]) for n in range(5)] == [3] * 5


def test_the_same_again_is_the_same_bytes(run: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"against": write_questions(tmp_path / "q.jsonl", "Who was it that came?")}
    out = curate(run, tmp_path / "out", target_tokens=900, **settings)
    before = contents(out)
    assert contents(curate(run, tmp_path / "out2", target_tokens=900, **settings)) == before
    assert contents(curate(run, tmp_path / "out", overwrite=True, target_tokens=900, **settings)) == before


def test_what_is_done_is_not_done_again(run: Path, tmp_path: Path) -> None:
    told: list[str] = []
    curate(run, tmp_path / "out", tell=lambda what, *_: told.append(what))
    assert {"reading", "comparing signatures", "writing"} <= set(told)
    told.clear()
    assert curate(run, tmp_path / "out", tell=lambda what, *_: told.append(what)) == tmp_path / "out"
    assert told == []


def test_other_settings_are_refused_unless_overwriting(run: Path, tmp_path: Path) -> None:
    out = curate(run, tmp_path / "out")
    before = contents(out)
    with pytest.raises(RunMismatch, match=r"jaccard: it has 0\.9, this command says 0\.8"):
        curate(run, out, jaccard=0.8)
    questions = write_questions(tmp_path / "q.jsonl", "Who was it that came?")
    with pytest.raises(RunMismatch, match="against"):
        curate(run, out, against=questions)
    assert contents(out) == before
    curate(run, out, jaccard=0.8, overwrite=True)
    assert Run(out).settings["curation"]["jaccard"] == 0.8


def test_two_runs_of_one_method_get_ids_of_their_own(tmp_path: Path) -> None:
    runs = [
        write_full_run(tmp_path / name, [{"text": text_of(first + n)} for n in range(3)])
        for name, first in (("a", 0), ("b", 10), ("c", 20))
    ]
    ids = Run(curate(runs, tmp_path / "out")).dataset()["id"]
    assert len(set(ids)) == 9
    assert ids[0] == "doc/rephrase/step-0"
    assert ids[3] == "doc/rephrase/step-0+2"
    assert ids[6] == "doc/rephrase/step-0+3"


def test_many_texts_make_several_shards(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROWS_A_SHARD", 15)
    monkeypatch.setattr(reading, "_ROWS_AT_ONCE", 7)  # shards end within batches
    made = Run(curate(run, tmp_path / "out"))
    assert [shard["rows"] for shard in made.manifest["shards"]] == [15, 15, 10]
    assert made.dataset()["text"] == [text_of(n) for n in range(40)]
    assert made.unfinished_parts == []
    assert made.manifest["totals"]["documents"] == 5


def test_a_curated_run_can_be_curated(run: Path, tmp_path: Path) -> None:
    other = write_full_run(tmp_path / "other", [{"text": text_of(99)}], method="entigraph")
    first = curate([run, other], tmp_path / "first")
    second = Run(curate(first, tmp_path / "second", target_tokens=400))
    assert second.settings["methods"] == ["rephrase", "entigraph"]
    assert second.manifest["totals"]["rows"] == 5


def test_a_simulated_teacher_and_latent_thoughts_are_named(run: Path, tmp_path: Path) -> None:
    simulated = write_full_run(tmp_path / "s", [{"text": text_of(77)}], method="latent_thoughts", backend="simulated")
    out = curate([run, simulated], tmp_path / "out")
    assert Run(out).settings["backend"] == "simulated"
    assert Run(out).settings["method"] == "rephrase, latent_thoughts"
    assert "These texts are simulated" in (out / "README.md").read_text()
    assert open_source(str(out), cache=tmp_path / "cache").varies
    assert not open_source(str(curate(run, tmp_path / "plain")), cache=tmp_path / "cache").varies


@pytest.mark.parametrize("texts", [[], [{"text": "one"}]])
def test_nothing_may_be_left(tmp_path: Path, texts: list[dict[str, str]]) -> None:
    made = Run(curate(write_full_run(tmp_path / "run", texts), tmp_path / "out", min_tokens=10, target_tokens=50))
    assert made.manifest["totals"]["rows"] == 0
    assert len(made.dataset()) == 0


def _unfinished(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _changed(folder: Path) -> None:
    shard = next((folder / "data").iterdir())
    shard.write_bytes(shard.read_bytes()[:-9] + b"\0" * 9)


def _gone(folder: Path) -> None:
    (folder / "run.yaml").unlink()


@pytest.mark.parametrize(("harm", "error"), [(_unfinished, UserError), (_changed, DataCorrupt), (_gone, UserError)])
def test_bad_runs_are_refused(run: Path, tmp_path: Path, harm: Callable[[Path], None], error: type[Exception]) -> None:
    harm(run)
    with pytest.raises(error):
        curate(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_settings_and_places_are_refused(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="Did you mean 'balance'"):
        curate(run, out, balanc="documents")
    with pytest.raises(ConfigError, match="more than max_tokens"):
        curate(run, out, min_tokens=9, max_tokens=5)
    with pytest.raises(ConfigError, match="named twice"):
        curate([run, run], out)
    with pytest.raises(ConfigError, match="written into it"):
        curate(run, run / "curated")
    with pytest.raises(ConfigError, match="no curated run"):
        curate(run, run.parent, overwrite=True)
    with pytest.raises(ConfigError, match="no curated run"):
        curate(run, write_full_run(tmp_path / "precious", []), overwrite=True)
    with pytest.raises(CorpusError, match="nothere"):
        curate(run, out, against="nothere.jsonl")
    assert not out.exists()


def test_an_error_leaves_what_was_there(run: Path, tmp_path: Path) -> None:
    out = curate(run, tmp_path / "out")
    before = contents(out)

    def stumble(what: str, done: int, total: int) -> None:
        if what == "writing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        curate(run, out, jaccard=0.5, overwrite=True, tell=stumble)
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_unfinished_run_says_so(run: Path, tmp_path: Path) -> None:
    manifest = run / "manifest.json"
    settings = run / "run.yaml"
    settings.write_text(settings.read_text() + "tokens_per_source_token: null\n")
    manifest.unlink()
    with pytest.raises(RunIncomplete, match="not finished"):
        curate(run, tmp_path / "out")
