"""SQLite as the journal uses it: writes in groups, and errors of ours wherever a full disk or a damaged file shows.

Writes join an open transaction, which `Database.commit` ends. Moving the write-ahead log into the file, the only step
that waits for the disk, is done on a thread of its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Any, Self

from synthcpt.errors import UserError

_WAL_SOFT_BYTES, _WAL_HARD_BYTES = 16_000_000, 128_000_000
"""Sizes of the write-ahead log from which a thread, or the writer itself, moves it into the file."""


class Database(sqlite3.Connection):
    """A connection in WAL mode, which any thread may use, one at a time.

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
        self.writing = False
        # After a failed write, what this transaction held is lost, and nothing that builds on it may be written.
        self._broken: UserError | None = None
        self._checkpoint: threading.Thread | None = None

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run one statement."""
        return self.cursor(_Cursor).execute(statement, values)

    def use_wal(self) -> None:
        """Set the file up for group commits that survive the process."""
        for statement in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0"):
            self.execute(f"PRAGMA {statement}")

    def write(self, statement: str, values: tuple[Any, ...]) -> None:
        """Change something, within the open transaction or a new one."""
        if self._broken is not None:
            raise self._broken
        try:
            if not self.writing:
                self.execute("BEGIN")
                self.writing = True
            self.execute(statement, values)
        except UserError as error:
            self._broken = error
            raise

    def commit(self) -> None:
        """Make everything so far survive the process; milliseconds, no wait for the disk."""
        if self._broken is not None:
            raise self._broken
        if self.writing:
            try:
                self.execute("COMMIT")
            except UserError as error:
                self._broken = error
                raise
            self.writing = False
            self._checkpoint_if_large()

    def rollback(self) -> None:
        """Forget what was written since the last commit."""
        if self.writing:
            if self.in_transaction:  # a full disk ends the transaction by itself
                self.execute("ROLLBACK")
            self.writing = False

    def close(self) -> None:
        """Commit and close, or only close where a write has failed; safe to call twice."""
        try:
            if self._broken is None:
                self.commit()
        finally:
            self.writing = False
            if self._checkpoint is not None:
                self._checkpoint.join()
            super().close()

    def _checkpoint_if_large(self) -> None:
        if self._checkpoint is not None and self._checkpoint.is_alive():
            return
        wal = self.path.with_name(self.path.name + "-wal")
        wal_bytes = wal.stat().st_size if wal.exists() else 0
        if wal_bytes < _WAL_SOFT_BYTES:
            return
        if wal_bytes > _WAL_HARD_BYTES:
            # The writer outruns the thread, so the log never empties; most of it is copied already.
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        self._checkpoint = threading.Thread(target=_move_log, args=(self.path,), daemon=True)
        self._checkpoint.start()


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


def _move_log(path: Path) -> None:
    """Copy the write-ahead log into the file; a failure loses nothing, and one that lasts meets the writer itself."""
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")


def explained(path: Path, error: sqlite3.DatabaseError) -> UserError:
    """What SQLite says of a file, as our error; a mistake of the program's own is raised as it is."""
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)):
        raise error
    if isinstance(error, sqlite3.OperationalError):
        return UserError(f"{path} cannot be read or written ({error}): is the disk full or write-protected?")
    return UserError(f"{path} is damaged or no journal ({error}). Move it away to start this part again.")
