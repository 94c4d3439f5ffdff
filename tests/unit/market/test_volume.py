import math

import numpy as np
import pytest

from market.components import volume
from market.series import Series
from tests.support.inputs_by_hand import VolumeByHand
from tests.support.made_candles import flat, made, mirrored, rising, scaled, walk
from tests.support.recorded_candles import MINUTES, recorded

PRICES = ("open", "high", "low", "close", "volume")


def measured(candles):
    """The four sub-scores of the newest bar."""
    return volume.measure(Series.of([candles]))[0]


@pytest.mark.parametrize("symbol", ["ADA", "BTC", "XMR"])
def test_sub_scores_follow_their_formulas_on_recorded_candles(symbol):
    """All four equal plain loops, every 29th bar."""
    candles = recorded(MINUTES)[f"{symbol}/USDT:USDT"]
    hand = VolumeByHand(candles)

    for at in range(400, len(candles), 29):
        found = measured(made(*(getattr(candles, name)[at - 400 : at + 1] for name in PRICES)))
        assert found.values == pytest.approx(hand.all(at), abs=1e-9), at


def test_each_formula_on_numbers_worked_out_with_a_pencil():
    """Twenty bars like bar one, then the odd one: a fall to the low on five times the volume.

    Quiet bars: o 100, h 101, l 99, c 100.5, v 1: (2 c - h - l) / (h - l) = 0.5. The last: o 100.5,
    h 101, l 98, c 98, v 5: (196 - 199) / 3 = -1. Volume of the newest 20 bars: 19 + 5 = 24.
    """
    quiet, last = (100.0, 101.0, 99.0, 100.5, 1.0), (100.5, 101.0, 98.0, 98.0, 5.0)
    found = measured(made(*np.array([quiet] * 20 + [last]).T)).values

    assert found["money_flow"] == pytest.approx((19 * 0.5 - 5) / 24)
    assert found["delta"] == pytest.approx((19 - 5) / 24)
    # Only the last close differs from the one before it.
    assert found["balance"] == pytest.approx(-5 / 24)
    mean = (19 * (101 + 99 + 100.5) / 3 + 5 * (101 + 98 + 98) / 3) / 24
    true_range = (13 * 2.0 + 3.0) / 14
    # Wilder: the mean of the first 14 ranges of 2, then five steps of 2 and one of 3.
    assert true_range == pytest.approx(2 + 1 / 14)
    assert found["vwap"] == pytest.approx(math.tanh((98 - mean) / true_range))


def test_every_bar_up_on_its_high_is_as_bullish_as_it_gets():
    """Closes at their highs, above their opens and above one another."""
    closes = np.arange(101.0, 131.0)
    found = measured(made(closes - 1, closes, closes - 1, closes, np.full(30, 7.0))).values

    assert (found["money_flow"], found["delta"], found["balance"]) == (1, 1, 1)
    assert found["vwap"] > 0.999


def test_only_the_newest_twenty_bars_count():
    """Whatever was traded before them, and however, changes nothing but the mean true range."""
    candles = walk(300, seed=4)
    old = measured(candles).values
    heavy = candles.volume.copy()
    heavy[:-20] *= 1e6
    new = measured(made(candles.open, candles.high, candles.low, candles.close, heavy)).values

    assert old == new


def test_a_bar_without_width_counts_nought_but_its_volume_counts():
    """High = low has no place for the close: the money flow of the others is diluted."""
    candles = rising(20)
    columns = [getattr(candles, name).copy() for name in PRICES]
    for column in columns[:4]:
        column[-1] = columns[3][-2]
    found = measured(made(*columns)).values

    # A rising bar spans 2 with the close half a step below the high: (1.5 - 0.5) / 2 = 0.5.
    assert found["money_flow"] == pytest.approx(19 * 0.5 / 20)
    assert found["delta"] == pytest.approx(19 / 20)


def test_nineteen_bars_have_nothing_and_twenty_lack_the_balance():
    """On-balance volume needs the close before its twenty bars."""
    short, enough = measured(walk(19)), measured(walk(20))

    assert set(short.values.values()) == {None}
    assert set(short.reasons.values()) == {"needs 20 bars, has 19"}
    assert enough.reasons == {"balance": "needs 21 bars, has 20"}
    assert measured(walk(21)).reasons == {}


def test_prices_that_never_move_are_neutral_and_have_no_distance():
    """Volume on neither side is 0; a distance in true ranges of nought is none."""
    found = measured(flat(300))

    assert found.values == {"money_flow": 0, "delta": 0, "balance": 0, "vwap": None}
    assert found.reasons == {"vwap": "no true range"}


def test_without_volume_in_twenty_bars_nothing_is_said():
    """All four divide by it."""
    candles = walk(300)
    silent = candles.volume.copy()
    silent[-20:] = 0
    found = measured(made(candles.open, candles.high, candles.low, candles.close, silent))

    assert set(found.values.values()) == {None}
    assert set(found.reasons.values()) == {"no volume in 20 bars"}


@pytest.mark.parametrize("symbol", ["BTC", "ENA"])
def test_units_and_mirror_hold_on_recorded_candles(symbol):
    """Every 211th window of real prices: mirrored prices mirror all four, another unit changes none."""
    candles = recorded(MINUTES)[f"{symbol}/USDT:USDT"]

    for end in range(300, len(candles), 211):
        window = made(*(getattr(candles, name)[end - 300 : end] for name in PRICES))
        there = measured(window).values
        assert measured(mirrored(window)).values == pytest.approx(
            {name: -value for name, value in there.items()}, abs=1e-7
        )
        assert measured(scaled(window, 1000.0)).values == pytest.approx(there, abs=1e-9)
