"""Parts: who belongs where, and that two processes never work on one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.engine.journal import place_of
from synthcpt.engine.parts import Part, part_lock, part_of
from synthcpt.errors import RunLocked, UserError

HOLD = """
import sys
from pathlib import Path
from synthcpt.engine.parts import Part, part_lock
with part_lock(Part(Path(sys.argv[1]), 2, 8)):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(run: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds part 3/8."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 100_000))
def test_every_id_has_a_part_that_is_always_the_same(document_id: str, parts: int) -> None:
    assert 0 <= part_of(document_id, parts) < parts
    assert part_of(document_id, parts) == part_of(document_id, parts)
    assert part_of(document_id, 1) == 0


def test_the_partition_is_that_of_earlier_versions() -> None:
    assert [part_of(f"doc-{i}.txt", 8) for i in range(6)] == [6, 4, 1, 5, 6, 3]
    assert place_of("straße").hex() == "22003d29c98fc0e0712e06752aa0ac39"


def test_parts_are_about_equal_and_not_slices_of_the_order() -> None:
    ids = [f"doc-{i}" for i in range(8000)]
    counts = Counter(part_of(document_id, 8) for document_id in ids)
    assert len(counts) == 8
    assert all(850 < count < 1150 for count in counts.values())
    in_first = sorted((i for i in ids if part_of(i, 8) == 0), key=place_of)
    spread = sum(place_of(document_id)[0] < 128 for document_id in in_first) / len(in_first)
    assert 0.4 < spread < 0.6


def test_the_files_of_a_part(tmp_path: Path) -> None:
    part = Part(tmp_path, 2, 8)
    files = [part.journal, part.lock, part.shard, part.rejected, part.failures, part.marker]
    assert part.name == "00002-of-00008"
    assert all(part.name in path.name and path.parent.parent == tmp_path for path in files)
    assert len(set(files)) == len(files)
    assert part.shard.name == "train-00002-of-00008.parquet"


def test_a_second_process_is_refused_and_told_by_which_and_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path) as process, pytest.raises(RunLocked) as raised, part_lock(Part(tmp_path, 2, 8)):
        pass
    message = str(raised.value)
    assert f"Process {process.pid} " in message
    assert "part 3/8" in message
    assert "another --output" in message


def test_another_part_is_free(tmp_path: Path) -> None:
    with holder(tmp_path), part_lock(Part(tmp_path, 3, 8)) as lock:
        assert lock


def test_a_part_is_free_after_its_process_ended(tmp_path: Path) -> None:
    with holder(tmp_path):
        pass
    with part_lock(Part(tmp_path, 2, 8)):
        assert str(os.getpid()) in Part(tmp_path, 2, 8).lock.read_text()
    with part_lock(Part(tmp_path, 2, 8)):
        pass


def test_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert f"{process.pid}" in Part(tmp_path, 2, 8).lock.read_text()
        with part_lock(Part(tmp_path, 2, 8)):
            pass


def test_the_lock_is_released_on_an_error(tmp_path: Path) -> None:
    part = Part(tmp_path, 0, 1)
    with pytest.raises(ValueError, match="inside"), part_lock(part):
        raise ValueError("inside")
    with part_lock(part):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"out.*cannot be written"), part_lock(Part(tmp_path / "out", 0, 1)):
        pass
