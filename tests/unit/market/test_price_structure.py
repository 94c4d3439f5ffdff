import math

import numpy as np
import pytest

from market import indicators
from market.components import price_structure
from market.series import Series
from tests.support.made_candles import flat, made, rising, walk
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import MINUTES, recorded

NAMES = ("range", "trend", "break", "slope")


def by_hand(columns, at):
    """The four sub-scores from plain loops."""
    return {name: columns.structure(at, name) for name in NAMES}


def measured(candles):
    """The four sub-scores of the newest bar."""
    return price_structure.measure(Series.of([candles]))[0]


@pytest.mark.parametrize("symbol", ["ADA", "BTC", "XMR"])
def test_sub_scores_follow_their_formulas_on_recorded_candles(symbol):
    """Range, trend, break and slope equal plain loops, every 29th bar."""
    candles = recorded(MINUTES)[f"{symbol}/USDT:USDT"]
    hand = ByHand(
        made(*(getattr(candles, name)[:1500] for name in ("open", "high", "low", "close", "volume")))
    )

    for at in range(400, 1500, 29):
        columns = (getattr(candles, name)[: at + 1] for name in ("open", "high", "low", "close", "volume"))
        assert measured(made(*columns)).values == pytest.approx(by_hand(hand, at), abs=1e-9), at


def test_sub_scores_follow_their_formulas_on_a_walk():
    """The same without recordings."""
    candles = walk(500, seed=5)

    assert measured(candles).values == pytest.approx(by_hand(ByHand(candles), 499), abs=1e-9)


def test_a_steady_rise_is_as_bullish_as_it_gets_but_for_its_wick():
    """Every mean below the next, no swing to break, and a slope of one range a bar."""
    found = measured(rising(300, step=1.0))

    assert found.values["trend"] == 1
    assert found.values["range"] == pytest.approx(2 * 50.5 / 51 - 1)
    assert found.values["break"] is None
    assert found.reasons == {"break": "no confirmed swing in 300 bars"}
    # Each bar spans two prices: half a step of wick on either side of a body of one.
    assert found.values["slope"] == pytest.approx(math.tanh(20 / (4 * 2.0)))


def test_too_few_bars_leave_the_longer_sub_scores_out():
    """Sixty bars have a range, a slope and swings, but no EMA200; the reason says so."""
    found = measured(walk(60))

    assert found.values["trend"] is None
    assert found.reasons == {"trend": "needs 200 bars, has 60"}


def test_a_handful_of_bars_has_nothing():
    """Four bars cannot even have a swing."""
    found = measured(walk(4))

    assert set(found.values.values()) == {None}
    assert found.reasons["range"] == "needs 50 bars, has 4"
    assert found.reasons["slope"] == "needs 20 bars, has 4"


def test_prices_that_never_move_have_a_neutral_trend_alone():
    """Equal means vote 0; what would divide by the range is absent."""
    found = measured(flat(300))

    assert found.values == {"range": None, "trend": 0.0, "break": None, "slope": None}
    assert found.reasons["range"] == "no range in 50 bars"
    assert found.reasons["slope"] == "no true range"


def swings(highs_and_lows, *, close):
    """Bars of the given highs and lows that all close alike."""
    high, low = np.array(highs_and_lows, dtype=float).T
    closes = np.full(len(high), close, dtype=float)
    return made(closes, np.maximum(high, close), np.minimum(low, close), closes, np.ones(len(high)))


@pytest.mark.parametrize(("close", "expected"), [(106.0, 1.0), (100.0, 0.0), (94.0, -1.0)])
def test_a_close_beyond_the_last_swing_is_a_break(close, expected):
    """Above the confirmed high +1, below the confirmed low -1, between them 0."""
    quiet = (101, 99)
    candles = swings([*[quiet] * 4, (105, 99), *[quiet] * 4, (101, 95), *[quiet] * 4], close=100)
    closes = candles.close.copy()
    closes[-1] = close
    broken = made(
        candles.open,
        np.maximum(candles.high, closes),
        np.minimum(candles.low, closes),
        closes,
        candles.volume,
    )

    assert measured(broken).values["break"] == expected


def test_a_close_above_the_last_high_and_below_the_last_low_is_no_break():
    """After a fall and a rise the last swing low can lie above the last swing high: both is neither."""
    high = [101] * 3 + [102] + [101] * 3 + [111] * 6 + [107]
    low = [99] * 7 + [109] * 3 + [107] + [109] * 2 + [104]
    closes = [100] * 7 + [110] * 6 + [105]
    candles = made(closes, high, low, closes, [1] * 14)

    top, bottom = indicators.last_swings(candles.high[None], candles.low[None])
    assert top < candles.close[-1] < bottom
    assert measured(candles).values["break"] == 0
