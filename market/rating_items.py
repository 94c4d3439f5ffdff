"""The 26 items of TechnicalRating v3: each a rule that looks at series and votes on their newest bar.

A vote is +1, 0 or -1, or absent when the item cannot be computed. Numbers nearer than the ties of
`market.indicators` count as equal. A rule votes on all series at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market import indicators, weights
from market.indicators import INDEX_TIE, PRICE_TIE, signs

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.indicators import Votes
    from market.model import Flags, Floats
    from market.series import Series

    Rule = Callable[[Series], Votes]

ABSENT = 2
"""Of an item that cannot be computed, among the votes of many series."""

CONVERSION, BASE, LEAD = 9, 26, 52
TREND = "ema50"  # says whether the trend is up or down
TREND_STRENGTH = 20.0
AWESOME_FAST, AWESOME_SLOW = 5, 34
MOMENTUM = 10
TWO = 2  # the newest and the one before it
SMOOTHED_FROM = 5  # K is a mean of three positions, D of three Ks, which share all but one


def _silent(series: Series) -> Votes:
    return np.full(series.count, ABSENT, dtype=np.int8)


def _vote(buy: Flags, sell: Flags) -> Votes:
    return np.subtract(buy, sell, dtype=np.int8)


def _but_absent(votes: Votes, without: Flags) -> Votes:
    """The votes, absent where the numbers are."""
    votes[without] = ABSENT
    return votes


def _turning_back(newest: Floats, before: Floats, *, low: float, high: float) -> Votes:
    """+1 below `low` and rising, -1 above `high` and falling; absent when either value is NaN."""
    rise = newest - before
    votes = _vote(
        (newest - low < -INDEX_TIE) & (rise > INDEX_TIE), (newest - high > INDEX_TIE) & (rise < -INDEX_TIE)
    )
    return _but_absent(votes, np.isnan(rise))


def _crossed_back(raw: Floats) -> Votes:
    """+1 with K and D below 20 and K above D, -1 mirrored above 80; absent when a position is NaN.

    K and D are means of the newest three of five positions, and of three Ks.
    """
    slow = (raw[:, :3] + raw[:, 1:4] + raw[:, 2:5]) / 3
    fast, mean = slow[:, 2], (slow[:, 0] + slow[:, 1] + slow[:, 2]) / 3
    lead = fast - mean
    votes = _vote(
        (np.maximum(fast, mean) - 20.0 < -INDEX_TIE) & (lead > INDEX_TIE),
        (np.minimum(fast, mean) - 80.0 > INDEX_TIE) & (lead < -INDEX_TIE),
    )
    return _but_absent(votes, np.isnan(mean))


def _against(mean: str) -> Rule:
    """The close above or below one of its means."""

    def rule(series: Series) -> Votes:
        side = series.side(mean)
        return _silent(series) if side is None else side

    return rule


def _volume_weighted(series: Series) -> Votes:
    gap = indicators.volume_weighted_gap(series.moved, series.volume, 20)
    return _but_absent(signs(gap), np.isnan(gap))


def _middle(highest: Floats, lowest: Floats, length: int) -> Floats:
    return (highest[:, length - 1] + lowest[:, length - 1]) / 2


def _ichimoku(series: Series) -> Votes:
    if series.bars < LEAD + BASE:
        return _silent(series)

    conversion, base = (_middle(series.highest, series.lowest, length) for length in (CONVERSION, BASE))
    # The leads that stand above the newest bar were computed 26 bars ago.
    highest = indicators.newest_highest(series.high[:, :-BASE], LEAD)
    lowest = indicators.newest_lowest(series.low[:, :-BASE], LEAD)
    lead_a = (_middle(highest, lowest, CONVERSION) + _middle(highest, lowest, BASE)) / 2
    lead_b = _middle(highest, lowest, LEAD)
    steps = signs(np.array((lead_a - lead_b, base - lead_a, conversion - base, 1.0 - conversion)))
    return _vote(steps.min(axis=0) == 1, steps.max(axis=0) == -1)


def _rsi(series: Series) -> Votes:
    if series.rsi.shape[1] < TWO:
        return _silent(series)
    return _turning_back(series.rsi[:, -1], series.rsi[:, -2], low=30.0, high=70.0)


def _stochastic(series: Series) -> Votes:
    return _silent(series) if series.position.shape[1] < SMOOTHED_FROM else _crossed_back(series.position)


def _cci(series: Series) -> Votes:
    return _turning_back(*indicators.commodity_channel(series.moved, 20), low=-100.0, high=100.0)


def _adx(series: Series) -> Votes:
    newest, before, plus, minus = indicators.directional(series.high, series.low, series.atr, 14)
    growing = (newest - TREND_STRENGTH > INDEX_TIE) & (newest - before > INDEX_TIE)
    return _but_absent(signs(plus - minus, INDEX_TIE) * growing, np.isnan(newest))


def _awesome(series: Series) -> Votes:
    window = AWESOME_SLOW + 2
    if series.bars < window:
        return _silent(series)
    middle = (series.high[:, -window:] + series.low[:, -window:]) / 2 - 1.0
    difference = indicators.weighted(middle, weights.oscillation(AWESOME_FAST, AWESOME_SLOW, 3))
    older, before, newest = difference.T
    side = signs(newest)
    turned = (signs(newest - before) == side) & (signs(older - before) == side)
    return np.where(turned | (side != signs(before)), side, np.int8(0))


def _momentum(series: Series) -> Votes:
    if series.bars < MOMENTUM + 2:
        return _silent(series)
    gained = series.moved[:, -2:] - series.moved[:, -MOMENTUM - 2 : -MOMENTUM]
    return signs(gained[:, 1] - gained[:, 0])


def _macd(series: Series) -> Votes:
    histogram = series.newest("histogram")
    return _silent(series) if histogram is None else signs(histogram)


def _stochastic_rsi(series: Series) -> Votes:
    trend = series.side(TREND)
    if trend is None:
        return _silent(series)
    recent = series.rsi
    # Buy only against a falling trend, sell only against a rising one.
    votes = _crossed_back(
        indicators.position_in_range(recent, recent, recent, length=14, bars=SMOOTHED_FROM, tie=INDEX_TIE)
    )
    against = np.where(votes == -trend, votes, np.int8(0))
    return _but_absent(against, (votes == ABSENT) | np.isnan(recent).any(axis=1))


def _williams(series: Series) -> Votes:
    if series.position.shape[1] < TWO:
        return _silent(series)
    percent = series.position - 100.0
    return _turning_back(percent[:, -1], percent[:, -2], low=-80.0, high=-20.0)


def _bull_bear_power(series: Series) -> Votes:
    trend, mean, mean_before = series.side(TREND), series.newest("ema13"), series.newest("ema13 before")
    if trend is None or mean is None or mean_before is None:
        return _silent(series)
    (bull, bear), (bull_before, bear_before) = (
        (series.high[:, at] - 1.0 - each, series.low[:, at] - 1.0 - each)
        for at, each in ((-1, mean), (-2, mean_before))
    )
    return _vote(
        (trend > 0) & (bear < -PRICE_TIE) & (bear - bear_before > PRICE_TIE),
        (trend < 0) & (bull > PRICE_TIE) & (bull - bull_before < -PRICE_TIE),
    )


def _ultimate(series: Series) -> Votes:
    value = indicators.ultimate(series.high, series.low, series.close)
    return _but_absent(_vote(value - 70.0 > INDEX_TIE, value - 30.0 < -INDEX_TIE), np.isnan(value))


AVERAGES: dict[str, Rule] = {
    **{name: _against(name) for name in weights.MEANS},
    "hma9": _against("hma9"),
    "vwma20": _volume_weighted,
    "ichimoku": _ichimoku,
}
OSCILLATORS: dict[str, Rule] = {
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
