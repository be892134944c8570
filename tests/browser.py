"""Chromium without a window, driven over its DevTools protocol: a page that is clicked, read and pictured."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # Chromium's own, which root cannot use
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # it sees nothing but this machine
    "--remote-debugging-port=0",
)
PATIENCE_S = 60
PLACE = """selector => {
  const element = document.querySelector(selector), box = element?.getBoundingClientRect()
  if (!box) return null
  const middle = [box.x + box.width / 2, box.y + box.height / 2]
  return element.contains(document.elementFromPoint(...middle)) ? middle : null
}"""
"""Where the middle of an element is, unless something hides it."""


@dataclass
class Page:
    """One tab.

    Attributes:
        connection: to its DevTools.
    """

    connection: ClientConnection
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command of the protocol and wait for what it answers."""
        number = next(self._numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.connection.recv(timeout=PATIENCE_S))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, address: str) -> None:
        self.tell("Page.navigate", url=address)

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def read(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        done = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, f"{expression}: {done['exceptionDetails']}"
        return done["result"].get("value")

    def wait_for(self, expression: str, patience: float = PATIENCE_S) -> Any:
        """The value of an expression as soon as there is one that counts as true."""
        deadline = time.monotonic() + patience
        while not (value := self.read(expression)):
            assert time.monotonic() < deadline, f"{expression} is still {value!r} in\n{self.text()[:2000]}"
            time.sleep(0.1)
        return value

    def find(self, selector: str) -> None:
        """Wait for an element."""
        self.wait_for(f"document.querySelector({selector!r}) !== null")

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a CSS selector finds."""
        return self.read(f"[...document.querySelectorAll({selector!r})].map(one => one.textContent)")

    def text(self) -> str:
        return self.read("document.body.innerText")

    def click(self, selector: str) -> None:
        """Press the mouse on an element, once it is to be seen and has been at rest for a moment."""
        place = f"({PLACE})({selector!r})"
        found, now = None, self.wait_for(place)
        while now != found:
            time.sleep(0.4)
            found, now = now, self.wait_for(place)
        self.move(*now)
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, x=now[0], y=now[1], button="left", clickCount=1)

    def move(self, x: float, y: float) -> None:
        """Move the mouse."""
        self.tell("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, clip: dict[str, float] | None = None) -> bytes:
        """What is seen, as PNG; with a clip that part of the page alone."""
        chosen = {"clip": {"scale": 1, **clip}} if clip else {}
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png", **chosen)["data"])


@contextmanager
def browse(programme: str, profile: Path) -> Iterator[Page]:
    """Start Chromium with one page, and end it.

    Args:
        programme: Chromium.
        profile: a folder of its own, made by Chromium.
    """
    process = subprocess.Popen(
        [programme, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = _wait_for_port(profile / "DevToolsActivePort", process)
        with connect(_find_page(port), max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
        shutil.rmtree(profile, ignore_errors=True)


def _wait_for_port(note: Path, process: subprocess.Popen[bytes]) -> int:
    """Chromium chooses a port, and notes it in its profile: a line with it, and one with its path."""
    deadline = time.monotonic() + PATIENCE_S
    while not (note.exists() and "\n" in note.read_text()):
        assert process.poll() is None, f"Chromium ended with {process.returncode}."
        assert time.monotonic() < deadline, "Chromium did not start."
        time.sleep(0.1)
    return int(note.read_text().splitlines()[0])


def _find_page(port: int) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S) as answer:
        pages = [target for target in json.load(answer) if target["type"] == "page"]
    return pages[0]["webSocketDebuggerUrl"]
