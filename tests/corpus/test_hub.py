"""Datasets through `datasets` streaming, from local folders: no network."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError
from synthcpt.records import Document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "my_dataset"
    path.mkdir()
    rows = [{"id": i, "title": f"T{i}", "text": f"text {i}", "year": 2023} for i in range(3)]
    pq.write_table(pa.Table.from_pylist(rows[:2]), path / "train-00000.parquet")
    pq.write_table(pa.Table.from_pylist(rows[2:]), path / "test-00000.parquet")
    return path


def test_the_train_split_is_the_default(folder: Path) -> None:
    label = "hf:my_dataset::train"
    assert list(read_documents([f"hf:{folder}"])) == [
        Document("0", "text 0", "T0", {"year": 2023, "source": label}),
        Document("1", "text 1", "T1", {"year": 2023, "source": label}),
    ]


def test_a_split_and_a_configuration_can_be_named(folder: Path) -> None:
    for given in (f"hf:{folder}::test", f"hf:{folder}:default:test"):
        assert [d.text for d in read_documents([given])] == ["text 2"]


def test_ids_made_from_the_text_hold_no_absolute_path(folder: Path) -> None:
    ids = [d.id for d in read_documents([f"hf:{folder}"], id_field="")]
    assert all(id.startswith("hf:my_dataset::train#") for id in ids)


def test_pictures_are_left_alone(tmp_path: Path) -> None:
    from datasets import Dataset, Features, Image, Value

    rows = {"text": ["a"], "image": [{"bytes": b"no picture", "path": None}]}
    dataset = Dataset.from_dict(rows, features=Features({"text": Value("string"), "image": Image(decode=True)}))
    dataset.to_parquet(tmp_path / "train.parquet")
    [document] = read_documents([f"hf:{tmp_path}"])
    assert document.text == "a"


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("::tset", r"split tset\) cannot be read: .*Check the three in hf:NAME:CONFIG:SPLIT"),
        (":nothing", r"configuration nothing, split train\) cannot be read"),
        ("/missing", r"missing .* cannot be read"),
    ],
)
def test_a_wrong_dataset_is_an_error(folder: Path, suffix: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(read_documents([f"hf:{folder}{suffix}"]))


@pytest.mark.parametrize(("name", "data"), [("a.parquet", b"PAR1 and no more"), ("a.jsonl", b'{"text": "a"}\n{"te')])
def test_a_broken_dataset_is_an_error(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match="cannot be read"):
        list(read_documents([f"hf:{tmp_path}"]))


def test_a_dataset_that_is_a_script_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    (folder / "scripted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(CorpusError, match="cannot be read"):
        list(read_documents([f"hf:{folder}"]))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("given", ["hf:", "hf::config", "hf:a:b:c:d"])
def test_a_malformed_specification_is_refused_at_once(given: str) -> None:
    with pytest.raises(CorpusError, match=r"is not a dataset\. Write hf:NAME"):
        read_documents([given])


def test_wrong_fields_name_the_row(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"row 1 has no field 'txt' .*Did you mean 'text'"):
        list(read_documents([f"hf:{folder}"], text_field="txt"))
