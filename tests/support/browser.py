"""A headless Chromium, run once per page: what the page looks like after some seconds of its own time."""

from __future__ import annotations

import shutil
import subprocess
import tempfile

from tests.support.missing import missing

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Without the last ones it tries to reach its maker at every start.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
    "--no-first-run", "--no-proxy-server", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def browser():
    """The path of a browser; skips the test where none is installed (fails it under CI=true)."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        missing("no Chromium on PATH (apt-get install chromium)")
    return found


def dom_after(url, *, page_s, width=1440, height=900):
    """The page's markup after `page_s` seconds of virtual time, which runs ahead whenever nothing loads."""
    with tempfile.TemporaryDirectory(prefix="tidemark-browser-") as profile:
        command = [
            browser(), *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}",
            f"--virtual-time-budget={int(page_s * 1000)}", "--dump-dom", url,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout
