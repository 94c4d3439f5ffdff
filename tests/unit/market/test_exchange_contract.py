"""Recorded answers of real exchanges, through real ccxt clients and our edge, to typed values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.errors import BadAnswer
from market.model import TIMEFRAME_SECONDS
from tests.support.fixtures import NOW, cases, load, markets_of
from tests.support.replay import made_market, replayed_exchange


def test_recorded_candles_arrive_number_for_number():
    """Every recorded series of four exchanges equals what ccxt wrote down for it."""
    seen = set()
    for case in cases("fetchOHLCV"):
        symbol, timeframe = case.arguments[:2]
        recorded = np.array(case.expected, dtype=float)
        # The clock stands in the last recorded candle's successor, so that all of them are closed.
        now = recorded[-1, 0] / 1000 + TIMEFRAME_SECONDS[timeframe] + 1
        edge = ending_at(case, now).edge(clock=lambda now=now: now)
        candles = edge.candles(symbol, timeframe, bars=100)
        candles = candles.tail(len(recorded))  # Kraken's raw answer goes further back

        ours = np.column_stack([candles.open, candles.high, candles.low, candles.close, candles.volume])
        assert candles.first_open_ms == recorded[0, 0]
        assert np.array_equal(ours, recorded[:, 1:6])
        assert not candles.filled.any()
        seen.add(case.exchange)

    assert seen == {"bybit", "okx", "kraken", "bitget"}


def test_a_recorded_candle_that_was_running_is_left_out():
    """With the clock inside the last recorded candle, the one before it is the newest."""
    for case in cases("fetchOHLCV"):
        symbol, timeframe = case.arguments[:2]
        running_ms = case.expected[-1][0]
        now = running_ms / 1000 + 1
        edge = ending_at(case, now).edge(clock=lambda now=now: now)
        candles = edge.candles(symbol, timeframe, bars=2)

        assert candles.closed_at * 1000 == running_ms


def test_recorded_books_arrive_level_for_level():
    """Prices as recorded; amounts of OKX's derivatives turned from contracts into base units."""
    seen = set()
    for case in cases("fetchOrderBook"):
        unit = markets_of(case.exchange)[case.symbol]["contractSize"] or 1.0
        book = case.edge().order_book(case.symbol)

        for side in ("bids", "asks"):
            recorded = np.array([level[:2] for level in case.expected[side]], dtype=float)
            assert np.allclose(getattr(book, side), recorded * (1.0, unit), rtol=1e-15, atol=0)
        assert book.as_of == case.expected["timestamp"] / 1000
        seen.add((case.exchange, unit))

    assert seen == {("bybit", 1.0), ("okx", 1.0), ("okx", 0.01), ("bitget", 1.0)}


def assert_same_ticker(ours, expected):
    """Compare the fields that leave the edge with ccxt's."""
    names = {
        "last": "last",
        "open": "open_24h",
        "high": "high_24h",
        "low": "low_24h",
        "bid": "bid",
        "ask": "ask",
    }
    for theirs, name in names.items():
        assert getattr(ours, name) == expected[theirs], name
    turnover = expected["quoteVolume"]
    if turnover is None:
        turnover = expected["baseVolume"] * expected["last"]
    assert ours.turnover_24h == pytest.approx(turnover, rel=1e-12)
    assert ours.as_of == (expected["timestamp"] / 1000 if expected["timestamp"] else NOW)
    if expected["open"] is None:
        assert ours.change_24h is None
    else:
        assert ours.change_24h == pytest.approx((expected["last"] / expected["open"] - 1) * 100)


def test_recorded_tickers_arrive_number_for_number():
    """Single tickers of four exchanges; the change is ours, from open and last."""
    seen = set()
    for case in cases("fetchTicker"):
        if case.exchange == "coinbase":
            continue  # the answer of another call than ours, see below

        found = case.edge().tickers([case.symbol])

        assert list(found) == [case.symbol]
        assert_same_ticker(found[case.symbol], case.expected)
        seen.add(case.exchange)

    assert seen == {"bybit", "okx", "kraken", "bitget"}


def test_a_recorded_answer_of_another_call_is_a_bad_one():
    """Coinbase's single ticker is not its list of products: no price is made of it."""
    (case,) = (one for one in cases("fetchTicker") if one.exchange == "coinbase")

    with pytest.raises(BadAnswer, match="no tickers"):
        case.edge().tickers([case.symbol])


def test_recorded_lists_of_tickers_arrive_number_for_number():
    """Whole lists, also those of options, of which only what was asked for is read."""
    seen = set()
    for case in cases("fetchTickers"):
        symbols = case.arguments[0]
        exchange = case.edge()
        if "-C" in symbols[0]:  # ccxt's markets of the fixture have no options
            option = made_market(
                "BTC/USDT:USDT", id="BTC-30MAY25-70000-C-USDT", linear=None, swap=False, option=True
            )
            exchange._client.set_markets([{**option, "symbol": symbols[0], "type": "option"}])

        found = exchange.tickers(symbols)

        assert set(found) == set(symbols)
        for symbol, ticker in found.items():
            assert_same_ticker(ticker, case.expected[symbol])
        seen.add((case.exchange, len(case.raw.get("data") or case.raw["result"]["list"]) > 1))

    assert seen == {("bybit", True), ("okx", True), ("bitget", False)}


@pytest.mark.parametrize(("exchange", "fewest"), [("bybit", 450), ("okx", 290)])
def test_almost_every_row_of_a_real_day_is_believed(exchange, fewest):
    """The rules for tickers refuse next to nothing that a real exchange sends: under 1 %."""
    case = load(f"live-captures/{exchange}/fetch_tickers_BTC_ETH.json")
    raw = case["http_response"]
    rows = raw["result"]["list"] if exchange == "bybit" else raw["data"]
    names = [row.get("symbol") or row["instId"] for row in rows]
    template = markets_of(exchange)["BTC/USDT"]
    markets = [
        {**template, "id": name, "symbol": f"{name}/USDT", "base": name, "quote": "USDT"}
        for name in names
        if name.endswith("USDT")
    ]
    spot_only = {market["symbol"]: market for market in markets}

    found = replayed_exchange(exchange, spot_only, lambda _url: raw, clock=lambda: NOW)[0].tickers()

    assert len(markets) >= fewest
    assert len(found) >= 0.99 * len(markets), set(spot_only) - set(found)


def test_the_universe_of_a_real_day_is_ranked_by_turnover():
    """Recorded okx markets and tickers: USDT spot, the highest turnover first, one call each."""
    markets = {s: m for s, m in markets_of("okx").items() if m["spot"]}
    tickers = load("live-captures/okx/fetch_tickers_BTC_ETH.json")["http_response"]
    exchange, client, _ = replayed_exchange("okx", {}, lambda _url: tickers, clock=lambda: NOW)
    client.fetch_markets = lambda _params=None: list(markets.values())

    universe = exchange.universe(3)

    turnovers = [one.turnover_24h for one in universe]
    assert turnovers == sorted(turnovers, reverse=True)
    assert [one.symbol for one in universe][:2] == ["ETH/USDT", "BTC/USDT"]
    assert all((one.exchange, one.type, one.quote) == ("okx", "spot", "USDT") for one in universe)


def ending_at(case, now):
    """The case without what its answer has after `now`: Kraken's goes on beyond what was asked for."""
    if case.exchange != "kraken":
        return case
    result = {
        name: [row for row in rows if row[0] <= now] if isinstance(rows, list) else rows
        for name, rows in case.raw["result"].items()
    }
    return replace(case, raw={**case.raw, "result": result})
