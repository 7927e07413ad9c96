"""What a part has been told so far, on disk: one SQLite file, written in groups.

What is written joins an open transaction, which `commit` ends; the engine calls it several times a second, so a killed
process loses less than half a second of answers. Answers, rows and the marks of finished documents share one order of
transactions: whatever is on disk is a prefix of what happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import orjson

from synthcpt.engine.database import Database
from synthcpt.engine.packed_requests import PackedRequests
from synthcpt.errors import CorpusError, UserError
from synthcpt.records import Completion, Document, FinishReason, Rejection, Request, SyntheticDocument

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, place BLOB NOT NULL UNIQUE, digest BLOB NOT NULL, source_tokens INTEGER NOT NULL,
    id TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, meta TEXT NOT NULL, done REAL);
CREATE TABLE IF NOT EXISTS answers (
    key BLOB NOT NULL UNIQUE, document INTEGER NOT NULL, prompt TEXT NOT NULL, request BLOB NOT NULL,
    text TEXT NOT NULL, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, model TEXT NOT NULL,
    attempts INTEGER NOT NULL, answered_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS texts (digest BLOB PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    document INTEGER NOT NULL, scope TEXT NOT NULL, prompt TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    transient INTEGER NOT NULL, attempts INTEGER NOT NULL, key TEXT NOT NULL, request BLOB,
    PRIMARY KEY (document, scope, key));
CREATE TABLE IF NOT EXISTS rows (
    document INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
    tokens INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (document, ordinal));
"""


def place_of(document_id: str) -> bytes:
    """Where a document stands in the corpus: 16 bytes of hash of its id, the same whatever else there is."""
    return blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def content_digest(document: Document) -> bytes:
    """16 bytes of hash over all that a method can see of a document."""
    content = orjson.dumps([document.title, document.text, document.meta], option=orjson.OPT_SORT_KEYS)
    return blake2b(content, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as a part holds it.

    Attributes:
        number: its row in the journal.
        document: the document.
        source_tokens: about how many tokens its text has.
        done: the tokens a source token it was finished for, or None.
    """

    number: int
    document: Document
    source_tokens: int
    done: float | None


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """A request that was given up: why, and whether another run may try it again."""

    reason: str
    detail: str
    transient: bool


class Journal:
    """One part's durable state.

    Not for use from several threads, and opened by one process at a time (see `parts.part_lock`).

    Args:
        path: the SQLite file; made when absent.

    Raises:
        UserError: the file is no journal of this version, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path)
        try:
            self._prepare()
        except UserError:
            self._db.close()
            raise
        self._has_failures = self._db.execute("SELECT 1 FROM failures LIMIT 1").fetchone() is not None
        self._requests = PackedRequests(self._db)

    def _prepare(self) -> None:
        self._db.use_wal()
        for statement in _SCHEMA.split(";"):
            self._db.execute(statement)
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        (version,) = self._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if version != str(SCHEMA_VERSION):
            raise UserError(f"{self.path} was written by another version of synthcpt (journal format {version}).")

    def commit(self) -> None:
        """Make everything so far survive the process; milliseconds, no wait for the disk."""
        self._db.commit()

    def rollback(self) -> None:
        """Forget what was written since the last commit."""
        self._db.rollback()
        self._requests.forget()

    def close(self) -> None:
        """Commit and close, or only close where a write has failed; safe to call twice."""
        self._db.close()

    # ---------------------------------------------------------------- documents

    def add_document(self, document: Document, source_tokens: int) -> str:
        """Store a document of the part; tells ``"new"``, ``"same"`` or ``"changed"`` (then nothing is stored).

        Raises:
            CorpusError: it holds what cannot be stored, such as lone surrogates.
        """
        place = place_of(document.id)
        try:
            document.id.encode()
            digest = content_digest(document)
        except (UnicodeEncodeError, TypeError) as error:
            raise CorpusError(f"Document {document.id!r} holds what UTF-8 or JSON cannot: {error}.") from error
        known = self._db.execute("SELECT digest, id FROM documents WHERE place = ?", (place,)).fetchone()
        if known is not None:
            return "same" if known[0] == digest else "changed"
        meta = orjson.dumps(document.meta, option=orjson.OPT_SORT_KEYS).decode()
        self._db.write(
            "INSERT INTO documents (place, digest, source_tokens, id, title, text, meta) VALUES (?,?,?,?,?,?,?)",
            (place, digest, source_tokens, document.id, document.title, document.text, meta),
        )
        return "new"

    def documents(self, *, unfinished_for: float | None = None) -> Iterator[StoredDocument]:
        """The documents in the order of their places.

        Args:
            unfinished_for: leave out those that were finished for this many tokens a source token, or more.
        """
        place = b""
        while True:
            rows = self._db.execute(
                "SELECT place, number, id, title, text, meta, source_tokens, done FROM documents "
                "WHERE place > ? AND (? IS NULL OR done IS NULL OR done < ?) ORDER BY place LIMIT 64",
                (place, unfinished_for, unfinished_for),
            ).fetchall()
            for _, number, id_, title, text, meta, source_tokens, done in rows:
                yield StoredDocument(number, Document(id_, text, title, orjson.loads(meta)), source_tokens, done)
            if not rows:
                return
            place = rows[-1][0]

    def count_documents(self, *, done_for: float | None = None) -> int:
        """How many documents there are, or how many were finished for so much or more."""
        where, values = ("", ()) if done_for is None else (" WHERE done >= ?", (done_for,))
        return int(self._db.execute("SELECT count(*) FROM documents" + where, values).fetchone()[0])

    def is_done(self, document_id: str) -> bool:
        """Whether a document was finished, under whatever mark."""
        row = self._db.execute("SELECT done FROM documents WHERE place = ?", (place_of(document_id),)).fetchone()
        return row is not None and row[0] is not None

    def begin_document(self, number: int) -> None:
        """Forget the rows and failures of an earlier, unfinished pass over a document; its answers stay."""
        self._db.write("DELETE FROM rows WHERE document = ?", (number,))
        self._db.write("DELETE FROM failures WHERE document = ? AND (transient OR scope = 'document')", (number,))

    def finish_document(self, number: int, mark: float) -> None:
        """Mark a document as finished for so many tokens a source token; infinity where there is no target."""
        self._db.write("UPDATE documents SET done = ? WHERE number = ?", (mark, number))

    # ---------------------------------------------------------------- answers and failures

    def find(self, key: str) -> Completion | None:
        """The stored answer to a request, or None."""
        row = self._db.execute(
            "SELECT text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, model "
            "FROM answers WHERE key = ?",
            (bytes.fromhex(key),),
        ).fetchone()
        if row is not None:
            text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, model = row
            reason = cast(FinishReason, finish_reason)
            return Completion(text, reason, prompt_tokens, completion_tokens, cached_tokens, model)
        return None

    def find_failure(self, document: int, key: str) -> StoredFailure | None:
        """Why a document's request was given up, if it was."""
        if not self._has_failures:
            return None
        row = self._db.execute(
            "SELECT reason, detail, transient FROM failures WHERE document = ? AND scope = 'request' AND key = ?",
            (document, key),
        ).fetchone()
        return StoredFailure(row[0], row[1], bool(row[2])) if row else None

    def put_answer(self, document: int, key: str, request: Request, completion: Completion, attempts: int) -> None:
        """Store an answer."""
        self._db.write(
            "INSERT OR IGNORE INTO answers VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                bytes.fromhex(key), document, request.prompt, self._requests.pack(request),
                completion.text, completion.finish_reason, completion.prompt_tokens, completion.completion_tokens,
                completion.cached_tokens, completion.model, attempts, time.time(),
            ),
        )  # fmt: skip

    def put_failure(
        self, document: int, scope: str, reason: str, detail: str, *,
        key: str = "", request: Request | None = None, transient: bool = False, attempts: int = 0,
    ) -> None:  # fmt: skip
        """Store that a request (scope ``"request"``) or a whole document (``"document"``) was given up."""
        packed = self._requests.pack(request) if request else None
        prompt = request.prompt if request else ""
        detail = detail.encode("utf-8", "replace").decode()
        self._has_failures = True
        self._db.write(
            "INSERT OR REPLACE INTO failures VALUES (?,?,?,?,?,?,?,?,?)",
            (document, scope, prompt, reason, detail, int(transient), attempts, key, packed),
        )

    def request(self, key: str) -> dict[str, Any] | None:
        """A stored call whole: its messages as sent, sampling, schema and answer; None where there is none."""
        row = self._db.execute(
            "SELECT request, prompt, "
            "text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, model, attempts "
            "FROM answers WHERE key = ?",
            (bytes.fromhex(key),),
        ).fetchone()
        if row is None:
            return None
        names = ("text", "finish_reason", "prompt_tokens", "completion_tokens", "cached_tokens", "model", "attempts")
        answer = dict(zip(names, row[2:], strict=True))
        return {"key": key, "prompt": row[1], **self._requests.unpack(row[0]), "answer": answer}

    # ---------------------------------------------------------------- rows

    def put_row(self, document: int, row: SyntheticDocument | Rejection) -> None:
        """Stage a text for the shard, or a rejection for its file; a second row of one ordinal replaces the first."""
        if isinstance(row, SyntheticDocument):
            kind, reason, tokens = "data", "", row.tokens
        else:
            kind, reason, tokens = "rejected", row.reason, 0
        self._db.write(
            "INSERT OR REPLACE INTO rows VALUES (?,?,?,?,?,?)",
            (document, row.ordinal, kind, reason, tokens, orjson.dumps(row)),
        )

    def rows(self, kind: str) -> Iterator[dict[str, Any]]:
        """The staged rows of a kind (``"data"`` or ``"rejected"``), by document place and ordinal."""
        cursor = self._db.execute(
            "SELECT payload FROM documents JOIN rows ON rows.document = documents.number "
            "WHERE kind = ? ORDER BY place, ordinal",
            (kind,),
        )
        for (payload,) in cursor:
            yield orjson.loads(payload)

    def rows_of(self, document_id: str, kind: str) -> Iterator[dict[str, Any]]:
        """One document's staged rows of a kind."""
        cursor = self._db.execute(
            "SELECT payload FROM documents JOIN rows ON rows.document = documents.number "
            "WHERE place = ? AND kind = ? ORDER BY ordinal",
            (place_of(document_id), kind),
        )
        for (payload,) in cursor:
            yield orjson.loads(payload)

    def source(self, document_id: str) -> Document | None:
        """A source document by its id."""
        row = self._db.execute(
            "SELECT id, text, title, meta FROM documents WHERE place = ?", (place_of(document_id),)
        ).fetchone()
        return Document(row[0], row[1], row[2], orjson.loads(row[3])) if row else None

    def failures(self) -> Iterator[dict[str, Any]]:
        """The failures in the same order, each with its document's id."""
        cursor = self._db.execute(
            "SELECT id, scope, prompt, reason, detail, transient, attempts, key FROM documents "
            "JOIN failures ON failures.document = documents.number ORDER BY place, scope, key"
        )
        names = ("document", "scope", "prompt", "reason", "detail", "transient", "attempts", "key")
        for row in cursor:
            failure = dict(zip(names, row, strict=True))
            failure["transient"] = bool(failure["transient"])
            yield failure

    def forget_transient_failures(self) -> int:
        """Let requests that failed for passing reasons be asked again; tells how many documents that reopens."""
        affected = "SELECT DISTINCT document FROM failures WHERE transient"
        (count,) = self._db.execute(f"SELECT count(*) FROM ({affected})").fetchone()
        self._db.write(f"UPDATE documents SET done = NULL WHERE number IN ({affected})", ())
        self._db.write("DELETE FROM failures WHERE transient", ())
        return int(count)

    def totals(self, *, done_for: float | None = None) -> dict[str, Any]:
        """Counts over all that is stored: documents, requests, tokens, rows by kind and reason, failures by reason.

        Args:
            done_for: count the rows of documents that were finished for so much only; the others' are written
                again.
        """
        one = self._db.execute
        of_done = "" if done_for is None else " AND document IN (SELECT number FROM documents WHERE done >= ?)"
        values = () if done_for is None else (done_for,)
        answers, tokens_in, tokens_out, cached = one(
            "SELECT count(*), coalesce(sum(prompt_tokens),0), coalesce(sum(completion_tokens),0), "
            "coalesce(sum(cached_tokens),0) FROM answers"
        ).fetchone()
        rows, row_tokens = one(
            f"SELECT count(*), coalesce(sum(tokens),0) FROM rows WHERE kind = 'data'{of_done}", values
        ).fetchone()
        rejected = one(
            f"SELECT reason, count(*) FROM rows WHERE kind = 'rejected'{of_done} GROUP BY reason ORDER BY reason",
            values,
        )
        failed = one(
            "SELECT scope, reason, count(*) FROM failures GROUP BY scope, reason ORDER BY scope, reason"
        ).fetchall()
        return {
            "documents": self.count_documents(),
            "source_tokens": one("SELECT coalesce(sum(source_tokens),0) FROM documents").fetchone()[0],
            "answers": answers,
            "prompt_tokens": tokens_in,
            "cached_tokens": cached,
            "completion_tokens": tokens_out,
            "rows": rows,
            "row_tokens": row_tokens,
            "rejected": dict(rejected.fetchall()),
            "failed_requests": {reason: n for scope, reason, n in failed if scope == "request"},
            "failed_documents": {reason: n for scope, reason, n in failed if scope == "document"},
        }

    def answers_by_prompt(self) -> dict[str, tuple[int, int, int]]:
        """Prompt name -> answers, mean prompt tokens and mean completion tokens (rounded); for forecasts."""
        cursor = self._db.execute(
            "SELECT prompt, count(*), avg(prompt_tokens), avg(completion_tokens) FROM answers "
            "GROUP BY prompt ORDER BY prompt"
        )
        return {prompt: (count, round(mean_in), round(mean_out)) for prompt, count, mean_in, mean_out in cursor}
