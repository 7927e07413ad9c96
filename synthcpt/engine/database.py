"""SQLite as the journal uses it: a full disk and a damaged file are errors of ours wherever they show."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Self

from synthcpt.errors import UserError


class Database(sqlite3.Connection):
    """A connection in autocommit mode, which any thread may use, one at a time.

    Its ``execute`` and the reading of rows raise UserError where the file is damaged or cannot be read or written.

    Args:
        path: the file; made when absent, with its folder.

    Raises:
        UserError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, isolation_level=None, check_same_thread=False)
        except OSError as error:
            raise UserError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
        except sqlite3.DatabaseError as error:
            raise explained(path, error) from error

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run one statement."""
        return self.cursor(_Cursor).execute(statement, values)


class _Cursor(sqlite3.Cursor):
    """Damage in the middle of a file shows only when a row of it is read."""

    connection: Database

    def execute(self, statement: str, values: Any = (), /) -> Self:
        try:
            super().execute(statement, values)
        except sqlite3.DatabaseError as error:
            raise explained(self.connection.path, error) from error
        return self

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            raise explained(self.connection.path, error) from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            raise explained(self.connection.path, error) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.DatabaseError as error:
            raise explained(self.connection.path, error) from error


def explained(path: Path, error: sqlite3.DatabaseError) -> UserError:
    """What SQLite says of a file, as our error; a mistake of the program's own is raised as it is."""
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)):
        raise error
    if isinstance(error, sqlite3.OperationalError):
        return UserError(f"{path} cannot be read or written ({error}): is the disk full or write-protected?")
    return UserError(f"{path} is damaged or no journal ({error}). Move it away to start this part again.")
