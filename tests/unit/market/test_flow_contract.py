"""Recorded trades, funding rates and open interest, through real ccxt clients and our edge."""

from __future__ import annotations

import numpy as np
import pytest

from market.errors import BadAnswer, NotSupported
from market.plain_markets import plain_markets
from market.universe import tracked_markets
from tests.support.fixtures import NOW, cases, load, markets_of
from tests.support.replay import replayed_exchange

AGES = 1e9


def test_recorded_trades_arrive_number_for_number():
    """Those of four exchanges, spot and perpetual: times, prices, amounts and the taker's side."""
    seen = set()
    for case in cases("fetchTrades"):
        trades = case.edge().trades(case.symbol, None, window_s=AGES)

        expected = sorted(case.expected, key=lambda one: one["timestamp"])
        assert trades.time.tolist() == [one["timestamp"] / 1000 for one in expected]
        assert sorted(trades.price) == sorted(one["price"] for one in expected)
        assert sorted(trades.amount) == sorted(one["amount"] for one in expected)
        assert sum(trades.side) == sum({"buy": 1, "sell": -1}[one["side"]] for one in expected)
        assert set(trades.last_ids) == {
            one["id"] for one in expected if one["timestamp"] == expected[-1]["timestamp"]
        }
        seen.add((case.exchange, case.symbol))

    assert seen == {
        ("bybit", "BTC/USDT"),
        ("bybit", "BTC/USDT:USDT"),
        ("okx", "BTC/USDT"),
        ("kraken", "BTC/USDT"),
        ("bitget", "BTC/USDT"),
        ("bitget", "BTC/USDT:USDT"),
    }


def test_coinbase_s_recorded_answer_gives_its_trade():
    """Ccxt reads a ticker and the trades from one address; the recorded answer is of that address."""
    (case,) = (one for one in cases("fetchTicker") if one.exchange == "coinbase")

    trades = case.edge().trades("BTC/USDC", None, window_s=AGES)

    assert (trades.price.tolist(), trades.amount.tolist()) == ([case.expected["last"]], [0.03720194])
    assert trades.time.tolist() == [case.expected["timestamp"] / 1000]
    assert (trades.side.tolist(), trades.last_ids) == ([1], ("635541194",))


def test_the_trades_of_a_perpetual_are_in_base_units():
    """OKX counts contracts of 0.01 BTC; its recorded spot answer stands in for one of the perpetual."""
    case = next(one for one in cases("fetchTrades") if one.exchange == "okx")
    raw = {**case.raw, "data": [{**row, "instId": "BTC-USDT-SWAP"} for row in case.raw["data"]]}
    exchange, _, _ = replayed_exchange("okx", markets_of("okx"), lambda _url: raw, clock=lambda: NOW)

    trades = exchange.trades("BTC/USDT:USDT", None, window_s=AGES)

    assert trades.amount.tolist() == pytest.approx([float(case.raw["data"][0]["sz"]) * 0.01], rel=1e-15)


def test_recorded_funding_rates_arrive_with_their_interval():
    """Bybit's and bitget's; the interval is the market's on bybit, the answer's own on bitget."""
    seen = []
    for method in ("fetchFundingRate", "fetchFundingRates", "fetchFundingInterval"):
        for case in cases(method):
            expected = case.expected.get("BTC/USDT:USDT", case.expected)
            if expected["fundingRate"] is None:
                with pytest.raises(BadAnswer, match="no funding rates"):
                    case.edge().funding(["BTC/USDT:USDT"])
                continue
            (funding,) = case.edge().funding(["BTC/USDT:USDT"]).values()

            assert funding.rate == expected["fundingRate"]
            assert funding.interval_h == 8.0
            assert funding.as_of == (expected["timestamp"] / 1000 if expected["timestamp"] else NOW)
            if expected["timestamp"]:
                assert funding.next_at == expected["fundingTimestamp"] / 1000
            seen.append(case.exchange)

    assert seen == ["bybit", "bitget", "bitget", "bybit", "bitget"]


def test_bitget_s_recorded_rate_names_its_next_settlement():
    """On the clock of that day."""
    case = next(one for one in cases("fetchFundingRate") if one.exchange == "bitget")
    asked_at = int(case.raw["requestTime"]) / 1000

    (funding,) = case.edge(clock=lambda: asked_at).funding(["BTC/USDT:USDT"]).values()

    assert funding.next_at == case.expected["fundingTimestamp"] / 1000
    assert funding.rate_8h == funding.rate


def test_recorded_open_interest_arrives_in_base_units():
    """Bybit's and bitget's own, and okx's, which counts contracts beside it."""
    seen = {}
    for case in cases("fetchOpenInterest"):
        exchange = case.edge()
        if case.exchange == "okx":  # the recorded answer is the present value, not the history
            exchange._client.has["fetchOpenInterestHistory"] = False
        if case.symbol == "BTC/USD:BTC":
            with pytest.raises(NotSupported, match="quote units"):
                exchange.open_interest(case.symbol, None)
            continue
        interest = exchange.open_interest(case.symbol, None)

        assert interest.amount == (case.expected["baseVolume"] or case.expected["openInterestAmount"],)
        assert interest.time == (case.expected["timestamp"] / 1000,)
        assert interest.as_of == interest.time[-1]
        seen[case.exchange] = interest.amount[0]

    assert seen == {"bybit": 62129.455, "okx": pytest.approx(26631.073), "bitget": 18166.3583}


CALLS = {
    "fetchTrades": lambda edge, symbol: edge.trades(symbol, None, window_s=AGES).to_plain(),
    "fetchOrderBook": lambda edge, symbol: edge.order_book(symbol).to_plain(),
    "fetchOHLCV": lambda edge, symbol: edge.candles(symbol, "1m", bars=5).to_plain(),
    "fetchTicker": lambda edge, symbol: edge.tickers([symbol]),
    "fetchFundingRate": lambda edge, symbol: edge.funding([symbol]),
    "fetchOpenInterest": lambda edge, symbol: edge.open_interest(symbol, None),
}


def outcome(call, edge, symbol):
    """The value, or what went wrong."""
    try:
        return call(edge, symbol)
    except (BadAnswer, NotSupported) as error:
        return type(error), error.reason


@pytest.mark.parametrize("method", CALLS)
def test_a_process_that_adopted_the_markets_reads_the_same(method):
    """Every recorded answer about a tracked market, once with all of ccxt's markets and once with ours."""
    compared = 0
    for case in cases(method):
        tracked = {market["symbol"] for market in tracked_markets(markets_of(case.exchange))}
        if case.symbol not in tracked:
            continue
        loaded = outcome(CALLS[method], case.edge(), case.symbol)

        assert outcome(CALLS[method], case.edge(adopted=True), case.symbol) == loaded
        compared += 1

    assert compared > 0


def test_a_recorded_list_of_options_alone_is_no_list_of_markets():
    """OKX's raw list of that day has 778 options; the perpetuals and spot markets must not vanish over it."""
    case = load("live-captures/okx/fetch_markets.json")
    exchange, _, _ = replayed_exchange("okx", {}, lambda _url: case["http_response"], clock=lambda: NOW)

    with pytest.raises(BadAnswer, match="0 markets to track"):
        exchange.universe(10)


@pytest.mark.parametrize(
    ("exchange", "kinds"),
    [
        ("bybit", {("swap", "USDT")}),
        ("okx", {("swap", "USDT")}),
        ("bitget", {("swap", "USDT")}),
        ("kraken", {("spot", "USDT"), ("spot", "USD")}),
        ("coinbase", {("spot", "USDT"), ("spot", "USD")}),
    ],
)
def test_what_is_tracked_of_the_markets_of_a_fixture(exchange, kinds):
    """Perpetuals in USDT; coinbase has them in USDC only, and is followed on spot like kraken."""
    made, _, _ = replayed_exchange(exchange, markets_of(exchange), lambda _url: {}, clock=lambda: NOW)

    assert {(one["type"], one["quote"]) for one in tracked_markets(markets_of(exchange))} == kinds
    has_perpetuals = ("swap", "USDT") in kinds
    assert ("funding" in made.inputs()) == has_perpetuals


def test_recorded_markets_keep_their_values_when_they_are_handed_on():
    """Those that ccxt made of Bybit's list; only what is quoted in USDT or USD is tracked."""
    recorded = load("live-captures/bybit/fetch_markets.json")["parsed_response"]

    plain = {one["symbol"]: one for one in plain_markets({one["symbol"]: one for one in recorded})}

    assert set(plain) == {one["symbol"] for one in recorded if one["quote"] == "USDT"}
    for expected in recorded:
        for name, value in plain.get(expected["symbol"], {"info": {}}).items():
            assert name == "info" or value == expected[name], name


def test_the_same_recorded_trades_twice_are_known_once():
    """Nothing is counted again when nothing was traded."""
    case = [one for one in cases("fetchTrades") if one.exchange == "okx"][-1]
    exchange = case.edge()
    first = exchange.trades(case.symbol, None, window_s=AGES)

    again = exchange.trades(case.symbol, first, window_s=AGES)

    assert again.to_plain() == first.to_plain()
    assert np.all(np.diff(again.time) >= 0)
