"""The claim that no alert is lost or doubled, whoever is killed while it is raised."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from itertools import count

import pytest

from tests.support.alert_desks import Desk
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SYMBOLS = tuple(f"S{number}/USDT:USDT" for number in range(8))
ROUNDS = 8
LONGEST_S = 60.0
EVALUATORS = 2
LEAST_KILLS = 4


class Kills(threading.Thread):
    """How many evaluators were killed so far."""

    def __init__(self, lines) -> None:
        super().__init__(daemon=True)
        self._lines = lines
        self.so_far = 0

    def run(self) -> None:
        """Count a line for each."""
        for _ in self._lines:
            self.so_far += 1


@contextmanager
def killed_evaluators(seed):
    """Evaluators of the present environment that are killed and replaced."""
    command = [sys.executable, "-m", "tests.support.evaluators", str(EVALUATORS), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as farm:
        kills = Kills(farm.stdout)
        kills.start()
        try:
            yield kills
        finally:
            farm.stdin.close()
            kills.join(20)
    assert farm.returncode == 0, "what killed them has died itself"


def test_no_alert_is_lost_or_doubled_while_evaluators_are_killed(redis_server, monkeypatch):
    """Eight scores rise and fall until enough evaluators died over it, in steps that everybody has seen.

    Nothing keeps the two apart: no lock, no cooldown. Each crossing is one alert.
    """
    monkeypatch.setenv("REDIS_URL", f"{redis_server.url}/0")
    monkeypatch.setenv("ALERT_COOLDOWN", "0")
    monkeypatch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
    desk = Desk()
    redis = desk.cache._engine.far.quick
    states = f"{desk.cache._engine.far.base}:journal:alerts:states"
    desk.list_symbols(*SYMBOLS)

    def everybody_is(level):
        # Packed for Redis' own use: the level is the first thing in it.
        packed = [redis.hget(states, f"score|simulated|{symbol}") for symbol in SYMBOLS]
        return all(one is not None and one[1 : 2 + len(level)] == _packed(level) for one in packed)

    def move(score, level):
        desk.score(dict.fromkeys(SYMBOLS, score))
        eventually(lambda: everybody_is(level), within_s=20)

    wanted = Counter()
    with killed_evaluators(seed=7) as kills:
        move(50.0, "")
        give_up_at = time.monotonic() + LONGEST_S
        for turn in count():
            high = 70.0 + turn % 100 / 4
            move(high, "high")
            move(50.0, "")
            wanted.update((symbol, high) for symbol in SYMBOLS)
            # An evaluator takes a while to start, and a round next to nothing.
            if turn + 1 >= ROUNDS and kills.so_far >= LEAST_KILLS:
                break
            assert time.monotonic() < give_up_at, kills.so_far

    found = Counter(
        (alert["symbol"], alert["data"]["score"]) for alert in desk.raised() if alert["kind"] == "score"
    )
    desk.cache.close()
    assert found == wanted


def _packed(text):
    return bytes([0xA0 + len(text)]) + text.encode()
