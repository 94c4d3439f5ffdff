"""What a running system takes: processor seconds, memory and bytes, by process and by tier."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil

from tests.support.system import ROOT, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.system import System

Groups = dict[str, list[psutil.Process]]


def groups(system: System) -> Groups:
    """Every process of the system with its children, by the system's own names."""
    found: Groups = {"ops": [psutil.Process(system.process.pid)]}
    for name in system.processes():
        pid = system.pid(name)
        if pid is not None:
            parent = psutil.Process(pid)
            found[name] = [parent, *parent.children(recursive=True)]
    return found


def cpu_s(of: Groups) -> dict[str, float]:
    """Processor seconds since each process began, by name."""
    return _summed(of, lambda times: times.cpu_times().user + times.cpu_times().system)


def pss_mb(of: Groups) -> dict[str, float]:
    """Proportional memory: what processes share counts once."""
    return _summed(of, lambda process: process.memory_full_info().pss / 1e6)


def rss_mb(of: Groups) -> dict[str, float]:
    """Resident memory: what processes share counts for each of them."""
    return _summed(of, lambda process: process.memory_info().rss / 1e6)


def tier_bytes(system: System) -> tuple[dict[str, float], dict[str, float]]:
    """Bytes in Redis and Memcached, and in the memory tier of each role, as the cache's command has them."""
    printed = subprocess.run(
        [
            sys.executable, "-m", "cache", "stats", "--json", "--environment",
            str(system.var / "run" / "environment"),
        ],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    facts: dict[str, Any] = json.loads(printed)
    tiers = {
        "Redis": float(facts["redis"]["used_memory"]),
        "Memcached": float(sum(one["bytes"] for one in facts["memcached"].values())),
    }
    memory: dict[str, float] = {}
    for process in facts["gathered"]["processes"].values():
        name = f"L1 of {process['role']}"
        memory[name] = memory.get(name, 0.0) + process["l1"]["bytes"]
    return tiers, memory


def requests(system: System, exchanges: int) -> tuple[int, int]:
    """How many requests all simulated exchanges have had, and how many of them they refused."""
    first = system.ports["SIMULATOR_PORT"]
    counted = [
        ask(f"http://127.0.0.1:{first + number}/control/requests").json() for number in range(exchanges)
    ]
    return sum(one["total"] for one in counted), sum(one["limited"] for one in counted)


def _summed(of: Groups, figure: Callable[[psutil.Process], float]) -> dict[str, float]:
    return {name: _total(family, figure) for name, family in of.items()}


def _total(family: Iterable[psutil.Process], figure: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in family:
        try:
            total += figure(process)
        except psutil.NoSuchProcess:  # a child that was replaced meanwhile
            continue
    return total
