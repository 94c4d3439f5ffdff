"""Claims about the app under the server that runs it in production."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.dashboards import publish
from tests.support.system import ask
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
ALL_UP = {("l1", "up"), ("l2", "up"), ("l3", "up")}


@contextmanager
def granian(port, **environment: str):
    """The web process as the Procfile starts it."""
    command = [
        "granian", "--interface", "wsgi", "--port", str(port), "--http", "1", "--no-ws", "--workers", "1",
        "--blocking-threads", "4", "--workers-kill-timeout", "1", "webapp.wsgi:app",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # The whole group: a worker outlives its master's SIGKILL.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def alive(url):
    """Whether the process answers."""
    try:
        return ask(f"{url}/healthz").status == 200
    except OSError:
        return False


@pytest.fixture
def web(redis_server, memcached_server, unused_port):
    """A running web process over real servers: the process and its address."""
    servers = {"REDIS_URL": f"{redis_server.url}/0", "MEMCACHED_SERVERS": memcached_server.address}
    url = f"http://127.0.0.1:{unused_port}"
    with granian(unused_port, **servers) as process:
        eventually(lambda: alive(url), within_s=60)
        yield process, url


def test_it_serves_what_another_process_published(publisher, web):
    """From nothing yet to the very bytes, with their headers, to many at once."""
    _, url = web
    before = ask(f"{url}/api/dashboard/data")
    body = publish(publisher)

    eventually(lambda: ask(f"{url}/readyz").status == 200, within_s=20)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(f"{url}/api/dashboard/data"), range(40)))
    head = ask(f"{url}/api/dashboard/data", method="HEAD")
    unchanged = ask(f"{url}/api/dashboard/data", headers={"If-None-Match": '"abc123"'})

    assert (before.status, before.json()["state"]) == (503, "empty")
    assert {(answer.status, answer.body) for answer in answers} == {(200, body)}
    assert (head.status, head.body) == (200, b"")
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_its_own_settings_reach_it(publisher, web):
    """The stream's port is in the policy, all three tiers are in use."""
    publish(publisher)
    _, url = web

    policy = ask(f"{url}/").headers["content-security-policy"]

    assert "ws://127.0.0.1:8001" in policy
    # A machine that is busy for a moment may lose one, for a moment.
    eventually(lambda: set(ask(f"{url}/readyz").json()["tiers"].items()) == ALL_UP, within_s=10)


def test_sigterm_ends_it_quickly(web):
    """With its cache's threads running."""
    process, url = web
    ask(f"{url}/readyz")
    began = time.monotonic()

    process.send_signal(signal.SIGTERM)
    process.wait(20)

    assert time.monotonic() - began < 8


def test_the_wiring_makes_a_working_app_without_any_server():
    """Memory alone: alive, and honestly not ready."""
    program = (
        "from webapp.wsgi import app; client = app.test_client();"
        "print(client.get('/healthz').status_code, client.get('/readyz').status_code)"
    )
    cleared = {
        "REDIS_URL": "",
        "REDIS_HOST": "",
        "REDIS_PORT": "",
        "MEMCACHED_SERVERS": "",
        "LOG_LEVEL": "ERROR",
    }

    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **cleared},
        check=True,
        capture_output=True,
    ).stdout

    assert printed.decode().split() == ["200", "503"]
