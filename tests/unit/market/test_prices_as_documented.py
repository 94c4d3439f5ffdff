"""Trades, books, candles and tickers as the exchanges' own pages have them, through our edge."""

from __future__ import annotations

import pytest

from tests.support.as_documented import BTC, NOW, NOW_MS, edge, kucoin

TRADES = {
    "binance": {
        "fapi/v1/trades": [
            {"id": 7, "price": "100.5", "qty": "0.02", "quoteQty": "2.01", "time": NOW_MS,
             "isBuyerMaker": True}
        ]
    },
    "kucoin": {
        "trade/history": kucoin(
            [{"sequence": 3, "side": "sell", "size": 20, "price": "100.5", "tradeId": "7",
              "ts": NOW_MS * 10**6}]
        )
    },
    "gate": {
        "futures/usdt/trades": [
            {"id": 7, "create_time": NOW, "create_time_ms": NOW, "contract": "BTC_USDT", "size": -200,
             "price": "100.5"}
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", TRADES)
def test_a_seller_s_trade_is_in_base_units_with_a_minus(exchange):
    """0.02 BTC at 100.5: base units, 20 contracts of 0.001, or minus 200 contracts of 0.0001."""
    trades = edge(exchange, TRADES[exchange]).trades(BTC, None)

    assert trades.amount.tolist() == pytest.approx([0.02])
    assert (trades.price.tolist(), trades.side.tolist(), trades.last_ids) == ([100.5], [-1], ("7",))
    assert trades.time.tolist() == [NOW]


BOOKS = {
    "binance": {
        "fapi/v1/depth": {"T": NOW_MS, "bids": [["100", "0.02"]], "asks": [["101", "0.03"]]}
    },
    "kucoin": {
        "level2/depth100": kucoin(
            {"symbol": "XBTUSDTM", "ts": NOW_MS * 10**6, "bids": [["100", 20]], "asks": [["101", 30]]}
        )
    },
    "gate": {
        "futures/usdt/order_book": {
            "id": 1, "current": NOW, "update": NOW,
            "bids": [{"s": 200, "p": "100"}], "asks": [{"s": 300, "p": "101"}],
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", BOOKS)
def test_a_book_is_in_base_units(exchange):
    """Asked for at a depth that the exchange takes: kucoin only knows 20 and 100."""
    book = edge(exchange, BOOKS[exchange]).order_book(BTC)

    assert book.bids.tolist() == [[100.0, pytest.approx(0.02)]]
    assert book.asks.tolist() == [[101.0, pytest.approx(0.03)]]
    assert book.as_of == NOW


OPEN_MS = NOW_MS - 120_000
CANDLES = {
    "binance": {
        "fapi/v1/klines": [
            [OPEN_MS, "100", "102", "99", "101", "0.02", OPEN_MS + 59_999, "2", 3, "1", "1", "0"]
        ]
    },
    "kucoin": {"kline/query": kucoin([[OPEN_MS, 100.0, 102.0, 99.0, 101.0, 20, 2.0]])},
    "gate": {
        "futures/usdt/candlesticks": [
            {"t": OPEN_MS // 1000, "v": 200, "c": "101", "h": "102", "l": "99", "o": "100", "sum": "2"}
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", CANDLES)
def test_a_candle_has_its_columns_in_order_and_its_volume_in_base_units(exchange):
    """Open, high, low, close, and 0.02 BTC."""
    candles = edge(exchange, CANDLES[exchange]).candles(BTC, "1m", bars=3)

    row = [getattr(candles, name)[0] for name in ("open", "high", "low", "close", "volume")]
    assert row == [100.0, 102.0, 99.0, 101.0, pytest.approx(0.02)]
    assert candles.first_open_ms == OPEN_MS


TICKERS = {
    "binance": {
        "fapi/v1/ticker/24hr": [
            {"symbol": "BTCUSDT", "lastPrice": "110", "openPrice": "100", "highPrice": "111",
             "lowPrice": "99", "volume": "5", "quoteVolume": "525.0", "closeTime": NOW_MS}
        ]
    },
    "kucoin": {
        "contracts/active": kucoin(
            [{"symbol": "XBTUSDTM", "lastTradePrice": 110.0, "highPrice": 111.0, "lowPrice": 99.0,
              "volumeOf24h": 5.0, "turnoverOf24h": 525.0, "priceChg": 10.0, "priceChgPct": 0.1}]
        )
    },
    "gate": {
        "futures/usdt/tickers": [
            {"contract": "BTC_USDT", "last": "110", "change_percentage": "10", "high_24h": "111",
             "low_24h": "99", "volume_24h": "50000", "volume_24h_base": "5", "volume_24h_quote": "525"}
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", TICKERS)
def test_a_ticker_has_its_turnover_in_quote_units_and_a_change_from_the_open(exchange):
    """525 USDT in a day, from 100 to 110."""
    (found,) = edge(exchange, TICKERS[exchange]).tickers([BTC]).values()

    assert (found.last, found.high_24h, found.low_24h, found.turnover_24h) == (110.0, 111.0, 99.0, 525.0)
    assert found.change_24h == pytest.approx(10.0)
