"""Indicators over float64 columns (series, bar), oldest bar first: one number or a few for each series.

What is linear in its input is a weighted sum, as `market.weights` has it; TA-Lib where a recursion runs
over all bars. With too few bars or a zero denominator the number is NaN, never infinite or invented.
Prices are expected in units of the newest close, as `market.series.Series` has them, so that the ties
below are relative. Equal series get equal bytes, whatever is computed beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import talib

from market import weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from market.model import Flags, Floats

    Votes = NDArray[np.int8]

# Two numbers nearer than this are equal: rounding must not vote. A tick is at least 1e-9 of a price
# and moves a 200-bar mean by 5e-12; rounding moves it by some 1e-15.
PRICE_TIE = 1e-12
# The same for indices that run from 0 to 100, where a division by a range of one tick amplifies.
INDEX_TIE = 1e-6
# What is left of a move after so long that nothing has moved since, as TA-Lib has it.
NOTHING = 1e-14

ULTIMATE_LENGTHS = (7, 14, 28)
ULTIMATE_WEIGHTS = (4.0, 2.0, 1.0)
CCI_CONSTANT = 0.015
FRACTAL_BARS, FRACTAL_NEAR = 5, 40


def sign(difference: float, tie: float = PRICE_TIE) -> int:
    """+1, 0 or -1; 0 within the tie."""
    return (difference > tie) - (difference < -tie)


def signs(differences: Floats, tie: float = PRICE_TIE) -> Votes:
    """`sign` of each; what is NaN counts as 0."""
    return np.subtract(differences > tie, differences < -tie, dtype=np.int8)


def weighted(values: Floats, rows: Floats) -> Floats:
    """(series, row): the sum of each series with each row of weights."""
    # Not a product of matrices: how that one rounds depends on how many rows it has.
    sums: Floats = np.einsum("nb,kb->nk", values, rows)
    return sums


def absent(values: Floats) -> Floats:
    """NaN for each of the series."""
    return np.full(len(values), np.nan)


def ratio(top: Floats, bottom: Floats, where: Flags) -> Floats:
    """One by the other, NaN for the rest."""
    found: Floats = np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=where)
    return found


def newest_highest(high: Floats, longest: int) -> Floats:
    """Column n - 1 is the highest of the newest n values."""
    return np.maximum.accumulate(high[:, ::-1][:, :longest], axis=1)


def newest_lowest(low: Floats, longest: int) -> Floats:
    """Column n - 1 is the lowest of the newest n values."""
    return np.minimum.accumulate(low[:, ::-1][:, :longest], axis=1)


def volume_weighted_gap(moved: Floats, volume: Floats, length: int) -> Floats:
    """How far the newest close stands above the mean weighted by volume; `moved` are closes less it."""
    if moved.shape[1] < length:
        return absent(moved)
    traded = volume[:, -length:].sum(axis=1)
    gap = -np.einsum("nb,nb->n", moved[:, -length:], volume[:, -length:])
    return ratio(gap, traded, traded > 0)


def running(extreme: np.ufunc, values: Floats, length: int) -> Floats:
    """The highest or lowest of each `length` values that follow one another, by doubling."""
    span = 1
    while 2 * span <= length:
        values = extreme(values[:, :-span], values[:, span:])
        span *= 2
    rest = length - span
    return extreme(values[:, :-rest], values[:, rest:]) if rest else values


def position_in_range(
    close: Floats, high: Floats, low: Floats, *, length: int, bars: int, tie: float
) -> Floats:
    """100 (close - lowest) / (highest - lowest) over `length`, for the newest `bars` (or as many as exist).

    This is the raw %K of the stochastic, and Williams %R is it minus 100. NaN where the range is
    no wider than `tie`.
    """
    bars = min(bars, close.shape[1] - length + 1)
    if bars < 1:
        return np.empty((len(close), 0))
    window = length + bars - 1
    lowest = running(np.minimum, low[:, -window:], length)
    width = running(np.maximum, high[:, -window:], length) - lowest
    return ratio(100.0 * (close[:, -bars:] - lowest), width, width > tie)


def rsi(close: Floats, length: int, newest: int) -> Floats:
    """Wilder's relative strength index, 0 to 100, of the newest bars or as many as have one."""
    moves = close[:, 1:] - close[:, :-1]
    newest = min(newest, moves.shape[1] - length + 1)
    if newest < 1:
        return np.empty((len(close), 0))
    rises = np.maximum(moves, 0.0)
    gains, losses = (_wilder_newest(each, length, newest) for each in (rises, rises - moves))
    total = gains + losses
    return ratio(100.0 * gains, total, total > NOTHING)


def _wilder_newest(values: Floats, length: int, newest: int) -> Floats:
    """The newest of Wilder's means: one over all the older values, and the steps from there."""
    older = values.shape[1] - newest + 1
    last = np.einsum("nb,b->n", values[:, :older], weights.wilder(older, length))
    since = np.concatenate((last[:, None], values[:, older:]), axis=1)
    return weighted(since, weights.wilder_steps(newest, length))


def atr(high: Floats, low: Floats, close: Floats, length: int) -> Floats:
    """Wilder's average true range of the newest bar in price units; needs length + 1 bars."""
    if close.shape[1] <= length:
        return absent(close)
    before = close[:, :-1]
    ranges = np.maximum(high[:, 1:], before) - np.minimum(low[:, 1:], before)
    newest = np.einsum("nb,b->n", ranges, weights.wilder(ranges.shape[1], length))
    return np.where(newest > PRICE_TIE, newest, np.nan)


def wilder_means(values: Floats, length: int) -> Floats:
    """Wilder's running mean of each row without its first value, from the first that there is.

    TA-Lib has this recursion inside its average true range alone: over prices that fall back to
    nought the true range is the value itself.
    """
    nought = np.zeros(values.shape[1])
    means = np.empty((len(values), values.shape[1] - length))
    for row, mean in zip(values, means, strict=True):
        mean[:] = talib.ATR(row, nought, nought, length)[length:]
    return means


def directional(high: Floats, low: Floats, average_range: Floats, length: int) -> tuple[Floats, ...]:
    """Wilder's (ADX, ADX one bar ago, +DI, -DI), 0 to 100; needs 2 length + 1 bars; NaN without moves.

    `average_range` is the `atr` of the same length.

    Not talib.ADX: it takes the larger of two moves, and on a grid of ticks these are often equal, so
    that rounding decides. Here equal moves count for neither side, as Wilder has it.
    """
    count, bars = high.shape
    if bars <= 2 * length:
        return (absent(high),) * 4
    plus, minus = wilder_means(_moves(high, low), length).reshape(2, count, -1)
    total = plus + minus
    moving = total > 0
    index = ratio(np.abs(plus - minus), total, moving)
    newest = _mean_index(index, moving.argmax(axis=1), length)
    before = (length * newest - index[:, -1]) / (length - 1)
    # Without an average range there is nothing to compare the moves with.
    hundred = np.where(np.isnan(average_range + newest), np.nan, 100.0)
    unit = hundred / average_range
    return hundred * newest, hundred * before, unit * plus[:, -1], unit * minus[:, -1]


def _moves(high: Floats, low: Floats) -> Floats:
    """Rises of the highs, then falls of the lows, each where it is the larger of the two; bar 0 has none."""
    count, bars = high.shape
    both = np.zeros((2, count, bars))
    rise, fall = both
    np.subtract(high[:, 1:], high[:, :-1], out=rise[:, 1:])
    np.subtract(low[:, :-1], low[:, 1:], out=fall[:, 1:])
    lead = rise - fall
    np.maximum(both, 0.0, out=both)
    np.copyto(rise, 0.0, where=lead <= PRICE_TIE)
    np.copyto(fall, 0.0, where=lead >= -PRICE_TIE)
    return both.reshape(2 * count, bars)


def _mean_index(index: Floats, first: NDArray[np.intp], length: int) -> Floats:
    """Wilder's mean of each row's index from its first move on; NaN where that is too late, or never was."""
    found = absent(index)
    for begin in set(first.tolist()):
        bars = index.shape[1] - begin
        if bars > length:
            same = first == begin
            found[same] = np.einsum("nb,b->n", index[same, begin:], weights.wilder(bars, length))
    return found


def commodity_channel(close: Floats, length: int) -> tuple[Floats, Floats]:
    """Lambert's CCI of the close, (newest, one bar ago); needs length + 1 bars; NaN if all are equal."""
    if close.shape[1] <= length:
        return absent(close), absent(close)
    windows = np.array((close[:, -length:], close[:, -length - 1 : -1]))
    mean = windows.sum(axis=2) / length
    deviation = np.abs(windows - mean[:, :, None]).sum(axis=2) / length
    newest, before = ratio(windows[:, :, -1] - mean, CCI_CONSTANT * deviation, deviation > PRICE_TIE)
    return newest, before


def ultimate(high: Floats, low: Floats, close: Floats) -> Floats:
    """Williams' ultimate oscillator over 7, 14 and 28 bars, 0 to 100; needs 29; NaN without a range."""
    longest = ULTIMATE_LENGTHS[-1]
    if close.shape[1] <= longest:
        return absent(close)
    before = close[:, -longest - 1 : -1]
    floor = np.minimum(low[:, -longest:], before)
    pressure = (close[:, -longest:] - floor)[:, ::-1].cumsum(axis=1)
    span = (np.maximum(high[:, -longest:], before) - floor)[:, ::-1].cumsum(axis=1)
    ends = np.array(ULTIMATE_LENGTHS) - 1
    moved = span[:, ends[:1]] > PRICE_TIE
    parts = ratio(pressure[:, ends], span[:, ends], moved) * ULTIMATE_WEIGHTS
    return 100.0 * (parts[:, 0] + parts[:, 1] + parts[:, 2]) / sum(ULTIMATE_WEIGHTS)


def last_swings(high: Floats, low: Floats) -> tuple[Floats, Floats]:
    """The newest confirmed swing high and low: beyond the two bars on either side (a 5-bar fractal)."""
    # Lows turned over are highs.
    both = np.concatenate((high[:, -FRACTAL_NEAR:], -low[:, -FRACTAL_NEAR:]))
    found = _newest_top(both)
    without = np.isnan(found)
    # It mostly stands within a few bars: look there before looking everywhere.
    if high.shape[1] > FRACTAL_NEAR and without.any():
        found[without] = _newest_top(np.concatenate((high, -low))[without])
    return found[: len(high)], -found[len(high) :]


def _newest_top(values: Floats) -> Floats:
    if values.shape[1] < FRACTAL_BARS:
        return absent(values)
    middle = values[:, 2:-2]
    tops: Flags = (middle > values[:, 3:-1]) & (middle > values[:, 1:-3])
    tops &= (middle > values[:, 4:]) & (middle > values[:, :-4])
    newest = middle.shape[1] - 1 - tops[:, ::-1].argmax(axis=1)
    rows = np.arange(len(values))
    return np.where(tops[rows, newest], middle[rows, newest], np.nan)
