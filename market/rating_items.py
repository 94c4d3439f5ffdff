"""The 26 items of TechnicalRating v3: each a rule that looks at one series and votes on its newest bar.

A vote is +1, 0 or -1, or None when the item cannot be computed. Numbers nearer than the ties of
`market.indicators` count as equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import talib

from market import indicators
from market.indicators import INDEX_TIE, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.series import Series

Vote = int | None

MEAN_LENGTHS = (10, 20, 30, 50, 100, 200)
CONVERSION, BASE, LEAD = 9, 26, 52
TREND = 50  # the EMA that says whether the trend is up or down
TREND_STRENGTH = 20.0
AWESOME_FAST, AWESOME_SLOW = 5, 34
MOMENTUM = 10
MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
SMOOTHED_FROM = 5  # K is a mean of three positions, D of three Ks, which share all but one


def _vote(buy: bool, sell: bool) -> int:  # noqa: FBT001 - the two halves of a rule, in this order everywhere
    return int(buy) - int(sell)


def _turning_back(newest: float, before: float, *, low: float, high: float) -> Vote:
    """+1 below `low` and rising, -1 above `high` and falling; None when either value is NaN."""
    if math.isnan(newest + before):
        return None
    rising = sign(newest - before, INDEX_TIE)
    return _vote(
        sign(newest - low, INDEX_TIE) < 0 < rising,
        rising < 0 < sign(newest - high, INDEX_TIE),
    )


def _crossed_back(fast: float, slow: float) -> int:
    """+1 with both lines below 20 and the fast one above the slow one, -1 mirrored above 80."""
    order = sign(fast - slow, INDEX_TIE)
    return _vote(
        sign(max(fast, slow) - 20.0, INDEX_TIE) < 0 < order,
        order < 0 < sign(min(fast, slow) - 80.0, INDEX_TIE),
    )


def _simple(length: int) -> Callable[[Series], Vote]:
    def rule(series: Series) -> Vote:
        if series.bars < length:
            return None
        return sign(series.last - float(series.means[length - 1]))

    return rule


def _exponential(length: int) -> Callable[[Series], Vote]:
    def rule(series: Series) -> Vote:
        if series.bars < length:
            return None
        return sign(series.last - float(series.ema(length)[-1]))

    return rule


def _hull(series: Series) -> Vote:
    mean = indicators.hull_mean(series.close, 9)
    return None if mean is None else sign(series.last - mean)


def _volume_weighted(series: Series) -> Vote:
    mean = indicators.volume_weighted_mean(series.close, series.volume, 20)
    return None if mean is None else sign(series.last - mean)


def _middle(highest: list[float], lowest: list[float], length: int) -> float:
    return (highest[length - 1] + lowest[length - 1]) / 2


def _ichimoku(series: Series) -> Vote:
    if series.bars < LEAD + BASE:
        return None

    conversion, base = (_middle(series.highest, series.lowest, length) for length in (CONVERSION, BASE))
    # The leads that stand above the newest bar were computed 26 bars ago.
    highest = indicators.newest_highest(series.high[:-BASE], LEAD)
    lowest = indicators.newest_lowest(series.low[:-BASE], LEAD)
    lead_a = (_middle(highest, lowest, CONVERSION) + _middle(highest, lowest, BASE)) / 2
    lead_b = _middle(highest, lowest, LEAD)
    steps = {
        sign(lead_a - lead_b),
        sign(base - lead_a),
        sign(conversion - base),
        sign(series.last - conversion),
    }
    return steps.pop() if len(steps) == 1 else 0


def _rsi(series: Series) -> Vote:
    if series.bars < 14 + 2:
        return None
    before, newest = series.rsi[-2:].tolist()
    return _turning_back(newest, before, low=30.0, high=70.0)


def _smoothed_twice(raw: list[float]) -> tuple[float, float] | None:
    """K and D: means of three of five raw positions, and of three Ks."""
    if len(raw) < SMOOTHED_FROM:
        return None
    slow = [(raw[at] + raw[at + 1] + raw[at + 2]) / 3 for at in range(3)]
    fast, mean = slow[2], sum(slow) / 3
    return None if math.isnan(mean) else (fast, mean)


def _stochastic(series: Series) -> Vote:
    lines = _smoothed_twice(series.position)
    return None if lines is None else _crossed_back(*lines)


def _cci(series: Series) -> Vote:
    index = indicators.commodity_channel(series.close, 20)
    return None if index is None else _turning_back(*index, low=-100.0, high=100.0)


def _adx(series: Series) -> Vote:
    movement = indicators.directional(series.high, series.low, series.atr, 14)
    if movement is None:
        return None
    newest, before, plus, minus = movement
    if sign(newest - TREND_STRENGTH, INDEX_TIE) <= 0 or sign(newest - before, INDEX_TIE) <= 0:
        return 0
    return sign(plus - minus, INDEX_TIE)


def _awesome(series: Series) -> Vote:
    window = AWESOME_SLOW + 2
    if series.bars < window:
        return None
    middle = (series.high[-window:] + series.low[-window:]) / 2
    difference = talib.SMA(middle, AWESOME_FAST) - talib.SMA(middle, AWESOME_SLOW)
    older, before, newest = difference[-3:].tolist()
    side = sign(newest)
    if side != sign(before):
        return side
    turned = sign(newest - before) == side and sign(older - before) == side
    return side if turned else 0


def _momentum(series: Series) -> Vote:
    if series.bars < MOMENTUM + 2:
        return None
    closes = series.close[-MOMENTUM - 2 :].tolist()
    return sign((closes[-1] - closes[-11]) - (closes[-2] - closes[-12]))


def _macd(series: Series) -> Vote:
    if series.bars < MACD_SLOW + MACD_SIGNAL - 1:
        return None
    # Not talib.MACD: that one seeds its fast mean late, not with the first 12 closes.
    line = (series.ema(MACD_FAST) - series.ema(MACD_SLOW))[MACD_SLOW - 1 :]
    return sign(float(line[-1] - indicators.ema(line, MACD_SIGNAL)[-1]))


def _stochastic_rsi(series: Series) -> Vote:
    if series.bars < TREND:
        return None
    recent = series.rsi[-18:]
    if math.isnan(recent @ recent):
        return None
    lines = _smoothed_twice(
        indicators.position_in_range(recent, recent, recent, length=14, bars=5, tie=INDEX_TIE)
    )
    if lines is None:
        return None
    # Buy only against a falling trend, sell only against a rising one.
    vote, trend = _crossed_back(*lines), _trend(series)
    return vote if vote == -trend else 0


def _trend(series: Series) -> int:
    return sign(series.last - float(series.ema(TREND)[-1]))


def _williams(series: Series) -> Vote:
    if series.bars < 14 + 1:
        return None
    before, newest = (position - 100.0 for position in series.position[-2:])
    return _turning_back(newest, before, low=-80.0, high=-20.0)


def _bull_bear_power(series: Series) -> Vote:
    if series.bars < TREND:
        return None
    mean = series.ema(13)[-2:]
    bull_before, bull = (series.high[-2:] - mean).tolist()
    bear_before, bear = (series.low[-2:] - mean).tolist()
    trend = _trend(series)
    return _vote(
        trend > 0 > sign(bear) and sign(bear - bear_before) > 0,
        trend < 0 < sign(bull) and sign(bull - bull_before) < 0,
    )


def _ultimate(series: Series) -> Vote:
    value = indicators.ultimate(series.high, series.low, series.close)
    if value is None:
        return None
    return _vote(sign(value - 70.0, INDEX_TIE) > 0, sign(value - 30.0, INDEX_TIE) < 0)


AVERAGES: dict[str, Callable[[Series], Vote]] = {
    **{f"sma{length}": _simple(length) for length in MEAN_LENGTHS},
    **{f"ema{length}": _exponential(length) for length in MEAN_LENGTHS},
    "hma9": _hull,
    "vwma20": _volume_weighted,
    "ichimoku": _ichimoku,
}
OSCILLATORS: dict[str, Callable[[Series], Vote]] = {
    "rsi14": _rsi,
    "stochastic": _stochastic,
    "cci20": _cci,
    "adx14": _adx,
    "awesome": _awesome,
    "momentum10": _momentum,
    "macd": _macd,
    "stochastic_rsi": _stochastic_rsi,
    "williams_r14": _williams,
    "bull_bear_power13": _bull_bear_power,
    "ultimate": _ultimate,
}
