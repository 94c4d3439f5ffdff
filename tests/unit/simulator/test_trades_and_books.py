from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.book import LEVELS, order_book, quotes, roster
from simulator.trades import recent_trades
from tests.support.simulator_parts import recorded, synthetic, write_candles

NOW = 1_779_969_600.0 + 7 * 3600 + 41


@pytest.fixture(params=["synthetic", "recorded"])
def parts(request, tmp_path):
    """Both kinds of market."""
    if request.param == "synthetic":
        return synthetic(NOW)
    rows = [("100.0", "103.0", "98.5", "101.5", "812.5"), ("101.5", "101.6", "95.0", "96.0", "940.0")] * 50
    write_candles(tmp_path, {"BTC": rows})
    made = recorded(tmp_path, 1_800_000_000.0)
    made.clock.now = (made.market.first_index + 60) * 60.0 + 41
    return made


@pytest.mark.parametrize("category", ["linear", "spot"])
def test_trades_add_up_to_the_candles(parts, category):
    """Finished minutes and the running one: same volume to the step, prices inside, same open and close."""
    one, second = parts.instrument("BTCUSDT", category), int(parts.clock.now)
    trades = recent_trades(parts.tape, one, 1000, second)
    first_whole = int(trades.time_ms[0]) // 60_000 * 60_000 + 60_000

    candles = parts.tape.candles(one, "1", first_whole, second * 1000, second)

    assert len(candles) > 5
    for place, start in enumerate(candles.open_ms.tolist()):
        inside = (trades.time_ms >= start) & (trades.time_ms < start + 60_000)
        assert trades.size[inside].sum() == candles.volume[place]
        assert trades.price[inside].max() == candles.high[place]
        assert trades.price[inside].min() == candles.low[place]
        assert trades.price[inside][0] == candles.open[place]
        assert trades.price[inside][-1] == candles.close[place]


def test_trades_lie_in_the_past_in_order_and_have_unique_numbers(parts):
    """Newest last, none at or after now, all of at least one step."""
    trades = recent_trades(parts.tape, parts.instrument("BTCUSDT"), 700, int(parts.clock.now))

    assert len(trades) == 700
    assert (np.diff(trades.time_ms) > 0).all()
    assert trades.time_ms[-1] < int(parts.clock.now) * 1000
    assert len(set(trades.number.tolist())) == 700
    assert trades.size.min() >= 1
    assert 0.2 < trades.bought.mean() < 0.8


def test_earlier_trades_stay_what_they_were(parts):
    """A minute later the tape has more trades; the old ones are unchanged."""
    one, second = parts.instrument("BTCUSDT"), int(parts.clock.now)
    before = recent_trades(parts.tape, one, 50, second)

    after = recent_trades(parts.tape, one, 400, second + 60)

    common = np.isin(after.number, before.number)
    assert common.sum() == 50
    for left, right in zip(before.columns(), after.columns(), strict=True):
        assert (left == right[common]).all()


def test_a_market_without_volume_has_no_trades(tmp_path):
    """Nothing is invented for silent candles."""
    write_candles(tmp_path, {"BTC": [("1.5", "1.5", "1.5", "1.5", "0.0")] * 90})
    parts = recorded(tmp_path, 1_800_000_000.0)

    assert parts.result("recent-trade", category="linear", symbol="BTCUSDT")["list"] == []


@pytest.mark.parametrize("category", ["linear", "spot"])
def test_books_are_ordered_and_do_not_cross(parts, category):
    """Every second for a minute: bids fall, asks rise, best bid below best ask, sizes positive."""
    one = parts.instrument("BTCUSDT", category)
    for later in range(60):
        forming = parts.tape.forming(int(parts.clock.now) + later)

        book = order_book(one, forming, LEVELS)

        assert len(book.bids) == len(book.asks) == LEVELS
        assert (np.diff(book.bids) < 0).all()
        assert (np.diff(book.asks) > 0).all()
        assert 0 < book.bids[-1] < book.bids[0] < book.asks[0]
        assert min(book.bid_sizes.min(), book.ask_sizes.min()) >= 1
        assert forming.last[one.series] in {book.bids[0], book.asks[0]}


def test_a_book_is_the_same_for_the_same_second_and_a_prefix_of_a_deeper_one(parts):
    """Deterministic; depth only adds levels."""
    one, forming = parts.instrument("BTCUSDT"), parts.tape.forming(int(parts.clock.now))

    deep, shallow = order_book(one, forming, 200), order_book(one, forming, 7)

    assert (deep.bids[:7] == shallow.bids).all()
    assert (deep.ask_sizes[:7] == shallow.ask_sizes).all()


def test_the_tickers_quotes_are_the_books_first_level(parts):
    """All instruments at once give what each book begins with."""
    everything = parts.listing.of("linear")
    forming = parts.tape.forming(int(parts.clock.now))

    best = quotes(roster(everything), forming)

    for place, one in enumerate(everything):
        book = order_book(one, forming, 1)
        assert (book.bids[0], book.asks[0]) == (best.bid[place], best.ask[place])
        assert (book.bid_sizes[0], book.ask_sizes[0]) == (best.bid_size[place], best.ask_size[place])


def test_bids_stop_before_zero(tmp_path):
    """At a price of a few ticks there are fewer bids, and none is free."""
    write_candles(tmp_path, {"BTC": [("0.4", "0.9", "0.3", "0.5", "10.0")] * 90})
    parts = recorded(tmp_path, 1_800_000_000.0)

    book = parts.result("orderbook", category="linear", symbol="BTCUSDT", limit=50)

    assert 0 < len(book["b"]) < 10
    assert len(book["a"]) == 50
    assert float(book["b"][-1][0]) > 0


def test_ticker_candle_trade_and_book_tell_one_price(parts):
    """In one second all four agree on the last price."""
    query = {"category": "linear", "symbol": "BTCUSDT"}

    ticker = parts.result("tickers", **query)["list"][0]
    candle = parts.result("kline", **query, interval="1", limit=1)["list"][0]
    trade = parts.result("recent-trade", **query, limit=1)["list"][0]
    book = parts.result("orderbook", **query, limit=1)

    last = float(ticker["lastPrice"])
    assert last == float(candle[4]) == float(trade["price"])
    assert last in {float(book["b"][0][0]), float(book["a"][0][0])}
    assert ticker["bid1Price"] == f"{float(book['b'][0][0]):.{len(ticker['bid1Price'].partition('.')[2])}f}"
    assert json.dumps(ticker)


def test_the_24_hours_of_a_ticker_are_those_of_the_candles():
    """High, low, volume, turnover and the prices 24 h and 1 h ago."""
    parts = synthetic(NOW)
    query = {"category": "linear", "symbol": "ETHUSDT"}
    now_ms = int(NOW) * 1000
    start = now_ms // 60_000 * 60_000 - 86_400_000

    ticker = parts.result("tickers", **query)["list"][0]
    rows = []
    for part in (0, 1):
        begin = start + part * 1000 * 60_000
        rows += parts.result(
            "kline", **query, interval="1", limit=1000, start=begin, end=min(now_ms, begin + 999 * 60_000)
        )["list"][::-1]

    assert len(rows) == 1441
    assert float(ticker["highPrice24h"]) == max(float(row[2]) for row in rows)
    assert float(ticker["lowPrice24h"]) == min(float(row[3]) for row in rows)
    assert float(ticker["volume24h"]) == pytest.approx(sum(float(row[5]) for row in rows))
    assert float(ticker["turnover24h"]) == pytest.approx(sum(float(row[6]) for row in rows))
    assert float(ticker["prevPrice24h"]) == float(rows[0][1])
    assert float(ticker["prevPrice1h"]) == float(rows[-61][1])
