"""The price structure of one timeframe: place in the range, order of the means, breaks, slope.

All four are scale-free, lie in [-1, 1] and change their sign when the prices are mirrored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market.components.columns import NO_TRUE_RANGE, Column, bent, per_series
from market.components.definition import Component, SubScore, needs
from market.indicators import PRICE_TIE, last_swings, ratio, signs

if TYPE_CHECKING:
    from market.components.definition import Measured
    from market.series import Series

RANGE_BARS = 50
TREND_MEANS, TREND_BARS = ("ema20", "ema50", "ema200"), 200
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


def measure(series: Series) -> list[Measured]:
    """The four sub-scores of each series' newest closed bar."""
    columns = {
        "range": _range(series),
        "trend": _trend(series),
        "break": _break(series),
        "slope": _slope(series),
    }
    return per_series(columns, series.count)


def _range(series: Series) -> Column | str:
    if series.bars < RANGE_BARS:
        return needs(RANGE_BARS, series.bars)
    lowest = series.lowest[:, RANGE_BARS - 1]
    width = series.highest[:, RANGE_BARS - 1] - lowest
    narrow = width <= PRICE_TIE
    values = 2.0 * ratio(1.0 - lowest, width, ~narrow) - 1.0
    return Column(values, ((f"no range in {RANGE_BARS} bars", narrow),))


def _trend(series: Series) -> Column | str:
    fast, middle, slow = (series.newest(mean) for mean in TREND_MEANS)
    if fast is None or middle is None or slow is None:
        return needs(TREND_BARS, series.bars)
    steps = signs(np.array((-fast, fast - middle, middle - slow)))
    return Column(steps.sum(axis=0) / 3)


def _break(series: Series) -> Column:
    top, bottom = last_swings(series.high, series.low)
    # Above a high that lies under the last low is both at once, and says nothing.
    values = np.subtract(1.0 - top > PRICE_TIE, 1.0 - bottom < -PRICE_TIE, dtype=np.float64)
    without = np.isnan(top) & np.isnan(bottom)
    return Column(values, ((f"no confirmed swing in {series.bars} bars", without),))


def _slope(series: Series) -> Column | str:
    slope, needed = series.newest("slope20"), max(SLOPE_BARS, ATR_BARS + 1)
    if slope is None:
        return needs(needed, series.bars)
    steepness = slope * SLOPE_BARS / (SLOPE_SPAN * series.atr)
    return Column(bent(steepness), ((NO_TRUE_RANGE, np.isnan(series.atr)),))
