"""Processes that all record the same crossings at the same time.

`python -m tests.support.recorders URL PREFIX PROCESSES MARKS` ends with 0 when each of them has recorded
that a hundred names cross at each mark. They are forks of one, since importing is most of their work.
"""

from __future__ import annotations

import os
import sys
import time

import cache.tiers.redis
from cache import Observation, TieredCache, make_tiers

NAMES = [f"symbol {number}" for number in range(100)]
JOURNAL = "race"


def crossing(name: str, mark: int) -> list[Observation]:
    """A calm and an onset, as somebody saw them who missed nothing."""
    calm = Observation(name, mark=2 * mark)
    return [calm, Observation(name, "up", {"name": name, "mark": mark}, mark=2 * mark + 1)]


def record_all(url: str, prefix: str, marks: int, *, ready: int, go: int) -> None:
    """Say that this process is ready, wait for the others, and record; again what was not answered."""
    cache.tiers.redis.BUDGET_S = 0.5  # a machine that is busy is none of what is tested
    made = TieredCache(tiers=make_tiers(clock=time.time, redis_url=url, prefix=prefix), name=None)
    made.token()
    journal = made.journal(JOURNAL)
    os.write(ready, b".")
    os.read(go, 1)
    for mark in range(1, marks + 1):
        batch = [one for name in NAMES for one in crossing(name, mark)]
        while journal.record(batch) is None:
            time.sleep(0.01)
    made.close()


def main(url: str, prefix: str, processes: str, marks: str) -> int:
    """Start them, let them go, and wait; how many failed."""
    (ready, tell_ready), (go, tell_go) = os.pipe(), os.pipe()
    children = []
    for _ in range(int(processes)):
        child = os.fork()
        if child == 0:
            os.close(tell_go)
            record_all(url, prefix, int(marks), ready=tell_ready, go=go)
            os._exit(0)
        children.append(child)
    said = 0
    while said < len(children):
        said += len(os.read(ready, len(children)))
    os.close(tell_go)  # whoever waits for a word of it goes on
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
