"""How old what the scores are made of is, while the system lives."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.following import INPUTS, cache_of, score_keys
from benchmarks.market.case import Lateness
from market.score_inputs import CANDLES

if TYPE_CHECKING:
    from cache import Key
    from tests.support.system import System

# Looking must not be what the system is busy with.
SYMBOLS, EVERY_S = 150, 1.0
# A young market has too few candles of the longest timeframe for ever.
NEARLY = 0.98


def filled(system: System, within_s: float) -> bool:
    """Wait until nearly every score has its candles, book and trades: the first load is over then.

    False when it is not by then. What comes once a minute for all symbols at once is not waited for.
    """
    some = _some_keys(system)
    until = time.monotonic() + within_s
    with cache_of(system) as cache:
        while time.monotonic() < until:
            states = [
                one["used"]
                for entry in cache.get_many(some).values()
                for one in entry.value["inputs"]
                if one["name"] in INPUTS or one["name"].startswith(CANDLES)
            ]
            if states and sum(states) >= NEARLY * len(states):
                return True
            time.sleep(EVERY_S)
    return False


def lateness_of(system: System, seconds: float) -> Lateness:
    """Look at some scores once a second."""
    inputs: list[float] = []
    computed: list[float] = []
    looks = fresh = 0
    some = _some_keys(system)
    until = time.monotonic() + seconds
    with cache_of(system) as cache:
        while time.monotonic() < until:
            now, entries = time.time(), cache.get_many(some)
            looks += len(some)
            fresh += sum(entry.state == "fresh" for entry in entries.values())
            computed += [now - entry.stored_at for entry in entries.values()]
            inputs += [
                now - one["as_of"]
                for entry in entries.values()
                for one in entry.value["inputs"]
                if one["name"] in INPUTS and one["used"]
            ]
            time.sleep(EVERY_S)
    return Lateness(*_quantiles(inputs), *_quantiles(computed), stale_share=1 - fresh / looks)


def _some_keys(system: System) -> list[Key]:
    keys = score_keys(system.dashboard()["symbols"])
    return random.Random(7).sample(keys, min(SYMBOLS, len(keys)))


def _quantiles(ages: list[float]) -> tuple[float, float]:
    twentieths = statistics.quantiles(ages, n=20)
    return twentieths[9], twentieths[18]
