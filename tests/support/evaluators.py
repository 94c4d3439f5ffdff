"""Processes that evaluate alerts without pause, as forks of one that kills them and replaces them.

`python -m tests.support.evaluators PROCESSES SEED` prints a line for each one that it has killed, and nothing
else: what they log goes to the standard error. It ends them all when its input is closed.
"""

from __future__ import annotations

import os
import random
import selectors
import signal
import sys
import time

import cache.tiers.redis
from tasks import alerts
from tests.support.alert_desks import Desk

# The seconds between two kills, of the killer's own choice.
SOONEST_S, LATEST_S = 0.01, 0.2
ONE = b"."


def evaluate_until_killed(at_work: int) -> None:
    """Run the body of the task again and again, without the lock that would keep out the others."""
    cache.tiers.redis.BUDGET_S = 0.5  # a machine that is busy is none of what is tested
    alerts.request_publish = lambda _cache: None
    desk = Desk()
    alerts.wire._houses[os.getpid()] = desk.house
    alerts.evaluate.run()
    os.write(at_work, ONE)
    while True:
        alerts.evaluate.run()
        time.sleep(0.002)


class Evaluator:
    """One process, and whether it has evaluated yet."""

    def __init__(self) -> None:
        self._told, at_work = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            evaluate_until_killed(at_work)
        os.close(at_work)

    def is_at_work(self) -> bool:
        """Whether it has evaluated yet, or died of itself: killed before, it would only ever have begun."""
        with selectors.DefaultSelector() as told:
            # What was told is left there, for the next one who asks.
            told.register(self._told, selectors.EVENT_READ)
            return bool(told.select(timeout=0))

    def kill(self) -> None:
        """End it where it stands."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self._told)


def main(processes: str, seed: str) -> None:
    """Keep so many running, and kill the oldest at any moment."""
    moments = random.Random(seed)
    killed = os.dup(1)
    os.dup2(2, 1)
    running = [Evaluator() for _ in range(int(processes))]
    with selectors.DefaultSelector() as closed:
        closed.register(sys.stdin, selectors.EVENT_READ)
        while not closed.select(timeout=moments.uniform(SOONEST_S, LATEST_S)):
            if running[0].is_at_work():
                running.pop(0).kill()
                # In one piece: lines that are written in parts are torn apart by what others write.
                os.write(killed, b"killed\n")
                running.append(Evaluator())
    for one in running:
        one.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
