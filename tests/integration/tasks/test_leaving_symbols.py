"""Claims about symbols that an exchange delists, renames, gives to another market or no longer knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cache.catalogue import (
    CANDLES,
    CONFLUENCE,
    DASHBOARD,
    INDICATORS,
    LONG_SHORT,
    MARKETS,
    OPEN_INTEREST,
    ORDER_BOOK,
    TICKERS,
    TRADES,
    UNIVERSE,
)
from tasks import derive, fetch, fetch_symbols, publish
from tests.integration.tasks.simulated import BTC, EXCHANGE, of, planned, published, symbols, value

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

OLD = "OLD/USDT:USDT"


def test_a_delisted_symbol_leaves_with_all_that_was_derived_from_it(workshop: Workshop) -> None:
    """Its candles, views and score are gone; the others stay."""
    names = symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    gone = names[-1]
    workshop.simulator.fault("delisted", symbol=gone.split(":")[0].replace("/", ""))

    fetch.universe(EXCHANGE)

    cache = workshop.house.cache
    assert symbols(workshop) == names[:-1]
    assert cache.get(CANDLES.key(exchange=EXCHANGE, symbol=gone, timeframe="1m")) is None
    assert cache.get(INDICATORS.key(exchange=EXCHANGE, symbol=gone, timeframe="1m")) is None
    assert cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=gone)) is None
    assert cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC)) is not None


def test_a_delisted_symbol_leaves_the_dashboard_standing(workshop: Workshop) -> None:
    """The page goes on with the others; it is never gone."""
    names = symbols(workshop)
    fetch.tickers(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    publish.dashboard()
    workshop.simulator.fault("delisted", symbol=names[-1].split(":")[0].replace("/", ""))

    fetch.universe(EXCHANGE)
    assert workshop.house.cache.get(DASHBOARD.key(view="data")) is not None
    publish.dashboard()

    assert [row["symbol"] for row in published(workshop)["symbols"]] == names[:-1]


def test_a_symbol_that_the_exchange_does_not_know_has_the_universe_refreshed_early_and_once(
    workshop: Workshop,
) -> None:
    """Not once for each of its inputs; the others of its batch are fetched."""
    symbols(workshop)
    workshop.forget_messages()

    for task in (fetch_symbols.trades, fetch_symbols.order_books, fetch_symbols.long_short):
        task(EXCHANGE, [OLD, BTC])

    assert workshop.queued("fetch.fast") == [("tasks.fetch.universe", [EXCHANGE])]
    assert value(workshop, of(TRADES)) is not None


def test_a_renamed_symbol_leaves_under_its_old_name_with_all_that_there_was_of_it(workshop: Workshop) -> None:
    """The exchange lists it under a new one; every kind of input, and what was made of it, goes."""
    fetch.universe(EXCHANGE)
    key = UNIVERSE.key(exchange=EXCHANGE)
    listed = value(workshop, key)
    renamed = [{**row, "symbol": OLD} if row["symbol"] == BTC else row for row in listed["instruments"]]
    cache = workshop.house.cache
    cache.put(key, {**listed, "instruments": renamed})
    kept = [of(kind, OLD) for kind in (TRADES, OPEN_INTEREST, LONG_SHORT, ORDER_BOOK, CONFLUENCE)]
    kept += [CANDLES.key(exchange=EXCHANGE, symbol=OLD, timeframe=name) for name in ("1m", "4h")]
    for one in kept:
        cache.put(one, {})
    fetch.tickers(EXCHANGE)

    fetch.universe(EXCHANGE)
    fetch.tickers(EXCHANGE)

    assert BTC in symbols(workshop)
    assert OLD not in symbols(workshop)
    assert cache.get_many(kept) == {}
    assert set(value(workshop, TICKERS.key(exchange=EXCHANGE))["tickers"]) == set(symbols(workshop))
    assert BTC in planned(workshop)["trades"]


def test_a_symbol_that_stands_for_another_market_begins_anew(workshop: Workshop) -> None:
    """What was known under its name is of the old market, so all of it goes; the rest is kept."""
    fetch.universe(EXCHANGE)
    cache, key = workshop.house.cache, MARKETS.key(exchange=EXCHANGE)
    listed = value(workshop, key)["markets"]
    cache.put(key, {"markets": [{**one, "id": "OLDBTC"} if one["symbol"] == BTC else one for one in listed]})
    other = next(name for name in symbols(workshop) if name != BTC)
    for symbol in (BTC, other):
        cache.put(of(TRADES, symbol), {})

    fetch.universe(EXCHANGE)

    assert BTC in symbols(workshop)
    assert of(TRADES, BTC) not in cache.get_many([of(TRADES, BTC)])
    assert of(TRADES, other) in cache.get_many([of(TRADES, other)])
