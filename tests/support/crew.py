"""The workers and beat over one broker, one cache and one exchange, and how they die in their work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import redis

from cache import TieredCache, make_tiers
from cache.catalogue import (
    BETA,
    CANDLES,
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
from celeryconfig import FETCHER_QUEUES, SCORER_QUEUES, task_routes
from tests.support.system import CLEARED
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
EXCHANGE = "simulated"
SYMBOLS = 6
KINDS = sorted(task_routes)
FETCHED = [kind for kind in KINDS if task_routes[kind]["queue"] in FETCHER_QUEUES]
SCORED = [kind for kind in KINDS if task_routes[kind]["queue"] in SCORER_QUEUES]
PLAN = "tasks.fetch.plan"
PERIOD_S = 2
TIMEFRAMES = ("1m", "5m", "30m", "4h")
PERIODS = (
    "UNIVERSE", "TICKERS", "CANDLES", "ORDER_BOOKS", "TRADES", "OPEN_INTEREST", "FUNDING", "LONG_SHORT",
    "SCORES", "BETA", "ALERTS", "DASHBOARD",
)  # fmt: skip
# As the Procfile has them, but for the scorer's size: one of each kind stands in it at once.
WORKER = ("celery", "-q", "-A", "tests.support.mortal", "worker", "-l", "WARNING", "--without-mingle",
          "--without-gossip", "-E")  # fmt: skip
COMMANDS = {
    "fetcher": (*WORKER, "-n", "fetcher@%h", "-P", "threads", "-c", "12", "-Q", ",".join(FETCHER_QUEUES)),
    "scorer": (*WORKER, "-n", "scorer@%h", "-P", "prefork", "-c", str(len(SCORED) + 1),
               "-Q", ",".join(SCORER_QUEUES)),
    "beat": ("celery", "-q", "-A", "tasks", "beat", "-l", "WARNING", "--pidfile="),
    "second beat": ("celery", "-q", "-A", "tasks", "beat", "-l", "WARNING", "--pidfile="),
}  # fmt: skip


def each(kinds, how):
    """Orders by which every kind of task dies by itself."""
    return {kind: {"how": how, "others": [], "last": False} for kind in kinds}


def at_once(kinds, how):
    """Orders by which they all die in the same moment, each in a process of its own."""
    return {
        kind: {"how": how, "others": [one for one in kinds if one != kind], "last": False} for kind in kinds
    }


def as_threads(number):
    """Orders by which the fetcher gets the signal while a task of every kind is in the middle of its work.

    The plan, which sends out others, comes to it last.
    """
    others = [kind for kind in FETCHED if kind != PLAN]
    then = "be killed" if number == "SIGKILL" else "go on"
    return {
        **{kind: {"how": then, "others": [PLAN], "last": False} for kind in others},
        PLAN: {"how": number, "others": others, "last": True},
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
        self.ended: list[str] = []
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

    def start_again(self, name: str) -> None:
        """Wait until it has died of what was ordered, and start it, as whoever keeps the processes would."""
        eventually(lambda: self.keep() or name in self.ended, within_s=30, every_s=0.1)

    def keep(self) -> None:
        """Start what has ended by itself, as whoever keeps the processes does, and remember it."""
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        self.ended += ended
        self.start(*ended)

    def close(self) -> None:
        """End whatever runs, with its children."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.cache.close()

    def carries_out(self, orders: dict[str, dict]) -> None:
        """Have the next run of each task die as it says, and wait until they all have."""
        self.ended.clear()
        for old in self.orders.iterdir():
            old.unlink()
        for task, order in orders.items():
            written = self.orders.parent / task
            written.write_text(json.dumps(order), encoding="utf-8")
            written.rename(self.orders / task)
        # Candles are due again only with their next close.
        rows = self.rows()
        self.cache.expire(
            *(CANDLES.key(exchange=EXCHANGE, symbol=row["symbol"], timeframe="1m") for row in rows)
        )

        def to_come() -> list[str]:
            """Whoever was killed with others cannot say more than that it was in the middle."""
            said = sorted(path.name for path in self.orders.iterdir())
            late = [name for name in said if not name.endswith((".ready", ".done"))]
            return late or (said if not any(name.endswith(".done") for name in said) else [])

        try:
            # Whom a fetcher that died would have told dies later, of what the next one tells it.
            eventually(lambda: self.keep() or not to_come(), within_s=60, every_s=0.1)
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
