"""The edge against the faults of the simulated exchange: what each is called, and that it goes away."""

from __future__ import annotations

import time

import numpy as np
import pytest

from market.errors import BadAnswer, Banned, ExchangeUnavailable, MarketError, RateLimited, SymbolUnknown
from tests.support.replay import FreeLimiter
from tests.support.simulated_edge import BTC, edge

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("fault", "fields", "kind"),
    [
        ("429", {"retry_after_s": 3}, RateLimited),
        ("403", {}, Banned),
        ("418", {}, Banned),
        ("500", {}, ExchangeUnavailable),
        ("502", {}, ExchangeUnavailable),
        ("503", {}, ExchangeUnavailable),
        ("timeout", {"seconds": 3}, ExchangeUnavailable),
        ("reset", {}, ExchangeUnavailable),
        ("html", {}, BadAnswer),
        ("truncated", {}, BadAnswer),
        ("null", {}, BadAnswer),
        ("empty", {}, BadAnswer),
    ],
)
def test_each_fault_has_its_name_and_goes_away(sim, fault, fields, kind):
    """All calls alike; afterwards everything works again."""
    exchange = edge(sim, limiter=FreeLimiter())
    exchange.tickers()
    patience_ms = exchange._client.timeout
    if fault == "timeout":
        exchange._client.timeout = 100
    sim.fault(fault, path="*", **fields)

    for ask in (
        lambda: exchange.candles(BTC, "1m", bars=5),
        lambda: exchange.order_book(BTC),
        lambda: exchange.trades(BTC, None),
        lambda: exchange.open_interest(BTC, None),
        lambda: exchange.funding([BTC]),
        lambda: exchange.long_short(BTC),
        exchange.tickers,
    ):
        with pytest.raises(kind) as failed:
            ask()
        assert type(failed.value) is kind
    sim.clear_faults()
    exchange._client.timeout = patience_ms

    assert len(exchange.candles(BTC, "1m", bars=5)) == 5


def test_markets_that_cannot_be_loaded_are_tried_again(sim):
    """A start into an outage: an error of ours, then the markets."""
    exchange = edge(sim, limiter=FreeLimiter())
    sim.fault("html", path="*")

    with pytest.raises(BadAnswer):
        exchange.candles(BTC, "1m", bars=5)
    sim.clear_faults()

    assert len(exchange.candles(BTC, "1m", bars=5)) == 5


def test_a_delisted_symbol_is_unknown_and_leaves_the_universe(sim):
    """First its calls fail, then the next universe is without it."""
    exchange = edge(sim)
    gone = exchange.universe(12)[-1].symbol
    sim.fault("delisted", path="*", symbol=gone.split("/")[0] + "USDT")

    with pytest.raises(SymbolUnknown):
        exchange.candles(gone, "1m", bars=5)

    assert gone not in {one.symbol for one in exchange.universe(12)}
    with pytest.raises(SymbolUnknown):
        exchange.order_book(gone)


def test_stale_candles_keep_their_true_age(sim):
    """An exchange whose candles stand still gives what it has; closed_at tells."""
    exchange = edge(sim)
    now = exchange.candles(BTC, "1m", bars=5).closed_at
    sim.fault("stale_candles", path="*", at_ms=(now - 600) * 1000)

    assert exchange.candles(BTC, "1m", bars=5).closed_at <= now - 540


def test_a_gap_is_filled_from_the_close_before_it(sim):
    """Three candles that the exchange does not send are flagged."""
    exchange = edge(sim)
    last = exchange.candles(BTC, "1m", bars=20).closed_at
    begin = (last - 10 * 60) * 1000
    sim.fault("gap", path="*", from_ms=begin, to_ms=begin + 3 * 60_000)

    candles = exchange.candles(BTC, "1m", bars=20)

    where = np.flatnonzero(candles.filled)
    assert len(where) == 3
    assert np.all(candles.close[where] == candles.close[where[0] - 1])


def test_the_exchange_s_clock_is_followed(sim):
    """The exchange lives 20 minutes ahead: candles that are closed there are closed."""
    sim.move_clock(1200)
    exchange = edge(sim)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert exchange.now() == pytest.approx(time.time() + 1200, abs=1.5)
    assert 1200 - 62 <= candles.closed_at - time.time() <= 1200


def test_a_date_that_lies_makes_no_candle_of_a_running_one(sim):
    """A `Date` ten minutes slow shows an older series, never a half-done candle."""
    true = edge(sim).candles(BTC, "1m", bars=60)
    sim.fault("clock", path="*", offset_s=-600)

    candles = edge(sim).candles(BTC, "1m", bars=30)

    assert candles.closed_at <= time.time() - 540
    place = int((candles.closed_at * 1000 - true.first_open_ms) // 60_000)
    assert candles.close[-1] == true.close[place - 1]


def test_after_a_ban_nothing_reaches_the_exchange(sim):
    """The simulator counts what arrives: one 403, then silence."""
    exchange = edge(sim)
    exchange.tickers()
    sim.fault("403", path="*")
    sim.reset_requests()

    for _ in range(5):
        with pytest.raises(Banned):
            exchange.order_book(BTC)

    assert sim.requests()["total"] == 1
    with pytest.raises(MarketError):
        exchange.candles(BTC, "1m", bars=5)
