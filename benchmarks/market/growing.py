"""M6 to M9: the whole system over two exchanges, from 175 symbols to 2,000, with 1, 2 and 4 scorers."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cache.rules import Measured
from benchmarks.market import usage
from benchmarks.market.lateness import Lateness, lateness_of
from tests.support.system import System, running_system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.market.ground import Ground

EXCHANGES = ("simulated", "simulated2")
USUAL_SCORERS = 2
# Symbols in all, and processes that score.
CASES = (
    (175, 2), (500, 2), (1_000, 2), (2_000, 2),
    (175, 1), (175, 4), (1_000, 1), (1_000, 4),
)  # fmt: skip
QUICK_CASES = ((20, 2),)
COMPLETE_WITHIN_S = 150.0
SETTLING_S, WATCHED_S, QUICK_WATCHED_S = 5.0, 20.0, 6.0


@dataclass(frozen=True, slots=True)
class Case:
    """What one system was found to take; a figure is None where it did not come about.

    `cpu_s` is processor seconds by process in each second that was watched, `start_cpu_s` those until
    the dashboard was complete. Bytes are by tier (and by process for L1), memory in MB by process.
    """

    symbols: int
    scorers: int
    complete_s: float | None
    start_cpu_s: float
    lateness: Lateness
    cpu_s: dict[str, float]
    tier_bytes: dict[str, float]
    l1_bytes: dict[str, float]
    pss_mb: dict[str, float]
    rss_mb: dict[str, float]


def measure(ground: Ground) -> list[Measured]:
    """Every case, one system after the other; a full run leaves the figures for the pictures."""
    quick = ground.effort.quick
    cases = [_case(*case, watched_s=QUICK_WATCHED_S if quick else WATCHED_S) for case in (QUICK_CASES if quick else CASES)]
    ground.found["growing"] = [asdict(case) for case in cases]
    return [row for case in cases for row in _rows(case)]


def _case(symbols: int, scorers: int, *, watched_s: float) -> Case:
    each = -(-symbols // len(EXCHANGES))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        began = time.monotonic()
        system = stack.enter_context(
            running_system(
                folder, ready=False, EXCHANGES=",".join(EXCHANGES), SIMULATOR_SYMBOLS=str(each),
                SYMBOL_LIMIT=str(each), SCORER_PROCESSES=str(scorers),
            )
        )  # fmt: skip
        complete_s = _completed(system, each * len(EXCHANGES), began)
        time.sleep(SETTLING_S)
        groups = usage.groups(system)
        spent = usage.cpu_s(groups)
        started = time.monotonic()
        lateness = lateness_of(system, watched_s)
        passed = time.monotonic() - started
        after = usage.cpu_s(usage.groups(system))
        tiers, memory = usage.tier_bytes(system)
        return _said(
            Case(
                symbols=each * len(EXCHANGES),
                scorers=scorers,
                complete_s=complete_s,
                start_cpu_s=sum(spent.values()),
                lateness=lateness,
                cpu_s={name: (after[name] - spent.get(name, 0.0)) / passed for name in after},
                tier_bytes=tiers,
                l1_bytes=memory,
                pss_mb=usage.pss_mb(groups),
                rss_mb=usage.rss_mb(groups),
            )
        )


def _completed(system: System, symbols: int, began: float) -> float | None:
    """Seconds from the start to a dashboard with a score for every symbol; None when that takes too long."""
    while time.monotonic() - began < COMPLETE_WITHIN_S:
        assert system.process.poll() is None, "the system stopped by itself"
        try:
            answer = system.web("/readyz")
        except OSError:
            answer = None
        if answer is not None and answer.status == 200 and answer.json()["complete"]:
            assert len(system.dashboard()["symbols"]) == symbols
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def _rows(case: Case) -> Sequence[Measured]:
    where = f"{case.symbols:,} symbols, {case.scorers} scorers"
    late = case.lateness
    complete = case.complete_s
    return (
        Measured(
            "M6", f"start to the first complete dashboard, {where}", "s",
            [COMPLETE_WITHIN_S if complete is None else complete],
            further={"CPU s until then": [case.start_cpu_s]},
            notes=("given up: the dashboard was not complete by then",) if complete is None else (),
        ),
        Measured(
            "M7", f"age of a score's book and trades, p95, {where}", "s", [late.inputs_p95_s],
            further={"p50": [late.inputs_p50_s], "s since it was computed, p95": [late.computed_p95_s]},
        ),
        Measured(
            "M8", f"CPU of all processes, {where}", "cores", [sum(case.cpu_s.values())],
            further={name: [cpu] for name, cpu in _largest(case.cpu_s).items()},
        ),
        Measured(
            "M9", f"memory of all processes (PSS), {where}", "MB", [sum(case.pss_mb.values())],
            further={
                **{f"MB {name} (RSS {case.rss_mb[name]:,.0f})": [mb] for name, mb in _largest(case.pss_mb).items()},
                **{f"MB in {tier}": [size / 1e6] for tier, size in (case.tier_bytes | case.l1_bytes).items()},
            },
        ),
    )  # fmt: skip


def _largest(figures: dict[str, float]) -> dict[str, float]:
    return dict(sorted(figures.items(), key=lambda pair: -pair[1])[:6])


def _said(case: Case) -> Case:
    print(json.dumps(asdict(case)), file=sys.stderr)
    return case
