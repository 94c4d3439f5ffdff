"""The volume of one timeframe: on which side of each bar, and of the mean price, the volume was traded.

All four are ratios of volume to volume or of price to price, lie in [-1, 1] and change their sign when
the prices are mirrored. Sources: Chaikin's money flow, Granville's on-balance volume (1963).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market.components.columns import NO_TRUE_RANGE, Column, bent, per_series
from market.components.definition import Component, SubScore, needs
from market.indicators import PRICE_TIE, signs

if TYPE_CHECKING:
    from market.components.definition import Measured
    from market.indicators import Votes
    from market.model import Floats
    from market.series import Series

BARS = 20

COMPONENT = Component(
    "volume",
    "timeframe",
    (
        SubScore("money_flow", 0.3, "CMF20 = sum((2c - h - l) / (h - l) v) / sum(v)"),
        SubScore("delta", 0.3, "sum of v sign(c - o) over 20 bars / sum(v)"),
        SubScore("balance", 0.2, "(OBV - OBV 20 bars ago) / sum(v)"),
        SubScore("vwap", 0.2, "tanh((c - VWAP20) / ATR14), VWAP of (h + l + c) / 3"),
    ),
)
_NAMES = tuple(sub_score.name for sub_score in COMPONENT.sub_scores)


def measure(series: Series) -> list[Measured]:
    """The four sub-scores of each series' newest closed bar."""
    if series.bars < BARS:
        return per_series(dict.fromkeys(_NAMES, needs(BARS, series.bars)), series.count)
    volume = series.volume[:, -BARS:]
    traded = volume.sum(axis=1)
    silent = ~(traded > 0)
    traded[silent] = np.nan
    absent = ((f"no volume in {BARS} bars", silent),)

    def shared(counts: Floats | Votes) -> Floats:
        """What the volume of each bar counts, summed and shared out over all of it."""
        return np.asarray(np.einsum("nb,nb->n", volume, counts) / traded, dtype=np.float64)

    short = (needs(BARS + 1, series.bars), np.full(series.count, series.bars == BARS))
    still = (NO_TRUE_RANGE, np.isnan(series.atr))
    columns = {
        "money_flow": Column(shared(_place(series)), absent),
        "delta": Column(shared(_body(series)), absent),
        "balance": Column(shared(_step(series)), (*absent, short)),
        "vwap": Column(bent(shared(_gap(series)) / series.atr), (*absent, still)),
    }
    return per_series(columns, series.count)


def _place(series: Series) -> Floats:
    """Where each bar closed between its low (-1) and its high (+1); 0 for a bar without width."""
    high, low, close = (each[:, -BARS:] for each in (series.high, series.low, series.close))
    width = high - low
    above = (close - low) - (high - close)
    return np.divide(above, width, out=np.zeros(width.shape), where=width > PRICE_TIE)


def _body(series: Series) -> Votes:
    """Whether each bar rose or fell."""
    return signs(series.close[:, -BARS:] - series.open[:, -BARS:])


def _step(series: Series) -> Votes:
    """Whether each bar closed above or below the one before; with 20 bars alone the first has none."""
    steps = np.zeros((series.count, BARS), dtype=np.int8)
    closes = series.close[:, -BARS - 1 :]
    steps[:, -closes.shape[1] + 1 :] = signs(closes[:, 1:] - closes[:, :-1])
    return steps


def _gap(series: Series) -> Floats:
    """How far the newest close stands above the typical price of each bar."""
    high, low, close = (each[:, -BARS:] for each in (series.high, series.low, series.close))
    # From the newest close: prices that are all equal are then exactly at their mean.
    return 1.0 - (high + low + close) / 3
