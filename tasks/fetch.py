"""Tasks that ask the exchanges: plan what is due, fetch it, store it, announce it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from cache import Put
from cache.catalogue import CANDLES, CONFLUENCE, EXCHANGE_STATUS, ORDER_BOOK, TICKERS, UNIVERSE
from market.model import Candles
from tasks import app, plain, planning, status, wire
from tasks.announce import request_publish
from tasks.base import MarketTask
from tasks.batches import fetch_each, is_closed, reported

if TYPE_CHECKING:
    from cache import Entry
    from tasks.wire import House

Due = TypeVar("Due")

log = structlog.get_logger()

BATCH = 10  # symbols in one task: short enough to spread over threads, long enough to be worth a message
CLAIM_S = 10.0  # what was claimed and not fetched is free again after this long, and its message void


@app.task(base=MarketTask, name="tasks.fetch.universe", run_lock_s=60.0)  # type: ignore[untyped-decorator]
def universe(exchange: str) -> None:
    """Refresh which symbols are tracked; what left takes all that was derived from it along."""
    house = wire.house()
    key = UNIVERSE.key(exchange=exchange)
    before = house.cache.get(key)
    source = house.exchange(exchange)
    with reported(house, exchange, "universe") as report:
        instruments = source.universe(house.settings.symbol_limit)
        report()
    timeframes = source.timeframes(house.settings.timeframes)
    house.cache.put(key, plain.universe(instruments, timeframes), as_of=house.clock())
    tracked = {instrument.symbol for instrument in instruments}
    gone = [symbol for symbol in plain.symbols_of(before.value if before else None) if symbol not in tracked]
    _forget(house, exchange, gone)
    log.info("universe_refreshed", exchange=exchange, symbols=len(tracked), left=gone)
    request_publish(house.cache)
    plan.apply_async((exchange,), expires=CLAIM_S)


@app.task(base=MarketTask, name="tasks.fetch.tickers", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def tickers(exchange: str) -> None:
    """Refresh the last prices of all tracked symbols with one call."""
    house = wire.house()
    symbols = _tracked(house, exchange)
    if not symbols or is_closed(house, exchange, "tickers"):
        return
    with reported(house, exchange, "tickers") as report:
        values = house.exchange(exchange).tickers(symbols)
        report()
    key = TICKERS.key(exchange=exchange)
    before = house.cache.get(key)
    rows = plain.tickers(values, symbols, before.value if before else None, house.clock())
    house.cache.put(key, rows, as_of=min(ticker.as_of for ticker in values.values()))
    request_publish(house.cache)


@app.task(base=MarketTask, name="tasks.fetch.plan", run_lock_s=20.0)  # type: ignore[untyped-decorator]
def plan(exchange: str) -> None:
    """Send out what is due: candles right after their close, order books that have grown old."""
    house = wire.house()
    known = house.cache.get(UNIVERSE.key(exchange=exchange))
    if _universe_is_due(house, exchange, known) and _claimed(house, f"universe:{exchange}"):
        universe.apply_async((exchange,), expires=CLAIM_S)
    symbols = plain.symbols_of(known.value if known else None)
    if not symbols:
        return
    source = house.exchange(exchange)
    now, room = source.now(), source.calls_within(house.settings.period_candles)
    if not is_closed(house, exchange, "order_book"):
        books = _due_books(house, exchange, symbols, now, most=-(-room // 2))
        _send_books(exchange, books)
        room -= len(books)
    if not is_closed(house, exchange, "candles"):
        timeframes = plain.timeframes_of(known.value if known else None, house.settings.timeframes)
        _send_candles(exchange, _due_candles(house, exchange, symbols, timeframes, now, most=room))


@app.task(base=MarketTask, name="tasks.fetch.candles")  # type: ignore[untyped-decorator]
def candles(exchange: str, timeframe: str, symbols: list[str]) -> None:
    """Fetch one batch of series: whole where there is none to trust, else only the newest few candles."""
    house = wire.house()
    keys = {symbol: CANDLES.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for symbol in symbols}
    known = house.cache.get_many(keys.values())
    bars = house.settings.candle_bars
    source = house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        entry = known.get(keys[symbol])
        if entry is None or entry.state == "stale":
            series = source.candles(symbol, timeframe, bars=bars)
        else:
            series = source.newer_candles(Candles.from_plain(entry.value), symbol, bars=bars)
        return Put(keys[symbol], series.to_plain(), as_of=series.closed_at)

    fetch_each(house, exchange, "candles", symbols, timeframes=[timeframe], fetch=fetch)


@app.task(base=MarketTask, name="tasks.fetch.order_books")  # type: ignore[untyped-decorator]
def order_books(exchange: str, symbols: list[str]) -> None:
    """Fetch one batch of order books."""
    house = wire.house()
    source = house.exchange(exchange)

    def fetch(symbol: str) -> Put:
        book = source.order_book(symbol)
        return Put(ORDER_BOOK.key(exchange=exchange, symbol=symbol), book.to_plain(), as_of=book.as_of)

    fetch_each(house, exchange, "order_book", symbols, timeframes=[], fetch=fetch)


def candles_claim(exchange: str, symbol: str, timeframe: str, closed_at: float | None) -> str:
    """The claim to whatever follows the close that is there, at `closed_at` in Unix seconds."""
    return f"{exchange}:{symbol}:{timeframe}:{closed_at}"


def book_claim(exchange: str, symbol: str, as_of: float | None) -> str:
    """The claim to whatever follows the order book that is there, true at `as_of` in Unix seconds."""
    return f"{exchange}:{symbol}:book:{as_of}"


def _tracked(house: House, exchange: str) -> list[str]:
    entry = house.cache.get(UNIVERSE.key(exchange=exchange))
    return plain.symbols_of(entry.value if entry else None)


def _universe_is_due(house: House, exchange: str, known: Entry | None) -> bool:
    """Whether there is none to trust, or the last attempt failed and may be tried again."""
    if is_closed(house, exchange, "universe"):
        return False
    if known is None or known.state == "stale":
        return True
    told = house.cache.get(EXCHANGE_STATUS.key(exchange=exchange, source="universe"))
    return told is not None and told.value["state"] != status.OK


def _due_candles(
    house: House, exchange: str, symbols: list[str], timeframes: list[str], now: float, most: int
) -> list[planning.Series]:
    series = {
        CANDLES.key(exchange=exchange, symbol=symbol, timeframe=timeframe): (symbol, timeframe)
        for timeframe in timeframes
        for symbol in symbols
    }
    # What is stale counts as absent: late, or doubted because the tier that held it was lost.
    closed_at = {
        series[key]: entry.as_of
        for key, entry in house.cache.get_many(series).items()
        if entry.state == "fresh"
    }
    due = planning.due_candles(symbols, timeframes, closed_at, now)
    # The claim names the close that is there, so it needs no release: success makes a new name.
    return _claim(house, {one: candles_claim(exchange, *one, closed_at.get(one)) for one in due}, most)


def _due_books(house: House, exchange: str, symbols: list[str], now: float, most: int) -> list[str]:
    keys = {ORDER_BOOK.key(exchange=exchange, symbol=symbol): symbol for symbol in symbols}
    as_of = {keys[key]: entry.as_of for key, entry in house.cache.get_many(keys).items()}
    due = planning.due_books(symbols, as_of, now, house.settings.period_order_books)
    return _claim(house, {one: book_claim(exchange, one, as_of.get(one)) for one in due}, most)


def _claim(house: House, names: dict[Due, str], most: int) -> list[Due]:
    """The first of those that are due which nobody else is fetching, at most `most`.

    More than the exchange's rate carries until the next round would only wait in the queue, and the
    next prices behind them.
    """
    claimed: list[Due] = []
    for due, name in names.items():
        if len(claimed) >= most:
            break
        if _claimed(house, name):
            claimed.append(due)
    return claimed


def _claimed(house: House, what: str) -> bool:
    return house.cache.claim(what, CLAIM_S)


def _send_candles(exchange: str, series: list[planning.Series]) -> None:
    for timeframe, symbols in planning.by_timeframe(series).items():
        for batch in planning.batches(symbols, BATCH):
            candles.apply_async((exchange, timeframe, batch), expires=CLAIM_S)


def _send_books(exchange: str, symbols: list[str]) -> None:
    for batch in planning.batches(symbols, BATCH):
        order_books.apply_async((exchange, batch), expires=CLAIM_S)


def _forget(house: House, exchange: str, symbols: list[str]) -> None:
    keys = [ORDER_BOOK.key(exchange=exchange, symbol=symbol) for symbol in symbols]
    keys += [CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in symbols]
    keys += [
        CANDLES.key(exchange=exchange, symbol=symbol, timeframe=timeframe)
        for symbol in symbols
        for timeframe in house.settings.timeframes
    ]
    if keys:
        house.cache.remove(*keys)
