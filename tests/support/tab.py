"""A tab of a headless Chromium that a test drives: real time, real clicks, and every complaint it makes."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from tests.support.browser import FLAGS, browser
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded")
PATIENCE_S = 60


class Tab:
    """Speaks the DevTools protocol over one socket; `complaints` has every error the page caused."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            message = json.loads(self._socket.recv(timeout=deadline - time.monotonic()))
            if message.get("method") in COMPLAINTS:
                self.complaints.append(json.dumps(message["params"]))
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def js(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def open(self, url: str, *, width: int = 1440, height: int = 900) -> None:
        """Go to a page in a window of that size; returns when it has loaded."""
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **sizes)
        self.call("Page.navigate", url=url)
        eventually(
            lambda: self.js("location.href !== 'about:blank' && document.readyState === 'complete'"),
            PATIENCE_S,
        )

    def picture(self, file: Path) -> None:
        """Save what is seen as a PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def open_tab() -> Iterator[Tab]:
    """A tab of a browser of its own; skips the test where there is no browser."""
    with tempfile.TemporaryDirectory(prefix="tidemark-browser-", ignore_cleanup_errors=True) as profile:
        port_file = Path(profile) / "DevToolsActivePort"
        command = [
            browser(),
            *FLAGS,
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            "about:blank",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            written = eventually(lambda: port_file.exists() and port_file.read_text().split(), PATIENCE_S)
            with urllib.request.urlopen(f"http://127.0.0.1:{written[0]}/json", timeout=PATIENCE_S) as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
            with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
