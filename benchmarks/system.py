"""The whole system: time to the first dashboard, CPU and memory while idle, from the wire to the page."""

from __future__ import annotations

import shlex
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.result import Result, of_rounds
from cache import Key, TieredCache
from cache.catalogue import CONFLUENCE
from settings import Settings
from tests.support.system import System, running_system

FIRST_DASHBOARD_S = 30.0
WIRE_P95_S = 1.0


def run(*, quick: bool) -> list[Result]:
    """Start it several times; in the last one, watch it idle and follow answers to the dashboard."""
    starts, idle_s, watch_s = (1, 20, 20) if quick else (5, 60, 60)
    took: list[float] = []
    for number in range(starts):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            with running_system(Path(folder)) as system:
                took.append(time.monotonic() - began)
                assert len(system.dashboard()["symbols"]) == 175
                if number == starts - 1:
                    time.sleep(30)  # the backfill of the longer timeframes is not idle
                    cpu, memory = _idle(system, idle_s)
                    delays = _wire_to_dashboard(system, watch_s)
    median = statistics.median(took)
    p95 = statistics.quantiles(delays, n=20)[-1]
    return [
        of_rounds(
            "S1", "start to first complete dashboard, 175 symbols", took, "s",
            reach=f"<= {FIRST_DASHBOARD_S:g}", reached=median <= FIRST_DASHBOARD_S,
        ),
        of_rounds("S2", "CPU of the idle system", [sum(cpu.values())], "%", peers=cpu),
        of_rounds("S3", "memory of the idle system (PSS)", [sum(memory.values())], "MB", peers=memory),
        of_rounds("S4", "answer on the wire to changed dashboard, p50", [statistics.median(delays)], "s"),
        of_rounds(
            "S5", "answer on the wire to changed dashboard, p95", [p95], "s",
            reach=f"<= {WIRE_P95_S:g}", reached=p95 <= WIRE_P95_S,
        ),
    ]  # fmt: skip


def _idle(system: System, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """CPU in percent of one core and proportional memory in MB, by process."""
    families = _families(system)
    before = {name: sum(map(_cpu_s, family)) for name, family in families.items()}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    cpu = {
        name: round((sum(map(_cpu_s, family)) - before[name]) / passed * 100, 1)
        for name, family in families.items()
    }
    memory = {
        name: round(sum(one.memory_full_info().pss for one in family) / 1e6, 1)
        for name, family in families.items()
    }
    return cpu, memory


def _families(system: System) -> dict[str, list[psutil.Process]]:
    names = ("simulator", "fetcher", "scorer", "beat", "web", "stream", "flower", "redis", "memcached")
    found = {}
    for name in names:
        pid = system.pid(name) if name in system.processes() else None
        if pid is not None:
            parent = psutil.Process(pid)
            found[name] = [parent, *parent.children(recursive=True)]
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _wire_to_dashboard(system: System, seconds: float) -> list[float]:
    """From when the exchange answered with an order book to when a reader saw the score made of it.

    The reader asks every 20 ms. What a body holds is known from the cache: the scores that were stored
    before it was made, each with the time at which the exchange said the order book in it.
    """
    environment = dict(
        line.split("=", 1) for line in shlex.split((system.var / "run" / "environment").read_text())
    )
    delays: list[float] = []
    shown: dict[Key, float] = {}
    etag = ""
    cache = TieredCache.from_settings(Settings(redis_url=environment["REDIS_URL"]), clock=time.time)
    try:
        keys = [CONFLUENCE.key(exchange=row["exchange"], symbol=row["symbol"]) for row in _rows(system)]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = system.web("/api/dashboard/data", headers={"If-None-Match": etag})
            seen_at = time.time()
            if answer.status == 200:
                etag = answer.headers["ETag"]
                made_at = answer.json()["generated_at"]
                books = _books_in_scores(cache, keys, made_at)
                delays += [seen_at - at for key, at in books.items() if key in shown and at > shown[key]]
                shown |= books
            time.sleep(0.02)
    finally:
        cache.close()
    return delays


def _rows(system: System) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = system.dashboard()["symbols"]
    return rows


def _books_in_scores(cache: TieredCache, keys: list[Key], made_at: float) -> dict[Key, float]:
    """When the exchange said the order book of each score that a body made at `made_at` holds."""
    return {
        key: inputs[0]["as_of"]
        for key, entry in cache.get_many(keys).items()
        if entry.stored_at <= made_at
        and (inputs := entry.value["components"]["orderbook"]["sub_scores"][0]["inputs"])
    }
