"""The journal: what was committed is there again, in order, and nothing else is."""

from __future__ import annotations

import math
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.engine.journal import Journal, StoredFailure, content_digest, place_of
from synthcpt.errors import CorpusError, UserError
from synthcpt.records import Completion, Document, Message, Rejection, Request, Sampling, SyntheticDocument

LONG = "The harbour of Skerrow was built in the winter of 1871. " * 40
REQUEST = Request((Message("system", ("Be brief.",)), Message("user", ("Of ", LONG, "Go on."))), prompt="m/p")
ANSWER = Completion("An answer.", "stop", 500, 20, cached_tokens=400, model="served-model")
KEY = REQUEST.key("m")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "part.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def add(journal: Journal, *ids: str) -> list[int]:
    """The numbers of new documents."""
    for document_id in ids:
        assert journal.add_document(Document(document_id, f"Text of {document_id}."), 10) == "new"
    numbers = {stored.document.id: stored.number for stored in journal.documents()}
    return [numbers[document_id] for document_id in ids]


def row(source: str, ordinal: int, **changes: Any) -> SyntheticDocument:
    made = SyntheticDocument(f"{source}/m/{ordinal}", ordinal, f"text {ordinal}", "m", (source,), (KEY,), tokens=7)
    return replace(made, **changes)


def rejection(source: str, ordinal: int, reason: str = "refusal") -> Rejection:
    return Rejection(f"{source}/m/{ordinal}", ordinal, "sorry", "m", (source,), reason, "detail", (KEY,))


def reopened(journal: Journal) -> Journal:
    journal.close()
    return Journal(journal.path)


# ---------------------------------------------------------------- answers


def test_an_answer_survives_reopening(journal: Journal) -> None:
    (number,) = add(journal, "a")
    journal.put_answer(number, KEY, REQUEST, ANSWER, attempts=2)
    assert journal.find(KEY) == ANSWER
    again = reopened(journal)
    assert again.find(KEY) == ANSWER
    assert again.find("00" * 16) is None
    again.close()


def test_what_was_not_committed_is_gone_after_a_kill_and_what_was_is_not(path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from synthcpt.engine.journal import Journal\nfrom synthcpt.records import *\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "request = Request((Message('user', ('q',)),))\n"
        "journal.add_document(Document('a', 'text'), 1)\n"
        "journal.put_answer(1, '11' * 16, request, Completion('one', 'stop', 1, 1), 1)\n"
        "journal.commit()\n"
        "journal.put_answer(1, '22' * 16, request, Completion('two', 'stop', 1, 1), 1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    journal = Journal(path)
    found = journal.find("11" * 16)
    assert found
    assert found.text == "one"
    assert journal.find("22" * 16) is None
    assert journal.totals()["answers"] == 1
    journal.close()


def test_what_is_rolled_back_is_gone(journal: Journal) -> None:
    (number,) = add(journal, "a")
    journal.commit()
    journal.put_answer(number, KEY, REQUEST, ANSWER, 1)
    journal.rollback()
    assert journal.find(KEY) is None
    journal.put_answer(number, KEY, REQUEST, ANSWER, 1)
    request = journal.request(KEY)
    assert request
    assert LONG in request["messages"][1]["content"], "the shared text is stored again, too"


def test_the_first_answer_to_a_request_is_kept(journal: Journal) -> None:
    (number,) = add(journal, "a")
    journal.put_answer(number, KEY, REQUEST, ANSWER, 1)
    journal.put_answer(number, KEY, REQUEST, replace(ANSWER, text="Another."), 1)
    assert journal.find(KEY) == ANSWER


@given(text=st.text(max_size=40), model=st.text(max_size=10), counts=st.tuples(*[st.integers(0, 2**40)] * 3))
@settings(deadline=None, max_examples=50)
def test_any_answer_is_found_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, model: str, counts: tuple[int, int, int]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("any") / "part.sqlite")
    answer = Completion(text, "stop", *counts, model=model)
    journal.put_answer(1, KEY, REQUEST, answer, 1)
    assert journal.find(KEY) == answer
    journal.close()


# ---------------------------------------------------------------- requests, as sent


def test_a_call_is_told_as_it_was_sent(journal: Journal) -> None:
    (number,) = add(journal, "a")
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    request = replace(REQUEST, schema=schema, sampling=Sampling(0.5, 100, stop=("\n",)), draw=2)
    key = request.key("m")
    journal.put_answer(number, key, request, ANSWER, attempts=3)
    again = reopened(journal)
    assert again.request(key) == {
        "key": key,
        "prompt": "m/p",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Of {LONG}Go on."},
        ],
        "sampling": {
            "temperature": 0.5, "max_tokens": 100, "top_p": None, "top_k": None, "min_p": None, "stop": ["\n"]
        },
        "draw": 2,
        "schema": schema,
        "answer": {
            "text": "An answer.", "finish_reason": "stop", "prompt_tokens": 500, "completion_tokens": 20,
            "cached_tokens": 400, "model": "served-model", "attempts": 3,
        },
    }  # fmt: skip
    assert again.request("00" * 16) is None
    again.close()


def test_a_text_that_many_calls_share_is_stored_once(path: Path) -> None:
    journal = Journal(path)
    document = LONG * 10
    for i in range(50):
        said = Message("user", ("# Title\n\n", document, f"Write about {i}. " * 40))
        request = Request((said,))
        journal.put_answer(1, request.key("m"), request, ANSWER, 1)
        stored = journal.request(request.key("m"))
        assert stored
        assert stored["messages"][0]["content"] == said.text
    journal.close()
    assert path.stat().st_size < 20 * len(document)


def test_a_text_that_looks_like_a_reference_is_text(journal: Journal) -> None:
    said = '{"ref": "00"}'
    request = Request((Message("user", (said, LONG, LONG, said)),))
    journal.put_answer(1, KEY, request, ANSWER, 1)
    stored = journal.request(KEY)
    assert stored
    assert stored["messages"][0]["content"] == said + LONG + LONG + said


# ---------------------------------------------------------------- documents


def test_documents_come_in_the_order_of_their_places_whatever_order_they_came_in(tmp_path: Path) -> None:
    ids = [f"doc-{i}" for i in range(200)]
    for name, order in (("one", ids), ("two", ids[::-1])):
        journal = Journal(tmp_path / name)
        add(journal, *order)
        assert [stored.document.id for stored in journal.documents()] == sorted(ids, key=place_of)
        journal.close()


def test_a_document_is_held_as_it_was_read(journal: Journal) -> None:
    document = Document("a/b", "Text\nwith é and 漢.", "A “title”", {"n": 1, "deep": [None, {"x": 1.5}]})
    assert journal.add_document(document, 9) == "new"
    again = reopened(journal)
    (stored,) = again.documents()
    assert (stored.document, stored.source_tokens, stored.done) == (document, 9, None)
    assert again.source("a/b") == document
    assert again.source("b") is None
    again.close()


def test_a_document_that_is_there_is_the_same_or_changed(journal: Journal) -> None:
    document = Document("a", "Text", "Title", {"x": 1, "y": 2})
    journal.add_document(document, 1)
    assert journal.add_document(replace(document, meta={"y": 2, "x": 1}), 1) == "same"
    changes: list[dict[str, Any]] = [{"text": "Other"}, {"title": "Other"}, {"meta": {}}]
    for change in changes:
        changed = replace(document, **change)
        assert journal.add_document(changed, 1) == "changed"
        assert content_digest(changed) != content_digest(document)
    assert journal.source("a") == document
    assert journal.count_documents() == 1


def test_text_that_is_no_unicode_is_a_corpus_error_that_names_the_document(journal: Journal) -> None:
    for document in (
        Document("bad-doc", "a\ud800"),
        Document("bad-doc\ud800", "a"),
        Document("bad-doc", "a", meta={"x": {1}}),
    ):
        with pytest.raises(CorpusError, match="bad-doc"):
            journal.add_document(document, 1)
    assert journal.count_documents() == 0


def test_documents_finished_for_as_much_or_more_are_left_out(journal: Journal) -> None:
    first, second = add(journal, "a", "b")
    journal.finish_document(first, 2.5)
    assert journal.is_done("a")
    assert not journal.is_done("b")
    assert not journal.is_done("none")
    for no_more in (2.5, 1.0):
        assert [stored.number for stored in journal.documents(unfinished_for=no_more)] == [second]
        assert journal.count_documents(done_for=no_more) == 1
    for more in (2.6, math.inf):
        assert {stored.number for stored in journal.documents(unfinished_for=more)} == {first, second}
        assert journal.count_documents(done_for=more) == 0
    journal.finish_document(first, math.inf)
    assert journal.count_documents(done_for=math.inf) == 1


def test_documents_may_be_finished_while_they_are_walked_through(journal: Journal) -> None:
    numbers = set(add(journal, *(f"doc-{i}" for i in range(150))))
    walked = []
    for stored in journal.documents(unfinished_for=1.0):
        journal.finish_document(stored.number, 1.0)
        walked.append(stored.number)
    assert len(walked) == 150
    assert set(walked) == numbers


# ---------------------------------------------------------------- rows and failures


def test_rows_come_by_document_place_and_ordinal(journal: Journal) -> None:
    ids = [f"doc-{i}" for i in range(20)]
    for document_id, number in zip(ids, add(journal, *ids), strict=True):
        for ordinal in (10, 2, 1_000_000_000_000):
            journal.put_row(number, row(document_id, ordinal))
        journal.put_row(number, rejection(document_id, 3))
    by_place = sorted(ids, key=place_of)
    assert [made["id"] for made in journal.rows("data")] == [
        f"{document_id}/m/{ordinal}" for document_id in by_place for ordinal in (2, 10, 1_000_000_000_000)
    ]
    assert [made["id"] for made in journal.rows("rejected")] == [f"{document_id}/m/3" for document_id in by_place]
    assert [made["ordinal"] for made in journal.rows_of("doc-7", "data")] == [2, 10, 1_000_000_000_000]
    assert list(journal.rows_of("none", "data")) == []


def test_a_row_holds_all_of_its_record(journal: Journal) -> None:
    (number,) = add(journal, "a")
    made = row("a", 1, spans=((0, 4), (6, 9)), meta={"step": "pair", "x": [1]})
    journal.put_row(number, made)
    assert list(journal.rows("data")) == [orjson.loads(orjson.dumps(made))]


def test_a_second_row_of_an_ordinal_replaces_the_first(journal: Journal) -> None:
    (number,) = add(journal, "a")
    journal.put_row(number, row("a", 1))
    journal.put_row(number, rejection("a", 1))
    assert list(journal.rows("data")) == []
    assert len(list(journal.rows("rejected"))) == 1


def test_beginning_a_document_again_forgets_its_rows_and_what_may_pass_but_no_answer(journal: Journal) -> None:
    first, second = add(journal, "a", "b")
    for number, name in ((first, "a"), (second, "b")):
        journal.put_row(number, row(name, 1))
        journal.put_failure(number, "request", "timeout", "slow", key="11" * 16, transient=True)
        journal.put_failure(number, "request", "prompt_too_long", "long", key="22" * 16)
        journal.put_failure(number, "document", "no_entities", "none")
    journal.put_answer(first, KEY, REQUEST, ANSWER, 1)
    journal.begin_document(first)
    assert journal.find(KEY) == ANSWER
    assert [made["source_ids"] for made in journal.rows("data")] == [["b"]]
    failures = [(failure["document"], failure["reason"]) for failure in journal.failures()]
    assert sorted(failures) == [
        ("a", "prompt_too_long"),
        ("b", "no_entities"),
        ("b", "prompt_too_long"),
        ("b", "timeout"),
    ]


def test_a_failure_is_found_again_by_document_and_key(journal: Journal) -> None:
    first, second = add(journal, "a", "b")
    assert journal.find_failure(first, KEY) is None
    journal.put_failure(first, "request", "refused", "by the server \ud800", key=KEY, request=REQUEST, attempts=4)
    again = reopened(journal)
    assert again.find_failure(first, KEY) == StoredFailure("refused", "by the server ?", False)
    assert again.find_failure(second, KEY) is None
    assert again.find_failure(first, "00" * 16) is None
    (told,) = again.failures()
    assert told == {
        "document": "a", "scope": "request", "prompt": "m/p", "reason": "refused", "detail": "by the server ?",
        "transient": False, "attempts": 4, "key": KEY,
    }  # fmt: skip
    again.close()


def test_passing_failures_can_be_forgotten_which_reopens_their_documents(journal: Journal) -> None:
    first, second, third = add(journal, "a", "b", "c")
    for number in (first, second, third):
        journal.finish_document(number, 1.0)
    journal.put_failure(first, "request", "timeout", "", key="11" * 16, transient=True)
    journal.put_failure(first, "request", "timeout", "", key="22" * 16, transient=True)
    journal.put_failure(second, "request", "rejected", "", key="11" * 16)
    assert journal.forget_transient_failures() == 1
    assert [journal.is_done(name) for name in ("a", "b", "c")] == [False, True, True]
    assert [failure["document"] for failure in journal.failures()] == ["b"]
    assert journal.forget_transient_failures() == 0


# ---------------------------------------------------------------- counts


def test_totals_of_an_empty_journal(journal: Journal) -> None:
    assert journal.totals() == {
        "documents": 0, "source_tokens": 0, "answers": 0, "prompt_tokens": 0, "cached_tokens": 0,
        "completion_tokens": 0, "rows": 0, "row_tokens": 0, "rejected": {}, "failed_requests": {},
        "failed_documents": {},
    }  # fmt: skip
    assert journal.answers_by_prompt() == {}


def test_totals_add_up(journal: Journal) -> None:
    first, second = add(journal, "a", "b")
    for i, number in enumerate((first, first, second)):
        request = replace(REQUEST, draw=i, prompt=f"m/p{i % 2}")
        journal.put_answer(number, request.key("m"), request, ANSWER, 1)
    journal.put_row(first, row("a", 1))
    journal.put_row(first, rejection("a", 2))
    journal.put_row(first, rejection("a", 3, "copied"))
    journal.put_row(second, row("b", 1, tokens=5))
    journal.put_row(second, rejection("b", 2))
    journal.put_failure(first, "request", "timeout", "", key="11" * 16, transient=True)
    journal.put_failure(second, "document", "no_entities", "")
    journal.finish_document(first, 1.0)
    totals = {
        "documents": 2, "source_tokens": 20, "answers": 3, "prompt_tokens": 1500, "cached_tokens": 1200,
        "completion_tokens": 60, "rows": 2, "row_tokens": 12, "rejected": {"copied": 1, "refusal": 2},
        "failed_requests": {"timeout": 1}, "failed_documents": {"no_entities": 1},
    }  # fmt: skip
    assert journal.totals() == totals
    finished = {"rows": 1, "row_tokens": 7, "rejected": {"copied": 1, "refusal": 1}}
    assert journal.totals(done_for=1.0) == {**totals, **finished}
    assert journal.totals(done_for=2.0)["rows"] == 0
    assert journal.answers_by_prompt() == {"m/p0": (2, 500, 20), "m/p1": (1, 500, 20)}


# ---------------------------------------------------------------- files that are wrong


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be one " * 100, b"SQLite format 3\0" * 200]
)
def test_a_file_that_is_no_journal_is_a_clear_error(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"part\.sqlite is damaged or no journal.*Move it away"):
        Journal(path)


@pytest.mark.parametrize(
    ("whole_share", "read"),
    [
        (0.5, lambda journal: list(journal.documents())),
        (0.5, lambda journal: list(journal.rows("data"))),
        (0.97, lambda journal: list(journal.rows("data"))),
        (0.5, lambda journal: [journal.find(replace(REQUEST, draw=i).key("m")) for i in range(300)]),
        (0.5, lambda journal: [journal.add_document(Document(f"new-{i}", LONG), 1) for i in range(300)]),
    ],
)
def test_damage_in_the_middle_is_a_clear_error_wherever_it_shows(
    path: Path, read: Callable[[Journal], Any], whole_share: float
) -> None:
    journal = Journal(path)
    for i in range(300):
        journal.add_document(Document(f"doc-{i}", f"{i} {LONG}"), 1)
        journal.put_row(i + 1, row(f"doc-{i}", 1))
        request = replace(REQUEST, draw=i)
        journal.put_answer(i + 1, request.key("m"), request, ANSWER, 1)
    journal.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(size * whole_share) // 4096 * 4096)
        file.write(b"\xff" * (size - file.tell()))
    damaged = Journal(path)
    with pytest.raises(UserError, match="damaged"):
        read(damaged)
    damaged.close()


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    db.close()
    with pytest.raises(UserError, match=r"another version of synthcpt.*99"):
        Journal(path)


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        Journal(tmp_path / "file" / "part.sqlite")
    with pytest.raises(UserError, match="cannot be read or written"):
        Journal(tmp_path)


@contextmanager
def no_file_larger_than(limit_bytes: int) -> Iterator[None]:
    """As good as a full disk, for those files that grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def add_many(journal: Journal) -> None:
    for i in range(200):
        journal.add_document(Document(f"doc-{i}", LONG), 1)
        if i % 10 == 9:
            journal.commit()


def test_after_a_full_disk_nothing_is_written_that_builds_on_what_is_lost(path: Path) -> None:
    journal = Journal(path)
    with no_file_larger_than(300_000), pytest.raises(UserError, match="is the disk full"):
        add_many(journal)
    for write in (lambda: add(journal, "late"), lambda: journal.finish_document(1, 1.0), journal.commit):
        with pytest.raises(UserError, match="is the disk full"):
            write()
    journal.close()
    again = Journal(path)
    held = [stored.document.id for stored in again.documents()]
    assert 0 < len(held) < 200
    assert len(held) % 10 == 0, "whole groups"
    assert "late" not in held
    assert again.count_documents(done_for=1.0) == 0
    again.close()


def test_closing_commits_and_may_be_done_twice(path: Path) -> None:
    journal = Journal(path)
    add(journal, "a")
    journal.close()
    journal.close()
    again = Journal(path)
    assert again.count_documents() == 1
    again.close()


def test_a_large_log_is_moved_into_the_file_on_the_way(path: Path) -> None:
    journal = Journal(path)
    wal = path.with_name(path.name + "-wal")
    largest = 0
    for i in range(50):
        journal.add_document(Document(f"doc-{i}", str(i) + "x" * 1_000_000), 1)
        journal.commit()
        largest = max(largest, wal.stat().st_size)
    assert path.stat().st_size > 10_000_000, "a kill now would leave a log of moderate size to read again"
    assert largest < 150_000_000
    assert journal.count_documents() == 50
    journal.close()
    assert not wal.exists() or wal.stat().st_size == 0
