"""Reports over HTTP on this machine alone: rendered anew as their folders change.

A page is handed out as it would be written to a file, and asks for news every two seconds. Only 127.0.0.1 is listened
on; a request whose Host is not this machine's name is refused (a page elsewhere could reach a local port under its own
name, by DNS rebinding), and what can be asked for is what was found, never a path.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from synthcpt.errors import UserError
from synthcpt.reporting.finding import Found, find_runs, stamp_of
from synthcpt.reporting.page import Section, escape, note, page, served
from synthcpt.reporting.runs_page import runs_page
from synthcpt.reporting.write import is_finished, render

_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORT = re.compile(r":[0-9]{1,5}\Z")
_LEAST_S, _RENDER_SHARE = 1.5, 4.0
"""A page is rendered again after the longer of this and so many times what rendering it took."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class _Rendered:
    html: str
    digest: str
    state: str
    stamp: object
    at_s: float
    took_s: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pages:
    """The pages of a folder: its own where it holds a run, else a list of the runs in it.

    Args:
        root: what to show.
        clock: tells the time in seconds.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._made: dict[str, _Rendered] = {}
        self._lock = threading.Lock()

    def get(self, path: str) -> _Rendered | None:
        """The page at a path of the site, as fresh as is reasonable; None where there is none."""
        with self._lock:
            folder = self._folder(path)
            if folder is None:
                return None
            before, now = self._made.get(path), self._clock()
            if before and now - before.at_s < max(_LEAST_S, _RENDER_SHARE * before.took_s):
                return before
            runs = find_runs(self.root) if folder.kind is None else []
            stamp: object = [(one.name, stamp_of(one.path)) for one in runs] if runs else stamp_of(folder.path)
            if before and before.stamp == stamp:
                return before
            html = self._render(folder, runs)
            digest = hashlib.blake2b(html.encode(), digest_size=12).hexdigest()
            state = "finished" if folder.kind and is_finished(folder.path) else ""
            self._made[path] = _Rendered(served(html, digest, state), digest, state, stamp, now, self._clock() - now)
            return self._made[path]

    def _folder(self, path: str) -> Found | None:
        itself = next((one for one in find_runs(self.root) if one.path == self.root), None)
        if path == "/":
            return itself or Found("", self.root, None)
        if itself is not None:
            return None
        return next((one for one in find_runs(self.root) if f"/{quote(one.name)}" == quote(unquote(path))), None)

    def _render(self, folder: Found, runs: list[Found]) -> str:
        if folder.kind is None:
            return runs_page(self.root, runs)
        try:
            return render(folder.path)
        except (UserError, OSError) as error:  # a file half written now is whole at the next look
            said = error if isinstance(error, UserError) else f"{folder.path} cannot be read: {error.strerror}."
            return page(folder.path.name, folder.kind, "", [Section("problem", "Problem", note(escape(said), "bad"))])


def make_server(root: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of a folder's pages on 127.0.0.1, not yet running.

    Args:
        root: a run's folder, or one that holds runs.
        port: 0 for any free one.

    Raises:
        UserError: there is no such folder, or the port is taken.
    """
    if not root.is_dir():
        raise UserError(f"There is no folder {root} to show.")
    pages = Pages(root)

    class Handler(_Handler):
        site = pages

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise UserError(f"Port {port} cannot be used: {error.strerror}. Give another with --port.") from error


class _Handler(BaseHTTPRequestHandler):
    site: Pages
    server_version, sys_version = "synthcpt", ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page, or with ``?news=DIGEST`` only if it is another than that."""
        if not self._is_local():
            return self._answer(HTTPStatus.FORBIDDEN, "This server answers to localhost and 127.0.0.1 only.")
        asked = urlsplit(self.path)
        found = self.site.get(asked.path)
        if found is None:
            return self._answer(HTTPStatus.NOT_FOUND, "There is no such page. The runs are listed at /")
        news = parse_qs(asked.query).get("news")
        if news and news[0] == found.digest:
            return self._answer(HTTPStatus.NO_CONTENT, "", found.state)
        return self._answer(HTTPStatus.OK, found.html, found.state, "text/html")

    def do_HEAD(self) -> None:
        """As GET, without the page."""
        self.do_GET()

    def _is_local(self) -> bool:
        name = _PORT.sub("", self.headers.get("Host", ""))
        return name.lower() in _HOSTS

    def _answer(self, status: HTTPStatus, text: str, state: str = "", kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("X-Run-State", state)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != HTTPStatus.NO_CONTENT:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a poll every two seconds is no news."""
