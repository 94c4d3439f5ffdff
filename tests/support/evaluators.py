"""Processes that evaluate alerts without pause, as forks of one: what is killed is replaced at once.

`python -m tests.support.evaluators PROCESSES` prints a line `evaluator ID` for each process that it starts,
among what they log, and ends them all when its input is closed.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time

import cache.tiers.redis
from tasks import alerts
from tests.support.alert_desks import Desk


def evaluate_until_killed() -> None:
    """Run the body of the task again and again, without the lock that would keep out the others."""
    cache.tiers.redis.BUDGET_S = 0.5  # a machine that is busy is none of what is tested
    alerts.request_publish = lambda _cache: None
    desk = Desk()
    alerts.wire._houses[os.getpid()] = desk.house
    while True:
        alerts.evaluate.run()
        time.sleep(0.002)


def start() -> int:
    """One more process; its id."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        evaluate_until_killed()
    print("evaluator", child, flush=True)  # noqa: T201 - the test reads it
    return child


def main(processes: str) -> None:
    """Keep so many running."""
    running = {start() for _ in range(int(processes))}
    with selectors.DefaultSelector() as waiting:
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while not waiting.select(timeout=0.01):
            gone, _ = os.waitpid(-1, os.WNOHANG)
            if gone:
                running.discard(gone)
                running.add(start())
    for child in running:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
