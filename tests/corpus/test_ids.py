"""Ids: stable under reordering and adding, each handed out once."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("row", "id"),
    [
        ({"id": 7}, "7"),
        ({"id": 0}, "0"),
        ({"id": 7.0}, "7"),
        ({"id": " a/../b\n"}, "a/../b"),
        ({"doc_id": "d", "wiki_id": 5}, "d"),
        ({"id": None, "uuid": "u"}, "u"),
        ({"id": ["x"], "uuid": "u"}, "u"),
    ],
)
def test_the_id_field_is_found(tmp_path: Path, row: dict[str, Any], id: str) -> None:
    [document] = read_documents([write_rows(tmp_path / "a.jsonl", [{"text": "t", **row}])])
    assert document.id == id


def test_ids_of_rows_do_not_depend_on_order_or_neighbours(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}", "title": f"title {i}"} for i in range(50)]
    before = {d.text: d.id for d in read_documents([write_rows(tmp_path / "a.jsonl", rows)])}
    random.Random(0).shuffle(rows)
    after = {
        d.text: d.id for d in read_documents([write_rows(tmp_path / "a.jsonl", [{"text": "new", "title": "n"}, *rows])])
    }
    assert len(set(before.values())) == 50
    assert all(id.startswith("a.jsonl#") for id in after.values())
    assert {text: id for text, id in after.items() if text in before} == before


def test_an_id_made_from_the_text_is_what_it_has_always_been(tmp_path: Path) -> None:
    """Runs on disk are keyed by ids: changing how they are made orphans every answer in every journal."""
    [document] = read_documents([write_rows(tmp_path / "a.jsonl", [{"text": "The text.", "title": "The title"}])])
    assert document.id == "a.jsonl#cf8d1f0440015948"


def test_documents_come_alike_from_any_order_of_inputs(tmp_path: Path) -> None:
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "sub" / "b.txt").write_text("b")
    (tmp_path / "folder" / "a.md").write_text("# A")
    rows = write_rows(tmp_path / "rows.jsonl", [{"text": "c"}, {"text": "d", "id": 4}])
    inputs = [str(tmp_path / "folder"), rows]
    forth, back = list(read_documents(inputs)), list(read_documents(inputs[::-1]))
    assert sorted(forth, key=lambda d: d.id) == sorted(back, key=lambda d: d.id)
    assert [d.id for d in forth[:2]] == ["a.md", "sub/b.txt"]


def test_rows_with_one_text_and_two_titles_are_two_documents(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"text": "t", "title": "a"}, {"text": "t", "title": "b"}])
    assert len({d.id for d in read_documents([path])}) == 2


def test_exact_duplicates_are_handed_out_once_and_counted(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "text": "a\r"}, {"id": 1, "text": "a\n"}, {"text": "b"}, {"text": "b"}]
    path = write_rows(tmp_path / "a.jsonl", rows)
    documents = read_documents([path, path])
    assert [d.text for d in documents] == ["a\n", "b"]
    assert (documents.counts.documents, documents.counts.duplicates) == (2, 6)


@pytest.mark.parametrize("second", [{"id": 1, "text": "b"}, {"id": "1", "text": "a", "title": "T"}])
@pytest.mark.parametrize("turned", [False, True])
def test_one_id_for_two_texts_names_both_places(tmp_path: Path, second: dict[str, Any], turned: bool) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
    other = write_rows(tmp_path / "b.jsonl", [{"id": 3, "text": "c"}, second])
    places = [r"a\.jsonl, line 1", r"b\.jsonl, line 2"]
    with pytest.raises(
        CorpusError, match=rf"the id '1' .*{places[turned]} and .*{places[not turned]}\. .*--id-field ''"
    ):
        list(read_documents([other, path] if turned else [path, other]))


def test_an_empty_id_field_makes_ids_from_the_texts(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": 1, "text": "a"}, {"id": 1, "text": "b"}])
    documents = list(read_documents([path], id_field=""))
    assert len({d.id for d in documents}) == 2
    assert [d.meta["id"] for d in documents] == [1, 1]


def test_two_files_of_one_relative_path_are_told_apart(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    with pytest.raises(CorpusError, match=r"x/a\.txt and .*y/a\.txt\. Rename .* one folder that holds both"):
        list(read_documents([str(tmp_path / "x"), str(tmp_path / "y")]))
    assert [d.id for d in read_documents([str(tmp_path)])] == ["x/a.txt", "y/a.txt"]
