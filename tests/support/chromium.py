"""A real headless Chromium, driven over its own protocol: a page is opened, asked, clicked and photographed.

What the page logged as an error, threw, or tried against its Content-Security-Policy is kept in `Tab.complaints`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WHY_NOT = "there is no Chromium here (Debian: apt install chromium)"
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-extensions",
          "--hide-scrollbars", "--remote-debugging-port=0")  # fmt: skip


class Tab:
    """One open page."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._loop, self._socket, self._next = loop, socket, 0
        self.complaints: list[str] = []
        self._loaded = False
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its answer."""
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._next += 1
        number = self._next
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await asyncio.wait_for(self._socket.receive_json(), 30)
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"])[:2000])
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(told["args"])[:2000])
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.complaints.append(json.dumps(told["entry"])[:2000])

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page, and wait until it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        self.call("Page.navigate", url=url)
        self.until(lambda: self._loaded)
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, script: str) -> Any:
        """An expression's value, awaited where it is a promise.

        Raises:
            AssertionError: it threw.
        """
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, ready: Any, seconds: float = 15) -> None:
        """Wait for a function, or for an expression of the page, to be true."""
        end = time.monotonic() + seconds
        while not (self.run(ready) if isinstance(ready, str) else ready()):
            assert time.monotonic() < end, f"never became true: {ready}"
            self.call("Runtime.evaluate", expression="1")
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """A key, pressed and released where the focus is."""
        named = {"ArrowDown": 40, "ArrowUp": 38, "Enter": 13, "Escape": 27}
        text = {} if key in named else {"text": key}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=named.get(key, 0), **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=named.get(key, 0))

    def type(self, text: str) -> None:
        """Text, as if it were typed."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """A click on the middle of an element, through everything that lies over it."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center', "
            "behavior: 'instant'}); const b = e.getBoundingClientRect(); "
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def photograph(self, path: Path) -> None:
        """What is in the window, as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, closed at the end.

    Args:
        profile: an empty folder for the browser's own files.
    """
    assert CHROMIUM, WHY_NOT
    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(_session())
    try:
        port = _port(profile / "DevToolsActivePort", process)
        address = loop.run_until_complete(_address(session, port))
        socket = loop.run_until_complete(_connected(session, address))
        yield Tab(loop, socket)
        loop.run_until_complete(socket.close())
    finally:
        loop.run_until_complete(session.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _connected(session: aiohttp.ClientSession, address: str) -> aiohttp.ClientWebSocketResponse:
    return await session.ws_connect(address, max_msg_size=0)


def _port(path: Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and (text := path.read_text()).strip():
            return int(text.split()[0])
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")


async def _address(session: aiohttp.ClientSession, port: int) -> str:
    async with session.get(f"http://127.0.0.1:{port}/json") as answer:
        pages = [one for one in await answer.json() if one["type"] == "page"]
    return str(pages[0]["webSocketDebuggerUrl"])
