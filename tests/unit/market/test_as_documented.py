"""Answers as documented, not recorded: written by hand with the field names of the exchanges' own pages.

They show that units, signs and times come out of the edge as those pages say they are; what the
exchanges really send they cannot show.
"""

from __future__ import annotations

import pytest

from market.inputs import OpenInterest
from tests.support.replay import made_market, replayed_exchange

NOW = 1_700_000_400.0  # a multiple of five minutes, as exchanges' own rows are
NOW_MS = round(NOW * 1000)
BTC = "BTC/USDT:USDT"
IDS = {
    "binance": ("BTCUSDT", 1.0),
    "kucoin": ("XBTUSDTM", 0.001),
    "gate": ("BTC_USDT", 0.0001),
    "okx": ("BTC-USDT-SWAP", 0.01),
    "bitget": ("BTCUSDT", 1.0),
}


def edge(exchange: str, answers):
    """An exchange with one perpetual that gives these answers, each by a part of its address."""
    name, size = IDS[exchange]
    market = made_market(BTC, id=name, contractSize=size, settleId="usdt" if exchange == "gate" else "USDT")

    def answer(url: str):
        (found,) = [raw for part, raw in answers.items() if part.replace("_", "-") in url.replace("_", "-")]
        return found

    made, client, _ = replayed_exchange(exchange, {BTC: market}, answer, clock=lambda: NOW)
    client.milliseconds = lambda: NOW_MS  # ccxt asks kucoin for a stretch of time
    return made


def kucoin(payload):
    """The frame of its answers."""
    return {"code": "200000", "data": payload}


def okx(payload):
    """The frame of its answers."""
    return {"code": "0", "msg": "", "data": payload}


def bitget(payload):
    """The frame of its answers."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": payload}


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


INTEREST = {
    "binance": {
        "openInterestHist": [
            {"symbol": "BTCUSDT", "sumOpenInterest": "20403.6", "sumOpenInterestValue": "150570784.1",
             "timestamp": NOW_MS}
        ]
    },
    "kucoin": {
        "open-interest": kucoin([{"symbol": "XBTUSDTM", "openInterest": "20403600", "ts": NOW_MS}])
    },
    "gate": {
        "contract_stats": [
            {"time": round(NOW), "open_interest": 204036000, "open_interest_usd": 150570784.1,
             "mark_price": 7380}
        ]
    },
    "okx": {
        "open-interest-history": okx([[str(NOW_MS), "2040360", "20403.6", "150570784.1"]])
    },
    "bitget": {
        "open-interest": bitget(
            {"openInterestList": [{"symbol": "BTCUSDT", "size": "20403.6"}], "ts": str(NOW_MS)}
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", INTEREST)
def test_open_interest_is_in_base_units(exchange):
    """20,403.6 BTC, however many contracts that is."""
    found = edge(exchange, INTEREST[exchange]).open_interest(BTC, None)

    assert found.amount == pytest.approx((20_403.6,))
    assert found.time == (NOW,)


def test_gate_s_documented_row_is_worth_what_it_says_in_contracts_of_ten():
    """2,851,725 contracts at 0.34619 are worth 9,872,386.7775 when each has ten units of base."""
    amount, price, value = 2_851_725, 0.34619, 9_872_386.7775

    assert amount * 10 * price == pytest.approx(value, rel=1e-9)


def test_bitget_s_present_values_become_an_hour():
    """No history there: what was known is gone on with."""
    previous = OpenInterest("bitget", BTC, (NOW - 300,), (20_000.0,), NOW - 300)

    found = edge("bitget", INTEREST["bitget"]).open_interest(BTC, previous)

    assert found.amount == (20_000.0, 20_403.6)


SOON_MS = NOW_MS + 3_600_000
FUNDING = {
    "binance": {
        "premiumIndex": [
            {"symbol": "BTCUSDT", "markPrice": "1", "lastFundingRate": "-0.0002", "nextFundingTime": SOON_MS,
             "interestRate": "0.0001", "time": NOW_MS}
        ],
        "fundingInfo": [{"symbol": "BTCUSDT", "fundingIntervalHours": 4}],
    },
    "kucoin": {
        "funding-rate": kucoin(
            [{"symbol": "XBTUSDTM", "nextFundingRate": "-0.0002", "fundingTime": SOON_MS,
              "currentGranularity": 14_400_000}]
        )
    },
    "gate": {
        "futures/usdt/contracts": [
            {"name": "BTC_USDT", "funding_rate": "-0.0002", "funding_interval": 14_400,
             "funding_next_apply": SOON_MS // 1000, "mark_price": "1"}
        ]
    },
    "okx": {
        "funding-rate": okx(
            [{"instId": "BTC-USDT-SWAP", "instType": "SWAP", "fundingRate": "-0.0002", "nextFundingRate": "",
              "fundingTime": str(SOON_MS), "nextFundingTime": str(SOON_MS + 14_400_000)}]
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", FUNDING)
def test_a_rate_of_four_hours_counts_twice_in_eight(exchange):
    """The interval is the exchange's own word; the next settlement is the coming one."""
    (found,) = edge(exchange, FUNDING[exchange]).funding([BTC]).values()

    assert (found.rate, found.interval_h, found.rate_8h) == (-0.0002, 4.0, -0.0004)
    assert found.next_at == SOON_MS / 1000
    assert found.as_of == NOW


def test_binance_s_intervals_are_asked_for_once_an_hour_and_are_eight_hours_where_it_lists_none():
    """Its list has those that were changed."""
    exchange = edge("binance", {**FUNDING["binance"], "fundingInfo": []})

    for _ in range(2):
        (found,) = exchange.funding([BTC]).values()

    assert found.interval_h == 8.0
    assert sum("fundingInfo" in url for url in exchange._client.session.urls) == 1


RATIOS = {
    "binance": {
        "globalLongShortAccountRatio": [
            {"symbol": "BTCUSDT", "longAccount": "0.6", "shortAccount": "0.4", "longShortRatio": "1.5",
             "timestamp": NOW_MS}
        ]
    },
    "okx": {
        "long-short-account-ratio-contract": okx([[str(NOW_MS), "1.5"]])
    },
    "bitget": {  # its documented example has a hundredth of the quotient in the last field
        "account-long-short": bitget(
            [{"longAccountRatio": "0.6", "shortAccountRatio": "0.4", "longShortAccountRatio": "0.015",
              "ts": str(NOW_MS)}]
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("exchange", RATIOS)
def test_three_long_accounts_for_two_short_ones_are_one_and_a_half(exchange):
    """On bitget from the two shares."""
    found = edge(exchange, RATIOS[exchange]).long_short(BTC)

    assert found.ratio == pytest.approx(1.5)
    assert found.as_of == NOW


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
