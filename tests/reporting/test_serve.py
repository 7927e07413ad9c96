"""Pages over HTTP: on this machine only, nothing but what was found, and following a run under way."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from chromium import Tab
from journalled_runs import begin_run, fill, finish_run, journal_of, text

from synthcpt.errors import UserError
from synthcpt.reporting.finding import find_runs, stamp_of
from synthcpt.reporting.serve import Pages, make_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """A server of a folder with a run, a nested one, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "outputs"
    begin_run(root / "books")
    begin_run(root / "more" / "a run & <b>")
    (root / "no run").mkdir()
    with make_server(root) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(
    server: ThreadingHTTPServer, path: str, method: str = "GET", host: str | None = None
) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_address[1]}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.headers)


def test_it_listens_on_this_machine_alone(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_the_list_leads_to_every_run(server: ThreadingHTTPServer) -> None:
    status, body, _ = ask(server, "/")
    assert status == 200
    assert "href='/books'" in body
    assert "href='/more/a%20run%20%26%20%3Cb%3E'" in body
    assert "no run" not in body
    assert ask(server, "/books")[0] == 200
    assert "a run &amp; &lt;b&gt;" in ask(server, "/more/a%20run%20%26%20%3Cb%3E")[1]


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/books/../../secret.txt", "/books/run.yaml",
     "/books/..%2f..%2fsecret.txt",     "//etc/passwd", "/books/", "/no%20run", "/more", "/books%00", "/%ff"],
)  # fmt: skip
def test_only_what_was_found_can_be_asked_for(server: ThreadingHTTPServer, path: str) -> None:
    status, body, _ = ask(server, path)
    assert status == 404
    assert "secret" not in body


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:9", 200), ("127.0.0.1", 200), ("LOCALHOST", 200), ("[::1]:80", 200), ("evil.example", 403),
     ("127.0.0.1.evil.example", 403),
     ("localhost.evil.example:80", 403), ("[::1].evil.example", 403), ("0.0.0.0", 403)],
)  # fmt: skip
def test_a_page_elsewhere_cannot_reach_it_under_its_own_name(
    server: ThreadingHTTPServer, host: str, status: int
) -> None:
    assert ask(server, "/books", host=host)[0] == status


def test_headers_keep_other_pages_out(server: ThreadingHTTPServer) -> None:
    _, body, headers = ask(server, "/books")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "connect-src 'self'" in body
    assert ask(server, "/books", "POST")[0] == 501
    assert ask(server, "/books", "HEAD")[1] == ""


def test_news_come_only_when_there_are_some(server: ThreadingHTTPServer) -> None:
    body = ask(server, "/books")[1]
    digest = body.partition('data-live="')[2].partition('"')[0]
    assert ask(server, f"/books?news={digest}")[:2] == (204, "")
    assert ask(server, "/books?news=other")[0] == 200


def test_a_page_is_rendered_again_when_its_folder_changes_and_not_before(tmp_path: Path) -> None:
    clock = [0.0]
    folder = begin_run(tmp_path / "run")
    pages = Pages(folder, lambda: clock[0])
    first = pages.get("/")
    clock[0] = 100.0
    assert pages.get("/") is first
    journal = journal_of(folder)
    fill(journal, {"one": "x" * 100}, [text("one", "a", "a text")])
    second = pages.get("/")
    assert second is not None
    assert first is not None
    assert second.digest != first.digest
    fill(journal, {}, [text("one", "b", "another text", 2)])
    clock[0] = 100.5
    assert pages.get("/") is second  # too soon after the last
    clock[0] = 200.0
    assert pages.get("/") is not second
    journal.close()
    assert second.state == ""
    finish_run(folder)
    clock[0] = 300.0
    assert getattr(pages.get("/"), "state", None) == "finished"


def test_a_damaged_run_has_a_page_that_says_so(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "outputs" / "books" / "run.yaml").write_text("nothing")
    status, body, _ = ask(server, "/books")
    assert status == 200
    assert "does not hold a run" in body


def test_a_folder_or_port_that_cannot_be_served_is_said(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    with pytest.raises(UserError, match="no folder"):
        make_server(tmp_path / "nowhere")
    with pytest.raises(UserError, match="--port"):
        make_server(tmp_path, server.server_address[1])


def test_runs_inside_runs_are_left_to_their_pages(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "experiment.yaml").touch()
    begin_run(tmp_path / "e" / "stages" / "generate-1")
    begin_run(tmp_path / "z")
    assert [(one.name, one.kind) for one in find_runs(tmp_path)] == [("e", "experiment"), ("z", "generation")]
    (tmp_path / "z" / "report.html").write_text("x")
    before = stamp_of(tmp_path / "z")
    (tmp_path / "z" / "report.html").write_text("a report is no news of its run")
    assert stamp_of(tmp_path / "z")[1:] == before[1:]


def test_a_live_run_is_followed_without_losing_the_readers_place(tab: Tab, tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "outputs" / "run")
    journal = journal_of(folder)
    rows = [text("one", f"t{n}", f"text number {n}", n) for n in range(50)]
    fill(journal, {"one": "Source. " * 50}, rows, answers=[(0, "p", 10, 0, 10), (5, "p", 10, 0, 10)], done=False)
    with make_server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        tab.open(f"http://127.0.0.1:{server.server_address[1]}/", width=800)
        tab.press("/")
        tab.type("number 4")
        tab.until("document.querySelectorAll('.row').length > 5")
        tab.run("document.activeElement.blur()")
        tab.press("j")
        reading = tab.run("document.querySelector('#browser-head .id').innerText")
        tab.run("document.querySelector('#configuration details').open = true")
        tab.run("document.getElementById('calls').scrollIntoView({behavior: 'instant'})")
        place = tab.run("document.getElementById('calls').getBoundingClientRect().top")
        tab.run("window.same = true")
        more = [text("one", f"u{n}", f"number 4 anew {n}", 100 + n) for n in range(30)]
        fill(journal, {"two": "Another. " * 30}, more, answers=[(9, "q", 10, 0, 500)], done=False)
        calls = "[...document.querySelectorAll('#calls tbody tr')].length"
        tab.until(f"{calls} === 2")
        assert tab.run("window.same")  # the page was not loaded anew
        assert "80" in tab.run("document.querySelector('.facts').innerText")
        assert tab.run("document.querySelector('#browser-head .id').innerText") == reading
        assert tab.run("document.getElementById('browser-query').value") == "number 4"
        assert "of 80" in tab.run("document.getElementById('browser-found').innerText")
        assert tab.run("document.querySelector('#configuration details').open")
        assert abs(tab.run("document.getElementById('calls').getBoundingClientRect().top") - place) < 2
        assert tab.run("document.getElementById('live').className") == "on"
        assert tab.complaints == []
        tab.run("document.hidden")
        journal.close()
        server.shutdown()
        thread.join()
    tab.open("about:blank")
