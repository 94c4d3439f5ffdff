"""Tasks that ask an exchange symbol by symbol, in the batches that the plan sends out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import Put
from cache.catalogue import CANDLES
from market.errors import BadAnswer
from market.inputs import OpenInterest, Trades
from market.model import Candles
from tasks import app, wire
from tasks.base import FetchTask
from tasks.batches import fetch_each
from tasks.planning import candles_due_at
from tasks.symbol_inputs import BY_SYMBOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import Entry, Key
    from market.exchange import Exchange
    from market.inputs import LongShort
    from market.model import OrderBook
    from tasks.symbol_inputs import SymbolInput


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
        if entry is not None and series.closed_at < entry.as_of <= source.now():
            # From a server that is behind. Kept, it would say that the market stands still.
            raise BadAnswer(exchange, "candles going back in time", symbol=symbol)
        return Put(keys[symbol], series.to_plain(), as_of=series.closed_at)

    fetch_each(house, source, "candles", keys, timeframes=[timeframe], fetch=fetch)


@app.task(base=FetchTask, name="tasks.fetch.order_books")  # type: ignore[untyped-decorator]
def order_books(exchange: str, symbols: list[str]) -> None:
    """Fetch one batch of order books."""
    _fetch(BY_SYMBOL["order_book"], exchange, symbols, lambda source, symbol, _: source.order_book(symbol))


@app.task(base=FetchTask, name="tasks.fetch.trades")  # type: ignore[untyped-decorator]
def trades(exchange: str, symbols: list[str]) -> None:
    """Fetch the newest trades of one batch and join them to those that are known."""

    def ask(source: Exchange, symbol: str, known: Any) -> Trades:
        return source.trades(symbol, Trades.from_plain(exchange, symbol, known) if known else None)

    _fetch(BY_SYMBOL["trades"], exchange, symbols, ask, joined=True)


@app.task(base=FetchTask, name="tasks.fetch.open_interest")  # type: ignore[untyped-decorator]
def open_interest(exchange: str, symbols: list[str]) -> None:
    """Fetch the last hour's open interest of one batch."""

    def ask(source: Exchange, symbol: str, known: Any) -> OpenInterest:
        return source.open_interest(
            symbol, OpenInterest.from_plain(exchange, symbol, known) if known else None
        )

    _fetch(BY_SYMBOL["open_interest"], exchange, symbols, ask, joined=True)


@app.task(base=FetchTask, name="tasks.fetch.long_short")  # type: ignore[untyped-decorator]
def long_short(exchange: str, symbols: list[str]) -> None:
    """Fetch the ratio of long to short accounts of one batch."""
    _fetch(BY_SYMBOL["long_short"], exchange, symbols, lambda source, symbol, _: source.long_short(symbol))


def _fetch(
    what: SymbolInput,
    exchange: str,
    symbols: list[str],
    ask: Callable[[Exchange, str, Any], OrderBook | Trades | OpenInterest | LongShort],
    *,
    joined: bool = False,
) -> None:
    """Fetch one input of each symbol; what is `joined` to what is known gets that, fresh or not, or None."""
    house = wire.house()
    keys = {symbol: what.kind.key(exchange=exchange, symbol=symbol) for symbol in symbols}
    known: dict[Key, Entry] = house.cache.get_many(keys.values()) if joined else {}
    source = house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        key = keys[symbol]
        newest = ask(source, symbol, known[key].value if key in known else None)
        return Put(key, newest.to_plain(), as_of=newest.as_of)

    fetch_each(house, source, what.source, keys, timeframes=[], fetch=fetch)
