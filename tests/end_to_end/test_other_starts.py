"""The same start on a bare machine, beside another one, and its end."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.system import running_system, wait_ready
from tests.support.waiting import eventually
from tests.support.watcher import Watcher

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

SYMBOLS = 30
QUICK = {"PERIOD_ORDER_BOOKS": "4", "PERIOD_SCORES": "3"}
STOPPED_WITHIN_S = 15.0


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A search path with this Python's own programs and `nice`: no memcached, no Redis."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nice").symlink_to(shutil.which("nice") or "")
    return os.pathsep.join((str(Path(sys.executable).parent), str(programs)))


def test_a_machine_without_memcached_gets_a_live_synthetic_market(tmp_path: Path, bare_path: str) -> None:
    """The bundled server stands in for Redis, the missing tier is told, and Redis may still die."""
    with running_system(tmp_path / "var", PATH=bare_path, SIMULATOR_SYMBOLS=str(SYMBOLS), **QUICK) as system:
        document = system.dashboard()
        assert len(document["symbols"]) == SYMBOLS
        assert "memcached" in system.output().lower()

        with Watcher(system) as watcher:
            before = system.kill("redis")
            eventually(lambda: system.pid("redis") not in (None, before), within_s=20)
            killed_at = time.time()
            eventually(lambda: system.is_live(since=killed_at + 3), within_s=60, every_s=0.3)

        assert watcher.wrong == []


def test_two_systems_on_one_machine_share_nothing(tmp_path: Path) -> None:
    """Each shows its own market only, and the end of one is nothing to the other."""
    with running_system(tmp_path / "one", ready=False, SIMULATOR_SYMBOLS="4", **QUICK) as one:
        with running_system(tmp_path / "two", SIMULATOR_SYMBOLS="6", **QUICK) as two:
            wait_ready(one)
            for system, symbols in ((one, 4), (two, 6)):
                eventually(system.is_live, within_s=30, every_s=0.3)
                assert len(system.dashboard()["symbols"]) == symbols
            family = _family(two.process.pid)
            assert not {process.pid for process in family} & {each.pid for each in _family(one.process.pid)}
            with Watcher(one) as watcher:
                assert two.stop() == 0
                stopped_at = time.time()
                eventually(lambda: one.is_live(since=stopped_at), within_s=40, every_s=0.3)

        assert watcher.wrong == []
        assert len(one.dashboard()["symbols"]) == 4
        assert _alive(family) == []


def test_stopping_leaves_no_process_no_port_and_no_lock(tmp_path: Path) -> None:
    """Ctrl-C ends everything within the time that it promises."""
    with running_system(tmp_path, SIMULATOR_SYMBOLS="5") as system:
        family = _family(system.process.pid)
        assert len(family) >= 8

        asked_at = time.monotonic()
        code = system.stop()
        took_s = time.monotonic() - asked_at

    assert code == 0
    assert took_s <= STOPPED_WITHIN_S
    assert _alive(family) == []
    for port in system.ports.values():
        socket.create_server(("127.0.0.1", port)).close()
    with running_system(tmp_path, ready=False, SIMULATOR_SYMBOLS="5") as again:
        eventually(lambda: "starting" in again.output().lower() or again.lines, within_s=10)
        assert again.process.poll() is None, again.output()


def _family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def _alive(family: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
