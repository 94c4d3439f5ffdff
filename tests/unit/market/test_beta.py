"""Claims about betas: the reference figures, an implementation in plain loops, and what is not compared."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from market.beta import WINDOWS, Beta, betas, leader_of
from simulator.synthetic import FIRST_DAY, SyntheticMarket
from tests.support.betas_by_hand import assert_by_hand
from tests.support.made_candles import flat, made
from tests.support.made_returns import WINDOW, market, one, series
from tests.support.recorded_candles import FIVE_MINUTES, HOURS, MINUTES, recorded

BTC = "BTC/USDT:USDT"


@pytest.mark.parametrize(("coin", "expected"), [("ETH", 1.32), ("XMR", 0.50), ("ENA", 2.33)])
def test_betas_are_the_reference_figures_to_two_decimals(coin, expected):
    """Real minutes of May 2025, all of them, by least squares."""
    minutes = recorded(MINUTES)

    found = one(minutes[BTC], minutes[f"{coin}/USDT:USDT"], bars=len(minutes[BTC]) - 1)

    assert round(found.ols.beta, 2) == expected


@pytest.mark.parametrize(("file", "timeframe"), [(FIVE_MINUTES, "5m"), (HOURS, "1h")])
def test_every_recorded_symbol_is_what_plain_loops_say(file, timeframe):
    """Both estimators, R2, n and the divergence, over the window that is used."""
    candles, bars = recorded(file), WINDOWS[timeframe]

    found = betas(candles[BTC], candles, bars=bars)

    for symbol, figures in found.items():
        if symbol != BTC:
            assert_by_hand(figures, candles[BTC], candles[symbol], bars)


def test_bars_that_were_filled_are_not_compared():
    """Neither the filled bar nor the one after it, whose return spans the hole; of either series."""
    x, y = market()
    filled = [np.isin(np.arange(WINDOW + 1), holes) for holes in ((20, 21, 90), (50, 90, 149))]
    leader, other = series(x, filled=filled[0]), series(y, filled=filled[1])

    found = one(leader, other)

    # Filled or after a filled one: 20, 21, 22, 90, 91 here and 50, 51, 149, 150 there.
    assert found.ols.n == WINDOW - 9
    assert found.as_of == leader.closed_at - 2 * 300
    assert found.divergence_z is None
    assert found.reason == "divergence: the newest common bar is 2 bars old"


def test_series_that_begin_and_end_elsewhere_are_compared_by_time():
    """A younger listing, one bar late, and one that is already ahead."""
    x, y = market()
    leader = series(x)
    young, ahead = series(y[15:-1], start=15), series(np.append(y, 0.5))

    found = betas(leader, {"YOUNG": young, "AHEAD": ahead}, bars=WINDOW)

    assert_by_hand(found["YOUNG"], leader, young, WINDOW)
    assert found["YOUNG"].ols.n == WINDOW - 15 - 1
    assert_by_hand(found["AHEAD"], leader, ahead, WINDOW)


def test_only_the_window_counts():
    """What is older than it changes nothing."""
    x, y = market(400)
    leader, other = series(x), series(y)
    changed = replace(other, close=np.concatenate((other.close[:200] * 3, other.close[200:])))

    assert one(leader, other) == one(leader, changed)


def test_bars_across_those_of_the_leader_are_not_common():
    """An exchange whose bars begin at odd times says nothing, and says so."""
    x, y = market()
    odd = series(y)

    found = one(series(x), replace(odd, first_open_ms=odd.first_open_ms + 1000))

    assert found == Beta(reason="needs 30 bars in common with BTC, has 0")


def test_another_timeframe_is_refused():
    """That is a mistake of the caller, not a property of the market."""
    x, y = market()

    with pytest.raises(ValueError, match="cannot compare 1m with 5m"):
        one(series(x), series(y, timeframe="1m"))


@pytest.mark.parametrize(("bars", "there"), [(29, False), (30, True)])
def test_below_thirty_common_bars_there_is_no_beta(bars, there):
    """Null with its reason; from thirty on a beta, the divergence only from 120."""
    x, y = market(bars)

    found = one(series(x), series(y))

    assert (found.ols is not None, found.ewma is not None) == (there, there)
    reason = (
        "divergence: needs 120 common bars, has 30" if there else "needs 30 bars in common with BTC, has 29"
    )
    assert (found.divergence_z, found.reason) == (None, reason)


def test_what_does_not_move_has_no_beta_and_says_who():
    """No division by a variance of zero, whichever of the two stands still."""
    x, y = market()
    still = flat(WINDOW + 1, timeframe="5m")

    assert one(series(x), still) == Beta(
        as_of=series(x).closed_at, reason="the price did not move in the common bars"
    )
    assert one(still, series(y)).reason == "BTC did not move in the common bars"


def test_prices_that_stood_still_lately_have_no_weighted_beta():
    """What weighs nothing any more does not count as movement: 0.94 ** 1200 is 5e-33."""
    x, y = market(2400)
    y[1200:] = 0.0

    found = one(series(x), series(y), bars=2400)

    assert found.ols is not None
    assert found.ewma is None
    assert found.reason.startswith("exponentially weighted: the price did not move in the common bars")


@pytest.mark.parametrize("broken", [0.0, -1.0, math.nan, math.inf])
def test_a_price_that_is_none_takes_its_two_returns_with_it(broken):
    """The bar itself and the one after it are left out, and nothing is raised."""
    x, y = market()
    other = series(y)
    close = other.close.copy()
    close[100] = broken

    assert one(series(x), replace(other, close=close)).ols.n == WINDOW - 2


def test_nothing_to_compare_is_nothing():
    """No symbols, no figures; no leader among the symbols, no leader."""
    assert betas(series(market()[0]), {}, bars=WINDOW) == {}
    assert (
        one(flat(0, timeframe="5m"), series(market()[1])).reason == "needs 30 bars in common with BTC, has 0"
    )
    assert leader_of(["BTCDOM/USDT:USDT", "ETH/BTC"]) is None
    assert leader_of(["ETH/USDT", "BTC/USDT", "BTC/USDC"]) == "BTC/USDT"


def test_the_newest_residual_is_the_one_that_is_judged():
    """A jump of the last bar alone is a divergence of many deviations; upwards is positive."""
    x, y = market()
    y[-1] += 0.05

    assert one(series(x), series(y)).divergence_z > 8
    y[-1] -= 0.10
    assert one(series(x), series(y)).divergence_z < -8


def test_the_known_betas_of_the_synthetic_market_are_found_again():
    """Ten days of minutes: each within three standard errors, two of three within one.

    The errors are White's, since both markets are wild at the same hours.
    """
    coins = SyntheticMarket(symbols=12, seed=20_250_520)
    day = (FIRST_DAY + 1600) * 1440
    panel = coins.panel(day, day + 10 * 1440)
    candles = {name: _minutes(panel.series(row).close) for row, name in enumerate(coins.betas)}
    leader = candles["BTCUSDT"]

    found = betas(leader, candles, bars=len(leader) - 1)

    misses = [
        abs(found[name].ols.beta - beta) / _standard_error(leader, candles[name], found[name].ols.beta)
        for name, beta in coins.betas.items()
        if name != "BTCUSDT"
    ]
    assert max(misses) < 3
    assert sum(miss < 1 for miss in misses) >= len(misses) * 0.6
    assert found["BTCUSDT"].ols.beta == pytest.approx(1, abs=1e-12)


def _minutes(ticks):
    close = ticks.astype(np.float64)
    return made(close, close, close, close, np.ones(len(close)))


def _standard_error(leader, other, beta):
    x, y = np.diff(np.log(leader.close)), np.diff(np.log(other.close))
    x, y = x - x.mean(), y - y.mean()
    residuals = y - beta * x
    return math.sqrt((x * x * residuals * residuals).sum()) / (x * x).sum()
