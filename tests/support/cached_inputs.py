"""One of every input of a score, put into a cache as the tasks that fetch them do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cache.catalogue import BREADTH, CANDLES, FUNDING, LONG_SHORT, OPEN_INTEREST, ORDER_BOOK, TRADES, UNIVERSE
from market.inputs import Breadth, Funding, LongShort, OpenInterest, Trades
from market.model import Instrument
from tasks import plain
from tests.support.made_candles import book, rising

if TYPE_CHECKING:
    from tasks.wire import House

BTC, ETH = "BTC/USDT", "ETH/USDT"
TIMEFRAMES = ("1m", "5m", "30m", "4h")


def offer(house: House, inputs: tuple[str, ...]) -> None:
    """Let the exchange have these inputs."""
    instruments = [Instrument("okx", name, name, "USDT", "swap", 2.0) for name in (BTC, ETH)]
    house.cache.put(UNIVERSE.key(exchange="okx"), plain.universe(instruments, TIMEFRAMES, inputs))


def put_candles(house: House, symbol: str = BTC, timeframe: str = "1m") -> None:
    """Cache rising prices that closed just now."""
    candles = rising(300, timeframe=timeframe)
    candles = replace(candles, first_open_ms=int(house.clock() * 1000) - 300 * candles.step_ms)
    key = CANDLES.key(exchange="okx", symbol=symbol, timeframe=timeframe)
    house.cache.put(key, candles.to_plain(), as_of=candles.closed_at)


def put(house: House, kind: Any, value: Any, symbol: str | None = BTC) -> None:
    """Cache one input as of now."""
    of = {"exchange": "okx"} if symbol is None else {"exchange": "okx", "symbol": symbol}
    house.cache.put(kind.key(**of), value, as_of=house.clock())


def put_all(house: House) -> None:
    """Cache one of every input of Bitcoin."""
    now = house.clock()
    for timeframe in TIMEFRAMES:
        put_candles(house, timeframe=timeframe)
    put(house, ORDER_BOOK, book([(99.0, 2.0)], [(101.0, 1.0)], as_of=now).to_plain())
    times, ones = np.array([now - 60, now - 1]), np.ones(2)
    trades = Trades("okx", BTC, times, ones, ones, np.array([1, 1], "i1"), now - 900, ("a",), now)
    put(house, TRADES, trades.to_plain())
    put(house, OPEN_INTEREST, OpenInterest("okx", BTC, (now - 3600, now), (1.0, 2.0), now).to_plain())
    put(house, LONG_SHORT, LongShort("okx", BTC, 2.0, now).to_plain())
    put(house, BREADTH, Breadth("okx", 1, 2, now).to_plain(), None)
    rate = Funding("okx", BTC, 0.0001, 8.0, None, now)
    put(house, FUNDING, {"funding": {BTC: rate.to_plain()}}, None)
