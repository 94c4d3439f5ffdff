"""All rows of the market side, one after the other: each of them wants the machine for itself."""

from __future__ import annotations

import json
import sys
import time
import traceback
from contextlib import ExitStack
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cache.hush import hush
from benchmarks.cache.rounds import Effort
from benchmarks.cache.rules import judged, reach_of
from benchmarks.market.drawing import PICTURES
from benchmarks.market.ground import Ground
from benchmarks.market.reach import REACH
from benchmarks.result import Result

if TYPE_CHECKING:
    from benchmarks.cache.rules import Measured

# By module: the rows that it measures.
ROWS = {
    "scoring": ("M1", "M2"),
    "refresh": ("M3",),
    "wire": ("M4", "M5"),
    "growing": ("M6", "M7", "M8", "M9"),
}
DOCS = Path(__file__).parents[2] / "docs"
CASES = Path(__file__).parents[1] / "results" / "market-growth.json"


def run(*, quick: bool, only: tuple[str, ...] = ()) -> list[Result]:
    """Every row (or those named); a full run leaves the figures of growth behind and draws them."""
    hush()
    found: list[Measured] = []
    for name, rows in ROWS.items():
        if not only or set(rows) & set(only):
            with ExitStack() as stack:
                ground = Ground(Effort.of(quick=quick), stack)
                found += _measured(name, ground)
            if ground.cases and not quick:
                CASES.write_text(json.dumps([asdict(case) for case in ground.cases], indent=2) + "\n")
                for file, drawn in PICTURES.items():
                    (DOCS / file).write_text(drawn(ground.cases))
    results = [judged(one, REACH[one.id]) for one in found if not only or one.id in only]
    return sorted([*results, *_unmeasured(results, only)], key=lambda row: list(REACH).index(row.id))


def _measured(name: str, ground: Ground) -> list[Measured]:
    began = time.monotonic()
    rows: list[Measured] = []
    try:
        rows = import_module(f"benchmarks.market.{name}").measure(ground)
    except Exception:  # noqa: BLE001 - one row that fails must not take the others with it
        traceback.print_exc()
    print(f"{', '.join(ROWS[name])}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return rows


def _unmeasured(results: list[Result], only: tuple[str, ...]) -> list[Result]:
    """The rows that failed: a wrong answer is worse than a slow one, and is not reached."""
    there = {row.id for row in results}
    return [
        Result(
            id_, "not measured: it failed", None, "", (0.0, 0.0), reach_of(rules), reached=False,
            missed=("it failed, see the standard error",),
        )
        for id_, rules in REACH.items()
        if id_ not in there and (not only or id_ in only)
    ]  # fmt: skip
