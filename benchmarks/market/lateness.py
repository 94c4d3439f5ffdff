"""How old what the scores are made of is, while the system lives."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.following import INPUTS, cache_of, score_keys

if TYPE_CHECKING:
    from tests.support.system import System

# Looking must not be what the system is busy with.
SYMBOLS, EVERY_S = 150, 1.0


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds, over many scores and moments: since a book or trades were answered, since a score was made.

    `stale_share` is the share of looks that found a score past its life, or none.
    """

    inputs_p50_s: float
    inputs_p95_s: float
    computed_p50_s: float
    computed_p95_s: float
    stale_share: float


def lateness_of(system: System, seconds: float) -> Lateness:
    """Look at some scores once a second."""
    inputs: list[float] = []
    computed: list[float] = []
    looks = fresh = 0
    keys = score_keys(system.dashboard()["symbols"])
    some = random.Random(7).sample(keys, min(SYMBOLS, len(keys)))
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


def _quantiles(ages: list[float]) -> tuple[float, float]:
    twentieths = statistics.quantiles(ages, n=20)
    return twentieths[9], twentieths[18]
