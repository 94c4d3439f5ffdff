"""Tasks that ask an exchange symbol by symbol, in the batches that the plan sends out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import Put
from cache.catalogue import CANDLES, LONG_SHORT, OPEN_INTEREST, ORDER_BOOK, TRADES
from market.inputs import OpenInterest, Trades
from market.model import Candles
from tasks import app, wire
from tasks.base import FetchTask
from tasks.batches import fetch_each
from tasks.planning import candles_due_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache import Entry, Key, Kind
    from tasks.wire import House


@app.task(base=FetchTask, name="tasks.fetch.candles")  # type: ignore[untyped-decorator]
def candles(exchange: str, timeframe: str, symbols: list[str]) -> None:
    """Fetch one batch of series: whole where there is none to trust, else only the newest few candles.

    One that is stale because its next candle is late is true as far as it goes. One that is stale
    before that is doubted: it was expired, or the tier that held it was lost.
    """
    house = wire.house()
    keys = {symbol: CANDLES.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for symbol in symbols}
    known = house.cache.get_many(keys.values())
    bars = house.settings.candle_bars
    source = house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        entry = known.get(keys[symbol])
        if entry is None or (
            entry.state == "stale" and source.now() < candles_due_at(entry.as_of, symbol, timeframe)
        ):
            series = source.candles(symbol, timeframe, bars=bars)
        else:
            series = source.newer_candles(Candles.from_plain(entry.value), symbol, bars=bars)
        return Put(keys[symbol], series.to_plain(), as_of=series.closed_at)

    fetch_each(house, source, "candles", keys, timeframes=[timeframe], fetch=fetch)


@app.task(base=FetchTask, name="tasks.fetch.order_books")  # type: ignore[untyped-decorator]
def order_books(exchange: str, symbols: list[str]) -> None:
    """Fetch one batch of order books."""
    house = wire.house()
    keys, source = _keys(ORDER_BOOK, exchange, symbols), house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        book = source.order_book(symbol)
        return Put(keys[symbol], book.to_plain(), as_of=book.as_of)

    fetch_each(house, source, "order_book", keys, timeframes=[], fetch=fetch)


@app.task(base=FetchTask, name="tasks.fetch.trades")  # type: ignore[untyped-decorator]
def trades(exchange: str, symbols: list[str]) -> None:
    """Fetch the newest trades of one batch and join them to those that are known."""
    house = wire.house()
    keys, source = _keys(TRADES, exchange, symbols), house.exchange(exchange)
    known = _known(house, keys)

    def fetch(symbol: str) -> Put:
        previous = Trades.from_plain(exchange, symbol, known[symbol]) if symbol in known else None
        newest = source.trades(symbol, previous)
        return Put(keys[symbol], newest.to_plain(), as_of=newest.as_of)

    fetch_each(house, source, "trades", keys, timeframes=[], fetch=fetch)


@app.task(base=FetchTask, name="tasks.fetch.open_interest")  # type: ignore[untyped-decorator]
def open_interest(exchange: str, symbols: list[str]) -> None:
    """Fetch the last hour's open interest of one batch."""
    house = wire.house()
    keys, source = _keys(OPEN_INTEREST, exchange, symbols), house.exchange(exchange)
    known = _known(house, keys)

    def fetch(symbol: str) -> Put:
        previous = OpenInterest.from_plain(exchange, symbol, known[symbol]) if symbol in known else None
        newest = source.open_interest(symbol, previous)
        return Put(keys[symbol], newest.to_plain(), as_of=newest.as_of)

    fetch_each(house, source, "open_interest", keys, timeframes=[], fetch=fetch)


@app.task(base=FetchTask, name="tasks.fetch.long_short")  # type: ignore[untyped-decorator]
def long_short(exchange: str, symbols: list[str]) -> None:
    """Fetch the ratio of long to short accounts of one batch."""
    house = wire.house()
    keys, source = _keys(LONG_SHORT, exchange, symbols), house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        ratio = source.long_short(symbol)
        return Put(keys[symbol], ratio.to_plain(), as_of=ratio.as_of)

    fetch_each(house, source, "long_short", keys, timeframes=[], fetch=fetch)


def _keys(kind: Kind, exchange: str, symbols: list[str]) -> dict[str, Key]:
    return {symbol: kind.key(exchange=exchange, symbol=symbol) for symbol in symbols}


def _known(house: House, keys: Mapping[str, Key]) -> dict[str, Any]:
    """What is there of each symbol, fresh or not."""
    found: dict[Key, Entry] = house.cache.get_many(keys.values())
    return {symbol: found[key].value for symbol, key in keys.items() if key in found}
