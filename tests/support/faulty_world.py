"""One worker's tasks over a real cache and the real simulated exchange, with one clock that a test moves.

The exchange's clock moves along. Time never passes by itself for the limiter, so that a ban of ten minutes
is over as soon as the test says so.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import kombu.pools
import pytest
import redis

import market.retry
from cache.catalogue import (
    CANDLES,
    CONFLUENCE,
    DASHBOARD,
    EXCHANGE_STATUS,
    FUNDING,
    LONG_SHORT,
    OPEN_INTEREST,
    ORDER_BOOK,
    TICKERS,
    TRADES,
    UNIVERSE,
)
from market.errors import MarketError
from market.token_bucket import TokenBucket
from tasks import app, derive, fetch, fetch_symbols, plain, publish, wire
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator

EXCHANGE = "simulated"
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
TIMEFRAMES = ("1m", "5m")
SYMBOLS = 2
BARS = 250
TIMEOUT_S = 20
SHORT_TIMEOUT_MS = 200
MARKET = "/v5/market/"

MINUTE_S = 60.0
LONGEST_PAUSE_S = 62.0
"""No circuit stays open for longer, and by then another minute has closed."""

PATHS = {
    "universe": "instruments-info",
    "tickers": "tickers",
    "candles": "kline",
    "order_book": "orderbook",
    "trades": "recent-trade",
    "funding": "tickers",
    "open_interest": "open-interest",
    "long_short": "account-ratio",
}
"""The path that each source of an exchange asks."""

SOURCES = tuple(PATHS)
OF_THE_SCORE = {"tickers": "breadth", "candles": "candles 1m"}
"""The inputs of a score that have another name than their source."""

TTL = {
    "universe": "ttl_universe", "tickers": "ttl_tickers", "candles": "ttl_candles",
    "order_book": "ttl_order_book", "trades": "ttl_trades", "funding": "ttl_funding",
    "open_interest": "ttl_open_interest", "long_short": "ttl_long_short",
}  # fmt: skip
_KINDS = {
    "order_book": ORDER_BOOK, "trades": TRADES, "open_interest": OPEN_INTEREST, "long_short": LONG_SHORT,
}  # fmt: skip


class Clock:
    """Unix seconds of this process; the exchange's clock is moved by the same amount, and claims run out."""

    def __init__(self, simulator, shared) -> None:
        self._simulator = simulator
        self._shared = shared
        self.offset_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return time.time() + self.offset_s

    def move(self, seconds):
        """Let time pass."""
        if seconds > 0:
            self.offset_s += seconds
            self._simulator.move_clock(self.offset_s)
            for claim in self._shared.scan_iter("*:claim:*"):
                self._shared.delete(claim)


class World:
    """The tasks of one exchange and what they have put where the web finds it."""

    def __init__(self, house, simulator, clock) -> None:
        self.house = house
        self.simulator = simulator
        self.clock = clock

    @property
    def symbols(self):
        """The symbols that are tracked."""
        entry = self.house.cache.get(UNIVERSE.key(exchange=EXCHANGE))
        return plain.symbols_of(entry.value if entry else None)

    def ask(self, source):
        """Run the task of one source; returns the error of ours that ended it, or None."""
        names = self.symbols
        runs = {
            "universe": lambda: fetch.universe(EXCHANGE),
            "tickers": lambda: fetch.tickers(EXCHANGE),
            "funding": lambda: fetch.funding(EXCHANGE),
            "candles": lambda: [fetch_symbols.candles(EXCHANGE, one, names) for one in TIMEFRAMES],
            "order_book": lambda: fetch_symbols.order_books(EXCHANGE, names),
            "trades": lambda: fetch_symbols.trades(EXCHANGE, names),
            "open_interest": lambda: fetch_symbols.open_interest(EXCHANGE, names),
            "long_short": lambda: fetch_symbols.long_short(EXCHANGE, names),
        }
        try:
            runs[source]()
        except MarketError as error:
            return error
        return None

    def ask_all(self, *, but=()):
        """Run the tasks of all sources, perhaps without some; returns the errors by source."""
        asked = {source: self.ask(source) for source in PATHS if source not in but}
        return {source: error for source, error in asked.items() if error is not None}

    def shown(self):
        """Score, publish, and read what the web would send."""
        derive.symbols(EXCHANGE, self.symbols, list(TIMEFRAMES))
        publish.dashboard()
        return json.loads(self.house.cache.get(DASHBOARD.key(view="data")).value["body"])

    def status(self, source):
        """What is known of a source."""
        return self.house.cache.get(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source)).value

    def score(self, symbol=BTC):
        """The whole score of a symbol."""
        return self.house.cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=symbol)).value

    def kept(self, source, symbol=BTC):
        """The cached value of a source, of one symbol where it has one for each, and its time."""
        keys = {
            "universe": UNIVERSE.key(exchange=EXCHANGE),
            "tickers": TICKERS.key(exchange=EXCHANGE),
            "funding": FUNDING.key(exchange=EXCHANGE),
            "candles": CANDLES.key(exchange=EXCHANGE, symbol=symbol, timeframe="1m"),
        }
        key = keys.get(source) or _KINDS[source].key(exchange=EXCHANGE, symbol=symbol)
        entry = self.house.cache.get(key)
        return None if entry is None else (entry.value, entry.as_of)

    def ttl_s(self, source):
        """How long a value of the source is fresh."""
        return getattr(self.house.settings, TTL[source])

    def fault(self, kind, source, **extra: object):
        """Put a fault in force on the path of a source."""
        self.simulator.fault(kind, path=MARKET + PATHS[source], **extra)

    def age(self, source):
        """Let as much time pass as makes the value of a source late, and renew the others that grow old."""
        # A candle is due once the next one has closed.
        late_s = {"universe": LONGEST_PAUSE_S, "candles": self.ttl_s("candles") + 2 * MINUTE_S + 4}
        self.clock.move(late_s.get(source) or self.ttl_s(source) + 1)
        assert self.ask_all(but=("universe", source)) == {}

    @contextmanager
    def in_a_hurry(self):
        """Wait for answers for a moment only."""
        client = self.house.exchange(EXCHANGE)._client
        before, client.timeout = client.timeout, SHORT_TIMEOUT_MS
        try:
            yield
        finally:
            client.timeout = before

    def recover(self):
        """Heal the exchange, wait as long as it wanted, ask for everything; returns the errors by source.

        The universe is asked for first, where the last answer was none or was that of a fault.
        """
        self.simulator.clear_faults()
        told = [self.house.cache.get(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=one)) for one in PATHS]
        until = max((entry.value["retry_at"] or 0.0 for entry in told if entry), default=0.0)
        self.clock.move(max(LONGEST_PAUSE_S, until - self.clock() + 1))
        well = len(self.symbols) == SYMBOLS and self.status("universe")["state"] == "ok"
        return self.ask_all(but=("universe",) if well else ())


@contextmanager
def faulty_world():
    """A small market with everything asked for once."""
    with ExitStack() as stack:
        simulator = stack.enter_context(running_simulator(symbols=SYMBOLS, arguments=("--limit", "0")))
        server = stack.enter_context(redis_server())
        shared = stack.enter_context(redis.Redis.from_url(f"{server.url}/0"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {
            "REDIS_URL": f"{server.url}/0",
            "SIMULATOR_PORT": str(simulator.port),
            "SYMBOL_LIMIT": str(SYMBOLS),
            "TIMEFRAMES": ",".join(TIMEFRAMES),
            "CANDLE_BARS": str(BARS),
            "EXCHANGE_TIMEOUT": str(TIMEOUT_S),
        }.items():
            patch.setenv(name, value)
        # A machine that is busy for a moment is none of the faults.
        patch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
        clock = Clock(simulator, shared)
        patch.setattr(wire, "time", SimpleNamespace(time=clock))
        patch.setattr(wire, "shared_limiter", lambda exchange, rate, **_: _limiter(exchange, rate, clock))
        patch.setattr(market.retry, "FIRST_DELAY_S", 0.0)
        patch.setitem(app.conf, "broker_url", f"{server.url}/1")
        patch.setitem(app.conf, "broker_write_url", f"{server.url}/1")
        _forget_connections()
        wire.close()
        stack.callback(_forget_connections)
        stack.callback(wire.close)
        world = World(wire.house(), simulator, clock)
        assert world.recover() == {}
        yield world


def _limiter(exchange, rate, clock):
    return TokenBucket(exchange=exchange, rate=rate, clock=clock, monotonic=clock, sleep=clock.move)


def _forget_connections():
    """Close the pools that belong to another test's broker."""
    kombu.pools.reset()
    app._pool = None
    app.amqp._producer_pool = None
