"""Claims about several exchanges at once: the trouble of one is nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

import settings as environment
from addresses import parse_redis
from cache import TieredCache
from cache.catalogue import EXCHANGE_STATUS, TICKERS, TRADES, UNIVERSE
from tasks.base import TICK_HEADER
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator
from tests.support.system import free_row
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
WELL, ILL = "simulated", "simulated2"
SYMBOLS, THREADS, PERIOD_S, TIMEOUT_S = 3, 4, 1.0, 5
BEATS = 2
LIVE_S = 4.0
"""What is asked for every second is never older than this on an exchange that answers.

Two seconds are usual on one core. Who waits for an exchange that hangs gets older than its time-out.
"""


@dataclass
class Market:
    """One fetcher that follows two exchanges, and beat's part for both, played by a thread."""

    cache: TieredCache
    simulators: dict[str, Any]
    app: Celery
    stopped: threading.Event = field(default_factory=threading.Event)

    def tick(self) -> None:
        """Send what is periodic, until the end: as two beats do, the second half a period after the first."""
        options = {"expires": PERIOD_S, "headers": {TICK_HEADER: PERIOD_S}}
        while not self.stopped.wait(PERIOD_S / BEATS):
            for exchange, task in product((WELL, ILL), ("tickers", "plan")):
                self.app.send_task(f"tasks.fetch.{task}", (exchange,), queue="fetch.fast", **options)

    def age_s(self, exchange: str) -> float:
        """Seconds since the oldest of its prices and trades came; endless while one is not there."""
        universe = self.cache.get(UNIVERSE.key(exchange=exchange))
        if universe is None:
            return float("inf")
        rows = universe.value["instruments"]
        keys = [TRADES.key(exchange=exchange, symbol=row["symbol"]) for row in rows]
        keys.append(TICKERS.key(exchange=exchange))
        found = self.cache.get_many(keys)
        if len(found) < len(keys):
            return float("inf")
        return time.time() - min(entry.stored_at for entry in found.values())

    def word(self, exchange: str) -> Any:
        """How its prices are doing."""
        entry = self.cache.get(EXCHANGE_STATUS.key(exchange=exchange, source="tickers"))
        return None if entry is None else entry.value["state"]

    @contextmanager
    def frozen(self, exchange: str) -> Iterator[None]:
        """Keep an exchange stopped for the block: it takes every call and says nothing."""
        os.kill(self.simulators[exchange].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.simulators[exchange].pid, signal.SIGCONT)

    def worst_age_s(self, during_s: float) -> float:
        """The greatest age on the exchange that is well, looked at all the time."""
        ages: list[float] = []
        end = time.monotonic() + during_s
        eventually(
            lambda: ages.append(self.age_s(WELL)) or time.monotonic() >= end, during_s + 5, every_s=0.05
        )
        return max(ages)


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """Both exchanges up to date, everything asked for every second."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        port = free_row(2)
        simulators = {
            name: stack.enter_context(
                running_simulator(symbols=SYMBOLS, port=port + number, arguments=("--limit", "0"))
            )
            for number, name in enumerate((WELL, ILL))
        }
        variables = {
            "REDIS_URL": f"{redis.url}/0", "BROKER_URL": f"{redis.url}/1", "EXCHANGES": f"{WELL},{ILL}",
            "SIMULATOR_PORT": str(port), "FETCH_THREADS": str(THREADS), "EXCHANGE_TIMEOUT": str(TIMEOUT_S),
            "PERIOD_TRADES": str(PERIOD_S), "PERIOD_ORDER_BOOKS": str(PERIOD_S), "TIMEFRAMES": "1m",
            "SYMBOL_LIMIT": str(SYMBOLS),
        }  # fmt: skip
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, text in variables.items():
            patch.setenv(name, text)
        settings = environment.load()
        app = Celery(broker=parse_redis(f"{redis.url}/1").for_celery(), set_as_current=False)
        app.conf.task_queues = _queues()
        cache = TieredCache.from_settings(settings, name=None)
        stack.callback(cache.close)
        stack.enter_context(_fetcher())
        made = Market(cache, simulators, app)
        ticking = threading.Thread(target=made.tick)
        ticking.start()
        stack.callback(ticking.join)
        stack.callback(made.stopped.set)
        eventually(lambda: max(made.age_s(WELL), made.age_s(ILL)) < LIVE_S, within_s=120)
        yield made


def test_two_beats_ask_an_exchange_no_more_than_one(market: Market) -> None:
    """Both send every tick, and a real worker takes one of each period."""
    market.simulators[WELL].reset_requests()

    market.worst_age_s(4 * PERIOD_S)
    asked = market.simulators[WELL].requests()["paths"]["/v5/market/tickers"]["requests"]

    assert 2 <= asked <= 6


def test_an_exchange_that_hangs_holds_up_nobody_elses_prices(market: Market) -> None:
    """Each of its calls lasts until its time is out: that takes some threads, and never all of them."""
    with market.frozen(ILL):
        worst_s = market.worst_age_s(1.5 * TIMEOUT_S)
        told = eventually(lambda: market.word(ILL) != "ok" and market.word(ILL), within_s=60)

    assert worst_s < LIVE_S
    assert told == "unreachable"
    assert market.word(WELL) == "ok"
    eventually(lambda: market.age_s(ILL) < LIVE_S, within_s=60)


def test_an_exchange_that_refuses_us_holds_up_nobody_elses_prices(market: Market) -> None:
    """It is left alone, and everybody is told why."""
    market.simulators[ILL].fault("403", path="*")

    told = eventually(lambda: market.word(ILL) == "banned", within_s=60)
    market.simulators[ILL].reset_requests()
    worst_s = market.worst_age_s(2.0)

    assert told
    assert worst_s < LIVE_S
    assert market.word(WELL) == "ok"
    assert market.simulators[ILL].requests()["total"] == 0


def _queues() -> Any:
    import celeryconfig

    return celeryconfig.task_queues


@contextmanager
def _fetcher() -> Iterator[None]:
    """A worker as the Procfile starts it, with the environment of this process."""
    command = [
        sys.executable, "-m", "celery", "-q", "-A", "tasks", "worker", "-n", "fetcher@test", "-P", "threads",
        "-c", str(THREADS), "-Q", "fetch.fast,fetch.slow", "--without-mingle", "--without-gossip",
        "-l", "WARNING",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
