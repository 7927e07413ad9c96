"""What SQLite says of a damaged file, a full disk or a misuse."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from synthcpt.engine.database import Database
from synthcpt.errors import UserError


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file whose first rows can be read and whose last cannot."""
    path = tmp_path / "some.sqlite"
    database = Database(path)
    database.execute("CREATE TABLE things (text TEXT)")
    for _ in range(500):
        database.execute("INSERT INTO things VALUES (?)", ("x" * 400,))
    database.close()
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 20 * 4096))
    return path


def test_damage_that_shows_on_the_way_through_the_rows_is_a_clear_error(damaged: Path) -> None:
    database = Database(damaged)
    rows = iter(database.execute("SELECT text FROM things"))
    assert next(rows) == ("x" * 400,)
    with pytest.raises(UserError, match=r"some\.sqlite is damaged.*Move it away"):
        list(rows)
    with pytest.raises(UserError, match="damaged"):
        database.execute("SELECT text FROM things").fetchall()
    with pytest.raises(UserError, match="damaged"):
        database.execute("SELECT sum(length(text)) FROM things").fetchone()
    database.close()


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    Database(tmp_path / "some.sqlite").close()
    database = Database(tmp_path / "some.sqlite")
    database.execute("PRAGMA query_only = 1")
    with pytest.raises(UserError, match=r"some\.sqlite cannot be read or written.*write-protected"):
        database.execute("CREATE TABLE things (text TEXT)")
    database.close()


def test_a_mistake_of_the_program_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "some.sqlite")
    database.execute("CREATE TABLE things (text TEXT UNIQUE)")
    database.execute("INSERT INTO things VALUES ('a')")
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO things VALUES ('a')")
    with pytest.raises(sqlite3.ProgrammingError):
        database.execute("INSERT INTO things VALUES (?)", ("a", "b"))
    database.close()
    with pytest.raises(sqlite3.ProgrammingError):
        database.execute("SELECT 1")
