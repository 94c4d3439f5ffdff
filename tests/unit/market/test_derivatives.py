"""Claims about account ratios, and about exchanges and markets that have no inputs of perpetuals."""

from __future__ import annotations

import pytest

from market.errors import BadAnswer, NotSupported
from tests.support.made_bybit import BTC, MARKETS, STARTED, bybit

FIVE = 300.0


def ratio_rows(*rows: tuple[float, str, str]):
    """Bybit's account ratios; seconds from the start."""
    made = [
        {
            "symbol": "BTCUSDT",
            "buyRatio": buy,
            "sellRatio": sell,
            "timestamp": str(round((STARTED + at) * 1000)),
        }
        for at, buy, sell in rows
    ]
    return {"retCode": 0, "result": {"list": made}}


def test_the_newest_account_ratio_counts():
    """Of whatever comes, in whatever order."""
    exchange, client, _ = bybit(ratio_rows((-FIVE, "0.6", "0.4"), (-2 * FIVE, "0.5", "0.5")))

    found = exchange.long_short(BTC)

    assert found.ratio == pytest.approx(1.5)
    assert found.as_of == STARTED - FIVE
    assert "period=5min&" in client.session.urls[0]
    assert client.session.urls[0].endswith("limit=1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ratio_rows(), "no account ratio"),
        (ratio_rows((-FIVE, "0", "1")), "not positive"),
        (ratio_rows((-FIVE, "x", "1")), "not positive|cannot be read"),
        (ratio_rows((-FIVE, "0.5", "1e-320")), "not positive"),
        (ratio_rows((3600.0, "0.5", "0.5")), "time that cannot be"),
    ],
)
def test_an_impossible_account_ratio_is_refused(raw, reason):
    """The value before it stays."""
    with pytest.raises(BadAnswer, match=reason):
        bybit(raw)[0].long_short(BTC)


@pytest.mark.parametrize(
    ("call", "ask"),
    [
        (("fetchOpenInterestHistory", "fetchOpenInterest"), lambda one: one.open_interest(BTC, None)),
        (("fetchFundingRates", "fetchFundingRate"), lambda one: one.funding([BTC])),
        (("fetchLongShortRatioHistory",), lambda one: one.long_short(BTC)),
    ],
)
def test_what_an_exchange_lacks_is_not_supported_and_not_among_its_inputs(call, ask):
    """Told without a call."""
    exchange, client, _ = bybit({})
    assert len(exchange.inputs()) == 7
    client.has.update(dict.fromkeys(call, False))

    with pytest.raises(NotSupported):
        ask(exchange)
    assert len(exchange.inputs()) == 6
    assert client.session.urls == []


@pytest.mark.parametrize(
    "ask", [lambda one: one.open_interest("BTC/USDT", None), lambda one: one.long_short("BTC/USDT")]
)
def test_a_spot_market_has_none_of_it(ask):
    """Told without a call."""
    exchange, client, _ = bybit({})

    with pytest.raises(NotSupported, match="spot market"):
        ask(exchange)
    assert client.session.urls == []


def test_an_exchange_that_is_followed_on_spot_has_no_inputs_of_perpetuals():
    """Once its markets are known to be spot, whatever ccxt could ask it for."""
    exchange, _, _ = bybit({}, markets={"BTC/USDT": MARKETS["BTC/USDT"]})

    assert exchange.inputs() == ("candles", "order_book", "trades", "breadth")
