"""The whole system: time to the first dashboard, CPU and memory while idle."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.market import usage
from benchmarks.result import Result, of_rounds
from tests.support.system import running_system

if TYPE_CHECKING:
    from tests.support.system import System

FIRST_DASHBOARD_S = 30.0


def run(*, quick: bool) -> list[Result]:
    """Start it several times; watch the last one idle."""
    starts, idle_s = (1, 20) if quick else (5, 60)
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
    median = statistics.median(took)
    return [
        of_rounds(
            "S1", "start to first complete dashboard, 175 symbols", took, "s",
            reach=f"<= {FIRST_DASHBOARD_S:g}", reached=median <= FIRST_DASHBOARD_S,
        ),
        of_rounds("S2", "CPU of the idle system", [sum(cpu.values())], "%", peers=cpu),
        of_rounds("S3", "memory of the idle system (PSS)", [sum(memory.values())], "MB", peers=memory),
    ]  # fmt: skip


def _idle(system: System, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """CPU in percent of one core and proportional memory in MB, by process."""
    groups = usage.groups(system)
    before, began = usage.cpu_s(groups), time.monotonic()
    time.sleep(seconds)
    after, passed = usage.cpu_s(groups), time.monotonic() - began
    cpu = {name: round((after[name] - before[name]) / passed * 100, 1) for name in after}
    return cpu, {name: round(mb, 1) for name, mb in usage.pss_mb(groups).items()}
