import subprocess
import sys

import numpy as np
import pytest
import talib
from talipp import indicators as talipp
from talipp.ohlcv import OHLCV

from market import indicators, weights
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
    return Series.of([candles])


def bars_of(series):
    """The bars as talipp wants them."""
    columns = (each[0] for each in (series.close, series.high, series.low, series.close, series.volume))
    return [OHLCV(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def same(ours, theirs):
    """Equal to a billionth; ours are those of one series."""
    return np.squeeze(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("length", [10, 20, 30, 50, 100, 200])
def test_means_agree_with_talipp(series, length):
    """Simple and exponential means of every length that the rating uses."""
    closes = series.close[0].tolist()

    assert same(1 + series.newest(f"sma{length}"), talipp.SMA(length, closes)[-1])
    assert same(1 + series.newest(f"ema{length}"), talipp.EMA(length, closes)[-1])


def test_weighted_means_agree_with_talipp(series):
    """The Hull mean as one weighted sum, and the mean weighted by volume."""
    gap = indicators.volume_weighted_gap(series.moved, series.volume, 20)

    assert same(1 + series.newest("hma9"), talipp.HMA(9, series.close[0].tolist())[-1])
    assert same(1 - gap, talipp.VWMA(20, bars_of(series))[-1])


def test_the_mean_of_the_power_and_the_one_before_agree_with_talipp(series):
    """Thirteen bars, now and one bar ago, whatever the newest close has added."""
    theirs = talipp.EMA(13, series.close[0].tolist())

    assert same(1 + series.newest("ema13"), theirs[-1])
    assert same(1 + series.newest("ema13 before"), theirs[-2])


@pytest.mark.parametrize("length", [9, 26, 52])
def test_channels_agree_with_talipp(series, length):
    """The highest high and lowest low of the Ichimoku lengths."""
    channel = talipp.DonchianChannels(length, bars_of(series))[-1]

    assert (series.highest[0, length - 1], series.lowest[0, length - 1]) == (channel.ub, channel.lb)


def test_the_relative_strength_and_its_stochastic_agree_with_talipp(series):
    """RSI 14, and K and D of the stochastic over it."""
    closes = series.close[0].tolist()
    recent = series.rsi
    raw = indicators.position_in_range(recent, recent, recent, length=14, bars=5, tie=0.0)
    stochastic = talipp.StochRSI(14, 14, 3, 3, closes)[-1]

    assert same(recent, talipp.RSI(14, closes)[-18:])
    assert same(raw[:, -3:].sum() / 3, stochastic.k)


def test_positions_in_the_range_agree_with_talipp(series):
    """The raw stochastic, and Williams %R, which is it minus 100."""
    bars = bars_of(series)

    assert same(series.position, [each.k for each in talipp.Stoch(14, 3, bars)[-5:]])
    assert same(series.position[:, -1] - 100, talipp.Williams(14, bars)[-1])


def test_oscillators_agree_with_talipp(series):
    """The commodity channel index of the close and the ultimate oscillator."""
    closes_only = [OHLCV(close, close, close, close, 1.0) for close in series.close[0].tolist()]
    newest, before = indicators.commodity_channel(series.close, 20)

    assert same([before, newest], talipp.CCI(20, closes_only)[-2:])
    assert same(
        indicators.ultimate(series.high, series.low, series.close), talipp.UO(7, 14, 28, bars_of(series))[-1]
    )


def test_wilders_averages_agree_with_talipp_after_warm_up(candles):
    """ADX, both directional indices and the true range, whatever the first bars were seeded with.

    The prices are whole ticks, for talipp and TA-Lib let rounding decide between equal moves.
    """
    columns = [np.round(column * 1e4)[None] for column in (candles.high, candles.low, candles.close)]
    rows = zip(*(column[0].tolist() for column in columns), strict=True)
    bars = [OHLCV(close, high, low, close, 1.0) for high, low, close in rows]
    newest, _, plus, minus = indicators.directional(*columns[:2], indicators.atr(*columns, 14), 14)
    theirs = talipp.ADX(14, 14, bars)[-1]

    assert same((newest, plus, minus), (theirs.adx, theirs.plus_di, theirs.minus_di))
    assert same(newest, talib.ADX(*(column[0] for column in columns), 14)[-1])
    assert same(indicators.atr(*columns, 14), talipp.ATR(14, bars)[-1])


def test_macd_is_seeded_with_the_first_closes_of_each_mean(series):
    """Line less signal agrees with talipp on a short series, where TA-Lib's own MACD does not."""
    closes = series.close[0, :60]
    theirs = talipp.MACD(12, 26, 9, closes.tolist())

    for bars in (34, 35, 60):
        assert same(closes[:bars] @ weights.histogram(bars), theirs[bars - 1].histogram)
    assert not same(talib.MACD(closes, 12, 26, 9)[2][-1], theirs[-1].histogram)


def test_the_slope_is_that_of_least_squares(series):
    """The polynomial fit of numpy finds the same line."""
    fitted = np.polyfit(np.arange(20), series.close[0, -20:], 1)[0]

    assert same(series.newest("slope20"), fitted)


def test_swings_agree_with_a_loop_over_the_bars(candles):
    """The last confirmed high and low are those that a plain search backwards finds."""
    by_hand = ByHand(candles)
    at, last = len(candles) - 1, float(candles.close[-1])
    top, bottom = (float(each[0]) for each in indicators.last_swings(candles.high[None], candles.low[None]))

    assert by_hand.broken(at) == (last > top) - (last < bottom)


def swings(*rows: list[int]):
    """The last swing high and low of bars that are each one price."""
    prices = np.array(rows, dtype=float)
    return indicators.last_swings(prices, prices)


def test_a_swing_counts_from_the_second_bar_after_it():
    """One bar after its top a swing is not confirmed; a plateau is none."""
    assert np.isnan(swings([1, 2, 5, 3])[0])
    assert swings([1, 2, 5, 3, 2])[0] == 5
    assert np.isnan(swings([1, 5, 5, 3, 2, 1])[0])
    assert swings([5, 4, 1, 3, 4])[1] == 1


def test_a_swing_of_long_ago_is_found_behind_a_steady_rise():
    """It is looked for beyond the newest bars, and by each of several series for itself."""
    near, far = [*range(1, 60), 58, 57], [1, 2, 70, 3, 2, *range(4, 60)]

    assert swings(near, far)[0].tolist() == [59, 70]


def test_what_divides_by_nothing_is_absent():
    """Flat prices give NaN from every function that divides by a range."""
    series = Series.of([flat(100, price=0.3)])
    columns = series.high, series.low, series.close

    nothing = (
        series.rsi,
        series.position,
        indicators.atr(*columns, 14),
        *indicators.directional(*columns[:2], np.ones(1), 14),
        *indicators.commodity_channel(series.close, 20),
        indicators.ultimate(*columns),
        indicators.volume_weighted_gap(series.moved, series.volume * 0, 20),
    )
    assert all(each.size and np.isnan(each).all() for each in nothing)


def test_what_is_too_short_is_absent():
    """Nine bars are enough for nothing here, and nothing raises."""
    series = Series.of([walk(9)])
    columns = series.high, series.low, series.close

    assert {series.newest(name) for name in (*weights.MEANS, "hma9", "ema13", "slope20", "histogram")} == {
        None
    }
    assert series.rsi.size == series.position.size == 0
    nothing = (
        indicators.volume_weighted_gap(series.moved, series.volume, 20),
        *indicators.commodity_channel(series.close, 20),
        indicators.ultimate(*columns),
        indicators.atr(*columns, 14),
        *indicators.directional(*columns[:2], np.ones(1), 14),
        *indicators.last_swings(series.high[:, :4], series.low[:, :4]),
    )
    assert all(each.size and np.isnan(each).all() for each in nothing)


def test_one_sided_movement_has_an_index():
    """Only gains give 100, not an absent value."""
    assert Series.of([rising(50)]).rsi[0, -1] == 100


def test_a_series_is_in_units_of_its_newest_close():
    """Prices are relative, equal ones stay equal, and volume is left alone."""
    candles = walk(200, price=0.000123, tick=1e-6)
    series = Series.of([candles])

    assert series.close[0, -1] == 1
    assert len(np.unique(series.close)) == len(np.unique(candles.close))
    assert series.volume[0].tobytes() == candles.volume.tobytes()


def test_the_indicators_bring_no_data_frame_library_along():
    """A fresh interpreter imports no pandas, which would cost 80 MB in every process."""
    unwanted = ("pandas", "polars", "ccxt")
    code = f"import sys, market.timeframe_view; sys.exit(any(name in sys.modules for name in {unwanted}))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
