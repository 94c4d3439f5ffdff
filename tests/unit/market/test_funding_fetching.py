"""Claims about fetching funding rates: all with one call, each with its interval."""

from __future__ import annotations

import ccxt
import pytest
from structlog.testing import capture_logs

from market.derivatives import hours_of
from market.errors import BadAnswer, NotSupported, SymbolUnknown
from tests.support.made_bybit import BTC, MARKETS, STARTED, bybit
from tests.support.replay import made_market

ETH = "ETH/USDT:USDT"


def rate_rows(**rates: object):
    """Bybit's tickers with these rates."""
    rows = [
        {"symbol": name, "fundingRate": rate, "nextFundingTime": str(round((STARTED + 1800) * 1000))}
        for name, rate in rates.items()
    ]
    return {"retCode": 0, "result": {"category": "linear", "list": rows}, "time": STARTED * 1000}


def test_all_funding_rates_come_with_one_call():
    """Each with its interval, from what the market says, and the coming settlement."""
    markets = {
        **MARKETS,
        BTC: made_market(BTC, id="BTCUSDT", info={"fundingInterval": 480}),
        ETH: made_market(ETH, id="ETHUSDT", info={"fundingInterval": "240"}),
    }
    exchange, client, _ = bybit(rate_rows(BTCUSDT="0.0001", ETHUSDT="-0.0002"), markets=markets)

    found = exchange.funding([BTC, ETH])

    assert (found[BTC].rate, found[BTC].interval_h, found[BTC].rate_8h) == (0.0001, 8.0, 0.0001)
    assert (found[ETH].rate, found[ETH].interval_h, found[ETH].rate_8h) == (-0.0002, 4.0, -0.0004)
    assert (found[BTC].next_at, found[BTC].as_of) == (STARTED + 1800, STARTED)
    assert len(client.session.urls) == 1


def test_without_an_interval_there_is_no_rate_of_eight_hours():
    """It is not said, and not guessed."""
    (found,) = bybit(rate_rows(BTCUSDT="0.0001"))[0].funding([BTC]).values()

    assert (found.interval_h, found.rate_8h) == (None, None)


def test_a_symbol_without_a_rate_is_left_out():
    """A new listing has none yet, a spot market never, and neither takes the others' away."""
    exchange, _, _ = bybit(rate_rows(BTCUSDT="0.0001", ETHUSDT=""))

    assert list(exchange.funding([BTC, ETH, "BTC/USDT", "NEW/USDT:USDT"])) == [BTC]


@pytest.mark.parametrize("rate", ["7", "-0.6"])
def test_an_impossible_rate_is_left_out_and_told(rate):
    """A slip of the decimal point takes nobody else's rate away; where all are wrong, that is no answer."""
    exchange, _, _ = bybit(rate_rows(BTCUSDT=rate, ETHUSDT="0.0001"))

    with capture_logs() as logs:
        assert list(exchange.funding([BTC, ETH])) == [ETH]
    assert [(one["event"], one["dropped"]) for one in logs] == [("funding_dropped", 1)]
    with pytest.raises(BadAnswer, match="1 broken"):
        exchange.funding([BTC])


def test_no_rate_at_all_is_a_bad_answer():
    """Rates that were known stay."""
    with pytest.raises(BadAnswer, match="no funding rates"):
        bybit(rate_rows(ETHUSDT="0.1"))[0].funding([BTC])


@pytest.mark.parametrize(
    ("symbols", "kind"),
    [(["BTC/USDT"], NotSupported), (["NEW/USDT:USDT"], SymbolUnknown), ([], SymbolUnknown)],
)
def test_rates_of_nothing_are_not_asked_for(symbols, kind):
    """Spot has none, and what is not traded neither."""
    exchange, client, _ = bybit(rate_rows())

    with pytest.raises(kind):
        exchange.funding(symbols)
    assert client.session.urls == []


def test_where_there_is_no_call_for_all_each_rate_is_asked_for():
    """One call per symbol."""
    exchange, client, _ = bybit({})
    client.has["fetchFundingRates"] = False
    client.fetch_funding_rate = lambda symbol: {
        "fundingRate": 0.0003, "interval": "14400000", "symbol": symbol,
        "fundingTimestamp": (STARTED - 7200) * 1000, "nextFundingTimestamp": (STARTED + 7200) * 1000,
    }  # fmt: skip

    found = exchange.funding([BTC, ETH])

    assert {(one.rate, one.interval_h, one.next_at) for one in found.values()} == {
        (0.0003, 4.0, STARTED + 7200)
    }
    assert list(found) == [BTC, ETH]


@pytest.mark.parametrize("wrong", [ccxt.BadSymbol("gone"), TypeError("null")])
def test_one_that_is_asked_for_by_itself_and_has_none_costs_no_other_its_rate(wrong):
    """It is told of; with nothing but such ones the answer is bad."""
    exchange, client, _ = bybit({})
    client.has["fetchFundingRates"] = False

    def rate(symbol):
        if symbol == BTC:
            raise wrong
        return {"fundingRate": 0.0003, "interval": "8h", "symbol": symbol}

    client.fetch_funding_rate = rate

    with capture_logs() as logs:
        assert list(exchange.funding([BTC, ETH])) == [ETH]
    assert [(one["event"], one["dropped"]) for one in logs] == [("funding_dropped", 1)]
    with pytest.raises(BadAnswer, match="1 broken"):
        exchange.funding([BTC])


@pytest.mark.parametrize(
    ("said", "hours"),
    [("8h", 8.0), ("1h", 1.0), ("21600000", 6.0), ("0h", None), (None, None), ("", None), ("daily", None)],
)
def test_an_interval_is_hours_or_milliseconds(said, hours):
    """As ccxt writes it; anything else is not known."""
    assert hours_of(said) == hours
