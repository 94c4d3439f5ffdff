"""Indicators over float64 columns, oldest bar first.

TA-Lib where a recursion runs over all bars, numpy where the newest few bars are enough. With too
few bars a function gives None (or NaN, in a column); with a zero denominator it does too, never an
infinite or invented value. Prices are expected in units of the newest close, as
`market.series.Series` has them, so that the ties below are relative.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import talib

if TYPE_CHECKING:
    from market.model import Floats

# Two numbers nearer than this are equal: rounding must not vote. A tick is at least 1e-9 of a price
# and moves a 200-bar mean by 5e-12; rounding moves it by some 1e-15.
PRICE_TIE = 1e-12
# The same for indices that run from 0 to 100, where a division by a range of one tick amplifies.
INDEX_TIE = 1e-6

ULTIMATE_LENGTHS = (7, 14, 28)
ULTIMATE_WEIGHTS = (4.0, 2.0, 1.0)
CCI_CONSTANT = 0.015
FRACTAL_NEAR = 40


def _hull_weights(length: int) -> Floats:
    """A Hull mean is one weighted sum: WMA(2 WMA(length/2) - WMA(length), sqrt(length)), halves floored."""

    def linear(bars: int) -> Floats:
        return np.arange(1.0, bars + 1) / (bars * (bars + 1) / 2)

    half = np.zeros(length)
    half[length - length // 2 :] = linear(length // 2)
    return np.convolve(2 * half - linear(length), linear(int(length**0.5)))


def _line_weights(length: int) -> Floats:
    """The least-squares slope through `length` equally spaced points is one weighted sum."""
    steps = np.arange(length) - (length - 1) / 2
    return np.asarray(steps / (steps @ steps), dtype=np.float64)


_HULL = {9: _hull_weights(9)}
_LINE = {20: _line_weights(20)}
_COUNTS = np.arange(1.0, 201.0)
_ONES = np.ones(200)
_NOUGHT = np.zeros(1000)


def sign(difference: float, tie: float = PRICE_TIE) -> int:
    """+1, 0 or -1; 0 within the tie."""
    return (difference > tie) - (difference < -tie)


def ema(values: Floats, length: int) -> Floats:
    """Exponential mean seeded with the simple mean of the first `length`; NaN before that."""
    if len(values) < length:
        return np.full(len(values), np.nan)
    column: Floats = talib.EMA(values, length)
    return column


def newest_means(values: Floats, longest: int) -> Floats:
    """Item n - 1 is the mean of the newest n values, for n up to `longest` or the length."""
    sums = values[-longest:][::-1].cumsum()
    return np.asarray(sums / _COUNTS[: len(sums)], dtype=np.float64)


def newest_highest(high: Floats, longest: int) -> list[float]:
    """Item n - 1 is the highest of the newest n values."""
    reached: list[float] = np.maximum.accumulate(high[-longest:][::-1]).tolist()
    return reached


def newest_lowest(low: Floats, longest: int) -> list[float]:
    """Item n - 1 is the lowest of the newest n values."""
    reached: list[float] = np.minimum.accumulate(low[-longest:][::-1]).tolist()
    return reached


def hull_mean(close: Floats, length: int) -> float | None:
    """Hull moving average of the newest bar (Hull 2005), halves and root floored; needs 11 bars for 9."""
    weights = _HULL[length]
    if len(close) < len(weights):
        return None
    # The weights run from the oldest bar to the newest, as the column does.
    return float(close[-len(weights) :] @ weights)


def volume_weighted_mean(close: Floats, volume: Floats, length: int) -> float | None:
    """Mean of the newest closes weighted by volume; None without volume."""
    if len(close) < length:
        return None
    traded = float(volume[-length:] @ _ONES[:length])
    if traded <= 0:
        return None
    return float(close[-length:] @ volume[-length:]) / traded


def position_in_range(
    close: Floats, high: Floats, low: Floats, *, length: int, bars: int, tie: float
) -> list[float]:
    """100 (close - lowest) / (highest - lowest) over `length`, for the newest `bars` (or as many as exist).

    This is the raw %K of the stochastic, and Williams %R is it minus 100. NaN where the range is
    no wider than `tie`.
    """
    bars = min(bars, len(close) - length + 1)
    if bars < 1:
        return []
    window = length + bars - 1
    highest = talib.MAX(high[-window:], length)[-bars:].tolist()
    lowest = talib.MIN(low[-window:], length)[-bars:].tolist()
    return [
        100.0 * (price - bottom) / (top - bottom) if top - bottom > tie else math.nan
        for price, top, bottom in zip(close[-bars:].tolist(), highest, lowest, strict=True)
    ]


def rsi(close: Floats, length: int) -> Floats:
    """Wilder's relative strength index, 0 to 100; NaN before warm-up and where nothing has moved."""
    if len(close) <= length:
        return np.full(len(close), np.nan)
    column: Floats = talib.RSI(close, length)
    if not np.logical_and.reduce(column[length:]):
        # TA-Lib says 0 both for "only losses" and for "no move at all"; its CMO tells them apart.
        column[(column == 0) & (talib.CMO(close, length) == 0)] = np.nan
    return column


def atr(high: Floats, low: Floats, close: Floats, length: int) -> float | None:
    """Wilder's average true range of the newest bar in price units; needs length + 1 bars."""
    if len(close) <= length:
        return None
    newest = float(talib.ATR(high, low, close, length)[-1])
    return newest if newest > PRICE_TIE else None


def wilder_mean(values: Floats, length: int) -> Floats:
    """Wilder's running mean of values >= 0 without the first; seeded with the simple mean of `length`.

    TA-Lib has this recursion inside its average true range alone: over prices that fall back to
    nought the true range is the value itself.
    """
    nought = _NOUGHT[: len(values)] if len(values) <= len(_NOUGHT) else np.zeros(len(values))
    column: Floats = talib.ATR(values, nought, nought, length)
    return column


@lru_cache(maxsize=256)
def _wilder_weights(bars: int, length: int) -> Floats:
    """The newest of Wilder's means over `bars` values is one weighted sum."""
    # The first `length` values are in the mean alike: their simple mean is its seed.
    age = bars - 1 - np.maximum(np.arange(bars), length - 1)
    return np.asarray((1 - 1 / length) ** age / length, dtype=np.float64)


def directional(
    high: Floats, low: Floats, average_range: float | None, length: int
) -> tuple[float, float, float, float] | None:
    """Wilder's (ADX, ADX one bar ago, +DI, -DI), 0 to 100; needs 2 length + 1 bars; None without moves.

    `average_range` is the `atr` of the same length.

    Not talib.ADX: it takes the larger of two moves, and on a grid of ticks these are often equal, so
    that rounding decides. Here equal moves count for neither side, as Wilder has it.
    """
    if len(high) <= 2 * length or average_range is None:
        return None
    both = np.zeros((2, len(high)))
    rise, fall = both
    np.subtract(high[1:], high[:-1], out=rise[1:])
    np.subtract(low[:-1], low[1:], out=fall[1:])
    lead = rise - fall
    np.maximum(both, 0.0, out=both)
    np.copyto(rise, 0.0, where=lead <= PRICE_TIE)
    np.copyto(fall, 0.0, where=lead >= -PRICE_TIE)
    plus, minus = wilder_mean(rise, length)[length:], wilder_mean(fall, length)[length:]
    moves = plus + minus
    if not moves[0] > 0:  # undefined before the first move
        first = int((moves > 0).argmax())
        plus, minus, moves = plus[first:], minus[first:], moves[first:]
    if not moves[0] > 0 or len(moves) <= length:
        return None
    index = np.abs(plus - minus) / moves
    newest = float(index @ _wilder_weights(len(index), length))
    before = (length * newest - float(index[-1])) / (length - 1)
    unit = 100.0 / average_range
    return 100.0 * newest, 100.0 * before, unit * float(plus[-1]), unit * float(minus[-1])


def commodity_channel(close: Floats, length: int) -> tuple[float, float] | None:
    """Lambert's CCI of the close, (newest, one bar ago); needs length + 1 bars; None if all are equal."""
    if len(close) <= length:
        return None
    closes = close[-length - 1 :].tolist()
    newest, before = _channel_index(closes[1:]), _channel_index(closes[:-1])
    return None if newest is None or before is None else (newest, before)


def _channel_index(window: list[float]) -> float | None:
    mean = sum(window) / len(window)
    deviation = sum([abs(close - mean) for close in window]) / len(window)
    if deviation <= PRICE_TIE:
        return None
    return (window[-1] - mean) / (CCI_CONSTANT * deviation)


def ultimate(high: Floats, low: Floats, close: Floats) -> float | None:
    """Williams' ultimate oscillator over 7, 14 and 28 bars, 0 to 100; needs 29; None without a range."""
    longest = ULTIMATE_LENGTHS[-1]
    if len(close) <= longest:
        return None
    before = close[-longest - 1 : -1]
    floor = np.minimum(low[-longest:], before)
    pressure = (close[-longest:] - floor)[::-1].cumsum().tolist()
    span = (np.maximum(high[-longest:], before) - floor)[::-1].cumsum().tolist()
    if span[ULTIMATE_LENGTHS[0] - 1] <= PRICE_TIE:
        return None
    parts = [
        weight * pressure[length - 1] / span[length - 1]
        for length, weight in zip(ULTIMATE_LENGTHS, ULTIMATE_WEIGHTS, strict=True)
    ]
    return float(100.0 * sum(parts) / sum(ULTIMATE_WEIGHTS))


def last_swing_high(high: Floats) -> float | None:
    """The newest confirmed swing high: above the two bars on either side (a 5-bar fractal)."""
    # It mostly stands within a few bars: look there before looking everywhere.
    for bars in (FRACTAL_NEAR, len(high)):
        recent = high[-bars:].tolist()
        for at in range(len(recent) - 3, 1, -1):
            top = recent[at]
            if (
                top > recent[at + 1]
                and top > recent[at - 1]
                and top > recent[at + 2]
                and top > recent[at - 2]
            ):
                return float(top)
    return None


def last_swing_low(low: Floats) -> float | None:
    """The newest confirmed swing low: below the two bars on either side."""
    mirrored = last_swing_high(-low)
    return None if mirrored is None else -mirrored


def line_slope(close: Floats, length: int) -> float:
    """Slope of the least-squares line through the newest `length` closes, in price per bar."""
    # From the newest close: equal prices then have a slope of exactly nought, not of rounding's size.
    return float((close[-length:] - close[-1]) @ _LINE[length])
