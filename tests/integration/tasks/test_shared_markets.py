"""The markets of an exchange, handed from process to process through the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cache.catalogue import CANDLES, MARKETS
from market.errors import SymbolUnknown
from tasks import fetch, fetch_symbols, wire

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def test_a_new_process_fetches_candles_without_asking_for_markets(workshop: Workshop) -> None:
    """What another process has loaded is enough; the exchange counts what it is asked for."""
    fetch.universe(EXCHANGE)
    wire.close()
    workshop.simulator.reset_requests()

    fetch_symbols.candles(EXCHANGE, "1m", [BTC])

    key = CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m")
    assert wire.house().cache.get(key) is not None
    assert set(workshop.simulator.requests()["paths"]) == {"/v5/market/kline"}


def test_a_process_that_runs_follows_a_newer_list(workshop: Workshop) -> None:
    """Such as one from which a market is gone; it asks nobody for it."""
    fetch.universe(EXCHANGE)
    exchange = workshop.house.exchange(EXCHANGE)
    exchange.order_book(ETH)
    key = MARKETS.key(exchange=EXCHANGE)
    entry = workshop.house.cache.get(key)
    fewer = [market for market in entry.value["markets"] if market["symbol"] != ETH]
    workshop.house.cache.put(key, {"markets": fewer}, as_of=entry.as_of + 1)
    workshop.simulator.reset_requests()

    exchange = workshop.house.exchange(EXCHANGE)

    with pytest.raises(SymbolUnknown):
        exchange.order_book(ETH)
    assert workshop.simulator.requests()["total"] == 0
