"""A run to be killed: the mock backend, writing down every request that reaches it. Run as a script.

python killable.py OUTPUT DOCUMENTS LOG [SETTINGS as JSON]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from corpora import run_with

from synthcpt.backends.mock import MockBackend
from synthcpt.records import Completion, Request


class Logging(MockBackend):
    """Appends each request's key to a file before it is answered."""

    def __init__(self, options: MockBackend.Options, log: Path) -> None:
        super().__init__(options)
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def complete(self, request: Request) -> Completion:
        os.write(self._log, (request.key(self.model) + "\n").encode())
        return await super().complete(request)


def main() -> None:
    output, documents, log, settings = (*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else "{}")
    backend = Logging(MockBackend.Options(entities=8, latency_s=0.012, words=60), Path(log))
    asyncio.run(run_with(backend, Path(output), Path(documents), concurrency=16, **json.loads(settings)))


if __name__ == "__main__":
    main()
