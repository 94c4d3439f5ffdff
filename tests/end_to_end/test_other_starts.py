"""The same start on a bare machine, with the synthetic market, and its end."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.system import Watcher, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

SYMBOLS = 30


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A search path with this Python's own programs and `nice`: no memcached, no Redis."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nice").symlink_to(shutil.which("nice") or "")
    return os.pathsep.join((str(Path(sys.executable).parent), str(programs)))


def test_a_machine_without_memcached_gets_a_live_synthetic_market(tmp_path: Path, bare_path: str) -> None:
    """The bundled server stands in for Redis, the missing tier is told, and Redis may still die."""
    with running_system(tmp_path / "var", PATH=bare_path, SIMULATOR_SYMBOLS=str(SYMBOLS)) as system:
        document = system.dashboard()
        assert len(document["symbols"]) == SYMBOLS
        assert "memcached" in system.output().lower()

        with Watcher(system) as watcher:
            before = system.kill("redis")
            eventually(lambda: system.pid("redis") not in (None, before), within_s=20)
            killed_at = time.time()
            eventually(lambda: system.is_live(since=killed_at + 3), within_s=60, every_s=0.3)

        assert watcher.wrong == []


def test_stopping_leaves_no_process_no_port_and_no_lock(tmp_path: Path) -> None:
    """Ctrl-C ends everything within the time that it promises."""
    with running_system(tmp_path, SIMULATOR_SYMBOLS="5") as system:
        family = psutil.Process(system.process.pid).children(recursive=True)
        assert len(family) >= 8

        code = system.stop()

    assert code == 0
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    for port in system.ports.values():
        socket.create_server(("127.0.0.1", port)).close()
    with running_system(tmp_path, ready=False, SIMULATOR_SYMBOLS="5") as again:
        eventually(lambda: "starting" in again.output().lower() or again.lines, within_s=10)
        assert again.process.poll() is None, again.output()
