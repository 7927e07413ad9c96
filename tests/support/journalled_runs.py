"""Runs on disk made by hand: what a journal holds is given, and nothing is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from synthcpt.engine.journal import Journal
from synthcpt.engine.parts import Part
from synthcpt.generation.run import Run, part_goal
from synthcpt.generation.shards import write_part
from synthcpt.records import Completion, Document, Message, Rejection, Request, SyntheticDocument

STARTED_S = 1_750_000_000.0

SETTINGS: dict[str, Any] = {
    "synthcpt": "0.1.0", "method": "rephrase", "method_version": 1, "options": {}, "backend": "openai",
    "model": "some-model", "backend_options": {}, "base_url": "http://localhost:8000/v1", "sampling": {},
    "truncation": "retry", "prompts": {}, "seed": 0, "input": ["books"], "target_tokens": None, "prices": None,
    "parts": 1, "corpus": {"documents": 1, "source_tokens": 100, "digest": "00"}, "tokens_per_source_token": None,
}  # fmt: skip


def begin_run(folder: Path, **settings: Any) -> Path:
    """A folder with settings and an empty journal."""
    (folder / "journal").mkdir(parents=True)
    (folder / "run.yaml").write_text(yaml.safe_dump({**SETTINGS, **settings}), encoding="utf-8")
    journal_of(folder).close()
    return folder


def journal_of(folder: Path) -> Journal:
    """The run's only journal, open for writing."""
    return Journal(Part(folder, 0, 1).journal)


def text(source: str, name: str, body: str, ordinal: int = 1, **fields: Any) -> SyntheticDocument:
    """A text as a method would make it."""
    given: dict[str, Any] = {"method": "rephrase", "source_ids": (source,), "tokens": len(body) // 4, **fields}
    return SyntheticDocument(f"{source}/rephrase/{name}", ordinal, body, **given)


def dropped(source: str, name: str, body: str, reason: str, ordinal: int = 9, **fields: Any) -> Rejection:
    """A text that a gate kept out."""
    return Rejection(f"{source}/rephrase/{name}", ordinal, body, "rephrase", (source,), reason, **fields)


def fill(
    journal: Journal, documents: Mapping[str, str], rows: Sequence[SyntheticDocument | Rejection],
    *, answers: Sequence[tuple[float, str, int, int, int]] = (), done: bool = True,
) -> None:  # fmt: skip
    """Put documents (id -> text), rows and answers (seconds after the start, prompt, tokens in, cached, out) in."""
    for id_, body in documents.items():
        journal.add_document(Document(id_, body, id_.title()), max(1, len(body) // 4))
    numbers = {one.document.id: one.number for one in journal.documents()}
    for row in rows:
        journal.put_row(numbers[row.source_ids[0]], row)
    for at_s, prompt, read, cached, new in answers:
        request = Request((Message("user", (f"{prompt} at {at_s}",)),), prompt=prompt)
        completion = Completion("an answer", "stop", read, new, cached, "some-model")
        with mock.patch("synthcpt.engine.journal.time.time", return_value=STARTED_S + at_s):
            journal.put_answer(next(iter(numbers.values())), request.key("some-model"), request, completion, 1)
    for id_ in documents if done else ():
        journal.finish_document(numbers[id_], float("inf"))
    journal.commit()


def finish_run(folder: Path) -> None:
    """Write the files of its only part, and the manifest."""
    run = Run(folder)
    journal = journal_of(folder)
    write_part(run.parts[0], journal, {"model": "some-model", "backend": "openai"}, part_goal(run.settings))
    journal.close()
    assert run.write_manifest()
