import math
import subprocess
import sys

import numpy as np
import pytest
import talib
from talipp import indicators as talipp
from talipp.ohlcv import OHLCV

from market import indicators
from market.series import Series
from tests.support.made_candles import flat, rising, walk
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import MINUTES, recorded

WARM = 600


def samples():
    """A walk, and three recorded symbols."""
    yield pytest.param(lambda: walk(WARM, seed=7), id="walk")
    for symbol in ("BTC", "ENA", "XMR"):
        yield pytest.param(
            lambda symbol=symbol: recorded(MINUTES)[f"{symbol}/USDT:USDT"].tail(WARM), id=f"recorded-{symbol}"
        )


@pytest.fixture(params=samples())
def candles(request):
    """Six hundred candles, made up or recorded."""
    return request.param()


@pytest.fixture
def series(candles):
    """The same, prepared."""
    return Series(candles)


def bars_of(series):
    """The bars as talipp wants them."""
    columns = (series.close, series.high, series.low, series.close, series.volume)
    return [OHLCV(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def same(ours, theirs):
    """Equal to a billionth."""
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("length", [10, 20, 30, 50, 100, 200])
def test_means_agree_with_talipp(series, length):
    """Simple and exponential means of every length that the rating uses."""
    closes = series.close.tolist()

    assert same(series.means[length - 1], talipp.SMA(length, closes)[-1])
    assert same(series.ema(length)[-1], talipp.EMA(length, closes)[-1])


def test_weighted_means_agree_with_talipp(series):
    """The Hull mean as one weighted sum, and the mean weighted by volume."""
    assert same(indicators.hull_mean(series.close, 9), talipp.HMA(9, series.close.tolist())[-1])
    assert same(
        indicators.volume_weighted_mean(series.close, series.volume, 20), talipp.VWMA(20, bars_of(series))[-1]
    )


@pytest.mark.parametrize("length", [9, 26, 52])
def test_channels_agree_with_talipp(series, length):
    """The highest high and lowest low of the Ichimoku lengths."""
    channel = talipp.DonchianChannels(length, bars_of(series))[-1]

    assert (series.highest[length - 1], series.lowest[length - 1]) == (channel.ub, channel.lb)


def test_the_relative_strength_and_its_stochastic_agree_with_talipp(series):
    """RSI 14, and K and D of the stochastic over it."""
    closes = series.close.tolist()
    recent = series.rsi[-18:]
    raw = indicators.position_in_range(recent, recent, recent, length=14, bars=5, tie=0.0)
    stochastic = talipp.StochRSI(14, 14, 3, 3, closes)[-1]

    assert same(series.rsi[-1], talipp.RSI(14, closes)[-1])
    assert same(sum(raw[-3:]) / 3, stochastic.k)


def test_positions_in_the_range_agree_with_talipp(series):
    """The raw stochastic, and Williams %R, which is it minus 100."""
    bars = bars_of(series)

    assert same(series.position, [each.k for each in talipp.Stoch(14, 3, bars)[-5:]])
    assert same(series.position[-1] - 100, talipp.Williams(14, bars)[-1])


def test_oscillators_agree_with_talipp(series):
    """The commodity channel index of the close and the ultimate oscillator."""
    closes_only = [OHLCV(close, close, close, close, 1.0) for close in series.close.tolist()]
    newest, before = indicators.commodity_channel(series.close, 20)

    assert same([before, newest], talipp.CCI(20, closes_only)[-2:])
    assert same(
        indicators.ultimate(series.high, series.low, series.close), talipp.UO(7, 14, 28, bars_of(series))[-1]
    )


def test_wilders_averages_agree_with_talipp_after_warm_up(candles):
    """ADX, both directional indices and the true range, whatever the first bars were seeded with.

    The prices are whole ticks, for talipp and TA-Lib let rounding decide between equal moves.
    """
    columns = [np.round(column * 1e4) for column in (candles.high, candles.low, candles.close)]
    bars = [OHLCV(close, high, low, close, 1.0) for high, low, close in zip(*map(list, columns), strict=True)]
    newest, _, plus, minus = indicators.directional(*columns[:2], indicators.atr(*columns, 14), 14)
    theirs = talipp.ADX(14, 14, bars)[-1]

    assert same((newest, plus, minus), (theirs.adx, theirs.plus_di, theirs.minus_di))
    assert same(newest, talib.ADX(*columns, 14)[-1])
    assert same(indicators.atr(*columns, 14), talipp.ATR(14, bars)[-1])


def test_macd_is_seeded_with_the_first_closes_of_each_mean(series):
    """Line and signal agree with talipp on a short series, where TA-Lib's own MACD does not."""
    closes = series.close[:60]
    line = (indicators.ema(closes, 12) - indicators.ema(closes, 26))[25:]
    theirs = talipp.MACD(12, 26, 9, closes.tolist())[-1]

    assert same((line[-1], indicators.ema(line, 9)[-1]), (theirs.macd, theirs.signal))
    assert not same(talib.MACD(closes, 12, 26, 9)[0][-1], theirs.macd)


def test_the_slope_is_that_of_least_squares(series):
    """The polynomial fit of numpy finds the same line."""
    fitted = np.polyfit(np.arange(20), series.close[-20:], 1)[0]

    assert same(indicators.line_slope(series.close, 20), fitted)


def test_swings_agree_with_a_loop_over_the_bars(series):
    """The last confirmed high and low are those that a plain search backwards finds."""
    by_hand = ByHand(series)
    at = series.bars - 1
    top, bottom = indicators.last_swing_high(series.high), indicators.last_swing_low(series.low)

    assert by_hand.broken(at) == (series.last > top) - (series.last < bottom)


def test_a_swing_counts_from_the_second_bar_after_it():
    """One bar after its top a swing is not confirmed; a plateau is none."""
    assert indicators.last_swing_high(np.array([1.0, 2, 5, 3])) is None
    assert indicators.last_swing_high(np.array([1.0, 2, 5, 3, 2])) == 5
    assert indicators.last_swing_high(np.array([1.0, 5, 5, 3, 2, 1])) is None
    assert indicators.last_swing_low(np.array([5.0, 4, 1, 3, 4])) == 1


def test_what_divides_by_nothing_is_absent():
    """Flat prices give None or NaN from every function that divides by a range."""
    series = Series(flat(100, price=0.3))
    columns = series.high, series.low, series.close

    assert np.isnan(series.rsi).all()
    assert all(math.isnan(position) for position in series.position)
    assert indicators.atr(*columns, 14) is None
    assert indicators.directional(*columns[:2], 1.0, 14) is None
    assert indicators.commodity_channel(series.close, 20) is None
    assert indicators.ultimate(*columns) is None
    assert indicators.volume_weighted_mean(series.close, series.volume * 0, 20) is None


def test_what_is_too_short_is_absent():
    """Nine bars are enough for nothing here, and nothing raises."""
    series = Series(walk(9))
    columns = series.high, series.low, series.close

    assert np.isnan(series.ema(10)).all()
    assert np.isnan(series.rsi).all()
    assert series.position == []
    assert indicators.hull_mean(series.close, 9) is None
    assert indicators.volume_weighted_mean(series.close, series.volume, 20) is None
    assert indicators.commodity_channel(series.close, 20) is None
    assert indicators.ultimate(*columns) is None
    assert indicators.atr(*columns, 14) is None
    assert indicators.directional(*columns[:2], 1.0, 14) is None
    assert indicators.last_swing_high(series.high[:4]) is None


def test_one_sided_movement_has_an_index():
    """Only gains give 100, not an absent value."""
    assert Series(rising(50)).rsi[-1] == 100


def test_a_series_is_in_units_of_its_newest_close():
    """Prices are relative, equal ones stay equal, and volume is left alone."""
    candles = walk(200, price=0.000123, tick=1e-6)
    series = Series(candles)

    assert series.last == 1
    assert len(np.unique(series.close)) == len(np.unique(candles.close))
    assert series.volume is candles.volume


def test_the_indicators_bring_no_data_frame_library_along():
    """A fresh interpreter imports no pandas, which would cost 80 MB in every process."""
    unwanted = ("pandas", "polars", "ccxt")
    code = f"import sys, market.timeframe_view; sys.exit(any(name in sys.modules for name in {unwanted}))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
