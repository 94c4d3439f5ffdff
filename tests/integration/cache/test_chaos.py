from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SEEDS = (1, 2)
RUN_S = 3.0
# A second, as the contract allows where coherence is not proved, and what a busy machine adds.
SEEN_WITHIN_S = 1.5
LONGEST_CALL_S = 1.0


@dataclass
class History:
    """What was written and expired when, and what may no longer be fresh."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    written: dict = field(default_factory=dict)
    outlawed: dict = field(default_factory=dict)
    wrong: list = field(default_factory=list)
    slowest: float = 0.0

    def next(self):
        """A value larger than all before."""
        with self.lock:
            self.number += 1
            return self.number

    def timed(self, call):
        """The call's answer; remembers the slowest."""
        started = time.monotonic()
        answer = call()
        self.slowest = max(self.slowest, time.monotonic() - started)
        return answer


def act(cache, key, history, chance):
    """One random step of one process."""
    if chance < 0.0015:
        value = history.next()
        history.timed(lambda: cache.put(key, value))
        history.written[key] = max(history.written.get(key, 0), value)
    elif chance < 0.004:
        bound = history.written.get(key, 0)
        history.timed(lambda: cache.expire(key))
        with history.lock:
            history.outlawed.setdefault(key, []).append((time.monotonic(), bound))
    else:
        began = time.monotonic()
        entry = history.timed(lambda: cache.get(key))
        if entry is None or entry.state == "stale":
            return
        for when, bound in history.outlawed.get(key, ()):
            if entry.value <= bound and began > when + SEEN_WITHIN_S:
                history.wrong.append((str(key), entry.value, bound, began - when, entry.tier))


def work(cache, keys, history, seed, until):
    """A process's life."""
    chances = random.Random(seed)
    try:
        while time.monotonic() < until:
            act(cache, chances.choice(keys), history, chances.random())
            time.sleep(0.002)
    except Exception as error:  # noqa: BLE001 (any error breaks the promise that no call raises)
        history.wrong.append(repr(error))


def disturb(servers, seed, until):
    """Kill, freeze and restart one server at a time."""
    chances = random.Random(seed)
    while time.monotonic() < until:
        server = chances.choice(servers)
        fault = chances.choice(("freeze", "kill", "restart"))
        getattr(server, fault)()
        time.sleep(chances.uniform(0.05, 0.8))
        if fault == "freeze":
            server.thaw()
        elif fault == "kill":
            server.restart()
        time.sleep(chances.uniform(0.1, 0.6))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_makes_an_old_value_fresh_or_a_call_fail(make_breakable, chain, seed):
    """Four processes at random, servers dying: nothing raises or hangs, and all agree afterwards."""
    caches = [make_breakable.proved() for _ in range(4)]
    keys = [chain[0].key(name=f"k{i}") for i in range(6)]
    history, until = History(), time.monotonic() + RUN_S
    threads = [
        threading.Thread(target=work, args=(cache, keys, history, seed * 100 + i, until))
        for i, cache in enumerate(caches)
    ]
    for thread in threads:
        thread.start()
    disturb([make_breakable.redis, make_breakable.memcached], seed, until)
    for thread in threads:
        thread.join()

    def healed():
        return all(
            set(one.health().values()) == {"up", "proved"} and not one.stats()["outbox"] for one in caches
        )

    def agreed():
        answers = [
            {
                key: (entry.value, entry.state)
                for key, entry in one.get_many(keys).items()
                if entry.state == "fresh"
            }
            for one in caches
        ]
        return all(answer == answers[0] for answer in answers)

    assert history.wrong == []
    assert history.slowest < LONGEST_CALL_S
    eventually(healed, within_s=3)
    eventually(agreed, within_s=2)
    final = {key: history.next() for key in keys}
    for cache, key in zip(caches * 2, keys, strict=False):
        cache.put(key, final[key])
    for cache in caches:
        eventually(
            lambda cache=cache: {key: entry.value for key, entry in cache.get_many(keys).items()} == final,
            within_s=2,
        )
