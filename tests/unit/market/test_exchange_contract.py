"""Recorded answers of real exchanges, through real ccxt clients and our edge, to typed values."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

from market.model import TIMEFRAME_SECONDS
from tests.support.recordings import recordings
from tests.support.replay import replayed_exchange

NOW = 1_800_000_000.0
EXCHANGES = ("bybit", "okx", "kraken")


@functools.cache
def load(path: str):
    """One recorded file."""
    return json.loads((recordings() / path).read_text())


def cases(method: str):
    """Yield (exchange, symbol or symbols, raw answer, ccxt's value) of every recorded public call."""
    captured = {"fetchOHLCV": "ohlcv", "fetchOrderBook": "order_book", "fetchTicker": "ticker"}
    for exchange in EXCHANGES:
        for case in load(f"ccxt-static/response/{exchange}.json")["methods"].get(method, ()):
            yield exchange, case["input"], case["httpResponse"], case["parsedResponse"]
        if exchange != "kraken":
            symbols = ("BTC", "ETH") if method == "fetchTicker" else ("BTC",)
            for base in symbols:
                case = load(f"live-captures/{exchange}/fetch_{captured[method]}_{base}_USDT.json")
                yield exchange, case["args"], case["http_response"], case["parsed_response"]


def markets_of(exchange: str):
    """The markets of ccxt for its fixtures."""
    return load(f"ccxt-static/markets/{exchange}.json")


def edge(exchange: str, raw, clock=lambda: NOW):
    """An exchange that gives this raw answer."""
    return replayed_exchange(exchange, markets_of(exchange), lambda _url: raw, clock=clock)[0]


def test_recorded_candles_arrive_number_for_number():
    """Every recorded series of bybit, okx and kraken equals what ccxt wrote down for it."""
    seen = set()
    for exchange, arguments, raw, expected in cases("fetchOHLCV"):
        symbol, timeframe = arguments[:2]
        recorded = np.array(expected, dtype=float)
        # The clock stands in the last recorded candle's successor, so that all of them are closed.
        now = recorded[-1, 0] / 1000 + TIMEFRAME_SECONDS[timeframe] + 1
        candles = edge(exchange, raw, lambda now=now: now).candles(symbol, timeframe, bars=100)
        candles = candles.tail(len(recorded))  # Kraken's raw answer goes further back and on

        ours = np.column_stack([candles.open, candles.high, candles.low, candles.close, candles.volume])
        assert candles.first_open_ms == recorded[0, 0]
        assert np.array_equal(ours, recorded[:, 1:6])
        assert not candles.filled.any()
        seen.add(exchange)

    assert seen == set(EXCHANGES)


def test_a_recorded_candle_that_was_running_is_left_out():
    """With the clock inside the last recorded candle, the one before it is the newest."""
    for exchange, arguments, raw, expected in cases("fetchOHLCV"):
        symbol, timeframe = arguments[:2]
        running_ms = expected[-1][0]
        candles = edge(exchange, raw, lambda now=running_ms / 1000 + 1: now).candles(
            symbol, timeframe, bars=2
        )

        assert candles.closed_at * 1000 == running_ms


def test_recorded_books_arrive_level_for_level():
    """Prices as recorded; amounts of OKX's derivatives turned from contracts into base units."""
    seen = set()
    for exchange, arguments, raw, expected in cases("fetchOrderBook"):
        symbol = arguments[0]
        unit = markets_of(exchange)[symbol]["contractSize"] or 1.0
        book = edge(exchange, raw).order_book(symbol)

        for side in ("bids", "asks"):
            recorded = np.array([level[:2] for level in expected[side]], dtype=float)
            assert np.allclose(getattr(book, side), recorded * (1.0, unit), rtol=1e-15, atol=0)
        assert book.as_of == expected["timestamp"] / 1000
        seen.add((exchange, unit))

    assert {("bybit", 1.0), ("okx", 1.0), ("okx", 0.01)} <= seen


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
    turnover = expected["quoteVolume"] or expected["baseVolume"] * expected["last"]
    assert ours.turnover_24h == pytest.approx(turnover, rel=1e-12)
    assert ours.as_of == (expected["timestamp"] / 1000 if expected["timestamp"] else NOW)
    assert ours.change_24h == pytest.approx((expected["last"] / expected["open"] - 1) * 100)


def test_recorded_tickers_arrive_number_for_number():
    """Single tickers of all three exchanges; the change is ours, from open and last."""
    seen = set()
    for exchange, arguments, raw, expected in cases("fetchTicker"):
        symbol = arguments[0]

        found = edge(exchange, raw).tickers([symbol])

        assert list(found) == [symbol]
        assert_same_ticker(found[symbol], expected)
        seen.add(exchange)

    assert seen == set(EXCHANGES)


@pytest.mark.parametrize("exchange", ["bybit", "okx"])
def test_a_whole_recorded_day_of_tickers_gives_those_asked_for(exchange):
    """One answer with some 700 symbols, of which two were asked for."""
    case = load(f"live-captures/{exchange}/fetch_tickers_BTC_ETH.json")

    found = edge(exchange, case["http_response"]).tickers(["BTC/USDT", "ETH/USDT"])

    assert set(found) == set(case["parsed_response"])
    for symbol, ticker in found.items():
        assert_same_ticker(ticker, case["parsed_response"][symbol])


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
