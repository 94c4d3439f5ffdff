"""M6 to M9: the whole system over two exchanges, from 175 symbols to 2,000, with 1, 2 and 4 scorers."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cache.rules import Measured
from benchmarks.market import usage
from benchmarks.market.case import Case
from benchmarks.market.lateness import filled, lateness_of
from tests.support.system import System, running_system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.market.ground import Ground

EXCHANGES = ("simulated", "simulated2")
# Symbols in all, and processes that score.
SIZES = (
    (175, 2), (500, 2), (1_000, 2), (2_000, 2),
    (175, 1), (175, 4), (500, 1), (500, 4),
)  # fmt: skip
QUICK_SIZES = ((20, 2),)
COMPLETE_WITHIN_S = 150.0
# The largest processes are named in the table; the pictures have the others together.
MOST = 4
# Of the rest of the first load, in which scores still lack inputs.
FILLED_WITHIN_S = 60.0
WATCHED_S, QUICK_WATCHED_S = 15.0, 6.0


def measure(ground: Ground) -> list[Measured]:
    """Every case, one system after the other; a full run leaves the figures for the pictures."""
    sizes, watched_s = (QUICK_SIZES, QUICK_WATCHED_S) if ground.effort.quick else (SIZES, WATCHED_S)
    failed: list[str] = []
    for symbols, scorers in sizes:
        try:
            ground.cases.append(_case(symbols, scorers, watched_s=watched_s))
        except Exception:  # noqa: BLE001 - a size that fails must not take minutes of others with it
            traceback.print_exc()
            failed.append(f"not measured, for it failed: {symbols:,} symbols, {scorers} scorers")
    rows = [row for case in ground.cases for row in _rows(case)]
    return [*(replace(row, notes=(*failed, *row.notes)) for row in rows[:1]), *rows[1:]]


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
        filled_s = time.monotonic() - began if filled(system, FILLED_WITHIN_S) else None
        groups = usage.groups(system)
        spent = usage.cpu_s(groups)
        started, (asked, _) = time.monotonic(), usage.requests(system, len(EXCHANGES))
        lateness = lateness_of(system, watched_s)
        passed = time.monotonic() - started
        after = usage.cpu_s(usage.groups(system))
        asked_then, refused = usage.requests(system, len(EXCHANGES))
        tiers, memory = usage.tier_bytes(system)
        return _said(
            Case(
                symbols=each * len(EXCHANGES),
                scorers=scorers,
                complete_s=complete_s,
                filled_s=filled_s,
                start_cpu_s=sum(spent.values()),
                lateness=lateness,
                cpu={name: (after[name] - spent.get(name, 0.0)) / passed for name in after},
                tier_bytes=tiers,
                l1_bytes=memory,
                pss_mb=usage.pss_mb(groups),
                rss_mb=usage.rss_mb(groups),
                requests_s=(asked_then - asked) / passed,
                refused=refused,
            )
        )


def _completed(system: System, symbols: int, began: float) -> float | None:
    """Seconds from the start to a dashboard with a score for every symbol; None when that takes too long."""
    while (passed := time.monotonic() - began) < COMPLETE_WITHIN_S:
        assert system.process.poll() is None, "the system stopped by itself"
        if _is_complete(system, symbols):
            return passed
        time.sleep(0.2)
    return None


def _is_complete(system: System, symbols: int) -> bool:
    try:
        answer = system.web("/readyz")
        if answer.status != 200 or not answer.json()["complete"]:
            return False
        # One exchange may be complete before the other has said which symbols it has.
        return len(system.dashboard()["symbols"]) == symbols
    except OSError:  # not there yet, or too busy to answer
        return False


def _rows(case: Case) -> Sequence[Measured]:
    where = f"{case.symbols:,} symbols, {case.scorers} scorers"
    late = case.lateness
    further: dict[str, list[float]] = {"CPU s until then": [case.start_cpu_s], "refused": [case.refused]}
    notes: tuple[str, ...] = ()
    if case.filled_s is None:
        notes = (f"the first load was not over {FILLED_WITHIN_S:g} s after that: these are figures of it",)
    else:
        further["s until candles, books and trades are there"] = [case.filled_s]
    if case.complete_s is None:
        notes = ("given up: the dashboard was not complete by then", *notes)
    return (
        Measured(
            "M6", f"start to the first complete dashboard, {where}", "s",
            [COMPLETE_WITHIN_S if case.complete_s is None else case.complete_s], further=further, notes=notes,
        ),
        Measured(
            "M7", f"age of a score's book and trades, p95, {where}", "s", [late.inputs_p95_s],
            further={
                "p50": [late.inputs_p50_s], "s since it was computed, p95": [late.computed_p95_s],
                "requests a second": [case.requests_s],
            },
        ),
        Measured(
            "M8", f"CPU of all processes, {where}", "cores", [sum(case.cpu.values())],
            further={name: [cpu] for name, cpu in _largest(case.cpu).items()},
        ),
        Measured(
            "M9", f"memory of all processes (PSS), {where}", "MB", [sum(case.pss_mb.values())],
            further={
                **{_resident(name, case): [mb] for name, mb in _largest(case.pss_mb).items()},
                **{f"MB in {tier}": [size / 1e6] for tier, size in (case.tier_bytes | case.l1_bytes).items()},
            },
        ),
    )  # fmt: skip


def _resident(name: str, case: Case) -> str:
    return f"MB {name} (RSS {case.rss_mb[name]:,.0f})"


def _largest(figures: dict[str, float]) -> dict[str, float]:
    return dict(sorted(figures.items(), key=lambda pair: -pair[1])[:MOST])


def _said(case: Case) -> Case:
    print(json.dumps(asdict(case)), file=sys.stderr)
    return case
