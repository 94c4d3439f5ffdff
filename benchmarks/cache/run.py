"""All rows in one run: those that need a quiet machine one after the other, those that wait together."""

from __future__ import annotations

import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.cache.bench import Bench
from benchmarks.cache.hush import hush
from benchmarks.cache.reach import REACH
from benchmarks.cache.rounds import Effort
from benchmarks.cache.rules import judged, reach_of
from benchmarks.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.cache.rules import Measured

# By module: the rows that it measures.
QUIET = {
    "memory": ("B1",),
    "single": ("B3", "B4"),
    "batches": ("B5", "B6", "B7"),
    "cascade": ("B8",),
    "spread": ("B9", "B22"),
    "stampede": ("B10",),
    "broken": ("B12", "B13", "B14"),
    "interleavings": ("B16",),
}
# Their figures are seconds, and they spend them waiting: they share the machine.
WAITING = {"killed": ("B11",), "restarted": ("B15",), "lifetimes": ("B17",), "cut": ("B18",)}


def run(*, quick: bool, only: tuple[str, ...] = ()) -> list[Result]:
    """Every row of the table (or those named), in its order."""
    hush()
    effort = Effort.of(quick=quick)
    found: list[Measured] = []
    with ExitStack() as stack:
        bench = Bench.open(effort, stack)
        for name in _wanted(QUIET, only):
            found += _measured(name, bench)
        waiting = _wanted(WAITING, only)
        with ThreadPoolExecutor(max(1, len(waiting))) as pool:
            for some in pool.map(lambda name: _measured(name, bench), waiting):
                found += some
    rows = [judged(one, REACH[one.id]) for one in found if not only or one.id in only]
    return sorted([*rows, *_unmeasured(rows, only)], key=lambda row: list(REACH).index(row.id))


def _wanted(modules: Mapping[str, tuple[str, ...]], only: tuple[str, ...]) -> list[str]:
    return [name for name, rows in modules.items() if not only or set(rows) & set(only)]


def _unmeasured(rows: list[Result], only: tuple[str, ...]) -> list[Result]:
    """The rows that failed: wrong answers are worse than slow ones, and are not reached."""
    there = {row.id for row in rows}
    return [
        Result(
            id_, "not measured: it failed", None, "", (0.0, 0.0), reach_of(REACH[id_]), reached=False,
            missed=("it failed, see the standard error",),
        )
        for id_ in REACH
        if id_ not in there and (not only or id_ in only)
    ]  # fmt: skip


def _measured(name: str, bench: Bench) -> list[Measured]:
    began = time.monotonic()
    rows: list[Measured] = []
    try:
        with ExitStack() as stack:
            rows = import_module(f"benchmarks.cache.{name}").measure(bench.for_rows(stack))
    except Exception:  # noqa: BLE001 - one row that fails must not take the others with it
        traceback.print_exc()
    print(f"{', '.join(row.id for row in rows)}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return rows
