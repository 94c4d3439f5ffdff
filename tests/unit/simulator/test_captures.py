from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.simulator_parts import synthetic

NOW = 1_779_969_600.0 + 5 * 3600 + 12.5
# What the exchange added after the contract fixtures were taken, and what ccxt adds to an answer itself.
NEWER = {"fundingIntervalHour", "basisRateYear", "fundingCap", "preOpenPrice", "preQty", "curPreListingPhase"}
NEWER_TRADE = {"isRPITrade", "seq"}
ADDED_BY_CCXT = {"timestamp"}


@pytest.fixture(scope="module")
def recordings():
    """The folder of captures."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set")
    return Path(root)


@pytest.fixture(scope="module")
def parts():
    """A small synthetic exchange."""
    return synthetic(NOW)


def captured(recordings, name):
    """A live capture's raw answer."""
    path = recordings / "live-captures" / "bybit" / f"{name}.json"
    return json.loads(path.read_text())["http_response"]


def fixture(recordings, method, description):
    """A raw answer from ccxt's own fixtures."""
    methods = json.loads((recordings / "ccxt-static" / "response" / "bybit.json").read_text())["methods"]
    return next(case for case in methods[method] if case["description"] == description)["httpResponse"]


def shape(value):
    """The JSON type of each leaf; of lists the first element's."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize(
    ("name", "path", "query"),
    [
        ("fetch_ticker_BTC_USDT", "tickers", {"symbol": "BTCUSDT"}),
        ("fetch_tickers_BTC_ETH", "tickers", {}),
        ("fetch_ohlcv_BTC_USDT", "kline", {"symbol": "BTCUSDT", "interval": "60", "limit": 3}),
        ("fetch_order_book_BTC_USDT", "orderbook", {"symbol": "BTCUSDT", "limit": 5}),
        ("fetch_trades_BTC_USDT", "recent-trade", {"symbol": "BTCUSDT", "limit": 5}),
    ],
)
def test_spot_answers_have_the_keys_and_types_of_live_ones(recordings, parts, name, path, query):
    """Field for field, envelope included."""
    real = captured(recordings, name)

    ours = parts.answer(path, category="spot", **query)

    assert shape(ours) == shape(real)


def test_an_option_list_has_the_live_envelope(recordings, parts):
    """Ours is empty, with the same keys around it."""
    real = captured(recordings, "fetch_markets")

    ours = parts.answer("instruments-info", category="option")

    assert set(ours) == set(real)
    assert set(ours["result"]) == set(real["result"])


@pytest.mark.parametrize(
    ("method", "description", "path", "query", "newer"),
    [
        ("fetchTicker", "swap ticker", "tickers", {}, NEWER),
        ("fetchFundingRate", "fetchFundingRate", "tickers", {}, NEWER),
        ("fetchTrades", "swap public trade", "recent-trade", {"limit": 1}, NEWER_TRADE),
        ("fetchOpenInterest", "linear OI", "open-interest", {"intervalTime": "1h", "limit": 1}, set()),
        (
            "fetchFundingRateHistory",
            "contract with a funding interval different from 8h",
            "funding/history",
            {"limit": 3},
            set(),
        ),
    ],
)
def test_contract_answers_have_the_keys_of_real_ones(
    recordings, parts, method, description, path, query, newer
):
    """Nothing is missing, and nothing is added but what the exchange added since."""
    real = fixture(recordings, method, description)

    ours = parts.answer(path, category="linear", symbol="BTCUSDT", **query)

    assert set(ours) == set(real)
    assert set(ours["result"]) == set(real["result"])
    real_row, our_row = set(real["result"]["list"][0]), set(ours["result"]["list"][0])
    assert real_row - ADDED_BY_CCXT <= our_row
    assert our_row - real_row <= newer
    assert all(isinstance(value, str | bool) for value in ours["result"]["list"][0].values())


def test_contract_candles_and_books_look_like_real_ones(recordings, parts):
    """Seven strings a candle, pairs of strings a level."""
    real_candles = fixture(recordings, "fetchOHLCV", "swap ohlcv with since and limit")
    real_book = fixture(recordings, "fetchOrderBook", "swap orderbook")

    candles = parts.answer("kline", category="linear", symbol="BTCUSDT", interval="60", limit=3)
    book = parts.answer("orderbook", category="linear", symbol="BTCUSDT", limit=2)

    assert shape(candles["result"]) == shape(real_candles["result"])
    assert len(candles["result"]["list"][0]) == len(real_candles["result"]["list"][0]) == 7
    assert set(real_book["result"]) <= set(book["result"])
    assert shape(book["result"]["b"]) == shape(real_book["result"]["b"])


@pytest.mark.parametrize(("symbol", "category"), [("BTC/USDT", "spot"), ("BTC/USDT:USDT", "linear")])
def test_instruments_have_the_keys_of_real_ones(recordings, parts, symbol, category):
    """All filters too."""
    markets = json.loads((recordings / "ccxt-static" / "markets" / "bybit.json").read_text())
    real = markets[symbol]["info"]

    ours = parts.result("instruments-info", category=category, symbol="BTCUSDT")["list"][0]

    assert set(ours) == set(real)
    for key, value in real.items():
        if isinstance(value, dict):
            assert set(ours[key]) == set(value), key
