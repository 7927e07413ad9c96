"""Files are written whole or not at all."""

from __future__ import annotations

import hashlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from synthcpt.errors import UserError
from synthcpt.files import replacing, sha256_of, write_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "folder" / "data.bin"


def names(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir())


def write(path: Path, content: bytes, error: BaseException | None = None, *, alone: bool = False) -> None:
    with replacing(path, alone=alone) as file:
        file.write(content)
        if error:
            raise error


@pytest.mark.parametrize("alone", [False, True])
def test_a_file_takes_its_place_at_the_end(path: Path, alone: bool) -> None:
    write(path, b"old")
    with replacing(path, alone=alone) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(path) == ["data.bin"]


def test_who_reads_the_old_file_meanwhile_reads_it_to_its_end(path: Path) -> None:
    write(path, b"old")
    with path.open("rb") as reading:
        write(path, b"new")
        assert reading.read() == b"old"


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("error", [ValueError("in the block"), KeyboardInterrupt(), SystemExit(1)])
def test_on_an_error_the_old_file_stays_and_nothing_else_is_left(path: Path, error: BaseException, alone: bool) -> None:
    write(path, b"old")
    with pytest.raises(type(error)):
        write(path, b"half of the new", error, alone=alone)
    assert path.read_bytes() == b"old"
    assert names(path) == ["data.bin"]


def test_on_an_error_no_file_comes_to_be(path: Path) -> None:
    with pytest.raises(ValueError, match="in the block"):
        write(path, b"half", ValueError("in the block"))
    assert names(path) == []


def test_a_full_disk_is_a_clear_error_and_the_old_file_stays(path: Path) -> None:
    write(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UserError, match=r"data\.bin cannot be written"):
            write(path, b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert names(path) == ["data.bin"]


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"data\.bin cannot be written"):
        write(tmp_path / "file" / "data.bin", b"new")
    with pytest.raises(UserError, match="cannot be written"):
        write(tmp_path, b"new")


@pytest.mark.parametrize("alone", [False, True])
def test_a_killed_writer_leaves_the_old_file_and_stops_nobody(path: Path, alone: bool) -> None:
    write(path, b"old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom synthcpt.files import replacing\n"
        f"with replacing(Path(sys.argv[1]), alone={alone}) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    write(path, b"new", alone=alone)
    assert path.read_bytes() == b"new"
    if alone:
        assert names(path) == ["data.bin"], "the half of the killed writer was written over"


def test_text_is_utf8_with_its_line_ends_as_they_are(path: Path) -> None:
    write_text(path, "é\r\n漢\n")
    assert path.read_bytes() == "é\r\n漢\n".encode()


def test_the_hash_is_of_the_whole_file(path: Path) -> None:
    write(path, b"abc" * 1_000_000)
    assert sha256_of(path) == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
