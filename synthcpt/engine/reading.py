"""A part's journal as a reader sees it: opened read-only, so that a run under way is not disturbed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from synthcpt.engine.database import explained
from synthcpt.errors import UserError


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """A document and what was made of it so far.

    Attributes:
        number: its row in the journal.
        id, title: as in the corpus.
        source_tokens: about how many tokens its text has.
        done: it is finished.
        rows, row_tokens, rejected, failed: texts kept, their tokens, texts dropped, requests given up.
    """

    number: int
    id: str
    title: str
    source_tokens: int
    done: bool
    rows: int
    row_tokens: int
    rejected: int
    failed: int


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Answers to one prompt within a stretch of time.

    Attributes:
        prompt: its name.
        at_s: when the first of them came, in seconds since 1970.
        answers, attempts: how many, and how often they were asked for in all.
        prompt_tokens, cached_tokens, completion_tokens: their sums.
        cut: answers that ended at their token limit.
    """

    prompt: str
    at_s: float
    answers: int
    attempts: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cut: int


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row is, and how large: what a sample is drawn from."""

    document: int
    ordinal: int
    kept: bool
    payload_bytes: int


class JournalReader:
    """A journal's counts, rows and sources, as of its last commit.

    Args:
        path: the SQLite file.

    Raises:
        UserError: from here or from any method: it is not there, is damaged, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Without a log nobody has the file open, and without a lock file none is left behind in the run's folder.
        idle = not path.with_name(path.name + "-wal").exists()
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if idle else ''}", uri=True, check_same_thread=False
            )
        except sqlite3.DatabaseError as error:
            raise explained(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def documents(self) -> list[DocumentCounts]:
        """All documents of the part, in the order of their places."""
        rows = self._all(
            "SELECT d.number, d.id, d.title, d.source_tokens, d.done IS NOT NULL, coalesce(r.kept, 0), "
            "coalesce(r.tokens, 0), coalesce(r.dropped, 0), coalesce(f.failed, 0) FROM documents d LEFT JOIN "
            "(SELECT document, sum(kind = 'data') kept, sum(tokens) tokens, sum(kind = 'rejected') dropped FROM rows "
            "GROUP BY document) r ON r.document = d.number LEFT JOIN (SELECT document, count(*) failed FROM failures "
            "GROUP BY document) f ON f.document = d.number ORDER BY d.place"
        )
        return [
            DocumentCounts(number, id_, title, tokens, bool(done), kept, kept_tokens, dropped, failed)
            for number, id_, title, tokens, done, kept, kept_tokens, dropped, failed in rows
        ]

    def answers(self, width_s: float) -> list[AnswerCounts]:
        """The answers by prompt and stretch of time, in the order of time.

        Args:
            width_s: how long a stretch is, in seconds.
        """
        rows = self._all(
            "SELECT prompt, min(answered_at), count(*), sum(attempts), sum(prompt_tokens), sum(cached_tokens), "
            "sum(completion_tokens), sum(finish_reason = 'length') FROM answers "
            "GROUP BY prompt, CAST(answered_at / ? AS INTEGER) ORDER BY 2, 1",
            (width_s,),
        )
        return [AnswerCounts(*row) for row in rows]

    def answered_between(self) -> tuple[float, float] | None:
        """When the first and the last answer came, in seconds since 1970; None where there is none yet."""
        ends = [self._all(f"SELECT answered_at FROM answers ORDER BY rowid {way} LIMIT 1") for way in ("ASC", "DESC")]
        return (ends[0][0][0], ends[1][0][0]) if ends[0] and ends[1] else None

    def row_sizes(self) -> dict[int, int]:
        """Tokens a kept text -> how many texts have them."""
        return dict(self._all("SELECT tokens, count(*) FROM rows WHERE kind = 'data' GROUP BY tokens"))

    def left_out(self) -> list[tuple[str, str, str, int]]:
        """What was left out: (``text``, ``request`` or ``document``; the prompt or empty; the reason; how many)."""
        return self._all(
            "SELECT 'text', '', reason, count(*) FROM rows WHERE kind = 'rejected' GROUP BY reason UNION ALL "
            "SELECT scope, prompt, reason, count(*) FROM failures GROUP BY scope, prompt, reason"
        )

    def places(self) -> Iterator[RowPlace]:
        """Every row, kept or dropped, without its text."""
        for document, ordinal, kind, size in self._each(
            "SELECT document, ordinal, kind, length(payload) FROM rows ORDER BY document, ordinal"
        ):
            yield RowPlace(document, ordinal, kind == "data", size)

    def rows(self, places: Sequence[RowPlace]) -> Iterator[tuple[RowPlace, dict[str, Any]]]:
        """The rows at these places, whole; one that is written anew meanwhile is left out."""
        for place in places:
            found = self._all(
                "SELECT payload FROM rows WHERE document = ? AND ordinal = ?", (place.document, place.ordinal)
            )
            if found:
                yield place, orjson.loads(found[0][0])

    def rows_of(self, document: int) -> Iterator[dict[str, Any]]:
        """The kept rows of a document, in order."""
        for (payload,) in self._each(
            "SELECT payload FROM rows WHERE document = ? AND kind = 'data' ORDER BY ordinal", (document,)
        ):
            yield orjson.loads(payload)

    def text(self, document: int) -> str:
        """A source document's text."""
        found = self._all("SELECT text FROM documents WHERE number = ?", (document,))
        return str(found[0][0]) if found else ""

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return list(self._each(statement, values))

    def _each(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        try:
            with closing(self._db.execute(statement, values)) as cursor:
                yield from cursor
        except sqlite3.OperationalError as error:
            if not self.path.exists():
                raise UserError(f"The journal {self.path} is not here.") from error
            raise explained(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise explained(self.path, error) from error
