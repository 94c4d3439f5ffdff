import math
import statistics
from itertools import pairwise

import numpy as np
import pytest

from market.overview import overview
from tests.support.made_candles import FIRST_OPEN_MS, flat, made, mirrored, rising, walk
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import HOURS, recorded

NOW = FIRST_OPEN_MS / 1000 + 50 * 3600
"""When fifty of the made-up hours have closed."""


COUNTED = ("up", "down", "flat", "turnover_24h", "breadth")


def row(symbol, change, turnover=1.0, price=1.0, exchange="simulated", state="live"):
    """A dashboard row."""
    return {
        "exchange": exchange, "symbol": symbol, "price": price,
        "change_24h": change, "turnover_24h": turnover, "price_state": state, "price_as_of": NOW - 90,
    }  # fmt: skip


def hours(bars):
    """A walk of hourly candles."""
    return walk(bars, timeframe="1h")


def test_rows_are_counted_by_their_change():
    """Up, down and flat add up to the symbols with a change; turnover to the sum of those known."""
    rows = [
        row("A/USDT", 1.0),
        row("B/USDT", -1.0),
        row("C/USDT", 0.0),
        row("D/USDT", 2.0),
        row("E/USDT", None, None),
    ]
    found = overview(rows, hourly_btc=None, now=NOW)

    assert (found["symbols"], found["up"], found["down"], found["flat"]) == (5, 2, 1, 1)
    assert found["breadth"] == 0.5
    assert found["turnover_24h"] == 4.0


def test_bitcoin_is_the_most_traded_of_its_rows():
    """Two exchanges, two rows; one without a price is passed over."""
    rows = [
        row("BTC/USDT:USDT", 1.0, 5.0, 100.0, "bybit"),
        row("BTC/USDT", 2.0, 9.0, 101.0, "okx"),
        row("BTC/USD", 3.0, 99.0, None, "kraken"),
        row("BTCDOM/USDT", 8.0, 999.0, 7.0),
    ]
    found = overview(rows, hourly_btc=None, now=NOW)

    assert (found["btc_price"], found["btc_change_24h"]) == (101.0, 2.0)


def test_what_cannot_be_computed_is_none_with_a_reason():
    """An empty market has no symbols, and a reason for everything else."""
    found = overview([], hourly_btc=None, now=NOW)

    nothing = set(found) - {"symbols", "missing", "late"}
    assert found["symbols"] == 0
    assert all(found[name] is None for name in nothing)
    assert set(found["missing"]) == nothing
    assert found["missing"]["btc_price"] == "BTC is not among the symbols"


def test_bitcoin_without_a_ticker_is_named():
    """Its row is there, its price is not."""
    found = overview([row("BTC/USDT", None, None, None)], hourly_btc=None, now=NOW)

    assert found["missing"]["btc_price"] == "BTC has no ticker yet"


@pytest.mark.parametrize(
    ("candles", "reason"),
    [
        (hours(24), "needs 25 hourly bars, has 24"),
        (flat(0, timeframe="1h"), "no candles"),
        (
            made(*[[1.0] * 30] * 5, timeframe="1h", filled=[True] * 3 + [False] * 27),
            "10.0% of the bars were filled, more than 5%",
        ),
    ],
)
def test_hours_that_are_too_few_or_too_gapped_give_a_reason(candles, reason):
    """No volatility from what was made up or is not there."""
    assert overview([], hourly_btc=candles, now=NOW)["missing"]["volatility"] == reason


def test_volatility_is_the_annualised_deviation_of_the_newest_week():
    """Sample deviation of 168 hourly log returns times the root of the hours in a year."""
    candles = hours(400)
    closes = candles.close[-169:].tolist()
    returns = [math.log(b / a) for a, b in pairwise(closes)]

    found = overview([], hourly_btc=candles, now=NOW)["volatility"]

    assert found == pytest.approx(statistics.stdev(returns) * math.sqrt(8760))


def test_the_regime_names_a_trend_and_its_direction():
    """A steady rise, its mirror, and prices that stand."""
    up = rising(100, timeframe="1h")

    assert overview([], hourly_btc=up, now=NOW)["regime"] == "trend_up"
    assert overview([], hourly_btc=mirrored(up), now=NOW)["regime"] == "trend_down"
    assert overview([], hourly_btc=flat(100, timeframe="1h"), now=NOW)["regime"] == "range"
    assert (
        overview([], hourly_btc=up.tail(28), now=NOW)["missing"]["regime"] == "needs 29 hourly bars, has 28"
    )


def test_the_regime_of_recorded_hours_follows_the_rule():
    """ADX above 25 by plain loops is a trend, every third hour of Bitcoin."""
    candles = recorded(HOURS)["BTC/USDT:USDT"]
    by_hand, words = ByHand(candles), []

    for at in range(40, len(candles), 3):
        columns = (getattr(candles, name)[: at + 1] for name in ("open", "high", "low", "close", "volume"))
        words.append(overview([], hourly_btc=made(*columns, timeframe="1h"), now=NOW)["regime"])
        trend = "trend_up" if by_hand.plus[at] > by_hand.minus[at] else "trend_down"
        assert words[-1] == (trend if by_hand.adx[at] > 25 else "range"), at

    assert len(set(words)) == 3


def test_constant_prices_have_no_volatility():
    """Nought is a value here, not an absence."""
    found = overview([], hourly_btc=flat(50, timeframe="1h"), now=NOW)

    assert found["volatility"] == 0
    assert np.isfinite(found["volatility"])


def test_what_bitcoin_said_long_ago_is_named_late():
    """Its price was not confirmed, its newest hour closed two hours ago: the numbers stay, marked."""
    rows = [row("BTC/USDT", 1.0, price=100.0, state="stale")]
    found = overview(rows, hourly_btc=hours(48), now=NOW)
    of_bitcoin = {name: reason for name, reason in found["late"].items() if name not in COUNTED}

    assert (found["btc_price"], found["volatility"] is None) == (100.0, False)
    assert of_bitcoin == {
        "btc_price": "price not confirmed since 01:58:30 UTC",
        "btc_change_24h": "price not confirmed since 01:58:30 UTC",
        "volatility": "the newest hour of BTC closed at 00:00:00 UTC",
        "regime": "the newest hour of BTC closed at 00:00:00 UTC",
    }


def test_what_is_counted_over_kept_prices_says_over_how_many():
    """One that the exchange left out still counts as it last stood, and the reader is told."""
    rows = [row("BTC/USDT", 1.0), row("ETH/USDT", -1.0, state="stale"), row("SOL/USDT", None, None, None)]
    found = overview(rows, hourly_btc=hours(50), now=NOW)

    assert (found["up"], found["down"]) == (1, 1)
    assert found["late"] == dict.fromkeys(COUNTED, "1 of 2 prices are not confirmed")


def test_what_is_current_or_missing_is_not_late():
    """The hour that is running is not overdue, and a null has its own reason."""
    current = overview([row("BTC/USDT", 1.0)], hourly_btc=hours(50), now=NOW + 3600)
    nothing = overview([row("BTC/USDT", None, None, None, state="stale")], hourly_btc=None, now=NOW)

    assert current["late"] == nothing["late"] == {}


def test_a_confirmed_bitcoin_goes_before_one_that_is_traded_more():
    """An exchange that is away does not set the price of the market."""
    rows = [row("BTC/USDT", 1.0, 9e9, 90.0, "okx", "stale"), row("BTC/USDT", 2.0, 1e6, 100.0, "bybit")]

    assert overview(rows, hourly_btc=None, now=NOW)["btc_price"] == 100.0
