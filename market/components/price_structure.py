"""The price structure of one timeframe: place in the range, order of the means, breaks, slope.

All four are scale-free, lie in [-1, 1] and change their sign when the prices are mirrored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market import indicators
from market.components.definition import Component, Measured, SubScore, needs
from market.indicators import PRICE_TIE, sign

if TYPE_CHECKING:
    from market.series import Series

RANGE_BARS = 50
TREND_MEANS = (20, 50, 200)
SLOPE_BARS = 20
ATR_BARS = 14
SLOPE_SPAN = 4.0  # a rise of four average true ranges over the line gives tanh(1)

COMPONENT = Component(
    "price_structure",
    "timeframe",
    (
        SubScore("range", 0.3, "2 (c - low50) / (high50 - low50) - 1"),
        SubScore("trend", 0.3, "mean of sign(c - EMA20), sign(EMA20 - EMA50), sign(EMA50 - EMA200)"),
        SubScore("break", 0.2, "+1 above the last 5-bar swing high, -1 below the last swing low, else 0"),
        SubScore("slope", 0.2, "tanh(least-squares slope of 20 closes x 20 / (4 ATR14))"),
    ),
)


def measure(series: Series) -> Measured:
    """The four sub-scores of the newest closed bar."""
    return Measured.of(
        {
            "range": _range(series),
            "trend": _trend(series),
            "break": _break(series),
            "slope": _slope(series),
        }
    )


def _range(series: Series) -> float | str:
    if series.bars < RANGE_BARS:
        return needs(RANGE_BARS, series.bars)
    lowest = series.lowest[RANGE_BARS - 1]
    width = series.highest[RANGE_BARS - 1] - lowest
    if width <= PRICE_TIE:
        return f"no range in {RANGE_BARS} bars"
    return 2.0 * (series.last - lowest) / width - 1.0


def _trend(series: Series) -> float | str:
    if series.bars < max(TREND_MEANS):
        return needs(max(TREND_MEANS), series.bars)
    fast, middle, slow = (float(series.ema(length)[-1]) for length in TREND_MEANS)
    return (sign(series.last - fast) + sign(fast - middle) + sign(middle - slow)) / 3


def _break(series: Series) -> float | str:
    top, bottom = indicators.last_swing_high(series.high), indicators.last_swing_low(series.low)
    if top is None and bottom is None:
        return f"no confirmed swing in {series.bars} bars"
    above = top is not None and sign(series.last - top) > 0
    below = bottom is not None and sign(series.last - bottom) < 0
    # Above a high that lies under the last low is both at once, and says nothing.
    return float(above - below)


def _slope(series: Series) -> float | str:
    needed = max(SLOPE_BARS, ATR_BARS + 1)
    if series.bars < needed:
        return needs(needed, series.bars)
    slope = indicators.line_slope(series.close, SLOPE_BARS)
    if series.atr is None:
        return "no true range"
    return math.tanh(slope * SLOPE_BARS / (SLOPE_SPAN * series.atr))
