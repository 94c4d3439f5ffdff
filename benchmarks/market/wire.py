"""M4 and M5: from an answer on the wire to the changed number on the dashboard, prices and scores."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cache.rules import Measured
from benchmarks.following import cache_of, followed
from benchmarks.market.inputs import SYMBOLS
from tests.support.system import running_system

if TYPE_CHECKING:
    from benchmarks.market.ground import Ground

# The first load of the longer timeframes is not how the system lives.
SETTLED_AFTER_S = 20.0
FEWEST = 10


def measure(ground: Ground) -> list[Measured]:
    """One system, watched for several stretches, each of which is a round."""
    quick = ground.effort.quick
    symbols, rounds, seconds = (20, 1, 12.0) if quick else (SYMBOLS, 7, 8.0)
    folder = Path(ground.stack.enter_context(tempfile.TemporaryDirectory()))
    with running_system(folder, SIMULATOR_SYMBOLS=str(symbols)) as system, cache_of(system) as cache:
        assert len(system.dashboard()["symbols"]) == symbols
        time.sleep(SETTLED_AFTER_S / 4 if quick else SETTLED_AFTER_S)
        found = [followed(system, cache, seconds) for _ in range(rounds)]
    prices, scores = [of.prices for of in found], [of.scores for of in found]
    return [
        _row("M4", f"tickers answered to prices on the dashboard, {symbols} symbols, p50", prices),
        _row("M5", f"book answered to score on the dashboard, {symbols} symbols, p50", scores),
    ]


def _row(id_: str, what: str, delays: list[list[float]]) -> Measured:
    assert all(len(of) >= FEWEST for of in delays), [len(of) for of in delays]
    return Measured(
        id_,
        what,
        "s",
        [statistics.median(of) for of in delays],
        further={
            "p95": [statistics.quantiles(of, n=20)[-1] for of in delays],
            "changes seen in a round": [len(of) for of in delays],
        },
    )
