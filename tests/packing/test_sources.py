"""What the user names becomes texts, or a sentence that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from corpora import generate_mock, write_documents
from made_tokenizers import make_run

from synthcpt.errors import CorpusError, DataCorrupt, RunIncomplete
from synthcpt.packing.sources import open_source

ROWS = [
    {"text": "One.", "meta": {"step": "easy"}, "spans": [[0, 3]], "source_ids": ["x", "y"]},
    {"text": "Two.", "messages": [{"role": "user", "content": "2?"}, {"role": "assistant", "content": "Two."}]},
    {"text": "Three."},
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", str(tmp_path / "cache"))


def test_a_run_gives_its_rows_in_order_with_their_places(tmp_path: Path) -> None:
    source = open_source(str(make_run(tmp_path / "run", ROWS, shards=2)))
    texts = list(source.texts())
    assert (source.kind, source.varies, source.name) == ("run", False, str(tmp_path / "run"))
    assert [text.text for text in texts] == ["One.", "Three.", "Two."]
    assert [(text.file, text.row) for text in texts] == [(0, 0), (0, 1), (1, 0)]
    assert [text.step for text in texts] == ["easy", "rephrase", "rephrase"]
    assert texts[0].spans == [[0, 3]]
    assert texts[0].source_ids == ["x", "y"]
    assert [message["content"] for message in texts[2].messages] == ["2?", "Two."]
    assert [file["path"] for file in source.files()] == ["data/train-00000.parquet", "data/train-00001.parquet"]


def test_a_generated_run_can_be_read(tmp_path: Path) -> None:
    run = generate_mock(tmp_path / "run", write_documents(tmp_path / "docs", 3, entities=3), parts=2)
    source = open_source(str(run.path))
    assert len(list(source.texts())) == run.manifest["totals"]["rows"] > 0


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ROWS)
    (folder / "manifest.json").unlink()
    with pytest.raises(RunIncomplete, match="not finished"):
        open_source(str(folder))


def test_a_changed_shard_is_named_though_its_hash_was_noted_before(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ROWS, shards=2)
    open_source(str(folder))
    shard = folder / "data" / "train-00001.parquet"
    data = bytearray(shard.read_bytes())
    data[20] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataCorrupt, match=r"train-00001\.parquet"):
        open_source(str(folder))
    shard.unlink()
    with pytest.raises(DataCorrupt, match=r"train-00001.parquet is missing"):
        open_source(str(folder))


def test_a_corpus_gives_documents_under_their_titles(tmp_path: Path) -> None:
    rows = [{"id": "a", "title": "Ships", "text": "They sail."}, {"id": "b", "title": "Ale", "text": "Ale is brown."}]
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = open_source(str(path), "mine")
    texts = list(source.texts())
    assert (source.name, source.kind) == ("mine", "corpus")
    assert [text.text for text in texts] == ["# Ships\n\nThey sail.", "Ale is brown."]
    assert [(text.id, list(text.source_ids), text.step) for text in texts] == [
        ("a", ["a"], "document"),
        ("b", ["b"], "document"),
    ]
    assert [text.row for text in texts] == [0, 1]
    assert len(list(open_source(str(path), limit=1).texts())) == 1


def test_fingerprints_are_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    for folder, end in (("one", "sail"), ("two", "sail"), ("three", "sink")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(f"Ships {end}.")
    one, two, three = (open_source(str(tmp_path / folder)).fingerprint() for folder in ("one", "two", "three"))
    assert one == two != three
    assert open_source(str(tmp_path / "one"), limit=1).fingerprint() != one
    assert open_source(str(tmp_path / "one"), title_field="name").fingerprint() != one
    first = open_source(str(make_run(tmp_path / "run", ROWS))).fingerprint()
    again = open_source(str(make_run(tmp_path / "again", ROWS))).fingerprint()
    other = open_source(str(make_run(tmp_path / "other", ROWS[:2]))).fingerprint()
    assert first == again != other


def test_only_runs_with_latent_thoughts_vary(tmp_path: Path) -> None:
    assert open_source(str(make_run(tmp_path / "run", ROWS, method="latent_thoughts"))).varies


def test_nothing_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no file or folder"):
        open_source(str(tmp_path / "nowhere"))
