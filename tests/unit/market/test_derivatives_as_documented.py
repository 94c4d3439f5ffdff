"""Open interest, funding and account ratios as the exchanges' own pages have them, through our edge."""

from __future__ import annotations

import pytest

from market.inputs import OpenInterest
from tests.support.as_documented import BTC, NOW, NOW_MS, bitget, edge, kucoin, okx

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
