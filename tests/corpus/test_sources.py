"""Finding files: folders, links, hidden files, formats, and inputs that are not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthcpt.corpus import read_documents
from synthcpt.errors import CorpusError


def ids(*inputs: Path) -> list[str]:
    return [document.id for document in read_documents([str(path) for path in inputs])]


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_is_searched_in_order_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name in ("b/z.txt", "a.TXT", "b.md", ".hidden.txt", ".git/x.txt", "b/.x/y.txt", "b/c/d/e.txt"):
        write(tmp_path / name)
    assert ids(tmp_path) == ["a.TXT", "b.md", "b/c/d/e.txt", "b/z.txt"]


def test_other_files_are_skipped_and_counted(tmp_path: Path) -> None:
    for name in ("a.txt", "b.png", "c.PNG", "README", "d.parquet.gz", "e.pdf.gz", ".hidden.png"):
        write(tmp_path / name)
    documents = read_documents([str(tmp_path)])
    assert [document.id for document in documents] == ["a.txt"]
    assert documents.counts.skipped_files == {".png": 2, "": 1, ".gz": 2}


def test_no_absolute_path_is_in_a_document(tmp_path: Path) -> None:
    write(tmp_path / "sub" / "a.txt")
    write(tmp_path / "sub" / "b.jsonl", '{"text": "b"}')
    assert str(tmp_path) not in repr(list(read_documents([str(tmp_path)])))


def test_paths_are_relative_to_the_folder_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in" / "sub" / "a.txt")
    monkeypatch.chdir(tmp_path / "in")
    for given in (".", "./", "../in", str(tmp_path / "in")):
        assert ids(Path(given)) == ["sub/a.txt"]


def test_a_loop_of_links_ends_and_linked_folders_are_read(tmp_path: Path) -> None:
    write(tmp_path / "in" / "z" / "a.txt")
    write(tmp_path / "elsewhere" / "b.txt")
    (tmp_path / "in" / "z" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "a_link_to_z").symlink_to(tmp_path / "in" / "z")
    (tmp_path / "in" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "itself").symlink_to("itself")
    assert ids(tmp_path / "in") == ["other/b.txt", "z/a.txt"]


def test_a_link_to_a_missing_file_is_an_error_and_not_a_smaller_corpus(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(CorpusError, match=r"b\.txt is a link to a file that is not there"):
        ids(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    assert ids(tmp_path) == ["a.txt"]
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        ids(tmp_path / "b.txt")


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(CorpusError, match=r"a\.txt cannot be read: Permission denied"):
        ids(tmp_path)


def test_a_file_that_goes_away_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    documents = read_documents([str(path)])
    path.unlink()
    with pytest.raises(CorpusError, match=r"a\.txt cannot be read: No such file"):
        next(documents)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.txt", r"There is no file or folder .*missing\.txt'"),
        ("nul\0.txt", r"There is no file or folder"),
        ("table.xlsx", r"table\.xlsx is in no format that can be read here\. Readable are \.txt"),
        ("archive.parquet.gz", r"in no format"),
        ("README", r"in no format"),
        ("empty", r"The folder .*empty holds no file that can be read\. Readable are \.txt"),
        ("pictures", r"The folder .*pictures holds no file that can be read"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_is_read(tmp_path: Path, given: str, message: str) -> None:
    for name in ("good.txt", "table.xlsx", "archive.parquet.gz", "README", "pictures/a.png"):
        write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=message):
        read_documents([str(tmp_path / "good.txt"), str(tmp_path / given)])


def test_no_input_is_an_error() -> None:
    with pytest.raises(CorpusError, match="There is no input"):
        read_documents([])


def test_heavy_packages_are_not_imported_with_the_reader() -> None:
    heavy = ["pyarrow", "datasets", "markitdown", "zstandard"]
    code = f"import sys, synthcpt.corpus; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
