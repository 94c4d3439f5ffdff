"""Workers that die in the middle of every kind of task, a broker that is restarted, a second beat."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from cache import TieredCache, make_tiers
from cache.catalogue import (
    ALERTS,
    BETA,
    CANDLES,
    CATALOGUE,
    CONFLUENCE,
    DASHBOARD,
    FUNDING,
    LONG_SHORT,
    OPEN_INTEREST,
    ORDER_BOOK,
    TICKERS,
    TRADES,
    UNIVERSE,
)
from celeryconfig import FETCHER_QUEUES, SCORER_QUEUES, imports, task_routes
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator
from tests.support.system import CLEARED
from tests.support.waiting import eventually

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
EXCHANGE = "simulated"
SYMBOLS = 6
KINDS = sorted(task_routes)
PERIOD_S = 2
TIMEFRAMES = ("1m", "5m", "30m", "4h")
PERIODS = (
    "UNIVERSE", "TICKERS", "CANDLES", "ORDER_BOOKS", "TRADES", "OPEN_INTEREST", "FUNDING", "LONG_SHORT",
    "SCORES", "BETA", "ALERTS", "DASHBOARD",
)  # fmt: skip
WORKER = ("celery", "-q", "-A", "tests.support.mortal", "worker", "-l", "WARNING", "-P", "prefork")
COMMANDS = {
    "fetcher": (*WORKER, "-n", "fetcher@%h", "-c", "3", "-Q", ",".join(FETCHER_QUEUES)),
    "scorer": (*WORKER, "-n", "scorer@%h", "-c", "2", "-Q", ",".join(SCORER_QUEUES)),
    "beat": ("celery", "-q", "-A", "tasks", "beat", "-l", "WARNING", "--pidfile="),
    "second beat": ("celery", "-q", "-A", "tasks", "beat", "-l", "WARNING", "--pidfile="),
}


class Crew:
    """The workers and beat over one broker, one cache and one exchange; who looks at it reads the cache."""

    def __init__(self, folder, broker, shared, simulator, stack) -> None:
        self.broker_server = broker
        self.simulator = simulator
        self.orders = folder / "orders"
        self.orders.mkdir()
        self.broker = stack.enter_context(redis.Redis.from_url(f"{broker.url}/0"))
        self.shared = stack.enter_context(redis.Redis.from_url(f"{shared.url}/0"))
        self.cache = TieredCache(
            tiers=make_tiers(clock=time.time, redis_url=f"{shared.url}/0", memory_entries=0), name=None
        )
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in CLEARED},
            **{f"PERIOD_{name}": str(PERIOD_S) for name in PERIODS},
            "BROKER_URL": f"{broker.url}/0", "REDIS_URL": f"{shared.url}/0",
            "SIMULATOR_PORT": str(simulator.port), "SYMBOL_LIMIT": str(SYMBOLS),
            "VAR_DIR": str(folder), "MORTAL_ORDERS": str(self.orders),
        }  # fmt: skip

    def start(self, *names: str) -> None:
        """Start these processes."""
        for name in names:
            command = [str(Path(sys.executable).parent / COMMANDS[name][0]), *COMMANDS[name][1:]]
            if "beat" in name:
                command += ["-s", str(self._folder / name.replace(" ", "-"))]
            with (self._folder / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )

    def stop(self, *names: str) -> None:
        """Ask them to end, and wait for it."""
        for name in names:
            self._running[name].terminate()
        for name in names:
            self._running.pop(name).wait(15)

    def start_again(self, *names: str) -> None:
        """Wait until they have died of what was ordered, and start them, as whoever keeps them would."""
        for name in names:
            self._running.pop(name).wait(20)
            self.start(name)

    def keep(self) -> None:
        """Start what has ended by itself, as whoever keeps the processes does.

        kombu 5.7 can end a worker whose broker goes while a message is not acknowledged: it puts that back
        through the connection that it has just let go of.
        """
        for name in [name for name, process in self._running.items() if process.poll() is not None]:
            self.start(name)

    def close(self) -> None:
        """End whatever runs, with its children."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.cache.close()

    def carries_out(self, orders: dict[str, str]) -> None:
        """Have the next run of each task die as it says, and wait until they all have."""
        for old in self.orders.iterdir():
            old.unlink()
        for task, how in orders.items():
            written = self.orders.parent / task
            written.write_text(how, encoding="utf-8")
            written.rename(self.orders / task)
        # Candles are due again only with their next close.
        rows = self.rows()
        self.cache.expire(
            *(CANDLES.key(exchange=EXCHANGE, symbol=row["symbol"], timeframe="1m") for row in rows)
        )

        def to_come() -> set[str]:
            return {path.name for path in self.orders.iterdir() if path.suffix != ".done"}

        try:
            eventually(lambda: not to_come(), within_s=30, every_s=0.1)
        except AssertionError:
            raise AssertionError(f"nobody ran {to_come()}\n{self.logs()}") from None

    def facts(self) -> str:
        """What the rows say of their ages, and the ages of their inputs."""
        lines = [f"now {time.time():.1f}"]
        for row in self.rows():
            keys = [
                kind.key(exchange=EXCHANGE, symbol=row["symbol"]) for kind in (CONFLUENCE, ORDER_BOOK, TRADES)
            ]
            keys += [
                CANDLES.key(exchange=EXCHANGE, symbol=row["symbol"], timeframe=each) for each in TIMEFRAMES
            ]
            found = self.cache.get_many(keys)
            ages = {
                key.text: (round(entry.as_of, 1), round(entry.stored_at, 1), entry.state)
                for key, entry in found.items()
            }
            lines.append(f"{row['symbol']} score {row['score']} as of {row['score_as_of']}: {ages}")
        return "\n".join(lines)

    def logs(self) -> str:
        """The ends of what they all printed."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-3000:]}" for path in self._folder.glob("*.log")
        )

    def rows(self) -> list[dict]:
        """The rows of the dashboard as published."""
        entry = self.cache.get(DASHBOARD.key(view="data"))
        return json.loads(entry.value["body"])["symbols"] if entry else []

    def stuck(self, since: float) -> set[str]:
        """What has not been renewed since then: kinds, symbols, or the dashboard."""
        universe = self.cache.get(UNIVERSE.key(exchange=EXCHANGE))
        rows = self.rows()
        if universe is None or len(rows) != SYMBOLS:
            return {"universe"}
        keys = [kind.key(exchange=EXCHANGE) for kind in (UNIVERSE, TICKERS, FUNDING)]
        keys.append(DASHBOARD.key(view="data"))
        keys += [
            kind.key(exchange=EXCHANGE, symbol=row["symbol"])
            for kind in (ORDER_BOOK, TRADES, OPEN_INTEREST, LONG_SHORT)
            for row in rows
        ]
        found = self.cache.get_many(keys)
        old = {key.text for key in keys if key not in found or found[key].stored_at < since}
        # What follows from candles is new only after their next close.
        keys = [BETA.key(exchange=EXCHANGE, timeframe="5m")]
        keys += [
            CANDLES.key(exchange=EXCHANGE, symbol=row["symbol"], timeframe=timeframe)
            for row in rows
            for timeframe in TIMEFRAMES
        ]
        found = self.cache.get_many(keys)
        old |= {key.text for key in keys if key not in found or found[key].state != "fresh"}
        return old | {
            row["symbol"] for row in rows if row["score"] is None or not (row["score_as_of"] or 0) > since
        }

    def recovers(self, within_s: float = 60.0) -> None:
        """Wait until everything has been renewed since now."""
        since = time.time()
        try:
            eventually(lambda: self.keep() or not self.stuck(since), within_s=within_s, every_s=0.2)
        except AssertionError:
            raise AssertionError(
                f"stuck since {since}: {sorted(self.stuck(since))}\n{self.facts()}\n{self.logs()}"
            ) from None


@pytest.fixture(scope="module")
def crew(tmp_path_factory):
    """Two workers, beat, two Redis servers and the exchange, all of them well."""
    with ExitStack() as stack:
        broker, shared = (stack.enter_context(redis_server()) for _ in range(2))
        simulator = stack.enter_context(running_simulator(symbols=SYMBOLS))
        made = Crew(tmp_path_factory.mktemp("crew"), broker, shared, simulator, stack)
        stack.callback(made.close)
        made.start("fetcher", "scorer", "beat")
        made.recovers(within_s=120.0)
        yield made


def test_every_kind_of_task_is_there():
    """Whatever a worker can run dies below."""
    from tasks import app

    for module in imports:
        __import__(module)
    assert sorted(name for name in app.tasks if name.startswith("tasks.")) == KINDS


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_process_that_dies_in_the_middle_of_any_task_stops_nothing(crew, how):
    """Each kind of task loses the process that runs it, half done and with its lock held."""
    crew.carries_out(dict.fromkeys(KINDS, how))

    crew.recovers()


def test_workers_that_end_in_the_middle_of_their_work_stop_nothing(crew):
    """One by SIGKILL, one because a task ran out of memory: Celery ends it then. They are started again."""
    crew.carries_out({"tasks.fetch.candles": "worker SIGKILL", "tasks.derive.symbols": "memory"})
    crew.start_again("fetcher", "scorer")

    crew.recovers()


def test_a_broker_that_is_restarted_and_forgets_everything_stops_nothing(crew):
    """All waiting messages are gone; the next ticks repair it."""
    crew.broker_server.restart()

    crew.recovers()


def test_a_second_beat_adds_no_request(crew):
    """The exchange counts as many tickers as with one."""
    crew.start("second beat")
    crew.recovers()
    crew.simulator.reset_requests()
    began = time.time()
    for _ in range(3):
        crew.recovers()
    took_s = time.time() - began

    asked = crew.simulator.requests()["paths"]["/v5/market/tickers"]["requests"]
    # The universe and the funding rates come from there as well, each once in a period.
    assert asked <= 3 * (took_s / PERIOD_S + 2)
    crew.stop("second beat")


def test_when_beat_stops_the_queues_drain_and_no_lock_is_left(crew):
    """Nothing that was killed holds anything."""
    crew.stop("beat")

    queues = (*FETCHER_QUEUES, *SCORER_QUEUES)
    eventually(lambda: not any(crew.broker.llen(queue) for queue in queues), within_s=20)
    eventually(lambda: not list(crew.shared.scan_iter("*:lease:lock:*")), within_s=10)
    assert crew.simulator.requests()["limited"] == 0


def test_no_alert_was_raised_twice(crew):
    """However often those who raise them died."""
    entry = crew.cache.get(ALERTS.key(scope="recent"))
    raised = [(one["kind"], one["exchange"], one["symbol"]) for one in entry.value["alerts"]]

    assert len(raised) == len(set(raised))
    assert CATALOGUE.lifetime(ALERTS) > 0
