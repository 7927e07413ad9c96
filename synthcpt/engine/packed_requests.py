"""Requests in the journal: as JSON, with the long pieces that many of them share stored once."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from synthcpt.engine.database import Database
from synthcpt.records import Json, Request

_SHARED_PART_CHARS = 256
"""Pieces at least this long are stored once and referred to by hash; a request's last piece is its own."""

_REMEMBERED = 4096


class PackedRequests:
    """Packs requests for one journal and unpacks them again.

    Args:
        db: the journal's file, which has the table ``texts``.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._stored: dict[bytes, None] = {}

    def forget(self) -> None:
        """The last transaction was undone: what it stored is there no more."""
        self._stored.clear()

    def pack(self, request: Request) -> bytes:
        """A request's messages, sampling, draw and schema."""
        last = len(request.messages) - 1
        messages = [
            {
                "role": message.role,
                "parts": [
                    part if len(part) < _SHARED_PART_CHARS or (i == last and j == len(message.parts) - 1)
                    else {"ref": self._store(part)}
                    for j, part in enumerate(message.parts)
                ],
            }
            for i, message in enumerate(request.messages)
        ]  # fmt: skip
        packed: dict[str, Any] = {"messages": messages, "sampling": request.sampling, "draw": request.draw}
        if request.schema is not None:
            schema = orjson.dumps(request.schema, option=orjson.OPT_SORT_KEYS).decode()
            packed["schema"] = {"ref": self._store(schema)}
        return orjson.dumps(packed)

    def unpack(self, packed: bytes) -> dict[str, Json]:
        """The same, whole, the messages as role and content."""
        request: dict[str, Json] = orjson.loads(packed)
        for message in request["messages"]:
            message["content"] = "".join(self._load(part) for part in message.pop("parts"))
        if "schema" in request:
            request["schema"] = orjson.loads(self._load(request["schema"]))
        return request

    def _store(self, text: str) -> str:
        digest = _digest(text)
        if digest not in self._stored:
            if len(self._stored) >= _REMEMBERED:
                self._stored.clear()
            self._db.write("INSERT OR IGNORE INTO texts VALUES (?,?)", (digest, text))
            self._stored[digest] = None
        return digest.hex()

    def _load(self, part: Json) -> str:
        if isinstance(part, str):
            return part
        (text,) = self._db.execute("SELECT text FROM texts WHERE digest = ?", (bytes.fromhex(part["ref"]),)).fetchone()
        return str(text)


@lru_cache(maxsize=512)
def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
